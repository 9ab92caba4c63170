"""What system tests share: virtual boards, blank or flashed, the real mpremote, a real bank."""

import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from bank import config, postgres, server
from host_tools import flash
from host_tools.emulator.board import VirtualBoard
from tests.system.emulated import EmulatedRoom
from tests.system.market import Market
from tests.system.office import Office
from tests.system.people import Room

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


@pytest.fixture(scope="session")
def flashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a flash image of each role's firmware, which no board has started yet."""
    folder = tmp_path_factory.mktemp("flashed")
    for role in ("sender", "receiver"):
        with VirtualBoard(folder / role) as board:
            flash.flash(board.repl_port, role, lambda *_: None, start=False)
    return folder


@pytest.fixture
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """Where a test meets people with new boards; they leave when it ends.

    `--boards` says on which emulator, unless a test asks for one itself.
    """
    boards = getattr(request, "param", request.config.getoption("boards"))
    if boards == "cpython":
        room = EmulatedRoom(tmp_path)
    else:
        room = Room(request.getfixturevalue("flashed"), tmp_path)
    with room:
        yield room


@pytest.fixture(scope="session")
def office() -> Iterator[Office]:
    """The real bank on a PostgreSQL of its own; its books must be sound at the end."""
    # Short enough for a socket, and outside root's home, which PostgreSQL's user cannot enter.
    home = Path(tempfile.mkdtemp(prefix="opg-office-"))
    home.chmod(0o711)
    settings = config.load({"OPG_HOME": str(home), "PORT": str(server.free_port())})
    try:
        with server.running(settings, log=home / "bank.log") as url:
            office = Office(settings, url)
            yield office
            assert office.violations() == {}
    finally:
        postgres.remove(settings.postgres_dir)
        shutil.rmtree(home)


@pytest.fixture
def market(office: Office, room: Room, tmp_path: Path) -> Iterator[Market]:
    """A payer with a purse and a payee that 12.50 were paid to; no bridge has been there yet."""
    market = Market(office, room, tmp_path, "100.00", 60_00)
    assert market.pair.pay(12_50)["outcome"] == "PAID"
    market.payee.put_away()
    yield market
    assert office.violations() == {}
