"""The JSON forms put together by hand, member by member, so that a test can spoil any of them.

A form is a dict of member name to JSON text. Only signatures and sealing come from the firmware's
crypto, which has its own vectors; `tests/test_interchange_independent.py` does without it.
"""

import hashlib
from binascii import b2a_base64, unhexlify

from firmware.common import crypto

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-4, D.1.2.3
SIGNED = ("txn_id", "from_id", "to_id", "amount", "timestamp", "prev_hash", "wallet_id")
TXN_ID = "4f2c1f0e-8a43-4a5e-9d5d-0c9a8f6f2b11"
TIMESTAMP = "2026-11-22T15:01:06.904Z"


class Keys:
    """A signing or agreement pair that is the same in every run."""

    def __init__(self, name: str) -> None:
        self.private = hashlib.sha256(name.encode()).digest()
        self.public = crypto.public_key(self.private)


PAYER, OTHER_PAYER = Keys("payer"), Keys("other payer")
PAYEE, OTHER_PAYEE = Keys("payee"), Keys("other payee")
PAYEE_ECDH, OTHER_ECDH = Keys("payee's agreement"), Keys("other payee's agreement")
BANK, BANK_ECDH = Keys("bank"), Keys("bank's agreement")


def text(members: dict, names=None) -> bytes:
    """The object with its members in this order (dicts keep none on MicroPython)."""
    names = [name for name in names or sorted(members) if name in members]
    return ("{" + ",".join([f'"{name}":{members[name]}' for name in names]) + "}").encode()


def payment(keys: Keys = PAYER, high_s: bool = False, **members: str) -> dict:
    """A signed transaction of 12.5 from anna to bert; `members` replace its own before signing."""
    form = {
        "txn_id": f'"{TXN_ID}"',
        "from_id": '"anna"',
        "to_id": '"bert"',
        "amount": "12.5",
        "timestamp": f'"{TIMESTAMP}"',
        "prev_hash": '""',
        "wallet_id": "null",
    }
    form.update(members)
    txn_hash = payment_hash(form)
    form["hash"] = f'"{txn_hash}"'
    form["signature"] = f'"{b64(signature(keys, txn_hash, high_s))}"'
    form["sender_public_key"] = jwk(keys.public)
    return form


def payment_hash(form: dict) -> str:
    hashed = {name: form.get(name, "null") for name in SIGNED}
    for name in ("prev_hash", "wallet_id"):
        hashed[name] = '""' if hashed[name] == "null" else hashed[name]
    return hashlib.sha256(text(hashed, SIGNED)).digest().hex()


def signature(keys: Keys, hex_hash: str, high_s: bool = False) -> bytes:
    made = crypto.sign(keys.private, hashlib.sha256(unhexlify(hex_hash)).digest())
    if not high_s:
        return made  # the door's are always low
    return other_s(made)


def other_s(signed: bytes) -> bytes:
    """What ends with a signature, which is as right with n - s."""
    return signed[:-32] + (ORDER - int.from_bytes(signed[-32:], "big")).to_bytes(32, "big")


def jwk(public: bytes) -> str:
    x, y = b64url(public[:32]), b64url(public[32:])
    return f'{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}'


def sealed(plaintext: bytes, recipient: bytes, own: Keys = OTHER_ECDH) -> dict:
    """The three members that envelope and encrypted ledger share, with fixed nonces and key."""
    key, iv, iv2 = bytes(range(32)), bytes(range(12)), bytes(range(1, 13))
    shared = crypto.agree(own.private, recipient)
    wrapping = crypto.hkdf(shared, b"", b"aes-key-wrapping", 32)
    return {
        "encrypted_payload": f'"{b64(crypto.seal(key, iv, plaintext))}"',
        "encrypted_aes_key": f'"{b64(iv2 + crypto.seal(wrapping, iv2, key))}"',
        "iv": f'"{b64(iv)}"',
    }


def envelope(form: dict, recipient: Keys = PAYEE_ECDH, own: Keys = OTHER_ECDH) -> dict:
    """What a payer hands to its payee, with the payer's static agreement key."""
    members = sealed(text(form), recipient.public, own)
    members["sender_public_key"] = form["sender_public_key"]
    members["sender_ecdh_public_key"] = jwk(own.public)
    members["txn_id"] = form["txn_id"]
    return members


def entry(index: int, prev: str, form: dict) -> tuple:
    """The ledger entry that follows the one with hash `prev`: (its JSON text, its hash)."""
    entry_hash = hashlib.sha256((prev + form["hash"][1:-1]).encode()).digest().hex()
    inner = text(form).decode()
    members = f'"ledger_index":{index},"transaction":{inner},"hash":"{entry_hash}"'
    return f'{{{members},"status":"verified"}}', entry_hash


def ledger(*forms: dict) -> list:
    """The entries of payments, from the beginning."""
    entries, prev = [], "GENESIS"
    for index, form in enumerate(forms):
        json_text, prev = entry(index, prev, form)
        entries.append(json_text)
    return entries


def signed_ledger(array: str, keys: Keys = PAYEE, hashed: str = "") -> dict:
    """The inside of an encrypted ledger; `hashed` is what the hash covers, if not `array`."""
    batch_hash = hashlib.sha256((hashed or array).encode()).digest().hex()
    return {
        "ledger": array,
        "hash": f'"{batch_hash}"',
        "signature": f'"{b64(signature(keys, batch_hash))}"',
        "receiver_public_key": jwk(keys.public),
    }


def encrypted_ledger(inside: dict, own: Keys = OTHER_ECDH) -> dict:
    members = sealed(text(inside), BANK_ECDH.public, own)
    members["receiver_public_key"] = jwk(own.public)
    return members


def flipped(data: bytes, position: int, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


def b64(data: bytes) -> str:
    return b2a_base64(data).decode().strip()


def b64url(data: bytes) -> str:
    return b64(data).replace("+", "-").replace("/", "_").rstrip("=")
