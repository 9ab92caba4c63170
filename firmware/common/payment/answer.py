"""What the payee signs about a payment: ACK, it stands in the ledger; VOID, it never will.

    ACK  = {payee, txn_hash, gen, index, ledger_head, t_lb}, signed by KD
    VOID = {reason, payee, txn_hash, req_hash, t_lb}, signed by KD

An ACK tells the generation, index and head just after this entry's append, so it is the same bytes
whenever it is asked for.
"""

from firmware.common.wire.codec import Layout, Record
from firmware.common.wire.errors import MALFORMED, NOT_FOR_ME, OK, Refused
from firmware.common.wire.messages import ACK, VOID
from firmware.common.wire.signed import read_signed, sign


def make_ack(
    realm8: bytes,
    private: bytes,
    payee: bytes,
    txn_hash: bytes,
    gen: int,
    index: int,
    ledger_head: bytes,
    t_lb: int,
) -> bytes:
    """A signed ACK: payment `txn_hash` stands at `index` of generation `gen`."""
    body = ACK.pack(
        payee=payee, txn_hash=txn_hash, gen=gen, index=index, ledger_head=ledger_head, t_lb=t_lb
    )
    return sign(realm8, ACK, body, private)


def check_ack(realm8: bytes, public: bytes, data: bytes, payee: bytes, txn_hash: bytes) -> Record:
    """The ACK of this payee's key for this payment. Raises `Refused`."""
    return _read(realm8, ACK, public, data, payee, txn_hash)


def make_void(
    realm8: bytes,
    private: bytes,
    payee: bytes,
    txn_hash: bytes,
    req_hash: bytes,
    reason: int,
    t_lb: int,
) -> bytes:
    """A signed VOID: payment `txn_hash` for the request `req_hash` will never be accepted."""
    body = VOID.pack(reason=reason, payee=payee, txn_hash=txn_hash, req_hash=req_hash, t_lb=t_lb)
    return sign(realm8, VOID, body, private)


def check_void(
    realm8: bytes, public: bytes, data: bytes, payee: bytes, txn_hash: bytes, req_hash: bytes
) -> Record:
    """The VOID of this payee's key for this payment of this request. Raises `Refused`."""
    void = _read(realm8, VOID, public, data, payee, txn_hash)
    if void.req_hash != req_hash:
        raise Refused(NOT_FOR_ME, "it is about another request")
    if void.reason == OK:
        raise Refused(MALFORMED, "a payment is voided for a reason")
    return void


def _read(
    realm8: bytes, layout: Layout, public: bytes, data: bytes, payee: bytes, txn_hash: bytes
) -> Record:
    record = read_signed(realm8, layout, data, public)
    if record.payee != payee or record.txn_hash != txn_hash:
        raise Refused(NOT_FOR_ME, "it is about another payment")
    return record
