"""The JSON transaction: one payment, signed by the payer.

    canonical = compact JSON of txn_id, from_id, to_id, amount, timestamp, prev_hash, wallet_id
    hash      = hex SHA-256(canonical)
    signature = ECDSA P-256 over SHA-256(bytes of hash), raw r||s, low-s or high-s

`make`/`to_json` write what `parse`/`check_signature` read. The hash covers neither the
signature nor the key, so an id never depends on which of the two valid s was sent.
"""

from binascii import hexlify, unhexlify

from firmware.common import crypto
from firmware.common.interchange import base64, jsontext, jwk
from firmware.common.interchange.jsontext import text_member
from firmware.common.payment import money
from firmware.common.payment.identifier import identifier
from firmware.common.wire.errors import BAD_SIGNATURE, MALFORMED, TOO_LARGE, Refused
from firmware.common.wire.limits import TRANSACTION_BYTES_MAX

_MEMBERS = (
    "txn_id",
    "from_id",
    "to_id",
    "amount",
    "timestamp",
    "prev_hash",
    "wallet_id",
    "hash",
    "signature",
    "sender_public_key",
)


class Transaction:
    """One payment; `hash` and `prev_hash` are hex text, keys and signature are bytes."""

    def __init__(
        self,
        txn_id: str,
        from_id: str,
        to_id: str,
        amount_minor: int,
        timestamp: str,
        prev_hash: str,
        wallet_id: str | None,
    ) -> None:
        self.txn_id = txn_id
        self.from_id = from_id
        self.to_id = to_id
        self.amount_minor = amount_minor
        self.timestamp = timestamp
        self.prev_hash = prev_hash
        self.wallet_id = wallet_id
        self.hash = hexlify(crypto.sha256(canonical(self))).decode()
        self.signature = b""
        self.sender_public_key = b""


def new_id() -> str:
    """A random UUID of version 4 (RFC 9562, section 5.4)."""
    data = bytearray(crypto.random_bytes(16))
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    digits = hexlify(data).decode()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def canonical(transaction: Transaction) -> bytes:
    """The bytes that are hashed."""
    return ("{%s}" % _signed_members(transaction, '""')).encode()


def sign(transaction: Transaction, private: bytes, public: bytes) -> None:
    """Signs with the payer's 32-byte key and puts its public key beside it."""
    transaction.signature = crypto.sign(private, signed_digest(transaction.hash))
    transaction.sender_public_key = public


def check_signature(transaction: Transaction) -> None:
    """Raises `Refused(BAD_SIGNATURE)` unless the key in the form signed this hash."""
    digest = signed_digest(transaction.hash)
    if not crypto.verify(transaction.sender_public_key, digest, transaction.signature):
        raise Refused(BAD_SIGNATURE, "the payer's signature is wrong")


def signed_digest(hex_hash: str) -> bytes:
    """What ECDSA signs for a hash: SHA-256 of its 32 bytes."""
    return crypto.sha256(unhexlify(hex_hash))


def to_json(transaction: Transaction) -> str:
    """The compact JSON of a signed transaction."""
    return '{%s,"hash":"%s","signature":"%s","sender_public_key":%s}' % (
        _signed_members(transaction, "null"),
        transaction.hash,
        base64.encode(transaction.signature),
        jwk.jwk_from_public(transaction.sender_public_key),
    )


def parse(raw: bytes) -> Transaction:
    """A transaction whose every member follows its form and whose hash is its content's."""
    found = read_members(raw)
    return from_members(found, jwk.member_key(found, "sender_public_key"))


def read_members(raw: bytes) -> dict[str, bytes]:
    """The members of what may be a transaction: it has an id, and no member of another name."""
    if len(raw) > TRANSACTION_BYTES_MAX:
        raise Refused(TOO_LARGE, "a transaction is too long")
    found = jsontext.members(raw)
    for name in found:
        if name not in _MEMBERS:
            raise Refused(MALFORMED, "a transaction has no member of that name")
    text_member(found, "txn_id")
    return found


def from_members(found: dict[str, bytes], public: bytes) -> Transaction:
    """The transaction of these members, `sender_public_key` being read already."""
    wallet_id = found.get("wallet_id", b"null")
    transaction = Transaction(
        _uuid4(text_member(found, "txn_id")),
        identifier(text_member(found, "from_id")),
        identifier(text_member(found, "to_id")),
        money.parse_amount(_number(found, "amount")),
        _timestamp(text_member(found, "timestamp")),
        _prev_hash(found.get("prev_hash", b"null")),
        None if wallet_id in (b"null", b'""') else identifier(jsontext.string(wallet_id)),
    )
    if text_member(found, "hash") != transaction.hash:
        raise Refused(BAD_SIGNATURE, "the hash is not that of the content")
    transaction.signature = base64.decode(text_member(found, "signature"), 64)
    transaction.sender_public_key = public
    return transaction


def is_hex(text: str, digits: int) -> bool:
    """Whether `text` is exactly that many lower-case hex digits."""
    return len(text) == digits and all(c in "0123456789abcdef" for c in text)


def _signed_members(transaction: Transaction, no_wallet: str) -> str:
    quote = jsontext.quote
    wallet_id = transaction.wallet_id
    return (
        '"txn_id":%s,"from_id":%s,"to_id":%s,"amount":%s,"timestamp":%s,"prev_hash":%s,"wallet_id":%s'
        % (
            quote(transaction.txn_id),
            quote(transaction.from_id),
            quote(transaction.to_id),
            money.format_amount(transaction.amount_minor),
            quote(transaction.timestamp),
            quote(transaction.prev_hash),
            no_wallet if wallet_id is None else quote(wallet_id),
        )
    )


def _number(found: dict[str, bytes], name: str) -> str:
    raw = found.get(name, b"")
    if not raw or raw[0] not in b"0123456789":
        raise Refused(MALFORMED, name + " must be a number above 0")
    return raw.decode()


def _prev_hash(raw: bytes) -> str:
    text = "" if raw == b"null" else jsontext.string(raw)
    if text and not is_hex(text, 64):
        raise Refused(MALFORMED, "prev_hash is not 64 hex digits")
    return text


def _uuid4(text: str) -> str:
    """RFC 9562, section 5.4, in lower case."""
    parts = text.split("-")
    ok = [len(part) for part in parts] == [8, 4, 4, 4, 12] and is_hex("".join(parts), 32)
    if not ok or parts[2][0] != "4" or parts[3][0] not in "89ab":
        raise Refused(MALFORMED, "txn_id is not a UUID of version 4")
    return text


def _timestamp(text: str) -> str:
    """`2026-11-22T15:01:06.904Z`, each field within its range."""
    fields = (text[0:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19], text[20:23])
    marks = (
        text[4:5] + text[7:8] + text[10:11] + text[13:14] + text[16:17] + text[19:20] + text[23:]
    )
    if marks != "--T::.Z" or not all(is_hex(f, len(f)) and f.isdigit() for f in fields):
        raise Refused(MALFORMED, "timestamp is not of the form 2026-11-22T15:01:06.904Z")
    month, day, hour, minute, second = (int(f) for f in fields[1:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        raise Refused(MALFORMED, "timestamp names no moment")
    return text
