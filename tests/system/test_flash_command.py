"""`opg flash`, `verify` and `doctor` with the real firmware: what they print, and how they end."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host_tools.board_repl import BoardRepl
from host_tools.cli import main
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.firmware_build import COMPACT, build
from host_tools.firmware_files import ROLES
from host_tools.firmware_target import Target, compiler_mpy_version


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with VirtualBoard(tmp_path_factory.mktemp("board")) as board:
        yield board.repl_port


def opg(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def firmware(files: dict[str, bytes]) -> str:
    """By the rule: of path || 0 || SHA-256(content) of each, in the order of the paths' parts."""
    total = sha256()
    for path in sorted(files, key=lambda path: path.split("/")):
        total.update(path.encode() + b"\0" + sha256(files[path]).digest())
    return total.hexdigest()


@pytest.mark.parametrize("role", ROLES)
def test_the_real_firmware_goes_on_a_board(port: str, role: str) -> None:
    result = opg("flash", port, "--role", role, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert (told["role"], told["arch"], told["started"]) == (role, "x64", True)
    assert told["copied"][-1] == "/main.py"
    files = build(role, Target("x64", 0, compiler_mpy_version()))
    assert told["unchanged"] + len(told["copied"]) == len(files)

    result = opg("verify", port, "--json")
    assert result.exit_code == 0
    same = {"port": port, "equal": True, "role": role, "missing": [], "changed": [], "extra": []}
    assert json.loads(result.stdout) == {**same, "firmware": firmware(files)}

    health = json.loads(opg("doctor", port, "--json").stdout)
    assert (health["role"], health["advice"]) == (role, [])


def test_compact_crypto_goes_on_a_board_and_signs(port: str) -> None:
    """The compact arithmetic passes the board's self-test, and is not taken for a difference."""
    result = opg("flash", port, "--role", "sender", "--crypto", "compact", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    files = build("sender", Target("x64", 0, compiler_mpy_version()), crypto=COMPACT)
    fast = build("sender", Target("x64", 0, compiler_mpy_version()))
    door = "/firmware/common/crypto/__init__.mpy"
    assert len(files[door]) < len(fast[door]) - 20_000
    assert json.loads(opg("verify", port, "--json").stdout)["equal"]
    assert json.loads(opg("doctor", port, "--json").stdout)["advice"] == []
    with Device(port) as device:
        assert device.status()["role"] == "sender"


def test_words_for_people(port: str) -> None:
    assert opg("flash", port, "--role", "sender").exit_code == 0
    again = opg("flash", port, "--role", "sender", "--no-start")
    assert again.exit_code == 0
    assert again.stdout.count("\n") == 1
    assert "0 files copied" in again.stdout
    holds = opg("verify", port).stdout
    files = build("sender", Target("x64", 0, compiler_mpy_version()))
    assert "holds this sender exactly" in holds and f"Its firmware: {firmware(files)}\n" in holds
    assert "firmware          0.1.0\n" in opg("doctor", port).stdout


def test_a_difference_is_named_and_ends_with_3(port: str) -> None:
    opg("flash", port, "--role", "receiver", "--json")
    with BoardRepl(port, restart=False) as board:
        board.write("/firmware/installed.json", b"not this", lambda _written: None)
    result = opg("verify", port)
    assert result.exit_code == 3
    assert "changed  /firmware/installed.json\n" in result.stdout
    assert f"opg flash {port} --role receiver" in result.stderr
    result = opg("doctor", port, "--json")
    assert result.exit_code == 3
    assert len(json.loads(result.stdout)["advice"]) == 1
    mended = opg("flash", port, "--role", "receiver")
    assert "copy /firmware/installed.json\n" in mended.stdout
    assert "1 files copied" in mended.stdout


@pytest.mark.parametrize("command", [("flash", "--role", "sender"), ("verify",), ("doctor",)])
def test_no_board_ends_with_4(command: tuple[str, ...], tmp_path: Path) -> None:
    name, *options = command
    result = opg(name, str(tmp_path / "ttyNOWHERE"), *options, "--json")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "opg board list" in result.stderr


def test_an_unknown_role_is_wrong_usage(port: str) -> None:
    assert opg("flash", port, "--role", "bank").exit_code == 2
