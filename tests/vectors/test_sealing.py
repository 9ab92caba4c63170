"""AES-GCM by length: every one up to 100, around what the code does in steps, at any alignment.

Expected is what `cryptography` says.
"""

import json
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from firmware.common.crypto import gcm
from tests.interpreters import RECORD, run_child
from tests.vectors import sealing

SHORT = range(101)
# The counter's lowest byte begins anew at block 254.
BORDERS = [254 * 16, 510 * 16]
AROUND = [-33, -32, -31, -17, -16, -15, -1, 0, 1, 15, 16, 17, 31, 32, 33]
LONG = [1024, *(border + around for border in BORDERS for around in AROUND)]


def cases(lengths) -> list[dict[str, str]]:
    return [case(length, length % 37) for length in lengths]


def case(length: int, aad_length: int) -> dict[str, str]:
    random = Random(f"{length} {aad_length}")
    given = {
        "key": random.randbytes(32),
        "nonce": random.randbytes(12),
        "plaintext": random.randbytes(length),
        "aad": random.randbytes(aad_length),
    }
    sealed = AESGCM(given["key"]).encrypt(given["nonce"], given["plaintext"], given["aad"])
    return {name: value.hex() for name, value in (given | {"sealed": sealed}).items()}


def test_on_cpython_as_a_32_bit_board():
    some = [*cases([*SHORT, 1024, BORDERS[0] - 1, BORDERS[0] + 17]), case(0, 100), case(16, 1024)]
    assert [found for given in some if (found := sealing.wrong(given))] == []


def test_on_micropython(tmp_path: Path):
    given = [*cases([*SHORT, *LONG]), case(0, 100), case(16, 1024)]
    path = tmp_path / "cases.json"
    path.write_text("".join(json.dumps(each) + "\n" for each in given))
    code, output = run_child(Path(sealing.__file__), str(path))
    assert code == 0, output
    records = [json.loads(line[1:]) for line in output.split("\n") if line.startswith(RECORD)]
    assert records == [len(given)]


def test_counters_beyond_two_bytes():
    """Zeros, nonce || 2 and so on in 32 bits, nonce || 1 (SP 800-38D, 6.5 and 7.1)."""
    blocks, nonce = 65_540, bytes(range(12))
    work = bytearray(2112 + 16 * (blocks + 1))
    gcm.counters(work, 16 * blocks - 15, nonce)  # type: ignore[arg-type]  # a pointer to it
    counters = [*range(2, 2 + blocks), 1]
    expected = b"".join(nonce + counter.to_bytes(4, "big") for counter in counters)
    assert work[2096:] == bytes(16) + expected
