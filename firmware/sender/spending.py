"""Of the payer's journal (see `keeping`) what a payment writes.

A tap has this at hand before its user has confirmed the payment; it knows of no other record.
"""

from struct import unpack

from firmware.common import crypto, late
from firmware.common.storage.appending import append_to_last, check_space, encoded
from firmware.common.wire.errors import STORE_FULL, Refused
from firmware.common.wire.limits import PENDING_MAX
from firmware.sender.wallet import Pending, Wallet

SIGNED = 3
FOLDER = "/payments"
_DCERT_BYTES = 232
_PREQ_BYTES = 126
_SIGNATURE_BYTES = 64


def journal(wallet: Wallet, dcert: bytes, preq: bytes, txn: bytes) -> Pending:
    """`keeping.add_signed`, which is loaded where a segment has to begin."""
    papers = (wallet, dcert, preq, txn)
    pending = add_signed_at_once(*papers)
    return pending or late.call("firmware.sender.keeping", "add_signed", *papers)


def add_signed_at_once(wallet: Wallet, dcert: bytes, preq: bytes, txn: bytes) -> Pending | None:
    """The same where the last segment has room for it; else None, and nothing was written."""
    check_space(wallet.root)
    if len(wallet.pending) >= PENDING_MAX:
        raise Refused(STORE_FULL, "%d payments are not confirmed yet" % len(wallet.pending))
    payload = dcert + preq + txn
    record = encoded(SIGNED, hash_of(txn)[:8], payload)
    place = append_to_last(wallet.root + FOLDER, wallet.place, record)
    if place is None:
        return None
    wallet.place = place
    return take_signed(wallet, (place[1], place[2] - len(record)), payload)


def take_signed(wallet: Wallet, place: tuple[int, int], payload: bytes) -> Pending:
    _, preq, txn = split_signed(payload)
    pending = pending_of(place, preq, txn)
    wallet.pending.append(pending)
    wallet.signed += 1
    wallet.last_time_s = unpack(">I", txn[78:82])[0]
    spend(wallet, txn)
    return pending


def split_signed(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """The signed DCERT, PREQ and TXN of a SIGNED record."""
    end = _DCERT_BYTES + _PREQ_BYTES
    return payload[:_DCERT_BYTES], payload[_DCERT_BYTES:end], payload[end:]


def spend(wallet: Wallet, txn: bytes) -> None:
    purse = wallet.find(txn[2:10])
    if purse:
        purse.ctr, purse.spent = unpack(">II", txn[10:18])
        purse.prev = hash_of(txn)


def pending_of(place: tuple[int, int], preq: bytes, txn: bytes) -> Pending:
    pending = Pending()
    pending.place = place
    pending.nonce = preq[10:18]
    pending.currency = unpack(">H", preq[22:24])[0]
    pending.purse = txn[2:10]
    pending.ctr, pending.cum, pending.amount_minor = unpack(">III", txn[10:22])
    pending.payee = txn[22:30]
    pending.hash = hash_of(txn)
    return pending


def hash_of(signed: bytes) -> bytes:
    """`transaction.txn_hash`, and `purse.first_prev` of a purse."""
    return crypto.sha256(signed[:-_SIGNATURE_BYTES])
