"""What the bank answers: SRCPT to a payee's batch, STATEMENT about a payer's purse.

    SRCPT     = {kind, device, gen, first, n, new_head, batch, net, t, nonce} || n verdict bytes
    STATEMENT = {kind, device, purse, nonce, t, balance, n} || n x (ctr4 verdict1) [|| signed PURSE]

Both signed by KB. `net` and `balance` are minor units and may be negative. A STATEMENT of kind 2
carries a purse, which is signed on its own too. `new_head` is the head after the last entry of the
batch, whatever the bank holds beyond it.
"""

import struct

from firmware.common.payment.verdicts import LAST
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, NOT_FOR_ME, REPLAY, Refused
from firmware.common.wire.messages import PURSE, SRCPT, STATEMENT
from firmware.common.wire.signed import SIGNATURE_BYTES, read_from_bank, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# SRCPT.kind
LEDGER = 1
# STATEMENT.kind
PLAIN = 1
WITH_PURSE = 2

_LINE = ">IB"
_LINE_BYTES = 5


def make_receipt(realm8: bytes, bank_private: bytes, verdicts: bytes, **fields: "Any") -> bytes:
    """A signed SRCPT, a verdict byte per entry; `fields` are the others but kind and n."""
    body = SRCPT.pack(kind=LEDGER, n=len(verdicts), tail=verdicts, **fields)
    return sign(realm8, SRCPT, body, bank_private)


def check_receipt(
    realm8: bytes, banks: "Sequence[Record]", data: bytes, upload: Record, batch: bytes
) -> Record:
    """The SRCPT that answers this UPLOAD, whose hash is `batch`; verdicts are its `tail`.

    Raises `Refused`: NOT_FOR_ME for another batch's, REPLAY for another request's.
    """
    receipt = read_from_bank(realm8, SRCPT, data, banks)
    verdicts = receipt.tail
    if receipt.kind != LEDGER or len(verdicts) != receipt.n or any(v > LAST for v in verdicts):
        raise Refused(MALFORMED, "the verdicts are not as they say")
    for name in ("device", "gen", "first", "n"):
        if getattr(receipt, name) != getattr(upload, name):
            raise Refused(NOT_FOR_ME, "the receipt is for another batch")
    if receipt.batch != batch or receipt.new_head != upload.head:
        raise Refused(NOT_FOR_ME, "the receipt is for another batch")
    if receipt.nonce != upload.nonce:
        raise Refused(REPLAY, "the receipt answers an earlier upload")
    return receipt


def make_statement(
    realm8: bytes,
    bank_private: bytes,
    verdicts: "Sequence[tuple[int, int]]",
    new_purse: bytes = b"",
    **fields: "Any",
) -> bytes:
    """A signed STATEMENT of (ctr, verdict) pairs, with a signed PURSE or without."""
    tail = b"".join([struct.pack(_LINE, ctr, verdict) for ctr, verdict in verdicts]) + new_purse
    kind = WITH_PURSE if new_purse else PLAIN
    body = STATEMENT.pack(kind=kind, n=len(verdicts), tail=tail, **fields)
    return sign(realm8, STATEMENT, body, bank_private)


def check_statement(
    realm8: bytes, banks: "Sequence[Record]", data: bytes, device: bytes, purse: bytes, nonce: bytes
) -> Record:
    """The STATEMENT about this purse that answers this nonce. Raises `Refused`."""
    statement = read_from_bank(realm8, STATEMENT, data, banks)
    expected = _LINE_BYTES * statement.n
    if statement.kind == WITH_PURSE:
        expected += PURSE.size + SIGNATURE_BYTES
    elif statement.kind != PLAIN:
        raise Refused(MALFORMED, "a statement of an unknown kind")
    if len(statement.tail) != expected or any(v > LAST for _, v in statement_verdicts(statement)):
        raise Refused(MALFORMED, "the verdicts are not as they say")
    if statement.device != device or statement.purse != purse:
        raise Refused(NOT_FOR_ME, "the statement is about another purse")
    if statement.nonce != nonce:
        raise Refused(REPLAY, "the statement answers an earlier request")
    return statement


def statement_verdicts(statement: Record) -> list[tuple[int, int]]:
    """(ctr, verdict) of each payment that the statement tells of."""
    tail = statement.tail
    ends = range(_LINE_BYTES, _LINE_BYTES * statement.n + 1, _LINE_BYTES)
    lines = [struct.unpack(_LINE, tail[end - _LINE_BYTES : end]) for end in ends]
    return [(line[0], line[1]) for line in lines]


def statement_purse(statement: Record) -> bytes:
    """The signed PURSE that came along, to be checked by `check_purse`; nothing where none did."""
    return statement.tail[_LINE_BYTES * statement.n :]
