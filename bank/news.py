"""The bank's news: a signed beacon of its clock, and what was revoked since a given number.

Public data. An answer that carries it is a bundle of messages: type1 || len2 || message, repeated.
"""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, limits, policy
from bank.authority import Office
from bank.queries import news as queries
from firmware.common.payment import news
from firmware.common.wire.limits import REVOCATIONS_MAX
from firmware.common.wire.messages import BEACON, BKEY, REVDELTA

Message = tuple[int, bytes]  # type, signed message


def messages(cursor: Cursor, office: Office, now: int, since: int) -> list[Message]:
    """BKEY, BEACON and the REVDELTAs of whoever holds the first `since` revocations."""
    rev_seq, signed = _beacon(cursor, office, now)
    found = [(BKEY.number, office.bank.signed), (BEACON.number, signed)]
    for _ in range(limits.NEWS_DELTAS_MAX):
        count = min(rev_seq - since, REVOCATIONS_MAX)
        if count <= 0:
            break
        ids = queries.select_revoked_ids(cursor, since, count)
        private = office.keys.signing_private
        delta = news.make_revocations(office.realm8, private, since, now, ids)
        found.append((REVDELTA.number, delta))
        since += count
    return found


def bundle(found: list[Message]) -> bytes:
    """The bytes of an answer: type1 || len2 || message, repeated."""
    return b"".join(
        bytes((number,)) + len(data).to_bytes(2, "big") + data for number, data in found
    )


def _beacon(cursor: Cursor, office: Office, now: int) -> tuple[int, bytes]:
    """(rev_seq, signed BEACON): the last one while it is young, else a new one."""
    rev_seq, root = queries.select_last_revocation(cursor) or (0, news.FIRST_ROOT)
    seq, t, last_rev_seq, signed = queries.select_last_beacon(cursor) or (0, 0, -1, b"")
    if rev_seq == last_rev_seq and now < t + limits.BEACON_AGE_S:
        return rev_seq, signed
    t = max(t, now)  # a clock that was set back stands still
    audit_head = audit.checkpoint(cursor)
    private = office.keys.signing_private
    signed = news.make_beacon(
        office.realm8, private, seq + 1, t, rev_seq, policy.packed(), root, audit_head
    )
    queries.insert_beacon(cursor, seq + 1, t, rev_seq, signed)
    return rev_seq, signed
