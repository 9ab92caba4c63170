"""What system tests share: a virtual board in a home of its own, and the real mpremote."""

import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from host_tools.emulator.board import VirtualBoard

MPREMOTE = Path(sysconfig.get_path("scripts")) / "mpremote"
TIMEOUT_S = 30

Mpremote = Callable[..., str]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    """A new board, switched on, with nothing on its flash."""
    with VirtualBoard(tmp_path / "board") as board:
        yield board


@pytest.fixture
def mpremote(board: VirtualBoard, tmp_path: Path) -> Mpremote:
    """Run mpremote against the board, in the test's folder; what it printed, or the test fails."""

    def run(*arguments: str | Path) -> str:
        done = run_mpremote(board.repl_port, *arguments, folder=tmp_path)
        assert done.returncode == 0, f"mpremote {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


def type_raw(port: serial.Serial, code: str) -> None:
    """Break into what runs, enter the raw REPL and have it run code; its output comes next."""
    port.write(b"\r\x03\x01")
    port.read_until(b"raw REPL; CTRL-B to exit\r\n>")
    port.write(code.encode() + b"\x04")
    port.read_until(b"OK")


def run_mpremote(
    port: str, *arguments: str | Path, folder: Path
) -> subprocess.CompletedProcess[str]:
    command = [str(MPREMOTE), "connect", port, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
