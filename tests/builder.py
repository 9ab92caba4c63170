"""The JSON forms, made and opened independently: `cryptography` and the standard library only.

It shares no code with `firmware/`, so that a mistake there cannot cancel itself out here.
A form is held as a dict of member name to raw JSON text, so that a test can put any text
anywhere, and numbers are never floats.
"""

import base64
import hashlib
import json
import os
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-4, D.1.2.3
CANONICAL = ("txn_id", "from_id", "to_id", "amount", "timestamp", "prev_hash", "wallet_id")
GENESIS = "GENESIS"

Raw = dict[str, str]


@dataclass
class Device:
    """A board: the account it acts for and its two key pairs."""

    account: str
    signing: ec.EllipticCurvePrivateKey = field(default_factory=lambda: new_key())
    ecdh: ec.EllipticCurvePrivateKey = field(default_factory=lambda: new_key())

    @property
    def device_id(self) -> str:
        """16 hex digits."""
        return hashlib.sha256(point(self.signing)).hexdigest()[:16]


@dataclass
class Ledger:
    """A receiver's hash-chained ledger."""

    entries: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    genesis: str = GENESIS  # a later ledger of one device begins otherwise

    def append(self, *payments: Raw) -> "Ledger":
        for payment in payments:
            prev = self.hashes[-1] if self.hashes else self.genesis
            txn_hash = json.loads(payment["hash"])
            self.hashes.append(sha256((prev + txn_hash).encode()).hex())
            entry = {
                "ledger_index": str(len(self.entries)),
                "transaction": text(payment),
                "hash": quote(self.hashes[-1]),
                "status": '"verified"',
            }
            self.entries.append(text(entry))
        return self


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVE)


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """x||y."""
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def jwk(key: ec.EllipticCurvePrivateKey) -> str:
    """The bare public JWK."""
    x, y = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in _halves(point(key)))
    return text({"kty": '"EC"', "crv": '"P-256"', "x": quote(x), "y": quote(y)})


def public_key(jwk_text: str) -> ec.EllipticCurvePublicKey:
    found = json.loads(jwk_text)
    x, y = (int.from_bytes(base64.urlsafe_b64decode(found[name] + "=")) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, CURVE).public_key()


def transaction(
    payer: Device, to_id: str, amount: str = "12.5", high_s: bool = False, **members: str
) -> Raw:
    """A signed payment. `amount` is JSON text; so are `members`, which replace its own or add."""
    payment: Raw = {
        "txn_id": quote(str(uuid.uuid4())),
        "from_id": quote(payer.account),
        "to_id": quote(to_id),
        "amount": amount,
        "timestamp": '"2026-11-22T15:01:06.904Z"',
        "prev_hash": '""',
        "wallet_id": "null",
        **{name: value for name, value in members.items() if name in CANONICAL},
    }
    payment["hash"] = quote(transaction_hash(payment))
    payment["signature"] = quote(sign(payer.signing, json.loads(payment["hash"]), high_s))
    payment["sender_public_key"] = jwk(payer.signing)
    return {**payment, **members}


def transaction_hash(payment: Raw) -> str:
    """Over the seven members in their order, compact, null as the empty text."""
    canonical = {
        name: '""' if payment.get(name, "null") == "null" else payment[name] for name in CANONICAL
    }
    return sha256(text(canonical).encode()).hex()


def sign(key: ec.EllipticCurvePrivateKey, hex_hash: str, high_s: bool = False) -> str:
    """Over the 32 bytes of a hash, as base64 of r||s, with s chosen low or high."""
    der = key.sign(bytes.fromhex(hex_hash), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    if (s > ORDER // 2) != high_s:
        s = ORDER - s
    return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def check_signature(jwk_text: str, signature: str, message: bytes) -> None:
    """Raises `cryptography`'s InvalidSignature."""
    r, s = _halves(base64.b64decode(signature))
    der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    public_key(jwk_text).verify(der, message, ec.ECDSA(hashes.SHA256()))


def envelope(payment: Raw, payer: Device, payee_ecdh_jwk: str) -> Raw:
    """What a payer hands to its payee; like the web sender's, with its static ECDH key."""
    members = seal(text(payment).encode(), payer.ecdh, payee_ecdh_jwk)
    members["sender_public_key"] = jwk(payer.signing)
    members["sender_ecdh_public_key"] = jwk(payer.ecdh)
    members["txn_id"] = payment["txn_id"]
    return members


def encrypted_ledger(
    entries: list[str], receiver: Device, bank_ecdh_jwk: str, high_s: bool = False
) -> str:
    """What a receiver uploads."""
    array = "[" + ",".join(entries) + "]"
    return seal_ledger(signed_ledger(array, receiver, high_s), receiver, bank_ecdh_jwk)


def signed_ledger(array: str, receiver: Device, high_s: bool = False) -> Raw:
    """The inside of an encrypted ledger."""
    ledger_hash = sha256(array.encode()).hex()
    return {
        "ledger": array,
        "hash": quote(ledger_hash),
        "signature": quote(sign(receiver.signing, ledger_hash, high_s)),
        "receiver_public_key": jwk(receiver.signing),
    }


def seal_ledger(inside: Raw, receiver: Device, bank_ecdh_jwk: str) -> str:
    members = seal(text(inside).encode(), receiver.ecdh, bank_ecdh_jwk)
    members["receiver_public_key"] = jwk(receiver.ecdh)
    return text(members)


def seal(plaintext: bytes, own: ec.EllipticCurvePrivateKey, peer_jwk: str) -> Raw:
    """The three members that envelope and encrypted ledger share."""
    key, iv, iv2 = os.urandom(32), os.urandom(12), os.urandom(12)
    wrapped = iv2 + AESGCM(_wrapping_key(own, peer_jwk)).encrypt(iv2, key, None)
    return {
        "encrypted_payload": quote(b64(AESGCM(key).encrypt(iv, plaintext, None))),
        "encrypted_aes_key": quote(b64(wrapped)),
        "iv": quote(b64(iv)),
    }


def unseal(sealed_json: str, own: ec.EllipticCurvePrivateKey, peer_member: str) -> bytes:
    """The plaintext of an envelope or encrypted ledger; raises `cryptography`'s InvalidTag."""
    found = json.loads(sealed_json)
    wrapped = base64.b64decode(found["encrypted_aes_key"])
    wrapping_key = _wrapping_key(own, json.dumps(found[peer_member]))
    key = AESGCM(wrapping_key).decrypt(wrapped[:12], wrapped[12:], None)
    iv, payload = (base64.b64decode(found[name]) for name in ("iv", "encrypted_payload"))
    return AESGCM(key).decrypt(iv, payload, None)


def text(members: Raw) -> str:
    """Compact JSON, members in their order."""
    return "{" + ",".join(f"{quote(name)}:{value}" for name, value in members.items()) + "}"


def quote(value: str) -> str:
    """A JSON text, non-ASCII raw."""
    return json.dumps(value, ensure_ascii=False)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _wrapping_key(own: ec.EllipticCurvePrivateKey, peer_jwk: str) -> bytes:
    shared = own.exchange(ec.ECDH(), public_key(peer_jwk))
    return HKDF(hashes.SHA256(), 32, None, b"aes-key-wrapping").derive(shared)


def _halves(data: bytes) -> tuple[bytes, bytes]:
    return data[:32], data[32:]
