"""What `opg bench tap` counts: each board's own firmware, driven as in a shop; no valgrind here."""

import subprocess
from pathlib import Path

import pytest

from host_tools.bench import tap
from host_tools.bench.counting import command, environment
from host_tools.bench.tap_shop import HEAP, NOTHING, PROGRAM


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench")
    tap.make(made)
    return made


@pytest.fixture(scope="module")
def courses(folder: Path) -> dict[str, tap.Course]:
    return tap.drive(folder)


def test_one_tap_costs_what_the_protocol_says(courses: dict[str, tap.Course]) -> None:
    """A signature each for request, payment and receipt; four checked: what is known is not."""
    spans = {side: course.spans() for side, course in courses.items()}
    payer, payee = spans["payer"], spans["payee"]
    # The payer: DCERT and PREQ, then the ACK. The payee: PREQ, TXN, ACK; the purse was looked at
    # in the tap before.
    assert [payer[span]["verified"] for span in tap.SPANS] == [2, 0, 1]
    assert [payer[span]["signed"] for span in tap.SPANS] == [0, 1, 0]
    assert [payee[span]["verified"] for span in tap.SPANS] == [0, 1, 0]
    assert [payee[span]["signed"] for span in tap.SPANS] == [1, 0, 1]
    for side in spans.values():
        assert 0 < sum(side[span]["bytes"] for span in tap.SPANS) < 1_200
        assert 0 < sum(side[span]["frames"] for span in tap.SPANS) < 24


def test_told_again_a_board_does_the_same(folder: Path, courses: dict[str, tap.Course]) -> None:
    """What is counted is what was driven: to the last byte, and to the end of its commands."""
    for side, role in tap.SIDES.items():
        told = courses[side].told[-1]
        again = [_output(folder / role, role, told) for _ in range(2)]
        assert again[0] == again[1]
        title = b"PAID" if side == "payer" else b"RECEIVED"
        assert again[0].endswith(title)
        assert _output(folder / role, role, told + NOTHING).endswith(title)


def _output(folder: Path, role: str, told: bytes) -> bytes:
    return subprocess.run(
        command(PROGRAM, role, heap=HEAP),
        cwd=folder,
        env=environment(),
        input=told,
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    ).stdout
