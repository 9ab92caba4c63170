"""Ends the trust in a purse or a device: it is revoked in the news, and proofs are kept."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit
from bank.queries import news, purses
from bank.queries.purses import CLOSED, OPEN, REVOKED, Purse
from firmware.common.payment.news import FIRST_ROOT, extend_root
from firmware.common.payment.proof import make_proof
from firmware.common.wire.errors import OK, PROVEN_CHEAT
from firmware.common.wire.messages import PURSE, TXN
from firmware.common.wire.signed import parse_signed


def revoke_id(cursor: Cursor, account_id: str, id8: bytes) -> int:
    """The number of the revocation of a purse or a device; made once."""
    known = news.select_revocation(cursor, id8)
    if known is not None:
        return known
    seq, root = news.select_last_revocation(cursor) or (0, FIRST_ROOT)
    news.insert_revocation(cursor, seq + 1, id8, extend_root(root, [id8]), account_id)
    return seq + 1


def revoke_purse(cursor: Cursor, purse: Purse, state: str, actor: str, reason: int = OK) -> Purse:
    """The locked purse, CLOSED or REVOKED from now on; one that has ended stays ended."""
    if purse.state == state or purse.state not in (OPEN, CLOSED):
        return purse
    seq = revoke_id(cursor, purse.payer_account, purse.purse_id)
    purses.update_state(cursor, purse.key, state, seq)
    subject = f"purse {purse.purse_id.hex()}"
    action = "close purse" if state == CLOSED else "revoke purse"
    row = audit.decision(purse.payer_account, actor, action, subject, reason, seq=seq)
    audit.write(cursor, [row])
    return purse._replace(state=state, revoked_seq=seq)


def revoke_devices(cursor: Cursor, account_id: str, device_ids: list[bytes], actor: str) -> None:
    """Ends the trust in locked devices of an account and in their purses, for good."""
    keys = purses.select_open(cursor, account_id, device_ids)
    for purse in (purses.select_purses(cursor, keys) if keys else {}).values():
        revoke_purse(cursor, purse, REVOKED, actor)
    for device_id in device_ids:
        if news.select_revocation(cursor, device_id) is None:
            seq = revoke_id(cursor, account_id, device_id)
            subject = f"device {device_id.hex()}"
            row = audit.decision(account_id, actor, "revoke device", subject, OK, seq=seq)
            audit.write(cursor, [row])


def accuse(cursor: Cursor, purse: Purse, txn_a: bytes, txn_b: bytes, brought_by: str) -> Purse:
    """Revokes a locked purse for two signed payments that contradict each other, and keeps them."""
    a, b = parse_signed(TXN, txn_a), parse_signed(TXN, txn_b)
    proof = make_proof(parse_signed(PURSE, purse.signed), a, b)
    purses.insert_proof(cursor, purse.key, proof, brought_by)
    return revoke_purse(cursor, purse, REVOKED, brought_by, PROVEN_CHEAT)
