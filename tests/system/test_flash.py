"""A virtual board is flashed, verified and looked over, through the same doors as a real one."""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

import pytest

from firmware.common.wire.errors import FIRMWARE_TOO_OLD, STORE_FULL
from host_tools import board_repl
from host_tools.board_repl import BoardRepl, Identity, Survey
from host_tools.doctor import examine
from host_tools.emulator.board import VirtualBoard
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError
from host_tools.flash import Flashed, flash, verify

STARTED = "/data/started"
# What is loaded late stays a file of its own on a board; what stays loaded is joined into main.
MAIN = f"""
import os, time

def main():
    from firmware.common.words import word
    try:
        os.mkdir("/data")
    except OSError:
        pass
    with open("{STARTED}", "w") as file:
        file.write(word())
    while True:
        time.sleep(1)
"""
SENDER_MAIN = (
    MAIN
    + """
        if word() == "never":
            from firmware.sender.screens import show
            show()
"""
)
WORDS = "def word():\n    return 'one'\n"
RECEIVER_FILES = [
    "/firmware/common/words.mpy",
    "/firmware/installed.json",
    "/firmware/receiver/main.mpy",
    "/main.py",
]
SENDER_FILES = [
    "/firmware/common/deep/inner/late.mpy",
    "/firmware/common/words.mpy",
    "/firmware/installed.json",
    "/firmware/sender/main.mpy",
    "/firmware/sender/screens.mpy",
    "/main.py",
]


class Tree:
    """A small firmware of both roles in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for role, main in (("sender", SENDER_MAIN), ("receiver", MAIN)):
            self.write(f"firmware/{role}/main.py", main)
            self.write(
                f"firmware/{role}/entry/main.py", f"from firmware.{role}.main import main\nmain()\n"
            )
        self.write(
            "firmware/sender/screens.py",
            "def show():\n    from firmware.common.deep.inner.late import shown\n    shown()\n",
        )
        self.write("firmware/common/words.py", WORDS)
        self.write("firmware/common/deep/inner/late.py", "def shown():\n    print(1)\n")
        self.write("firmware/common/unused.py", "NOBODY = 'imports this'\n")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "source")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path / "board") as board:
        yield board


def put(board: VirtualBoard, tree: Tree, role: str = "sender", *, start: bool = False) -> Flashed:
    return flash(board.repl_port, role, nothing, start=start, root=tree.root)


def nothing(_path: str, _done: int, _total: int) -> None:
    """A progress nobody looks at."""


def held(board: VirtualBoard, *paths: str) -> Survey:
    with BoardRepl(board.repl_port, restart=False) as repl:
        return repl.survey(*(paths or ("/firmware", "/main.py")))


def overwrite(board: VirtualBoard, path: str, content: bytes) -> None:
    with BoardRepl(board.repl_port, restart=False) as repl:
        repl.write(path, content, lambda _written: None)


def word_of_the_firmware(board: VirtualBoard) -> bytes:
    """What the running firmware wrote when it started; bounded, the board boots in 20 ms."""
    sleep(0.5)
    with BoardRepl(board.repl_port, restart=False) as repl:
        return repl.read(STARTED)


def test_an_empty_board_gets_every_file_and_starts(board: VirtualBoard, tree: Tree) -> None:
    done = put(board, tree, start=True)
    assert done.copied == SENDER_FILES
    assert done.target.arch == "x64"
    assert word_of_the_firmware(board) == b"one"
    assert sorted(held(board).files) == SENDER_FILES


def test_no_start_leaves_the_board_at_its_prompt(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree, start=False)
    sleep(0.5)
    assert held(board, STARTED).files == {}


def test_flashing_again_copies_nothing(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree)
    again = put(board, tree)
    assert (again.copied, again.removed, again.copied_bytes) == ([], [], 0)
    assert again.unchanged == SENDER_FILES


def test_a_changed_file_is_copied_alone(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree)
    tree.write("firmware/common/words.py", WORDS.replace("one", "two"))
    assert put(board, tree, start=True).copied == ["/firmware/common/words.mpy"]
    assert word_of_the_firmware(board) == b"two"


def test_a_removed_source_leaves_the_board(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree)
    tree.remove("firmware/sender/screens.py")
    tree.write("firmware/sender/main.py", MAIN)
    done = put(board, tree)
    gone = ["/firmware/common/deep/inner/late.mpy", "/firmware/sender/screens.mpy"]
    assert (done.copied, done.removed) == (["/firmware/sender/main.mpy"], gone)
    assert held(board).folders == {"/firmware", "/firmware/common", "/firmware/sender"}


def test_the_other_role_replaces_the_first(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree, "sender")
    put(board, tree, "receiver")
    assert sorted(held(board).files) == RECEIVER_FILES


def test_what_the_owner_keeps_survives(board: VirtualBoard, tree: Tree) -> None:
    mine = {"/data/keys": b"\0\1secret", "/lib/mine.py": b"x = 1\n", "/boot.py": b"pass\n"}
    with BoardRepl(board.repl_port, restart=False) as repl:
        repl.make_folder("/data")
        if "/lib" not in repl.survey("/lib").folders:
            repl.make_folder("/lib")
    for path, content in mine.items():
        overwrite(board, path, content)
    before = held(board, *mine)
    put(board, tree, "sender")
    put(board, tree, "receiver")
    assert held(board, *mine) == before
    assert len(before.files) == len(mine)


def test_verify_agrees_and_the_firmware_runs_again(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree, start=False)
    compared = verify(board.repl_port, tree.root)
    assert compared.equal
    assert (compared.role, compared.same) == ("sender", SENDER_FILES)
    assert word_of_the_firmware(board) == b"one"


def test_verify_finds_what_was_changed_lost_and_added(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree)
    with BoardRepl(board.repl_port, restart=False) as repl:
        content = bytearray(repl.read("/firmware/common/words.mpy"))
        content[-1] ^= 1
        repl.write("/firmware/common/words.mpy", bytes(content), lambda _written: None)
        repl.remove_file("/firmware/sender/screens.mpy")
        repl.write("/firmware/sender/spy.py", b"", lambda _written: None)
    compared = verify(board.repl_port, tree.root)
    assert not compared.equal
    assert compared.changed == ["/firmware/common/words.mpy"]
    assert compared.missing == ["/firmware/sender/screens.mpy"]
    assert compared.extra == ["/firmware/sender/spy.py"]


def test_verify_refuses_a_board_without_firmware(board: VirtualBoard, tree: Tree) -> None:
    with pytest.raises(CommandError, match="opg flash") as caught:
        verify(board.repl_port, tree.root)
    assert caught.value.exit_code == REFUSED


def test_a_cut_on_the_way_is_mended_by_flashing_again(board: VirtualBoard, tree: Tree) -> None:
    class PowerCut(Exception):
        pass

    def cut(path: str, done: int, _total: int) -> None:
        if path == "/firmware/sender/main.mpy" and done:
            board.power_off()
            raise PowerCut

    put(board, tree)
    tree.write("firmware/common/words.py", WORDS.replace("one", "two"))
    tree.write("firmware/sender/main.py", MAIN.replace("sleep(1)", "sleep(2)"))
    with pytest.raises(PowerCut):
        flash(board.repl_port, "sender", cut, root=tree.root)
    board.power_on()
    assert "/main.py" not in held(board).files, "a half-flashed board must not start"
    assert "/firmware/sender/main.mpy" in put(board, tree, start=True).copied
    assert word_of_the_firmware(board) == b"two"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": (1, 28, 0, "")}, "1.28 is too old"),
        ({"version": (0, 29, 9)}, "0.29 is too old"),
        ({"mpy": 2822 & ~0xFF | 5}, "version 5.3"),
        ({"mpy": 0}, "version 0.0"),
        ({"implementation": "circuitpython"}, "not MicroPython"),
    ],
)
def test_a_micropython_that_will_not_do_is_refused(
    board: VirtualBoard, tree: Tree, monkeypatch: pytest.MonkeyPatch, change: dict, says: str
) -> None:
    real = BoardRepl.identity

    def identity(repl: BoardRepl) -> Identity:
        return replace(real(repl), **change)

    monkeypatch.setattr(BoardRepl, "identity", identity)
    with pytest.raises(CommandError, match=r"Install MicroPython 1\.29") as caught:
        put(board, tree)
    assert says in str(caught.value)
    assert (caught.value.exit_code, caught.value.reason) == (REFUSED, FIRMWARE_TOO_OLD)
    assert held(board).files == {}


def test_a_full_filesystem_is_refused(tmp_path: Path, tree: Tree) -> None:
    noise = random.Random(1).randbytes(96 << 10).hex()
    tree.write("firmware/common/words.py", f"def word():\n    return '{noise}'\n")
    with (
        VirtualBoard(tmp_path / "small", flash_bytes=128 << 10) as small,
        pytest.raises(CommandError, match="full") as caught,
    ):
        put(small, tree)
    assert (caught.value.exit_code, caught.value.reason) == (REFUSED, STORE_FULL)


def test_a_source_that_does_not_compile_is_refused(board: VirtualBoard, tree: Tree) -> None:
    tree.write("firmware/common/words.py", "def word(): int = (yield\n")
    with pytest.raises(CommandError, match=r"words\.py") as caught:
        put(board, tree)
    assert caught.value.exit_code == REFUSED


def test_a_firmware_that_ends_at_once_is_told(board: VirtualBoard, tree: Tree) -> None:
    tree.write("firmware/sender/main.py", "def main():\n    return 1 // 0\n")
    with pytest.raises(CommandError, match="ZeroDivisionError: divide by zero") as caught:
        put(board, tree, start=True)
    assert caught.value.exit_code == REFUSED
    assert examine(board.repl_port, tree.root).advice == [
        "Its firmware ends at once: ZeroDivisionError: divide by zero"
    ]
    tree.write("firmware/sender/main.py", "def main():\n    pass\n")
    with pytest.raises(CommandError, match="without a word"):
        put(board, tree, start=True)


def test_a_port_that_does_not_exist_is_not_reachable(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="opg board list") as caught:
        verify(str(tmp_path / "ttyNOWHERE"))
    assert caught.value.exit_code == NOT_REACHABLE


def test_a_port_that_does_not_answer_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_repl, "_READ_TIMEOUT_S", 0.1)
    monkeypatch.setattr(board_repl, "_ENTER_TIMEOUT_S", 0.3)
    ours, theirs = os.openpty()
    began = monotonic()
    try:
        with pytest.raises(CommandError, match="could not enter raw repl") as caught:
            examine(os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)
    assert caught.value.exit_code == NOT_REACHABLE
    assert monotonic() - began < 5


def test_doctor_finds_nothing_wrong(board: VirtualBoard, tree: Tree) -> None:
    put(board, tree)
    health = examine(board.repl_port, tree.root)
    assert (health.role, health.version, health.advice) == ("sender", "0.1.0", [])
    assert health.identity.disk_total == 2 << 20
    assert 0 < health.identity.heap_free < health.identity.heap_total


def test_doctor_says_what_to_do(board: VirtualBoard, tree: Tree) -> None:
    assert "opg flash" in examine(board.repl_port, tree.root).advice[0]
    put(board, tree)
    overwrite(board, "/firmware/sender/screens.mpy", b"")
    assert "differs from this source tree" in examine(board.repl_port, tree.root).advice[0]
