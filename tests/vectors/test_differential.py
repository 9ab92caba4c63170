"""200 seeded cases in which the firmware's own code must agree with `cryptography`.

All of them on MicroPython, on which machine code has 64 bits; a quarter on CPython, where it has
the 32 of a board. Another seed, more cases: OPG_SEED=7 OPG_CASES=2000 pytest tests/vectors
"""

import json
import os
from pathlib import Path
from random import Random

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.interpreters import RECORD, run_child
from tests.vectors import differential

SEED = os.environ.get("OPG_SEED", "offline payment gateway")
CASES = int(os.environ.get("OPG_CASES", "200"))
CASES_ON_CPYTHON = CASES // 4
CASES_A_CHILD = 200

# FIPS 186-4, D.1.2.3
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EDGE_SCALARS = [1, 2, 3, 15, 16, 17, N - 1, N - 2, N - 3, N - 15, 2**255, 2**128, 2**52, 2**26]
EDGE_SCALARS += [(N + 1) // 2, (N - 1) // 2, (N + 3) // 2, N // 3, N - 2**52, 2**256 - 2**225]
EDGE_DIGESTS = [0, 1, N - 1, N, N + 1, 2**256 - 1]

DETERMINISTIC = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)


def scalar(random: Random) -> int:
    """A private key: one in four at an edge, where carries and equal points are."""
    return random.choice(EDGE_SCALARS) if random.random() < 0.25 else random.randrange(1, N)


def octets(random: Random, bytes_max: int) -> bytes:
    return random.randbytes(random.randint(0, bytes_max))


def sometimes_changed(random: Random, data: bytes) -> bytes:
    """In one case of three a bit is another."""
    changed = bytearray(data)
    if random.random() < 1 / 3:
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def load(private: int | bytes) -> ec.EllipticCurvePrivateKey:
    number = private if isinstance(private, int) else int.from_bytes(private, "big")
    return ec.derive_private_key(number, ec.SECP256R1())


def encoded(key: ec.EllipticCurvePrivateKey) -> bytes:
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return point[1:]


def raw(signature: bytes, *, low: bool) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + (min(s, N - s) if low else s).to_bytes(32, "big")


def make_case(random: Random) -> dict[str, bytes]:
    """Everything both sides are given; what a peer would send is made by `cryptography`."""
    peer = load(scalar(random))
    edge = random.random() < 0.25
    digest = random.choice(EDGE_DIGESTS).to_bytes(32, "big") if edge else random.randbytes(32)
    key, nonce = random.randbytes(32), random.randbytes(12)
    plaintext, aad = octets(random, 300), octets(random, 60)
    return {
        "private": scalar(random).to_bytes(32, "big"),
        "digest": digest,
        "peer": encoded(peer),
        "peer_signature": sometimes_changed(
            random, raw(peer.sign(digest, DETERMINISTIC), low=False)
        ),
        "key": key,
        "nonce": nonce,
        "plaintext": plaintext,
        "aad": aad,
        "received": sometimes_changed(random, AESGCM(key).encrypt(nonce, plaintext, aad)),
        "secret": octets(random, 100),
        "salt": octets(random, 100),
        "info": octets(random, 100),
        "length": random.randbytes(1),
    }


def expected(case: dict[str, bytes]) -> dict[str, object]:
    """What `cryptography` answers."""
    own = load(case["private"])
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + case["peer"])
    kdf = HKDF(SHA256(), 1 + case["length"][0], case["salt"], case["info"])
    sealed = AESGCM(case["key"]).encrypt(case["nonce"], case["plaintext"], case["aad"])
    return {
        "public": encoded(own).hex(),
        "signature": raw(own.sign(case["digest"], DETERMINISTIC), low=True).hex(),
        "shared": own.exchange(ec.ECDH(), peer).hex(),
        "sealed": sealed.hex(),
        "okm": kdf.derive(case["secret"]).hex(),
        "verified": is_verified(peer, case),
        "unsealed": unsealed(case),
    }


def is_verified(peer: ec.EllipticCurvePublicKey, case: dict[str, bytes]) -> bool:
    r, s = (int.from_bytes(case["peer_signature"][i : i + 32], "big") for i in (0, 32))
    try:
        peer.verify(encode_dss_signature(r, s), case["digest"], DETERMINISTIC)
    except InvalidSignature:
        return False
    return True


def unsealed(case: dict[str, bytes]) -> str | None:
    try:
        return AESGCM(case["key"]).decrypt(case["nonce"], case["received"], case["aad"]).hex()
    except InvalidTag:
        return None


@pytest.fixture(scope="module")
def cases() -> list[dict[str, bytes]]:
    print(f"OPG_SEED={SEED}")
    random = Random(SEED)
    return [make_case(random) for _ in range(CASES)]


def hexadecimal(case: dict[str, bytes]) -> dict[str, str]:
    return {name: value.hex() for name, value in case.items()}


def test_cases_are_of_all_kinds(cases):
    answers = [expected(case) for case in cases]
    verified = sum(answer["verified"] is True for answer in answers)
    refused = sum(answer["unsealed"] is None for answer in answers)
    assert CASES // 4 < verified < CASES * 9 // 10
    assert CASES // 10 < refused < CASES * 3 // 4


def test_own_code_on_cpython_agrees(cases):
    for number, case in enumerate(cases[:CASES_ON_CPYTHON]):
        answer = differential.answer(hexadecimal(case))
        assert answer == expected(case), f"OPG_SEED={SEED}, case {number}"


def test_own_code_on_micropython_agrees(cases, tmp_path: Path):
    answers: list[dict[str, object]] = []
    for start in range(0, CASES, CASES_A_CHILD):
        path = tmp_path / "cases.json"
        lines = [json.dumps(hexadecimal(case)) for case in cases[start : start + CASES_A_CHILD]]
        path.write_text("".join(f"{line}\n" for line in lines))
        code, output = run_child(Path(differential.__file__), str(path))
        assert code == 0, output
        records = [line[1:] for line in output.split("\n") if line.startswith(RECORD)]
        answers += [json.loads(record) for record in records]
    assert len(answers) == CASES
    for number, (case, answer) in enumerate(zip(cases, answers, strict=True)):
        assert answer == expected(case), f"OPG_SEED={SEED}, case {number}"
