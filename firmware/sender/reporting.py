"""Puts together what a SYNC says; loaded for that alone, and bytes are all that it keeps."""

from firmware.common import crypto
from firmware.common.payment.sync import (
    ALONE,
    CLOSING,
    WITH_ACK,
    WITH_VOID,
    sync_body,
)
from firmware.common.wire.limits import SYNC_ENTRIES_BOARD_MAX
from firmware.common.wire.messages import TXN
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.standing import Standing, payment_of, standings
from firmware.sender.wallet import Wallet

_NONCE_BYTES = 8
_NO_PURSE = bytes(8)
_NO_HEAD = bytes(32)


def report(wallet: Wallet, device8: bytes, newpub: bytes, t_lb: int, again: bool) -> bytes:
    """The body of a SYNC, still to be signed; b"" where there is nothing to say.

    `newpub` is that of the purse that is asked for, else zeros.
    """
    standing = _to_tell(standings(wallet), again)
    if standing is None and not wallet.new_key:
        return b""
    counters = standing.open(again)[:SYNC_ENTRIES_BOARD_MAX] if standing else []
    entries = _entries(wallet, standing.purse.id, counters) if standing else []
    purse = standing.purse if standing else None
    return sync_body(
        entries,
        device=device8,
        purse=purse.id if purse else _NO_PURSE,
        ctr=purse.ctr if purse else 0,
        cum=purse.spent if purse else 0,
        head=purse.prev if purse else _NO_HEAD,
        newpub=newpub,
        amount=wallet.new_amount_minor if wallet.new_key else 0,
        nonce=_nonce(standing, counters, entries),
        t_lb=t_lb,
    )


def _to_tell(found: list[Standing], again: bool) -> Standing | None:
    """The first purse with something to tell; of those to be asked about `again`, any: else one
    whose payee never comes back would keep the bank from being asked about the others.
    """
    waiting = [standing for standing in found if standing.open(again)]
    if not waiting:
        return None
    return waiting[crypto.random_bytes(1)[0] % len(waiting) if again else 0]


def _entries(wallet: Wallet, purse: bytes, counters: list[int]) -> list[bytes]:
    """The payments with these counters as a SYNC has them, each with the payee's answer."""
    payments: dict[int, bytes] = {}
    tags: dict[int, int] = {}
    for _, kind, payload in keeping.records(wallet):
        if kind in (keeping.SIGNED, keeping.CLOSING):
            txn = payment_of(kind, payload)
            if txn.purse == purse and txn.ctr in counters:
                payments[txn.ctr] = txn.signed
                tags[txn.ctr] = ALONE if kind == keeping.SIGNED else CLOSING
        elif kind in (keeping.DELIVERED, keeping.VOIDED) and payload[:8] == purse:
            ctr = int.from_bytes(payload[8:12], "big")
            if ctr in counters:
                payments[ctr] += payload[12:]
                tags[ctr] = WITH_ACK if kind == keeping.DELIVERED else WITH_VOID
    return [bytes((tags[ctr],)) + payments[ctr] for ctr in counters]


def _nonce(standing: Standing | None, counters: list[int], entries: list[bytes]) -> bytes:
    """A fresh one; a CLOSE that the bank has not heard of names that of its SYNC."""
    for ctr, entry in zip(counters, entries):
        if standing and standing.now[ctr] == CLOSING and not standing.told[ctr]:
            return parse_signed(TXN, entry[1:]).req_hash[:_NONCE_BYTES]
    return crypto.random_bytes(_NONCE_BYTES)
