"""Radio, crypto, rest: what a board loads first, and that it starts with little room for it."""

import ast

import pytest

from host_tools.board_repl import BoardRepl
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.firmware_build import CRYPTO, ROOT, START, build
from host_tools.firmware_files import ROLES, entry_file
from host_tools.firmware_target import Target, compiler_mpy_version
from host_tools.flash import flash
from host_tools.mpy import read_mpy

CRYPTO_DOOR = "firmware.common.crypto"
RADIO = "firmware.common.hardware.radio"

# On an ESP32 each function of machine code is a block of the heap in one piece while it is loaded;
# here machine code lies outside. So a block as large as the largest is taken meanwhile.
_ROOM_TAKEN = """
import gc
gc.threshold(2_048)
gc.collect()
block = bytearray({largest})
import firmware.common.crypto
del block
gc.collect()
"""


def imported(role: str) -> list[str]:
    tree = ast.parse(entry_file(ROOT, role).read_text())
    names = [
        node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return [name for name in names if name.startswith("firmware")]


@pytest.mark.parametrize("role", ROLES)
def test_a_board_loads_radio_then_crypto_then_the_rest(role: str) -> None:
    order = imported(role)
    assert [name for name in order if name != RADIO] == [CRYPTO_DOOR, f"firmware.{role}.main"]
    assert RADIO not in order or order[0] == RADIO


@pytest.mark.parametrize("role", ROLES)
def test_machine_code_is_in_the_door_alone(role: str) -> None:
    """What is loaded late and let go must not take executable memory, which nothing gives back."""
    for path, content in build(role, Target("xtensawin", 0, compiler_mpy_version())).items():
        if path.endswith(".mpy"):
            has_machine_code = bool(read_mpy(content).native())
            assert has_machine_code == (path == "/firmware/common/crypto/__init__.mpy"), path


@pytest.mark.parametrize("crypto", CRYPTO)
def test_a_board_starts_with_the_largest_functions_room_taken(tmp_path, crypto: str) -> None:
    target = Target("xtensawin", 0, compiler_mpy_version())
    door = build("sender", target, crypto=crypto)["/firmware/common/crypto/__init__.mpy"]
    largest = max(map(len, read_mpy(door).native()))
    entry = entry_file(ROOT, "sender").read_text()
    start = _ROOM_TAKEN.format(largest=largest) + entry
    with VirtualBoard(tmp_path) as board:
        flash(board.repl_port, "sender", lambda *_: None, start=False, crypto=crypto)
        with BoardRepl(board.repl_port) as repl:
            repl.write(START, start.encode(), lambda _written: None)
        with Device(board.repl_port) as device:
            assert device.status()["role"] == "sender"
