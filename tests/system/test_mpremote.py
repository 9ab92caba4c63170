"""Stock mpremote takes a virtual board for a real one: no `resume`, no special build of either."""

import hashlib
import random
from pathlib import Path
from time import monotonic, sleep

import serial

from host_tools.emulator.board import FLASH_BYTES, VirtualBoard
from tests.system.conftest import Mpremote, run_mpremote

EVERY_BYTE = bytes(range(256)) * 9
COUNTS_STARTS = """
import machine
with open("starts", "a") as file:
    file.write("%d " % machine.reset_cause())
"""
RUNS_ON = """
print("running")
while True:
    pass
"""


def put(mpremote: Mpremote, folder: Path, name: str, text: str | bytes) -> Path:
    """Write a file and copy it to the root of the board."""
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    mpremote("cp", file, ":")
    return file


def wait_for(happened: object, board: VirtualBoard, count: int = 1) -> None:
    """Wait until the board noted an event that often."""
    deadline = monotonic() + 5
    while [event for _, event in board.events()].count(str(happened)) < count:
        assert monotonic() < deadline, f"{happened} not among {board.events()}"
        sleep(0.01)


def test_exec(mpremote: Mpremote) -> None:
    assert mpremote("exec", "print(6 * 7)") == "42\n"


def test_exec_reports_an_exception(board: VirtualBoard, tmp_path: Path) -> None:
    done = run_mpremote(board.repl_port, "exec", "1 / 0", folder=tmp_path)
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stdout


def test_eval(mpremote: Mpremote) -> None:
    assert mpremote("eval", "sum(range(10))") == "45\n"


def test_run(mpremote: Mpremote, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("for n in range(3):\n    print(n)\n")
    assert mpremote("run", script) == "0\n1\n2\n"


def test_ls(mpremote: Mpremote, tmp_path: Path) -> None:
    put(mpremote, tmp_path, "five.txt", "12345")
    listing = [line.split() for line in mpremote("ls").splitlines()]
    assert ["5", "five.txt"] in listing


def test_cp_there_and_back(mpremote: Mpremote, tmp_path: Path) -> None:
    put(mpremote, tmp_path, "bytes", EVERY_BYTE)
    back = tmp_path / "back"
    mpremote("cp", ":bytes", back)
    assert back.read_bytes() == EVERY_BYTE


def test_cp_recursive(mpremote: Mpremote, tmp_path: Path) -> None:
    inner = tmp_path / "tree" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "tree" / "top.txt").write_text("top")
    (inner / "deep.txt").write_text("deep")
    mpremote("cp", "-r", tmp_path / "tree", ":")
    back = tmp_path / "back"
    back.mkdir()
    mpremote("cp", "-r", ":tree", back)
    assert (back / "tree" / "top.txt").read_text() == "top"
    assert (back / "tree" / "inner" / "deep.txt").read_text() == "deep"


def test_rm_recursive(mpremote: Mpremote, tmp_path: Path) -> None:
    mpremote("mkdir", ":gone")
    mpremote("mkdir", ":gone/inner")
    mpremote("cp", put(mpremote, tmp_path, "kept", "k"), ":gone/inner/file")
    mpremote("rm", "-r", ":gone")
    assert mpremote("exec", "import os; print(os.listdir())") == "['kept']\n"


def test_mkdir_and_tree(mpremote: Mpremote) -> None:
    mpremote("mkdir", ":house")
    mpremote("touch", ":house/cat")
    assert mpremote("tree").splitlines()[1:] == [":/", "└── house", "    └── cat"]


def test_cat(mpremote: Mpremote, tmp_path: Path) -> None:
    put(mpremote, tmp_path, "note.txt", "a line\nand another\n")
    assert mpremote("cat", ":note.txt") == "a line\nand another\n"


def test_df(mpremote: Mpremote) -> None:
    header, root = (line.split() for line in mpremote("df").splitlines())
    assert header[:2] == ["filesystem", "size"]
    assert int(root[1]) == FLASH_BYTES


def test_sha256sum(mpremote: Mpremote, tmp_path: Path) -> None:
    put(mpremote, tmp_path, "bytes", EVERY_BYTE)
    assert hashlib.sha256(EVERY_BYTE).hexdigest() in mpremote("sha256sum", ":bytes")


def test_mount_carries_every_byte(mpremote: Mpremote, tmp_path: Path) -> None:
    """Ctrl-C is data there: the board must not take it for a wish to stop."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "bytes").write_bytes(EVERY_BYTE)
    digest = "import hashlib; print(hashlib.sha256(open('bytes', 'rb').read()).digest().hex())"
    copy = "open('copy', 'wb').write(open('bytes', 'rb').read())"
    out = mpremote("mount", shared, "exec", digest, "exec", copy)
    assert hashlib.sha256(EVERY_BYTE).hexdigest() in out
    assert (shared / "copy").read_bytes() == EVERY_BYTE


def test_soft_reset(mpremote: Mpremote, board: VirtualBoard, tmp_path: Path) -> None:
    """It forgets what was in memory and, from the raw REPL, does not run main.py."""
    put(mpremote, tmp_path, "main.py", COUNTS_STARTS)
    put(mpremote, tmp_path, "boot.py", "booted = True\n")
    mpremote("exec", "x = 1")
    assert mpremote("resume", "exec", "print(x)") == "1\n"
    mpremote("soft-reset")
    done = run_mpremote(board.repl_port, "resume", "exec", "print(x)", folder=tmp_path)
    assert "NameError" in done.stdout
    assert mpremote("resume", "exec", "print(booted)") == "True\n"
    assert "starts" not in mpremote("ls")


def test_reset_runs_main(mpremote: Mpremote, board: VirtualBoard, tmp_path: Path) -> None:
    put(mpremote, tmp_path, "main.py", COUNTS_STARTS)
    mpremote("reset")
    wait_for("reset", board)
    with serial.Serial(board.repl_port, 115_200, timeout=5) as port:
        port.read_until(b">>> ")  # main.py has ended
    board.power_off()
    board.power_on()
    with serial.Serial(board.repl_port, 115_200, timeout=5) as port:
        port.read_until(b">>> ")
    hard_reset, power_on = 2, 1
    assert mpremote("cat", ":starts").split() == [str(hard_reset), str(power_on)]


def test_ctrl_c_out_of_the_firmware(
    mpremote: Mpremote, board: VirtualBoard, tmp_path: Path
) -> None:
    put(mpremote, tmp_path, "main.py", RUNS_ON)
    with serial.Serial(board.repl_port, 115_200, timeout=5) as port:
        board.reset()
        assert port.read_until(b"running\n").endswith(b"running\n")
        port.write(b"\x03")
        assert b"KeyboardInterrupt" in port.read_until(b">>> ")


def test_any_command_breaks_into_the_firmware(
    mpremote: Mpremote, board: VirtualBoard, tmp_path: Path
) -> None:
    put(mpremote, tmp_path, "main.py", RUNS_ON)
    waits = random.Random(1)
    for n in range(10):  # wherever in its start the firmware is just then
        board.reset()
        sleep(waits.random() / 10)
        assert mpremote("exec", f"print({n})") == f"{n}\n"


def test_bootloader_leaves_the_board_dark(
    mpremote: Mpremote, board: VirtualBoard, tmp_path: Path
) -> None:
    mpremote("bootloader")
    wait_for("bootloader", board)
    assert board.status()["power"] == "off"
    board.power_on()
    assert mpremote("exec", "print('back')") == "back\n"


def test_long_output_arrives_whole(mpremote: Mpremote) -> None:
    out = mpremote("exec", "for n in range(10_000): print(n)")
    assert out.split() == [str(n) for n in range(10_000)]
