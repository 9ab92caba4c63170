"""What a virtual board promises: flash, power, pins, display, UART, heap, and to end cleanly."""

import os
import random
import zlib
from ast import literal_eval
from pathlib import Path
from time import monotonic, sleep

import pytest
import serial

from host_tools.emulator.board import BUTTONS, BoardInUse, VirtualBoard
from tests.system.conftest import Mpremote, run_mpremote, type_raw

KIB = 1024
OVERLAY_BYTES_MAX = 28 * KIB  # the budget: what a real board has in C and does not pay for
CUT_BYTES = 5


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_dark(board: VirtualBoard) -> None:
    deadline = monotonic() + 5
    while board.status()["power"] == "on":
        assert monotonic() < deadline
        sleep(0.01)


# -- flash and power -----------------------------------------------------------------------------


def test_flash_persists_over_power_cycles(board: VirtualBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "with open('kept', 'w') as file: file.write('here')")
    for _ in range(3):
        board.power_off()
        board.power_on()
        assert mpremote("cat", ":kept") == "here"


def test_flash_is_kept_in_its_home(tmp_path: Path) -> None:
    ids = []
    for text in ("first", "second"):
        with VirtualBoard(tmp_path / "home") as board:
            code = f"with open('log', 'a') as f: f.write('{text} ')\nprint(open('log').read())"
            out = run_mpremote(board.repl_port, "exec", code, folder=tmp_path).stdout
            ids.append(board.unique_id)
    assert out == "first second \n"
    assert ids[0] == ids[1]


def test_unique_id_is_the_boards_own(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "a") as a, VirtualBoard(tmp_path / "b") as b:
        code = "import machine; print(machine.unique_id().hex())"
        told = [run_mpremote(x.repl_port, "exec", code, folder=tmp_path).stdout for x in (a, b)]
        assert told == [f"{a.unique_id.hex()}\n", f"{b.unique_id.hex()}\n"]
        assert told[0] != told[1]


def test_program_sets_no_bit_without_erase(mpremote: Mpremote) -> None:
    out = mpremote(
        "exec",
        """
from flashbdev import bdev
last = bdev.ioctl(4, 0) - 1
got = bytearray(4)
def program(data):
    answer = bdev.writeblocks(last, data, 8)
    bdev.readblocks(last, got, 8)
    print(answer, got.hex())
bdev.ioctl(6, last)
program(b"\\xf0\\x0f\\xff\\x00")   # from erased: anything
program(b"\\x70\\x00\\x01\\x00")   # fewer ones: allowed
program(b"\\x71\\x00\\x01\\x00")   # one bit from 0 to 1: refused, nothing changes
bdev.ioctl(6, last)
program(b"\\x71\\x00\\x01\\x00")
""",
    )
    eio = -5
    assert out.splitlines() == ["0 f00fff00", "0 70000100", f"{eio} 70000100", "0 71000100"]


def test_power_cut_within_a_flash_operation(board: VirtualBoard, mpremote: Mpremote) -> None:
    """Five bytes of the third operation reach the chip, then it is dark; later it mounts."""
    mpremote("exec", "with open('old', 'w') as file: file.write('old')")
    board.power_off()
    board.power_on(fault=(3, CUT_BYTES))
    write = """
from flashbdev import bdev
for n in range(3):
    print(n)
    bdev.writeblocks(bdev.ioctl(4, 0) - 1, bytes(16), 16 * n)
"""
    with serial.Serial(board.repl_port, 115_200, timeout=5) as port:
        type_raw(port, write)
        wait_until_dark(board)
        assert port.read(6) == b"0\n1\n2\n"
    assert "power cut" in [event for _, event in board.events()]
    image = (board.home / "flash.img").read_bytes()
    assert image[-4096:][:48] == bytes(32 + CUT_BYTES) + b"\xff" * (16 - CUT_BYTES)
    board.power_on()
    assert mpremote("cat", ":old") == "old"


def test_damaged_flash_is_left_as_it_is(board: VirtualBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "open('money', 'w').close()")
    board.power_off()
    image = board.home / "flash.img"
    damaged = bytearray(image.read_bytes())
    damaged[:8192] = bytes(8192)  # both copies of the superblock
    image.write_bytes(damaged)
    board.power_on()
    with serial.Serial(board.repl_port, 115_200, timeout=5) as port:
        board.reset()
        assert b"damaged" in port.read_until(b">>> ")
    assert image.read_bytes() == damaged


def test_nvs_keeps_what_was_committed(board: VirtualBoard, mpremote: Mpremote) -> None:
    mpremote(
        "exec",
        "import esp32; nvs = esp32.NVS('opg'); nvs.set_i32('boots', 7)\n"
        "nvs.set_blob('id', bytes(range(4))); nvs.commit(); nvs.set_i32('boots', 8)",
    )
    out = mpremote(
        "exec",
        "import esp32; nvs = esp32.NVS('opg'); blob = bytearray(8)\n"
        "print(nvs.get_i32('boots'), nvs.get_blob('id', blob), blob.hex())\n"
        "try: nvs.get_i32('none')\n"
        "except OSError as error: print(hex(-error.errno))",
    )
    esp_err_nvs_not_found = "0x1102"
    assert out.splitlines() == ["7 4 0001020300000000", esp_err_nvs_not_found]


# -- pins and display ----------------------------------------------------------------------------


WATCH = """
from machine import Pin
import time
pins = [Pin(n, Pin.IN, Pin.PULL_UP) for n in ({pins})]
seen = []
level = [1] * len(pins)
end = time.ticks_add(time.ticks_ms(), {watch_ms})
print("watching")
while time.ticks_diff(end, time.ticks_ms()) > 0:
    for n, pin in enumerate(pins):
        now = pin.value()
        if now != level[n]:
            level[n] = now
            seen.append((n, now))
    time.sleep_ms({poll_ms})
print(seen)
"""


def watch(board: VirtualBoard, presses: list[tuple[str, int]], watch_ms: int, poll_ms: int) -> str:
    """The changes that a program saw which looks at the three pins every `poll_ms`."""
    pins = ", ".join(str(pin) for pin in BUTTONS.values())
    code = WATCH.format(pins=pins, watch_ms=watch_ms, poll_ms=poll_ms)
    with serial.Serial(board.repl_port, 115_200, timeout=10) as port:
        type_raw(port, code)
        port.read_until(b"watching\n")
        for button, hold_ms in presses:
            board.press(button, hold_ms)
        return port.read_until(b"\n").decode()


def test_each_button_is_seen_down_and_up(board: VirtualBoard) -> None:
    presses = [("cancel", 60), ("next", 60), ("ok", 60)]
    seen = watch(board, presses, watch_ms=400, poll_ms=10)
    assert sorted(literal_eval(seen)) == [(n, level) for n in range(3) for level in (0, 1)]


def test_a_press_is_held_as_long_as_asked(board: VirtualBoard, mpremote: Mpremote) -> None:
    board.press("ok", 300)
    out = mpremote(
        "resume",
        "exec",
        "from machine import Pin; import time; pin = Pin(27, Pin.IN, Pin.PULL_UP)\n"
        "began = time.ticks_ms()\n"
        "while pin.value() == 0: time.sleep_ms(1)\n"
        "print(time.ticks_diff(time.ticks_ms(), began))",
    )
    assert 300 <= int(out) <= 400


def test_no_press_is_lost_on_a_busy_firmware(board: VirtualBoard) -> None:
    """Twenty presses of 10 ms each, and a program that looks every 35 ms."""
    seen = literal_eval(watch(board, [("ok", 10)] * 20, watch_ms=2_000, poll_ms=35))
    ok = list(BUTTONS).index("ok")
    assert seen == [(ok, 0), (ok, 1)] * 20


def test_a_press_that_cannot_be_is_refused(board: VirtualBoard) -> None:
    with pytest.raises(ValueError, match="no button 'fire'"):
        board.press("fire")
    with pytest.raises(ValueError, match="60000 ms"):
        board.press("ok", 60_001)


def test_outputs_are_recorded(board: VirtualBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "from machine import Pin; pin = Pin(13, Pin.OUT); pin.on(); pin.off()")
    assert [event for _, event in board.events() if event.startswith("pin")] == [
        "pin 13 1",
        "pin 13 0",
    ]


DISPLAY = """
from machine import I2C, Pin
i2c = I2C(0, scl=Pin(22), sda=Pin(21))
def command(*codes): i2c.writeto(0x3c, bytes((0,) + codes))
print(i2c.scan())
"""


def test_display_shows_what_is_written(board: VirtualBoard, mpremote: Mpremote) -> None:
    """Horizontal addressing, the way of most drivers; then page addressing at one place."""
    noise = random.Random(7).randbytes(1024)
    assert not any(board.screen().buffer)  # dark until told to be on
    out = mpremote(
        "exec",
        DISPLAY + "command(0xa1, 0xc8, 0x20, 0, 0x21, 0, 127, 0x22, 0, 7, 0xaf)\n"
        f"i2c.writevto(0x3c, (b'\\x40', bytes.fromhex('{noise.hex()}')))",
    )
    assert out == "[60]\n"
    assert board.screen().buffer == noise
    mpremote("exec", DISPLAY + "command(0x20, 2, 0xb3, 0x05, 0x12); i2c.writeto(60, b'@abc')")
    page, column = 3, 0x25
    at = page * 128 + column
    assert board.screen().buffer == noise[:at] + b"abc" + noise[at + 3 :]


def test_picture_as_text_and_png(board: VirtualBoard, mpremote: Mpremote) -> None:
    """Two pixels one above the other, at the left top."""
    mpremote(
        "exec", DISPLAY + "command(0xa1, 0xc8, 0xb0, 0, 0x10, 0xaf); i2c.writeto(60, b'@\\3\\2\\1')"
    )
    lines = board.screen().text().splitlines()
    assert [len(line) for line in lines] == [128] * 32
    assert lines[0].rstrip() == "█▄▀"
    png = board.screen().png(scale=1)
    width_and_height = png[16:24]
    assert width_and_height == bytes((0, 0, 0, 128, 0, 0, 0, 64))
    first_rows = zlib_rows(png)[:34]
    assert first_rows == b"\0\xa0" + bytes(15) + b"\0\xc0" + bytes(15)


def zlib_rows(png: bytes) -> bytes:
    at = png.index(b"IDAT")
    length = int.from_bytes(png[at - 4 : at], "big")
    return zlib.decompress(png[at + 4 : at + 4 + length])


def test_display_answers_on_its_own_wires_only(mpremote: Mpremote) -> None:
    out = mpremote(
        "exec",
        "from machine import I2C, Pin; i2c = I2C(0, scl=Pin(18), sda=Pin(19)); print(i2c.scan())\n"
        "try: i2c.writeto(60, b'')\n"
        "except OSError as error: print(error.errno)",
    )
    enodev = 19
    assert out.splitlines() == ["[]", str(enodev)]


# -- heap, and processes that come and go --------------------------------------------------------


@pytest.mark.parametrize("heap_kib", [124, 200])
def test_heap_is_what_was_asked(tmp_path: Path, heap_kib: int) -> None:
    with VirtualBoard(tmp_path / "home", heap=f"{heap_kib}K") as board:
        code = "import gc; gc.collect(); print(gc.mem_free(), gc.mem_alloc())"
        out = run_mpremote(board.repl_port, "exec", code, folder=tmp_path).stdout
    free, used = map(int, out.split())
    assert 0.97 * heap_kib * KIB < free + used <= heap_kib * KIB
    assert used <= OVERLAY_BYTES_MAX


def test_nothing_is_left_after_stop(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    board = VirtualBoard(tmp_path / "home").start()
    child = board.status()["child"]
    assert runs(child)
    board.stop()
    assert not runs(child)
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_home_has_one_board(board: VirtualBoard) -> None:
    with pytest.raises(BoardInUse):
        VirtualBoard(board.home).start()


def test_many_soft_resets(board: VirtualBoard) -> None:
    resets = 40
    descriptors = len(os.listdir("/proc/self/fd"))
    with serial.Serial(board.repl_port, 115_200, timeout=5) as port:
        port.write(b"\r\x03\x01")
        banner = b"raw REPL; CTRL-B to exit\r\n>"
        assert port.read_until(banner).endswith(banner)
        for n in range(resets):
            port.write(b"\x04")
            assert port.read_until(banner).endswith(banner), n
    assert board.status()["boots"] == 1 + resets
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_board_that_nobody_listens_to_runs_on(board: VirtualBoard, mpremote: Mpremote) -> None:
    main = "for n in range(3000): print('x' * 100)\nopen('done', 'w').close()\nwhile True: pass\n"
    mpremote("exec", f"with open('main.py', 'w') as file: file.write({main!r})")
    board.reset()
    sleep(1.5)
    assert "done" in mpremote("ls")


def test_a_board_is_deaf_and_dark_without_power(board: VirtualBoard, mpremote: Mpremote) -> None:
    board.power_off()
    board.power_off()
    board.press("ok")
    board.reset()
    assert board.status()["power"] == "off"
    board.power_on()
    board.power_on()
    assert board.status()["boots"] == 2
    assert mpremote("exec", "print(1)") == "1\n"
