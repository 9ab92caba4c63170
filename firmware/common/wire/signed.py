"""Signed messages: body || r||s, by ECDSA P-256 over tagged bytes of one deployment.

    realm8 = SHA-256(K0)[:8]                                     K0: the bank's root key
    digest = SHA-256("OPG1" || realm8 || type1 || body)
    signed = body || sign(private, digest)                       RFC 6979

Only low s is read: a signed message has one encoding.
"""

from firmware.common import crypto
from firmware.common.wire.codec import Layout, Record
from firmware.common.wire.errors import BAD_SIGNATURE, MALFORMED, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNATURE_BYTES = 64
_TAG = b"OPG1"


def realm(root_public: bytes) -> bytes:
    """8 bytes that set a deployment apart from every other."""
    return crypto.sha256(root_public)[:8]


def digest(realm8: bytes, number: int, body: bytes) -> bytes:
    """The 32 bytes that are signed for a body of message type `number`."""
    return crypto.sha256(_TAG + realm8 + bytes((number,)) + body)


def sign(realm8: bytes, layout: Layout, body: bytes, private: bytes) -> bytes:
    """body || signature."""
    return body + crypto.sign(private, digest(realm8, layout.number, body))


def parse_signed(layout: Layout, data: bytes) -> Record:
    """The record and its signature, which nobody has checked yet. `Refused(MALFORMED)`."""
    end = len(data) - SIGNATURE_BYTES
    record = layout.read(data[: max(end, 0)])
    record.signature = bytes(data[end:])
    return record


def check_signature(realm8: bytes, record: Record, public: bytes) -> None:
    """Raises `Refused`: BAD_SIGNATURE, or MALFORMED where the key is no point of the curve."""
    if not crypto.is_low_s(record.signature):
        raise Refused(BAD_SIGNATURE, record.layout.name + " has a signature with a high s")
    try:
        good = crypto.verify(
            public, digest(realm8, record.layout.number, record.raw), record.signature
        )
    except ValueError:
        raise Refused(MALFORMED, "the key is no point of the curve") from None
    if not good:
        raise Refused(BAD_SIGNATURE, record.layout.name + " is not signed by this key")


def read_signed(realm8: bytes, layout: Layout, data: bytes, public: bytes) -> Record:
    """The record, its signature checked. Raises `Refused` (MALFORMED, BAD_SIGNATURE)."""
    record = parse_signed(layout, data)
    check_signature(realm8, record, public)
    return record


def read_from_bank(realm8: bytes, layout: Layout, data: bytes, banks: "Sequence[Record]") -> Record:
    """The same for what one of the bank's keys signed: `banks` are checked BKEYs, at most two."""
    record = parse_signed(layout, data)
    for bank in banks[:-1]:
        try:
            check_signature(realm8, record, bank.pub)
        except Refused:
            continue
        return record
    if not banks:
        raise Refused(BAD_SIGNATURE, "no key of the bank is known")
    check_signature(realm8, record, banks[-1].pub)
    return record
