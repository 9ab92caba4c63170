"""What a tap costs both boards: instructions, frames, bytes, signatures, flash operations, heap.

    before_ok      from the payer's press of PAY until both boards only wait for its user
    ok_to_received from the held OK until the payee's screen shows RECEIVED
    after_received until the payer's shows PAID and the news has been exchanged

Each board is a MicroPython of its own with the firmware that `opg flash` would put on it, only the
hardware being replaced (`tap_board`), in the heap that a virtual board has beside its overlay. What
both were told in a tap that was driven (`tap_shop`) is told again to each alone, to count; reading
that and answering is counted too, and subtracted. On x86_64; a 32-bit board executes about as many.
What a board does while a person reads or hands over goods stands between the first two.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from host_tools.bench import memory
from host_tools.bench.counting import check_valgrind, count
from host_tools.bench.tap_shop import HEAP, NOTHING, PROGRAM, Shop
from host_tools.firmware_build import ROOT, build, compile_text
from host_tools.firmware_target import Target, compiler_mpy_version

SIDES = {"payer": "sender", "payee": "receiver"}
SPANS = ("before_ok", "ok_to_received", "after_received")
_TALLIED = ("frames", "bytes", "flash_ops", "erases", "signed", "verified")
_REPLACED = "firmware/common/hardware/esp32.py"
_NOTHINGS = 100
_HERE = Path(__file__).parent

Say = Callable[[str], None]


@dataclass
class Course:
    """One side's tap: at each point what it had been told, and its tally (see `_TALLIED`)."""

    told: list[bytes] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    tallies: list[tuple[int, ...]] = field(default_factory=list)

    def spans(self) -> dict[str, dict[str, int]]:
        """The tally of each span, by what it counts."""
        found = {}
        for span, (before, after) in zip(SPANS, pairwise(self.tallies), strict=True):
            differences = (b - a for a, b in zip(before, after, strict=True))
            found[span] = dict(zip(_TALLIED, differences, strict=True))
        return found


def measure(say: Say) -> dict[str, Any]:
    """`frames`, `bytes`, `signed`, `verified`, `flash_ops`, `peak_heap` by side, and instructions.

    `flash_ops` are programs and erases, `erases` those among them that take an ESP32 55 ms.
    `spans` has both by side for each of the three. `CommandError` where valgrind or MicroPython is
    missing.
    """
    check_valgrind()
    with tempfile.TemporaryDirectory(prefix="opg-bench-") as name:
        folder = Path(name)
        make(folder)
        say("tap, and count frames, signatures and flash operations")
        courses = drive(folder)
        insns = {side: _instructions(folder, side, courses[side], say) for side in SIDES}
        say("count the heap of two boards at a tap")
        peaks = _peaks(folder / "boards")
    spans = {side: course.spans() for side, course in courses.items()}
    for side, counted in insns.items():
        for span, value in zip(SPANS, counted, strict=True):
            spans[side][span]["insns"] = value
    totals = {
        name: {side: sum(spans[side][span][name] for span in SPANS) for side in SIDES}
        for name in _TALLIED
    }
    both = {f"{span}_insns": sum(spans[side][span]["insns"] for side in SIDES) for span in SPANS}
    return {**totals, **both, "peak_heap": peaks, "spans": spans}


def make(folder: Path) -> None:
    """Each role's firmware as it is flashed, but for the hardware, in a folder of its own."""
    target = Target(arch="x64", flags=0, mpy_version=compiler_mpy_version())
    board = (_HERE / "tap_board.py").read_text()
    program = compile_text(ROOT, f"{PROGRAM}.py", (_HERE / f"{PROGRAM}.py").read_text(), target)
    for role in SIDES.values():
        files = build(role, target, instead={_REPLACED: board})
        for path, data in {**files, f"/{PROGRAM}.mpy": program}.items():
            place = folder / role / path[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)


def drive(folder: Path) -> dict[str, Course]:
    """A tap between the two, as it went on either side; one was made before."""
    courses = {side: Course() for side in SIDES}

    with Shop(folder) as shop:

        def reached(point: str) -> None:
            for side, board in shop.boards.items():
                course = courses[side]
                course.told.append(bytes(board.recorded))
                course.steps.append(board.steps)
                programs, erases, *made = board.counted
                ops = programs + erases
                course.tallies.append((board.frames // 2, board.bytes, ops, erases, *made))

        shop.prepare()
        shop.tap(reached)
    return courses


def _instructions(folder: Path, side: str, course: Course, say: Say) -> list[int]:
    """Of one side in each span."""
    role = SIDES[side]

    def counted(told: bytes) -> int:
        return count(folder / role, PROGRAM, role, heap=HEAP, stdin=told)

    at = []
    for span, told in zip(("ready", *SPANS), course.told, strict=True):
        say(f"{side}: count instructions, {span.replace('_', ' ')}")
        at.append(counted(told))
    one = (counted(course.told[0] + NOTHING * _NOTHINGS) - at[0]) // _NOTHINGS
    steps = [later - earlier for earlier, later in pairwise(course.steps)]
    return [b - a - n * one for (a, b), n in zip(pairwise(at), steps, strict=True)]


def _peaks(home: Path) -> dict[str, int]:
    """Most heap bytes in use, on virtual boards with the heap that boards have."""
    memory.prepare(home)
    return {side: memory.peak(home, role)[0] for side, role in SIDES.items()}
