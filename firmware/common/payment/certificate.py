"""Whose key is whose: the root signs the bank's keys (BKEY), the bank a device's (DCERT).

    K0 -> BKEY {KB, EB} -> DCERT {KD, ED, name, role, limits}

Times are seconds since 1970. `now` is a lower bound (t_lb), so a certificate is refused once it has
surely expired; one that is not valid yet cannot be told.
"""

from firmware.common import crypto
from firmware.common.payment import label
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import BAD_CERTIFICATE, EXPIRED, Refused
from firmware.common.wire.messages import BKEY, DCERT
from firmware.common.wire.signed import read_from_bank, read_signed, realm, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# DCERT.kind: what the device may be, as bits.
PAYER = 1
PAYEE = 2
# BKEY.kind
BANK = 1
# Before its end a DCERT may be renewed.
RENEWAL_DAYS = 60


def device_id(public: bytes) -> bytes:
    """8 bytes that name the device with this signing key."""
    return crypto.sha256(public)[:8]


def make_bank_key(
    root_private: bytes, public: bytes, ecdh: bytes, issued: int, not_after: int
) -> bytes:
    """A signed BKEY, for the bank's signing and ECDH keys."""
    body = BKEY.pack(kind=BANK, pub=public, ecdh=ecdh, issued=issued, not_after=not_after)
    return sign(realm(crypto.public_key(root_private)), BKEY, body, root_private)


def check_bank_key(root_public: bytes, data: bytes, now: int = 0) -> Record:
    """The BKEY that the root signed. Raises `Refused`."""
    bank = read_signed(realm(root_public), BKEY, data, root_public)
    if bank.kind != BANK:
        raise Refused(BAD_CERTIFICATE, "not a key of the bank")
    _check_keys(bank)
    _check_times(bank, now)
    return bank


def make_device(realm8: bytes, bank: Record, bank_private: bytes, **fields: "Any") -> bytes:
    """A signed DCERT of these fields. ValueError where it would outlive the bank's key."""
    if not fields["issued"] < fields["not_after"] <= bank.not_after:
        raise ValueError("a certificate ends before the key that signs it")
    return sign(realm8, DCERT, DCERT.pack(**fields), bank_private)


def check_device(
    realm8: bytes, banks: "Sequence[Record]", data: bytes, now: int, roles: int = 0
) -> Record:
    """The DCERT that one of the bank's keys signed, of a device that has all these roles.

    Raises `Refused`: MALFORMED, BAD_SIGNATURE, BAD_CERTIFICATE, EXPIRED.
    """
    device = read_from_bank(realm8, DCERT, data, banks)
    if not 0 < device.kind <= PAYER | PAYEE or device.kind & roles != roles:
        raise Refused(BAD_CERTIFICATE, "the device has another role")
    label.to_text(device.name)
    _check_keys(device)
    _check_times(device, now)
    return device


def _check_keys(record: Record) -> None:
    if not (crypto.is_on_curve(record.pub) and crypto.is_on_curve(record.ecdh)):
        raise Refused(BAD_CERTIFICATE, "a key is no point of the curve")


def _check_times(record: Record, now: int) -> None:
    if record.issued >= record.not_after:
        raise Refused(BAD_CERTIFICATE, "it ends before it begins")
    if record.not_after <= now:
        raise Refused(EXPIRED, record.layout.name + " has expired")
