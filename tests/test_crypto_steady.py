"""No wall clock: a secret scalar decides nothing that is executed, to the last instruction.

callgrind counts whole runs that differ in the scalar alone: the comb of a signature, and the
windows of a key agreement. 200 keys: OPG_KEYS=200 pytest tests/test_crypto_steady.py
"""

import ast
import os
from pathlib import Path
from random import Random

import pytest

from host_tools.bench.counting import count
from host_tools.bench.crypto import compiled_modules
from host_tools.firmware_build import ROOT, compile_text
from host_tools.firmware_target import Target, compiler_mpy_version

SEED = os.environ.get("OPG_SEED", "offline payment gateway")
KEYS = int(os.environ.get("OPG_KEYS", "10"))
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EDGES = [1, N - 1, 2**255]  # few bits set, many, and one

# What comes before is the same for every key: 32 bytes out of a file. (An argument would be looked
# for among the interpreter's names, which takes longer for some than for others.)
PROGRAM = """
import gc
gc.disable()
from firmware.common.crypto import agreeing, comb, curve, machine, multiples
with open("key", "rb") as file:
    key = file.read()
machine.prepare(37, 64)
{leak}
comb.comb_multiply(key)
multiples.load(curve.G[0], curve.G[1])
agreeing.window_multiply(key)
"""
LEAK = "for _ in range(key[31] & 3): pass"


def counts(folder: Path, keys: list[int], leak: str = "") -> list[int]:
    """The instructions of a run for each key."""
    target = Target("x64", 0, compiler_mpy_version())
    text = PROGRAM.format(leak=leak)
    files = compiled_modules("x64") | {"steady.py": compile_text(ROOT, "steady.py", text, target)}
    for path, compiled in files.items():
        place = folder / f"{path[:-3]}.mpy"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(compiled)
    return [counted(folder, key) for key in keys]


def counted(folder: Path, key: int) -> int:
    (folder / "key").write_bytes(key.to_bytes(32, "big"))
    return count(folder, "steady")


def test_every_key_takes_the_same_instructions(tmp_path: Path, valgrind: str) -> None:
    print(f"OPG_SEED={SEED}, {KEYS} keys")
    random = Random(SEED)
    keys = (EDGES + [random.randrange(1, N) for _ in range(KEYS)])[:KEYS]
    found = counts(tmp_path, keys)
    assert min(found) > 10_000_000, "nothing was multiplied"
    assert len(set(found)) == 1, dict(zip(map(hex, keys), found, strict=True))


def test_a_leak_of_two_bits_would_show(tmp_path: Path, valgrind: str) -> None:
    assert len(set(counts(tmp_path, [4, 5, 7], LEAK))) == 3


@pytest.mark.parametrize("module", ["field", "field_compact", "inversion", "scalar"])
def test_branches_of_machine_code_ask_for_counters_and_public_digits_alone(module: str) -> None:
    """What the counts show for some keys holds for all: no condition names what is secret."""
    public = {
        "field": {"rounds", "op", "word", "digit == 0"},
        "field_compact": {"rounds", "op", "i", "j", "x < 13", "digit == 0"},
        "inversion": {"i"},
        "scalar": {"i", "row", "bits >= 8", "bits & 1 == carry", "carry"},
    }[module]
    tree = ast.parse((ROOT / f"firmware/common/crypto/{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While) and "sys." not in ast.unparse(node.test):
            test = ast.unparse(node.test)
            assert test in public or test.split()[0] in public, f"line {node.lineno}: {test}"
