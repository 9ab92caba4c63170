"""What MicroPython's emitter made of the crypto for an ESP32, seen by a disassembler."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from host_tools import ghash
from host_tools.bench.crypto import compiled_modules
from host_tools.firmware_build import ROOT, compile_text
from host_tools.firmware_target import Target, run_compiler
from host_tools.mpy import read_mpy

COMPACT = "firmware/common/crypto/field_compact.py"

# An instruction that goes elsewhere; "excw" is how a call through windows reads on an LX106.
_GOES_ELSEWHERE = re.compile(r"(b(?!reak)\w+|j|jx|call\w*|ret\w*|loop\w*|excw)\b")
_ROW = re.compile(r"\s*[0-9a-f]+:\t[0-9a-f ]+\t(.*)")
_FAR = re.compile(r"(?:movi|l32r)(?:\.n)?\s+(a\d+), .*; add(?:\.n)?\s+\1, \1, \1$")
_MULTIPLICATIONS_MIN = 210  # a square of 20 limbs takes as many, be it only once for each pair


def disassembled(objdump: str, code: bytes, tmp_path: Path) -> list[str]:
    path = tmp_path / "function.bin"
    path.write_bytes(code)
    command = [objdump, "-D", "-b", "binary", "-m", "xtensa", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    rows = [_ROW.match(line) for line in text.splitlines()]
    return [row[1].strip() for row in rows if row]


def straight_runs(instructions: list[str]) -> list[list[str]]:
    """What is executed in one go, the longest first."""
    runs: list[list[str]] = [[]]
    for instruction in instructions:
        if _GOES_ELSEWHERE.match(instruction):
            runs.append([])
        else:
            runs[-1].append(instruction)
    return sorted(runs, key=len, reverse=True)


def far_loads(instructions: list[str]) -> list[str]:
    """Where an offset is loaded into a register and then added to itself."""
    pairs = pairwise(instructions)
    return [f"{first}; {second}" for first, second in pairs if _FAR.match(f"{first}; {second}")]


def multiplications(run: list[str]) -> int:
    return sum(instruction.startswith("mul") for instruction in run)


@pytest.fixture(scope="module")
def modules() -> dict[str, list[bytes]]:
    """The machine code of each module of the crypto, for an ESP32."""
    found = compiled_modules("xtensawin")
    return {Path(path).stem: read_mpy(data).native() for path, data in found.items()}


def test_multiplication_and_square_are_straight_lines(modules, xtensa_objdump, tmp_path, capsys):
    """A branch in them would cost time, and one on a secret would tell it."""
    (field,) = modules["field"]
    instructions = disassembled(xtensa_objdump, field, tmp_path)
    multiply, square, *others = straight_runs(instructions)
    with capsys.disabled():
        print(f"\nxtensawin: multiply {len(multiply)} instructions, square {len(square)}")
    assert multiplications(multiply) > multiplications(square) >= _MULTIPLICATIONS_MIN
    assert sum(map(multiplications, others)) < 100
    assert not any(row.startswith(".byte") for row in [*multiply, *square])


def test_ghash_has_no_branch_in_a_block(modules, xtensa_objdump, tmp_path):
    authenticate = modules["ghash"][-1]
    longest = straight_runs(disassembled(xtensa_objdump, authenticate, tmp_path))[0]
    loads = sum(row.startswith("l32i") for row in longest)
    assert loads > 128  # each of 32 nibbles takes four words of the table


def test_no_load_reaches_too_far(modules, xtensa_objdump, tmp_path):
    """The emitter gets a constant index above 255 wrong: it loads the offset over the pointer."""
    source = ROOT / COMPACT
    compact = compile_text(ROOT, COMPACT, source.read_text(), Target("xtensawin", 0, (6, 3)))
    for name, functions in [*modules.items(), ("compact", read_mpy(compact).native())]:
        for code in functions:
            rows = disassembled(xtensa_objdump, code, tmp_path)
            assert far_loads(rows) == [], name


def test_a_load_that_reaches_too_far_is_found(xtensa_objdump, tmp_path):
    source, made = tmp_path / "far.py", tmp_path / "far.mpy"
    source.write_text("@micropython.viper\ndef f(a: int, b: int, p: ptr32) -> int:\n return p[256]")
    run_compiler("-march=xtensawin", "-o", str(made), str(source))
    rows = disassembled(xtensa_objdump, read_mpy(made.read_bytes()).native()[0], tmp_path)
    assert len(far_loads(rows)) == 1


def test_sizes(modules):
    """An ESP32's executable memory is small, and not given back before a restart."""
    sealing = [len(code) for name in ("gcm", "ghash") for code in modules[name]]
    assert sum(sealing) <= 8 * 1024


def test_generated_ghash_is_what_its_generator_writes():
    assert ghash.TARGET.read_text() == ghash.source()
