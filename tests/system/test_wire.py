"""A wire joins the tap ports of two boards: every byte arrives, in order, both ways."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
import serial

from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.wire import Wire
from tests.system.conftest import type_raw

EVERY_BYTE = bytes(range(256))
UART = "from machine import UART; import time; uart = UART(1, 115200, tx=33, rx=32)\n"
SEND = UART + "uart.write(bytes(range(256)))"
RECEIVE = (
    UART
    + """
got = b""
print("listening")
end = time.ticks_add(time.ticks_ms(), 3000)
while len(got) < {count} and time.ticks_diff(end, time.ticks_ms()) > 0:
    if uart.any():
        got += uart.read({count} - len(got))
print(got.hex())
"""
)
RECEIVE_ASYNC = (
    UART
    + """
import asyncio
async def receive():
    print("listening")
    print((await asyncio.StreamReader(uart).readexactly({count})).hex())
asyncio.run(asyncio.wait_for(receive(), 3))
"""
)


class Joined:
    """Two boards, their consoles and the wire between them."""

    def __init__(self, boards: list[VirtualBoard], wire: Wire) -> None:
        self.boards, self.wire = boards, wire
        self.consoles = [serial.Serial(board.repl_port, timeout=5) for board in boards]

    def listen(self, side: int, program: str, count: int = 256) -> None:
        type_raw(self.consoles[side], program.format(count=count))
        self.consoles[side].read_until(b"listening\n")

    def send(self, side: int) -> None:
        type_raw(self.consoles[side], SEND)
        self.consoles[side].read_until(b"\x04>")

    def heard(self, side: int) -> bytes:
        return bytes.fromhex(self.consoles[side].read_until(b"\n").decode())

    def close(self) -> None:
        for console in self.consoles:
            console.close()


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Joined]:
    with (
        VirtualBoard(tmp_path / "a") as a,
        VirtualBoard(tmp_path / "b") as b,
        Wire(a.tap_port, b.tap_port) as wire,
    ):
        joined = Joined([a, b], wire)
        yield joined
        joined.close()


@pytest.mark.parametrize("program", [RECEIVE, RECEIVE_ASYNC], ids=["polled", "asyncio"])
def test_all_bytes_both_ways(joined: Joined, program: str) -> None:
    for sender, receiver in ((0, 1), (1, 0)):
        joined.listen(receiver, program)
        joined.send(sender)
        assert joined.heard(receiver) == EVERY_BYTE
    assert joined.wire.carried == [256, 256]


def test_a_cut_wire_loses_what_is_sent(joined: Joined) -> None:
    joined.wire.cut()
    joined.listen(1, RECEIVE, count=4)
    joined.send(0)
    sleep(0.1)
    joined.wire.mend()
    joined.send(0)
    assert joined.heard(1) == EVERY_BYTE[:4]
    assert joined.wire.carried == [256, 0]


def test_a_wire_may_swallow_and_change(joined: Joined) -> None:
    joined.wire.pass_on = lambda direction, data: bytes(255 - byte for byte in data if byte < 16)
    joined.listen(1, RECEIVE, count=16)
    joined.send(0)
    assert joined.heard(1) == bytes(range(255, 239, -1))


def test_what_was_said_before_the_wire_is_lost(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "a") as a, VirtualBoard(tmp_path / "b") as b:
        joined = Joined([a, b], Wire(a.tap_port, b.tap_port))
        joined.send(0)
        sleep(0.1)
        with joined.wire:
            joined.listen(1, RECEIVE, count=8)
            joined.send(0)
            assert joined.heard(1) == EVERY_BYTE[:8]
        joined.close()


def test_a_wire_ends_when_a_port_does(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "a") as a, VirtualBoard(tmp_path / "b") as b:
        wire = Wire(a.tap_port, b.tap_port).start()
        assert wire.alive
        b.stop()
        deadline = monotonic() + 5
        while wire.alive:
            assert monotonic() < deadline
            sleep(0.01)
        assert wire.error
        wire.stop()
