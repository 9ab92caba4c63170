"""A message sealed to a long-term key: to the bank's EB, or to a device's ED.

    box = type1 || sender8 || key_id4 || e64 || AES-256-GCM(k, 12 zeros, message, AAD)   +93 bytes
    k   = HKDF(ECDH(e, recipient's key), salt = e64, "OPG1 seal" || type1 || recipient8, 32)
    AAD = type1 || sender8            key_id = SHA-256(recipient's key)[:4]

e is fresh for each box, so k is used once and the sealing side cannot open it again. sender8 and
recipient8 are a device_id or, for the bank, realm8. Nothing is signed here: the message inside is,
and whoever opens compares its signer with sender8.
"""

from firmware.common import crypto
from firmware.common.wire.errors import CANNOT_OPEN, MALFORMED, Refused

OVERHEAD_BYTES = 93
_HEAD_BYTES = 77  # before the ciphertext
_INFO = b"OPG1 seal"
_NONCE = bytes(12)
_KEY_BYTES = 32


class Box:
    """The open part of a box, none of it proven; `open` proves it."""

    def __init__(self, data: bytes) -> None:
        """Raises `Refused(MALFORMED)` for what is shorter than an empty message's box."""
        if len(data) < OVERHEAD_BYTES:
            raise Refused(MALFORMED, "shorter than a sealed message")
        self.number = data[0]
        self.sender = data[1:9]
        self.key_id = data[9:13]
        self._data = data

    def open(self, recipient: bytes, private: bytes, public: bytes) -> bytes:
        """The message, for the recipient of these 8 bytes and this pair. `Refused(CANNOT_OPEN)`."""
        data = self._data
        if self.key_id != key_id(public):
            raise Refused(CANNOT_OPEN, "it is sealed to another key")
        ephemeral = data[13:_HEAD_BYTES]
        try:
            shared = crypto.agree(private, ephemeral)
            key = _key(shared, ephemeral, self.number, recipient)
            return crypto.unseal(key, _NONCE, data[_HEAD_BYTES:], data[:9])
        except ValueError:
            raise Refused(CANNOT_OPEN, "it does not open with the key on this side") from None


def seal_box(
    number: int, sender: bytes, recipient: bytes, recipient_public: bytes, message: bytes
) -> bytes:
    """The box of a message of type `number`. ValueError where the key is no point of the curve."""
    private, ephemeral = crypto.generate_key()
    shared = crypto.agree(private, recipient_public)
    head = bytes((number,)) + sender
    key = _key(shared, ephemeral, number, recipient)
    sealed = crypto.seal(key, _NONCE, message, head)
    return b"".join((head, key_id(recipient_public), ephemeral, sealed))


def key_id(public: bytes) -> bytes:
    """4 bytes by which a recipient tells its keys apart."""
    return crypto.sha256(public)[:4]


def _key(shared: bytes, ephemeral: bytes, number: int, recipient: bytes) -> bytes:
    return crypto.hkdf(shared, ephemeral, _INFO + bytes((number,)) + recipient, _KEY_BYTES)
