"""An independent maker of OPG1: `struct` and `cryptography` alone, nothing of the firmware.

Written from the table of docs/protocol.md, so that a fault in the firmware cannot cancel itself.
A message is (number, struct format, field names); the values are raw.
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-4, D.1.2.3

MESSAGES = {
    "HELLO": (0, ">BB64s8s", "ver caps eph nonce"),
    "DCERT": (
        1,
        ">BB64s64s16sIIIIHI",
        "ver kind pub ecdh name issued not_after rx_limit rx_cum flags serial",
    ),
    "PREQ": (
        2,
        ">BB8s8sIHH12sII16s",
        "ver flags payee req_nonce amount cur ttl_s ref t_lb rev_seq transcript",
    ),
    "PURSE": (
        3,
        ">BB8s64sIIHHIIH",
        "ver flags purse pub allowance tx_max ctr_max cur issued not_after grace_h",
    ),
    "OFFER": (4, ">BBIIIHII160s", "ver flags t_lb rev_seq beacon caps ctr cum purse"),
    "VERDICT": (5, ">BB8sH", "ver reason req_nonce extra"),
    "TXN": (
        6,
        ">BB8sIII8s16s32sI",
        "ver kind purse ctr cum amount payee req_hash prev t_lb",
    ),
    "ACK": (7, ">BB8s32sHI32sI", "ver 0 payee txn_hash gen index ledger_head t_lb"),
    "RESUME": (8, ">BB8s32s", "ver 0 req_nonce txn_hash"),
    "REFUND": (9, ">BB8s32sII8sI", "ver kind payee txn_hash amount rctr to_purse reason"),
    "BEACON": (10, ">BBIII18s32s32s", "ver 0 seq t rev_seq policy rev_root audit_head"),
    "REVDELTA": (11, ">BBIIIH", "ver 0 since until t n"),
    "EQUIV": (12, ">160s146s146s", "purse a b"),
    "VOID": (13, ">BB8s32s16sI", "ver reason payee txn_hash req_hash t_lb"),
    "UPLOAD": (
        14,
        ">BB8sHIH32s32s8sII",
        "ver kind device gen first n prev_head head nonce t_lb beacon",
    ),
    "SRCPT": (
        15,
        ">BB8sHIH32s16sqI8s",
        "ver kind device gen first n new_head batch net t nonce",
    ),
    "SYNC": (
        16,
        ">BB8s8sII32s64sI8sIH",
        "ver kind device purse ctr cum head newpub amount nonce t_lb n",
    ),
    "ENROL": (
        17,
        ">BB64s64s8s32s16s16s",
        "ver profile kd ed nonce fw_hash name code_mac",
    ),
    "BKEY": (18, ">BB64s64sII", "ver kind pub ecdh issued not_after"),
    "STATEMENT": (19, ">BB8s8s8sIqH", "ver kind device purse nonce t balance n"),
}

# The column "body" of the table; what may follow a head is left out.
SIZES = {
    "HELLO": 74,
    "DCERT": 168,
    "PREQ": 62,
    "PURSE": 96,
    "OFFER": 184,
    "VERDICT": 12,
    "TXN": 82,
    "ACK": 84,
    "RESUME": 42,
    "REFUND": 62,
    "BEACON": 96,
    "REVDELTA": 16,
    "EQUIV": 452,
    "VOID": 62,
    "UPLOAD": 98,
    "SRCPT": 86,
    "SYNC": 140,
    "ENROL": 202,
    "BKEY": 138,
    "STATEMENT": 40,
}
TAILED = {"REVDELTA", "UPLOAD", "SRCPT", "SYNC", "STATEMENT"}


class Key:
    """A pair that is the same in every run."""

    def __init__(self, name: str) -> None:
        self.private = hashlib.sha256(name.encode()).digest()
        self.key = ec.derive_private_key(int.from_bytes(self.private), ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.public = numbers.x.to_bytes(32) + numbers.y.to_bytes(32)

    def sign(self, realm8: bytes, name: str, message: bytes, high_s: bool = False) -> bytes:
        """The message and its signature, of a random nonce."""
        digest = sha256(b"OPG1" + realm8 + bytes([MESSAGES[name][0]]) + message)
        der = self.key.sign(digest, ec.ECDSA(Prehashed(SHA256())))
        r, s = decode_dss_signature(der)
        if (s > ORDER // 2) != high_s:
            s = ORDER - s
        return message + r.to_bytes(32) + s.to_bytes(32)

    def shared(self, public: bytes) -> bytes:
        return self.key.exchange(ec.ECDH(), point(public))


def point(public: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public)


def body(name: str, tail: bytes = b"", /, **values: int | bytes) -> bytes:
    """The message of these values; `ver` is 1 and what is named 0 is 0, unless given."""
    _, form, names = MESSAGES[name]
    everything = {"ver": 1, "0": 0, **values}
    wanted = names.split()
    assert set(values) <= set(wanted), set(values) - set(wanted)
    return struct.pack(form, *[everything[field] for field in wanted]) + tail


def check_signature(public: bytes, realm8: bytes, name: str, signed: bytes) -> bytes:
    """The body; raises `cryptography`'s InvalidSignature, and AssertionError for a high s."""
    message, r, s = signed[:-64], int.from_bytes(signed[-64:-32]), int.from_bytes(signed[-32:])
    assert s <= ORDER // 2
    digest = sha256(b"OPG1" + realm8 + bytes([MESSAGES[name][0]]) + message)
    point(public).verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    return message


def policy(*values: int) -> bytes:
    return struct.pack(">BHIIBIBB", *values)


def upload_entry(name: str, signed: bytes, recv_t: int, rev_seq: int) -> bytes:
    return struct.pack(">BHII", MESSAGES[name][0], len(signed), recv_t, rev_seq) + signed


def chain(prev: str, *hashes: bytes) -> str:
    """The ledger's head, as hex, after entries of these hashes."""
    for entry_hash in hashes:
        prev = sha256((prev + entry_hash.hex()).encode()).hex()
    return prev


def code_mac(code: bytes, kd: bytes, ed: bytes, nonce: bytes) -> bytes:
    return hmac.digest(code, kd + ed + nonce, "sha256")[:16]


def session_keys(
    own: Key, peer_public: bytes, hello_s: bytes, hello_r: bytes, realm8: bytes
) -> tuple[bytes, bytes, bytes, bytes]:
    """k_SR, k_RS, code, transcript."""
    salt = sha256(hello_s + hello_r)
    okm = HKDF(SHA256(), 72, salt, b"OPG1 tap" + realm8).derive(own.shared(peer_public))
    return okm[:32], okm[32:64], okm[64:], salt[:16]


def session_seal(key: bytes, seq: int, direction: int, number: int, message: bytes) -> bytes:
    nonce, aad = bytes(8) + struct.pack(">I", seq), bytes([1, direction])
    return AESGCM(key).encrypt(nonce, bytes([number]) + message, aad)


def session_open(key: bytes, seq: int, direction: int, sealed: bytes) -> bytes:
    """type1 || message; raises `cryptography`'s InvalidTag."""
    nonce, aad = bytes(8) + struct.pack(">I", seq), bytes([1, direction])
    return AESGCM(key).decrypt(nonce, sealed, aad)


def seal_box(
    ephemeral: Key, number: int, sender: bytes, recipient: bytes, public: bytes, message: bytes
) -> bytes:
    key = _box_key(ephemeral.shared(public), ephemeral.public, number, recipient)
    head = bytes([number]) + sender
    sealed = AESGCM(key).encrypt(bytes(12), message, head)
    return head + sha256(public)[:4] + ephemeral.public + sealed


def open_box(own: Key, recipient: bytes, box: bytes) -> bytes:
    """The message; raises `cryptography`'s InvalidTag."""
    assert box[9:13] == sha256(own.public)[:4]
    key = _box_key(own.shared(box[13:77]), box[13:77], box[0], recipient)
    return AESGCM(key).decrypt(bytes(12), box[77:], box[:9])


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _box_key(shared: bytes, ephemeral: bytes, number: int, recipient: bytes) -> bytes:
    info = b"OPG1 seal" + bytes([number]) + recipient
    return HKDF(SHA256(), 32, ephemeral, info).derive(shared)
