"""Money back: the payee orders the bank to return a part of a payment; it stands in its ledger.

REFUND      = {kind, payee, txn_hash, amount, rctr, to_purse, reason}, signed by KD
refund_hash = SHA-256(REFUND body)        chained into the ledger as a payment's hash is
"""

from firmware.common import crypto
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, NOT_FOR_ME, Refused
from firmware.common.wire.messages import REFUND
from firmware.common.wire.signed import read_signed, sign

# REFUND.kind
RETURN = 1


def make_refund(
    realm8: bytes,
    private: bytes,
    payee: bytes,
    txn_hash: bytes,
    amount: int,
    rctr: int,
    to_purse: bytes,
    reason: int,
) -> bytes:
    """A signed REFUND of `amount`; `rctr` counts this payee's refunds from 1."""
    body = REFUND.pack(
        kind=RETURN,
        payee=payee,
        txn_hash=txn_hash,
        amount=amount,
        rctr=rctr,
        to_purse=to_purse,
        reason=reason,
    )
    return sign(realm8, REFUND, body, private)


def check_refund(realm8: bytes, public: bytes, data: bytes, payee: bytes) -> Record:
    """The REFUND of this payee's key. Raises `Refused`; how much may go back is the bank's rule."""
    refund = read_signed(realm8, REFUND, data, public)
    if refund.payee != payee:
        raise Refused(NOT_FOR_ME, "it is another payee's refund")
    if refund.kind != RETURN or not (refund.amount and refund.rctr):
        raise Refused(MALFORMED, "the refund returns nothing")
    return refund


def refund_hash(refund: Record) -> bytes:
    """32 bytes that name the refund."""
    return crypto.sha256(refund.raw)
