"""What stands in for a board's hardware in the CPython emulator is honest about it."""

import json
from pathlib import Path

import pytest

from firmware.common import crypto
from host_tools.emulator.cpython import stand_ins, ucryptolib
from host_tools.emulator.cpython.board import Board
from host_tools.emulator.cpython.filesystem import FileSystem, format_image
from host_tools.emulator.cpython.flash import SECTOR_BYTES, Chip, PowerCut
from host_tools.emulator.cpython.framebuf import MONO_VLSB, FrameBuffer
from host_tools.emulator.cpython.own_crypto import own_crypto
from host_tools.emulator.cpython.world import QUIET_TICK_MS, Wire, World
from host_tools.emulator.display import HEIGHT, WIDTH
from tests.interpreters import run_child

FLASH_BYTES = 64 * SECTOR_BYTES
EIO = -5

# FIPS 197, appendix C.3
KEY = bytes(range(32))
PLAINTEXT = bytes.fromhex("00112233445566778899aabbccddeeff")
CIPHERTEXT = bytes.fromhex("8ea2b7ca516745bfeafc49904b496089")

DRAWING = """
def draw(buffer):
    buffer.fill(1)
    buffer.fill_rect(3, 5, 40, 30, 0)
    buffer.fill_rect(-4, 50, 200, 40, 0)
    buffer.fill_rect(100, -3, 10, 9, 0)
    for i in range(70):
        buffer.pixel(i + 60, i - 2, i % 2)
    buffer.pixel(200, 3, 1)
"""


# -- flash ---------------------------------------------------------------------------------------


def test_a_program_clears_bits_and_sets_none() -> None:
    chip = Chip(bytearray(b"\xff" * SECTOR_BYTES))
    assert chip.prog(None, 0, 8, b"\xf0") == 0
    assert chip.prog(None, 0, 8, b"\xff") == EIO
    assert chip.prog(None, 0, 8, b"\x30") == 0
    assert chip.image[8] == 0x30
    assert chip.erase(None, 0) == 0
    assert chip.image[8] == 0xFF


@pytest.mark.parametrize("written", [0, 1, 3, 4])
def test_a_fault_writes_so_many_bytes_and_ends_the_power(written: int) -> None:
    chip = Chip(bytearray(b"\xff" * SECTOR_BYTES))
    chip.watch((2, written))
    chip.prog(None, 0, 0, b"\x01")
    assert chip.prog(None, 0, 4, b"\x02\x02\x02\x02") == EIO
    assert chip.image[4:8] == b"\x02" * written + b"\xff" * (4 - written)
    assert chip.prog(None, 0, 16, b"\x03") == EIO
    assert not chip.alive
    assert chip.image[16] == 0xFF


def test_a_file_is_as_before_or_as_after_a_cut_at_every_operation() -> None:
    image = format_image(FLASH_BYTES)
    with FileSystem(Chip(image)).open("/kept", "wb") as file:
        file.write(b"before" * 100)
    seen = set()
    for operation in range(1, 100):
        chip = Chip(bytearray(image))
        system = FileSystem(chip)
        chip.watch((operation, 7))
        try:
            with system.open("/new", "wb") as file:
                file.write(b"after" * 100)
                file.flush()
            system.rename("/new", "/kept")
            break
        except PowerCut:
            with FileSystem(Chip(chip.image)).open("/kept") as file:
                seen.add(file.read())
    else:
        pytest.fail("the fault always struck")
    assert operation > 3
    assert seen <= {b"before" * 100, b"after" * 100}


def test_errors_are_the_operating_systems() -> None:
    system = FileSystem(Chip(format_image(FLASH_BYTES)))
    with pytest.raises(FileNotFoundError):
        system.open("/nowhere")
    system.mkdir("/folder")
    with pytest.raises(FileExistsError):
        system.mkdir("/folder")
    assert system.listdir("/") == ["folder"]
    file = system.open("/folder/much", "wb")
    with pytest.raises(OSError, match="NOSPC"):
        file.write(bytes(FLASH_BYTES))


# -- display and cipher --------------------------------------------------------------------------


def test_the_frame_buffer_draws_as_micropythons(tmp_path: Path) -> None:
    script = tmp_path / "draw.py"
    script.write_text(
        f"import framebuf\n{DRAWING}\npixels = bytearray({WIDTH * HEIGHT // 8})\n"
        f"draw(framebuf.FrameBuffer(pixels, {WIDTH}, {HEIGHT}, framebuf.MONO_VLSB))\n"
        "print(pixels.hex())\n"
    )
    code, real = run_child(script)
    pixels = bytearray(WIDTH * HEIGHT // 8)
    names: dict[str, object] = {}
    exec(DRAWING, names)
    draw = names["draw"]
    assert callable(draw)
    draw(FrameBuffer(pixels, WIDTH, HEIGHT, MONO_VLSB))
    assert (code, real.strip()) == (0, pixels.hex())


def test_the_cipher_gives_the_standards_answer_in_place() -> None:
    blocks = bytearray(PLAINTEXT * 2)
    ucryptolib.aes(KEY, ucryptolib.MODE_ECB).encrypt(blocks, blocks)
    assert blocks == CIPHERTEXT * 2
    cipher = ucryptolib.aes(KEY, ucryptolib.MODE_ECB)
    assert cipher.decrypt(CIPHERTEXT) == PLAINTEXT
    with pytest.raises(ValueError, match="encrypt & decrypt"):
        cipher.encrypt(PLAINTEXT)


def test_a_board_may_run_its_own_crypto() -> None:
    """What the firmware seals and signs, OpenSSL opens and verifies, and the other way round."""
    private, public = crypto.generate_key()
    digest, nonce = crypto.sha256(b"text"), bytes(12)
    sealed, signature = crypto.seal(KEY, nonce, b"text"), crypto.sign(private, digest)
    fast = crypto.seal
    with own_crypto():
        assert crypto.seal is not fast
        assert crypto.seal.__module__ == "firmware.common.crypto.aesgcm"
        assert crypto.seal(KEY, nonce, b"text") == sealed
        assert crypto.unseal(KEY, nonce, sealed) == b"text"
        assert crypto.sign(private, digest) == signature
        assert crypto.verify(public, digest, signature)
        crypto.self_test()
    assert crypto.seal.__module__ == "firmware.common.crypto.openssl"


# -- boards --------------------------------------------------------------------------------------


def test_two_boards_in_one_process_have_their_own_flash() -> None:
    world = World()
    boards = [world.add("receiver", format_image(FLASH_BYTES)) for _ in range(2)]
    for board in boards:
        board.power_on()
    keys = []
    for board in boards:
        with stand_ins.running(board):
            keys.append(board.files.open("/data/keys").read())
    assert keys[0] != keys[1]


def test_power_that_goes_at_the_start_comes_back_to_a_working_board() -> None:
    image = format_image(FLASH_BYTES)
    operations = 1
    while True:
        board = World().add("sender", bytearray(image))
        board.power_on((operations, 5))
        if board.powered:
            break
        board.power_on()
        assert board.display.lines[0] == "SENDER"
        assert not board.crashes
        operations += 1
    assert operations > 10


def test_a_crash_is_logged_and_the_board_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    board = world.add("sender", format_image(FLASH_BYTES))
    board.power_on()
    world.run_for(100)
    monkeypatch.setattr(board.buttons, "read", lambda: 1 / 0)
    assert world.run_until(lambda: bool(board.crashes), 1_000)
    assert world.run_until(lambda: board.display.lines[0] == "SENDER", 5_000)
    assert "ZeroDivisionError" in board.crashes[0]
    assert b"CRASH" in board.files.open("/data/events.txt").read()


def test_a_wire_carries_drops_and_counts_nothing_by_itself() -> None:
    world = World()
    a, b = (world.add("sender", format_image(FLASH_BYTES)) for _ in range(2))
    wire = Wire(a.tap, b.tap, lambda direction, data: data.upper() if direction else data)
    a.tap.write(b"to b")
    b.tap.write(b"to a")
    assert (b.tap.read(), a.tap.read()) == (b"to b", b"TO A")
    wire.cut()
    a.tap.write(b"lost")
    wire.mend()
    a.tap.write(b"found")
    assert b.tap.read() == b"found"


def test_time_is_the_worlds() -> None:
    world = World()
    board: Board = world.add("sender", format_image(FLASH_BYTES))
    world.sleep(1)
    board.power_on()
    before = board.clock.ms()
    world.sleep(2)
    assert 2_000 <= board.clock.ms() - before <= 2_000 + QUIET_TICK_MS
    assert before == 0
    assert json.dumps(world.time()).startswith("178")
