"""Published vectors: the firmware's own code, and on CPython the door to OpenSSL beside it."""

from binascii import unhexlify

from firmware.common import crypto
from firmware.common.crypto import aesgcm, kdf, p256
from tests.unit.helpers import raises, vectors

# FIPS 186-4, D.1.2.3
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def number(text: str) -> bytes:
    """A big-endian number of 32 bytes, or of more where it does not fit."""
    return unhexlify("0" * max(64 - len(text), len(text) % 2) + text)


def test_rfc_6979_signatures():
    for case in vectors("ecdsa_sign")["cases"]:
        digest = crypto.sha256(case["message"].encode())
        s = int(case["s"], 16)
        expected = unhexlify(case["r"]) + min(s, ORDER - s).to_bytes(32, "big")
        for sign in {crypto.sign, p256.sign}:
            assert sign(unhexlify(case["private"]), digest) == expected
        for public_key in {crypto.public_key, p256.public_key}:
            assert public_key(unhexlify(case["private"])) == unhexlify(case["public"])
        for verify in {crypto.verify, p256.verify}:
            published = unhexlify(case["r"] + case["s"])
            assert verify(unhexlify(case["public"]), digest, published)
            assert verify(unhexlify(case["public"]), digest, expected)


def test_nist_signature_verification():
    for case in vectors("ecdsa_verify")["cases"]:
        public = number(case["Qx"]) + number(case["Qy"])
        signature = number(case["R"]) + number(case["S"])
        digest = crypto.sha256(unhexlify(case["Msg"]))
        for verify in {crypto.verify, p256.verify}:
            assert verify(public, digest, signature) == case["Result"].startswith("P"), case


def test_nist_public_key_validation():
    for case in vectors("public_key")["cases"]:
        public = number(case["Qx"]) + number(case["Qy"])
        for agree in {crypto.agree, p256.agree}:
            if case["Result"].startswith("P"):
                assert agree(number("1"), public) == public[:32]
            else:
                raises(ValueError, agree, number("1"), public)


def test_nist_key_agreement():
    for case in vectors("ecdh")["cases"]:
        private = number(case["dsIUT"])
        own = number(case["QsIUTx"]) + number(case["QsIUTy"])
        peer = number(case["QsCAVSx"]) + number(case["QsCAVSy"])
        for side in {(crypto.agree, crypto.public_key), (p256.agree, p256.public_key)}:
            assert outcome(side, private, own, peer, number(case["Z"])) in case["Result"], case


def outcome(side: tuple, private: bytes, own: bytes, peer: bytes, z: bytes) -> str:
    """The words with which NIST names what is wrong with a case, or "P (" where nothing is."""
    agree, public_key = side
    try:
        shared = agree(private, peer)
    except ValueError:
        return "CAVS's Static public key"
    if public_key(private) != own:
        return "IUT's Static p"
    return "P (" if shared == z else "Z changed"


def test_nist_gcm():
    for case in vectors("aes_gcm")["cases"]:
        key, nonce, aad = unhexlify(case["Key"]), unhexlify(case["IV"]), unhexlify(case["AAD"])
        sealed = unhexlify(case["CT"] + case["Tag"])
        for unseal in {crypto.unseal, aesgcm.unseal}:
            if "FAIL" in case:
                raises(ValueError, unseal, key, nonce, sealed, aad)
            else:
                assert unseal(key, nonce, sealed, aad) == unhexlify(case["PT"])
        for seal in {crypto.seal, aesgcm.seal}:
            if "FAIL" not in case:
                assert seal(key, nonce, unhexlify(case["PT"]), aad) == sealed


def test_rfc_5869_key_derivation():
    for case in vectors("hkdf")["cases"]:
        secret, salt = unhexlify(case["IKM"]), unhexlify(case["salt"])
        for hmac_sha256 in {crypto.hmac_sha256, kdf.hmac_sha256}:
            assert hmac_sha256(salt, secret) == unhexlify(case["PRK"])
        for hkdf in {crypto.hkdf, kdf.hkdf}:
            okm = hkdf(secret, salt, unhexlify(case["info"]), int(case["L"]))
            assert okm == unhexlify(case["OKM"])


def test_rfc_4231_message_authentication():
    for case in vectors("hmac")["cases"]:
        key, message, expected = (unhexlify(case[name]) for name in ("Key", "Msg", "MD"))
        for hmac_sha256 in {crypto.hmac_sha256, kdf.hmac_sha256}:
            assert hmac_sha256(key, message)[: len(expected)] == expected


def test_fips_180_hash():
    for sha256 in {crypto.sha256, kdf.sha256}:
        assert sha256(b"abc") == unhexlify(
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
