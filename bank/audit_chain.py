"""Proves the log of decisions: its checkpoints are made again, and the beacons must agree.

A checkpoint's hash covers every row up to its time and the checkpoint before it; each beacon that
the bank signs, and boards keep, carries the newest hash. What a board keeps is a witness against
whoever can write the bank's database and has its key too.
"""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits
from bank.authority import Authority
from bank.queries import audit as queries
from bank.queries import news
from firmware.common.interchange.transaction import is_hex
from firmware.common.payment.certificate import check_bank_key
from firmware.common.payment.news import check_beacon
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.messages import BEACON, BKEY
from firmware.common.wire.signed import parse_signed

_FIRST_HEAD = bytes(32)


class Proof(NamedTuple):
    """What was looked at, and what is `broken` in words: nothing, if the log is intact.

    `rows` are covered by checkpoints up to `until` ("" before the first), `newer` by none yet.
    `witness` is the number of the beacon that a board has kept, 0 where none was brought.
    """

    checkpoints: int
    rows: int
    newer: int
    until: str
    head: str
    beacons: int
    signed: int
    witness: int
    broken: list[str]


def parse_head(text: str | None) -> bytes:
    """A hash of the log as people write it; "" for None. Raises `Refused`."""
    if text is None:
        return b""
    if not is_hex(text, 64):
        raise Refused(MALFORMED, "a hash of the log is 64 hex digits in lower case")
    return bytes.fromhex(text)


class Witness(NamedTuple):
    """The newest beacon that a board has kept, and the bank's keys as it knows them, unchecked."""

    beacon: Record
    bkeys: list[bytes]


def parse_witness(messages: list[tuple[int, bytes]]) -> Witness:
    """What a board, or GET /news, told: (type, message). Raises `Refused(MALFORMED)`."""
    beacons = [data for number, data in messages if number == BEACON.number]
    if len(beacons) != 1:
        raise Refused(MALFORMED, "a witness brings one beacon")
    bkeys = [data for number, data in messages if number == BKEY.number]
    return Witness(parse_signed(BEACON, beacons[0]), bkeys)


def verify(
    cursor: Cursor,
    authority: Authority | None,
    kept: bytes = b"",
    witness: Witness | None = None,
) -> Proof:
    """Makes every checkpoint again, in one view of the database; `kept` is a hash to be found."""
    queries.freeze_view(cursor)
    broken: list[str] = []
    heads, rows, until = _make_again(cursor, broken)
    beacons = _check_heads(cursor, heads, broken)
    signed = _check_signatures(cursor, authority, broken) if authority else 0
    if kept and kept not in heads:
        broken.append(f"no checkpoint has the hash {kept.hex()}")
    if witness:
        broken += _belied(cursor, authority, heads, witness)
    newer = queries.count_newer(cursor)
    seq = witness.beacon.seq if witness else 0
    head = heads[-1].hex()
    return Proof(len(heads) - 1, rows, newer, until, head, beacons, signed, seq, broken)


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


def _belied(
    cursor: Cursor, authority: Authority | None, heads: list[bytes], witness: Witness
) -> list[str]:
    """What a board's beacon shows to be wrong. One that the bank did not sign shows nothing."""
    beacon = witness.beacon
    name = f"the witness's beacon {beacon.seq}"
    if authority is None:
        return [f"{name} cannot be checked: no root has signed this bank's keys"]
    try:
        check_beacon(authority.realm8, _banks(authority, witness.bkeys), beacon.signed)
    except Refused:
        return [f"{name}: the bank did not sign it"]
    broken = []
    if news.select_beacon(cursor, beacon.seq) != beacon.signed:
        broken.append(f"{name}: the bank keeps another one, or none, of that number")
    places = {head: place for place, head in enumerate(heads)}
    place = places.get(beacon.audit_head, -1)
    first, last = 0, len(heads) - 1
    for seq, head in queries.select_beacon_heads(cursor):
        if head in places and seq < beacon.seq:
            first = max(first, places[head])
        elif head in places and seq > beacon.seq:
            last = min(last, places[head])
    if not first <= place <= last:
        broken.append(f"{name}: its hash is none of the log's at that place")
    return broken


def _banks(authority: Authority, bkeys: list[bytes]) -> list[Record]:
    """The bank's key, and those before it that the root signed too."""
    found = [authority.bank]
    for data in bkeys:
        try:
            found.append(check_bank_key(authority.root_public, data))
        except Refused:
            continue
    return found


def _check_signatures(cursor: Cursor, authority: Authority, broken: list[str]) -> int:
    """Of the newest beacons that the present key can have signed; how many.

    Those since its BKEY, and those before as far back as it signed one: its BKEY may be a renewed
    one, and an earlier key have signed the rest.
    """
    newest = news.select_newest_beacons(cursor, limits.BEACONS_CHECKED_MAX)
    signed = [_is_signed(authority, beacon) for _, _, beacon in newest]
    own = sum(t >= authority.bank.issued for _, t, _ in newest)
    count = max([own, *(place for place, is_good in enumerate(signed, 1) if is_good)])
    broken += [
        f"beacon {seq}: the bank did not sign it"
        for (seq, _, _), is_good in zip(newest[:count], signed, strict=False)
        if not is_good
    ]
    return count


def _is_signed(authority: Authority, beacon: bytes) -> bool:
    try:
        check_beacon(authority.realm8, [authority.bank], beacon)
    except Refused:
        return False
    return True
