"""Proves the log of decisions: its checkpoints are made again, and the beacons must agree.

A checkpoint's hash covers every row up to its time and the checkpoint before it; each beacon that
the bank signs, and boards keep, carries the newest hash.
"""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits
from bank.authority import Authority
from bank.queries import audit as queries
from bank.queries import news
from firmware.common.interchange.transaction import is_hex
from firmware.common.payment.news import check_beacon
from firmware.common.wire.errors import MALFORMED, Refused

_FIRST_HEAD = bytes(32)


class Proof(NamedTuple):
    """What was looked at, and what is `broken` in words: nothing, if the log is intact.

    `rows` are covered by checkpoints up to `until` ("" before the first), `newer` by none yet.
    """

    checkpoints: int
    rows: int
    newer: int
    until: str
    head: str
    beacons: int
    signed: int
    broken: list[str]


def parse_head(text: str | None) -> bytes:
    """A hash of the log as people write it; "" for None. Raises `Refused`."""
    if text is None:
        return b""
    if not is_hex(text, 64):
        raise Refused(MALFORMED, "a hash of the log is 64 hex digits in lower case")
    return bytes.fromhex(text)


def verify(cursor: Cursor, authority: Authority | None, kept: bytes = b"") -> Proof:
    """Makes every checkpoint again, in one view of the database; `kept` is a hash to be found."""
    queries.freeze_view(cursor)
    broken: list[str] = []
    heads, rows, until = _make_again(cursor, broken)
    beacons = _check_heads(cursor, heads, broken)
    signed = _check_signatures(cursor, authority, broken) if authority else 0
    if kept and kept not in heads:
        broken.append(f"no checkpoint has the hash {kept.hex()}")
    newer = queries.count_newer(cursor)
    return Proof(len(heads) - 1, rows, newer, until, heads[-1].hex(), beacons, signed, broken)


def _make_again(cursor: Cursor, broken: list[str]) -> tuple[list[bytes], int, str]:
    """The hashes as they are kept, from the first; how many rows they cover, and until when."""
    heads, rows, until = [_FIRST_HEAD], 0, ""
    for place, point in enumerate(queries.select_checkpoints(cursor), 1):
        count, head = queries.hash_rows(cursor, heads[-1], until or None, point.until)
        if point.seq != place:
            broken.append(f"checkpoint {point.seq}: it is the {place}. that is kept")
        if count != point.row_count:
            broken.append(f"checkpoint {point.seq}: {count} rows where {point.row_count} were")
        elif head != point.head:
            broken.append(f"checkpoint {point.seq}: one of its {count} rows is another one")
        heads.append(point.head)
        rows, until = rows + count, point.until
    return heads, rows, until


def _check_heads(cursor: Cursor, heads: list[bytes], broken: list[str]) -> int:
    """Beacons name the hashes in their order; how many there are."""
    count, place, places = 0, 0, {head: i for i, head in enumerate(heads)}
    for seq, head in queries.select_beacon_heads(cursor):
        found = places.get(head, -1)
        if found < place:
            broken.append(f"beacon {seq}: its hash is none of the log's from there on")
        count, place = count + 1, max(place, found)
    return count


def _check_signatures(cursor: Cursor, authority: Authority, broken: list[str]) -> int:
    """Of the newest beacons that the present key can have signed; how many."""
    since, count = authority.bank.issued, 0
    for seq, signed in news.select_newest_beacons(cursor, since, limits.BEACONS_CHECKED_MAX):
        try:
            check_beacon(authority.realm8, [authority.bank], signed)
        except Refused:
            broken.append(f"beacon {seq}: the bank did not sign it")
        count += 1
    return count
