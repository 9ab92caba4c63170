"""Proof that a purse was spent twice: the purse and two payments of it that contradict.

    EQUIV = signed PURSE || signed TXN_a || signed TXN_b

Anybody makes it and anybody checks it, from the bank's public key alone. The two stand in one
order: by counter, then by their bytes.
"""

from firmware.common.payment.purse import check_purse
from firmware.common.payment.transaction import contradict
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.messages import EQUIV, TXN
from firmware.common.wire.signed import check_signature, parse_signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def make_proof(purse: Record, a: Record, b: Record) -> bytes:
    """The EQUIV of a checked purse and two checked payments. ValueError: they do not contradict."""
    if a.purse != purse.purse or not contradict(a, b):
        raise ValueError("these two do not contradict each other")
    first, second = (a, b) if _in_order(a, b) else (b, a)
    return EQUIV.pack(purse=purse.signed, a=first.signed, b=second.signed)


def check_proof(realm8: bytes, banks: "Sequence[Record]", data: bytes) -> Record:
    """The purse that was spent twice, proven. Raises `Refused` for anything less."""
    found = EQUIV.read(data)
    purse = check_purse(realm8, banks, found.purse)
    a, b = parse_signed(TXN, found.a), parse_signed(TXN, found.b)
    if a.purse != purse.purse or not contradict(a, b) or not _in_order(a, b):
        raise Refused(MALFORMED, "these two prove nothing")
    check_signature(realm8, a, purse.pub)
    check_signature(realm8, b, purse.pub)
    return purse


def _in_order(a: Record, b: Record) -> bool:
    return (a.ctr, a.raw) < (b.ctr, b.raw)
