"""The payment: an interval of a purse for one payee and one request, signed by the purse's key.

    TXN      = {kind, purse, ctr, cum, amount, payee, req_hash, prev, t_lb}, signed by KP
    interval = [cum - amount, cum)
    txn_hash = SHA-256(TXN body)          the signature is left out
    prev     = txn_hash of the payment before; SHA-256(PURSE body) for the first

The pair rule: two payments a, b of one purse contradict each other

    if ctr_a = ctr_b and they differ, or ctr_a < ctr_b and cum_b - amount_b < cum_a

A board that counts up and never claims twice makes no such pair, whatever order its payments
arrive in. A set of payments that claims more than [0, allowance) holds one: with different
counters and no such pair the intervals are disjoint, so their sum is at most the allowance.
"""

from firmware.common import crypto
from firmware.common.payment import purse as purses
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, NOT_FOR_ME, OVER_LIMIT, Refused
from firmware.common.wire.messages import TXN
from firmware.common.wire.signed import check_signature, parse_signed, sign

# TXN.kind
PAY = 1
CLOSE = 2


def make_payment(
    realm8: bytes,
    private: bytes,
    purse: Record,
    ctr: int,
    cum: int,
    amount: int,
    payee: bytes,
    req_hash: bytes,
    prev: bytes,
    t_lb: int,
) -> bytes:
    """A signed TXN that claims [cum - amount, cum). Raises `Refused` what the purse forbids."""
    body = payment_body(purse, ctr, cum, amount, payee, req_hash, prev, t_lb)
    return sign(realm8, TXN, body, private)


def payment_body(
    purse: Record,
    ctr: int,
    cum: int,
    amount: int,
    payee: bytes,
    req_hash: bytes,
    prev: bytes,
    t_lb: int,
) -> bytes:
    """What is to be signed of such a payment. Raises `Refused` what the purse forbids."""
    purses.check_interval(purse, ctr, cum, amount)
    return _body(purse, PAY, ctr, cum, amount, payee, req_hash, prev, t_lb)


def make_close(
    realm8: bytes,
    private: bytes,
    purse: Record,
    ctr: int,
    spent: int,
    nonce: bytes,
    prev: bytes,
    t_lb: int,
) -> bytes:
    """A signed TXN that gives back [spent, allowance). ValueError where nothing is left."""
    amount = purse.allowance - spent
    if amount <= 0:
        raise ValueError("nothing is left to give back")
    req_hash = nonce + bytes(8)
    cum = purse.allowance
    body = _body(purse, CLOSE, ctr, cum, amount, realm8, req_hash, prev, t_lb)
    return sign(realm8, TXN, body, private)


def read_payment(data: bytes) -> Record:
    """The TXN of one board for another; its signature is not checked yet. `Refused(MALFORMED)`."""
    txn = parse_signed(TXN, data)
    if txn.kind != PAY:
        raise Refused(MALFORMED, "not a payment")
    return txn


def check_payment(realm8: bytes, purse: Record, txn: Record) -> None:
    """Whether it is a payment that this purse allows and signed. Raises `Refused`."""
    if txn.kind != PAY:
        raise Refused(MALFORMED, "not a payment")
    _check_purse(purse, txn)
    purses.check_interval(purse, txn.ctr, txn.cum, txn.amount)
    check_signature(realm8, txn, purse.pub)


def check_close(realm8: bytes, purse: Record, txn: Record) -> None:
    """Whether it gives back the rest of this purse, signed by it. Raises `Refused`."""
    if txn.kind != CLOSE or txn.payee != realm8 or txn.req_hash[8:] != bytes(8):
        raise Refused(MALFORMED, "not a closing of this bank's purse")
    _check_purse(purse, txn)
    if not (txn.ctr and 0 < txn.amount <= txn.cum == purse.allowance):
        raise Refused(OVER_LIMIT, "a closing ends at the allowance")
    check_signature(realm8, txn, purse.pub)


def txn_hash(txn: Record) -> bytes:
    """32 bytes that name the payment."""
    return crypto.sha256(txn.raw)


def interval(txn: Record) -> tuple[int, int]:
    """The minor units it claims: from the first to before the second."""
    return txn.cum - txn.amount, txn.cum


def contradict(a: Record, b: Record) -> bool:
    """The pair rule: whether an honest board cannot have signed both."""
    if a.purse != b.purse:
        return False
    if a.ctr == b.ctr:
        return a.raw != b.raw
    if a.ctr > b.ctr:
        a, b = b, a
    return b.cum - b.amount < a.cum


def _check_purse(purse: Record, txn: Record) -> None:
    if txn.purse != purse.purse:
        raise Refused(NOT_FOR_ME, "the payment is of another purse")


def _body(
    purse: Record,
    kind: int,
    ctr: int,
    cum: int,
    amount: int,
    payee: bytes,
    req_hash: bytes,
    prev: bytes,
    t_lb: int,
) -> bytes:
    return TXN.pack(
        kind=kind,
        purse=purse.purse,
        ctr=ctr,
        cum=cum,
        amount=amount,
        payee=payee,
        req_hash=req_hash,
        prev=prev,
        t_lb=t_lb,
    )
