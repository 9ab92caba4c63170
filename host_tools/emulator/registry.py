"""Boards by name: where a PORT is asked for, a virtual board's name will do.

A board NAME lives in `boards/NAME` below the tools' home; a real one is named by its device.
"""

import re
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

from host_tools import paths
from host_tools.emulator.board import HEAP
from host_tools.emulator.child import NoMicroPython, micropython_folder
from host_tools.emulator.control import BoardGone, RunningBoard
from host_tools.errors import NOT_REACHABLE, WRONG_USAGE, CommandError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_START_S = 15.0
_LOOK_S = 0.05


def home_of(name: str) -> Path:
    """The folder of a board, whether it is there or not."""
    if not _NAME.fullmatch(name):
        raise CommandError(
            WRONG_USAGE,
            f"{name!r} is no name for a board: 1 to 32 letters, digits, '-' and '_', please",
        )
    return paths.home() / "boards" / name


def names() -> list[str]:
    """Every virtual board there is, running or not."""
    return sorted(path.name for path in (paths.home() / "boards").glob("*/") if path.is_dir())


def find(port_or_name: str) -> RunningBoard | None:
    """The running virtual board of this name or serial port; None if there is none."""
    if _NAME.fullmatch(port_or_name):
        return RunningBoard.of(home_of(port_or_name))
    running = (RunningBoard.of(home_of(name)) for name in names())
    return next((board for board in running if board and board.repl == port_or_name), None)


def resolve(port_or_name: str) -> str:
    """The path of a REPL port, from a device path or a running virtual board's name."""
    return _port(port_or_name, "repl")


def resolve_tap(port_or_name: str) -> str:
    """The path of a tap port, from a device path or a running virtual board's name."""
    return _port(port_or_name, "tap")


def _port(port_or_name: str, kind: str) -> str:
    if not _NAME.fullmatch(port_or_name):
        if not Path(port_or_name).exists():
            raise CommandError(
                NOT_REACHABLE,
                f"there is no port {port_or_name}; `opg board list` shows the virtual boards, "
                "`mpremote devs` the real ones",
            )
        return port_or_name
    board = find(port_or_name)
    if board is None:
        raise CommandError(
            NOT_REACHABLE,
            f"no virtual board {port_or_name} is running; start it with "
            f"`opg board start {port_or_name}`",
        )
    return getattr(board, kind)


def start(name: str, heap: str = HEAP) -> RunningBoard:
    """Start a board in the background; one that runs already is left as it is."""
    home = home_of(name)
    running = RunningBoard.of(home)
    if running:
        return running
    try:
        micropython_folder()
    except NoMicroPython as error:
        raise CommandError(NOT_REACHABLE, str(error)) from error
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "host_tools.emulator.serve", str(home), "--heap", heap],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return _started(process, home)


def _started(process: subprocess.Popen[bytes], home: Path) -> RunningBoard:
    deadline = monotonic() + _START_S
    while monotonic() < deadline and process.poll() is None:
        board = RunningBoard.of(home)
        if board:
            return board
        sleep(_LOOK_S)
    process.kill()
    log = (home / "serve.log").read_text(errors="replace").strip()
    last = log.splitlines()[-1] if log else f"it did not answer within {_START_S:.0f} s"
    raise CommandError(NOT_REACHABLE, f"board {home.name} did not start: {last}")


def stop(name: str) -> bool:
    """Stop a board; False where none of this name was running."""
    board = RunningBoard.of(home_of(name))
    try:
        if board:
            board.stop()
    except BoardGone as error:
        raise CommandError(NOT_REACHABLE, str(error)) from error
    return board is not None
