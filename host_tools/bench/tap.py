"""What a tap costs both boards: instructions, frames, bytes, signatures, flash operations, heap.

    before_ok      from the payer's press of PAY until both boards only wait for its user
    ok_to_received from the held OK until the payee's screen shows RECEIVED
    after_received until the payer's shows PAID and the news has been exchanged

Instructions are of both boards together, on x86_64 (Python's glue included), by `counting`: the
boards' own firmware in one process, see `tap_program`. A 32-bit board executes about as many; what
a board does while a person reads or hands over goods stands between the first two.
"""

import json
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from host_tools.bench import memory
from host_tools.bench.counting import check_valgrind, count, output_of
from host_tools.firmware_build import ROOT, compile_alone, compile_text
from host_tools.firmware_files import data_files, source_files
from host_tools.firmware_target import Target, compiler_mpy_version

_PROGRAM = "tap_program"
_HEAP = "256K"  # of two boards
_POINTS = ("ready", "ok", "received", "paid")
SIDES = {"payer": "sender", "payee": "receiver"}
_HERE = Path(__file__).parent

Say = Callable[[str], None]


def measure(say: Say) -> dict[str, Any]:
    """`frames`, `bytes`, `signed`, `verified`, `flash_ops`, `peak_heap` by side, and instructions.

    `CommandError` where valgrind or MicroPython is missing.
    """
    check_valgrind()
    with tempfile.TemporaryDirectory(prefix="opg-bench-") as name:
        folder = Path(name)
        build(folder)
        say("count frames, signatures and flash operations")
        tally = json.loads(output_of(folder, _PROGRAM, "tally", heap=_HEAP))
        at = []
        for point in _POINTS:
            say(f"count instructions until {point}")
            at.append(count(folder, _PROGRAM, point, heap=_HEAP))
        say("count the heap of two boards at a tap")
        peaks = _peaks(folder / "boards")
    before, pressed, received = (later - earlier for earlier, later in pairwise(at))
    return {
        **{name: {side: tally[side][name] for side in tally} for name in tally["payer"]},
        "before_ok_insns": before,
        "ok_to_received_insns": pressed,
        "after_received_insns": received,
        "peak_heap": peaks,
    }


def build(folder: Path) -> None:
    """Both roles' firmware, compiled for this machine module by module, and the programs."""
    target = Target(arch="x64", flags=0, mpy_version=compiler_mpy_version())
    sources = sorted({*source_files(ROOT, "sender"), *source_files(ROOT, "receiver")})
    for source in sources:
        _write(folder / f"{source[:-3]}.mpy", compile_alone(ROOT, source, target))
    for path in data_files(ROOT, sources):
        _write(folder / path, (ROOT / path).read_bytes())
    for name in (_PROGRAM, "tap_bank"):
        text = (_HERE / f"{name}.py").read_text()
        _write(folder / f"{name}.mpy", compile_text(ROOT, f"{name}.py", text, target))


def _peaks(home: Path) -> dict[str, int]:
    """Most heap bytes in use, on virtual boards with the heap that boards have."""
    memory.prepare(home)
    return {side: memory.peak(home, role)[0] for side, role in SIDES.items()}


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
