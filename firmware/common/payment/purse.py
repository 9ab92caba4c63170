"""The purse: a line from 0 to `allowance` that the bank reserved and signed for a fresh key.

    PURSE = {purse, pub, allowance, tx_max, ctr_max, cur, issued, not_after, grace_h}, signed by KB

Each payment claims the interval [cum - amount, cum) of it, with a counter from 1 to ctr_max.
"""

from firmware.common import crypto
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import BAD_CERTIFICATE, EXPIRED, MALFORMED, OVER_LIMIT, Refused
from firmware.common.wire.limits import AMOUNT_MINOR_MAX
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import read_from_bank, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def make_purse(realm8: bytes, bank: Record, bank_private: bytes, **fields: "Any") -> bytes:
    """A signed PURSE of these fields. ValueError where it would outlive the bank's key."""
    if not fields["issued"] < fields["not_after"] <= bank.not_after:
        raise ValueError("a purse ends before the key that signs it")
    return sign(realm8, PURSE, PURSE.pack(**fields), bank_private)


def check_purse(realm8: bytes, banks: "Sequence[Record]", data: bytes) -> Record:
    """The PURSE that one of the bank's keys signed; whether it has expired is `check_time`'s.

    Raises `Refused`: MALFORMED, BAD_SIGNATURE, BAD_CERTIFICATE.
    """
    purse = read_from_bank(realm8, PURSE, data, banks)
    limits_ok = 0 < purse.tx_max <= purse.allowance <= AMOUNT_MINOR_MAX and purse.ctr_max
    if not limits_ok or purse.issued >= purse.not_after:
        raise Refused(BAD_CERTIFICATE, "the purse makes no sense")
    if not crypto.is_on_curve(purse.pub):
        raise Refused(BAD_CERTIFICATE, "the purse's key is no point of the curve")
    return purse


def check_time(purse: Record, now: int) -> None:
    """Raises `Refused(EXPIRED)` where the purse has surely expired; `now` is a lower bound."""
    if purse.not_after <= now:
        raise Refused(EXPIRED, "the purse has expired")


def check_interval(purse: Record, ctr: int, cum: int, amount: int) -> None:
    """Whether the purse allows a payment of this interval and counter. Raises `Refused`."""
    if not (ctr > 0 and 0 < amount <= cum):
        raise Refused(MALFORMED, "the payment claims nothing")
    if amount > purse.tx_max or cum > purse.allowance or ctr > purse.ctr_max:
        raise Refused(OVER_LIMIT, "the purse does not allow that much")


def first_prev(purse: Record) -> bytes:
    """What the first payment of a purse names as the one before."""
    return crypto.sha256(purse.raw)
