"""The hardware contract on an ESP32 with stock MicroPython; pins stand in `pins`."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# What is named here exists on a board only.

import select
import sys
import time

from machine import I2C, UART, Pin, reset, unique_id

from firmware.common.hardware import pins
from firmware.common.hardware.ssd1306 import Ssd1306

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READ_BYTES_MAX = 512
_DEBOUNCE_MS = 20
_HOLD_MS = 800
_UNSEEN_MS = 200  # who did not look for that long cannot say that a button was held
_BEEP_MS = 80
_ROUND_MS = 1


def _others_turn() -> "Any":
    yield  # MicroPython awaits any generator


def run_together(tasks: list) -> None:
    """Runs coroutines that wait only for a `Clock`, side by side, until one of them raises.

    All of asyncio that a board needs, without the 5 KB of RAM that asyncio takes.
    """
    while True:
        for task in tasks:
            task.send(None)
        time.sleep_ms(_ROUND_MS)


class Clock:
    """Milliseconds since start, from a counter that wraps every 12 days."""

    def __init__(self) -> None:
        self._ticks = time.ticks_ms()
        self._ms = 0

    def ms(self) -> int:
        now = time.ticks_ms()
        self._ms += time.ticks_diff(now, self._ticks)
        self._ticks = now
        return self._ms

    async def sleep_ms(self, ms: int) -> None:
        until = self.ms() + ms
        while True:
            await _others_turn()
            if self.ms() >= until:
                return


class Console:
    """Standard input and output: the USB port, shared with the REPL."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def read(self) -> bytes:
        # One byte at a time: asking for more would wait until they are there.
        data = bytearray()
        while len(data) < _READ_BYTES_MAX and self._poll.poll(0):
            byte = sys.stdin.buffer.read(1)
            if not byte:
                break
            data += byte
        return bytes(data)

    def write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)


class Tap:
    """The wire to the other board."""

    def __init__(self) -> None:
        self._uart = UART(
            pins.TAP_UART, baudrate=115_200, tx=pins.TAP_TX, rx=pins.TAP_RX, rxbuf=1_024
        )

    def read(self) -> bytes:
        return self._uart.read(_READ_BYTES_MAX) or b"" if self._uart.any() else b""

    def write(self, data: bytes) -> None:
        self._uart.write(data)


class Buttons:
    """Three buttons to ground."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pins = [
            (name, Pin(number, Pin.IN, Pin.PULL_UP))
            for name, number in (
                ("ok", pins.BUTTON_OK),
                ("next", pins.BUTTON_NEXT),
                ("cancel", pins.BUTTON_CANCEL),
            )
        ]
        self._down = {name: False for name, _ in self._pins}
        self._quiet_until_ms = 0
        self._read_ms = 0
        self._hold_ms = 0  # when OK has been held for long; 0 while it is not waited for

    def read(self) -> str:
        now = self._clock.ms()
        if self._hold_ms and now - self._read_ms > _UNSEEN_MS:
            self._hold_ms = now + _HOLD_MS
        self._read_ms = now
        if now < self._quiet_until_ms:
            return ""
        for name, pin in self._pins:
            down = pin.value() == 0
            if down != self._down[name]:
                self._down[name] = down
                self._quiet_until_ms = now + _DEBOUNCE_MS
                pressed = self._changed(name, down, now)
                if pressed:
                    return pressed
        if self._hold_ms and now >= self._hold_ms:
            self._hold_ms = 0
            return "hold"
        return ""

    def _changed(self, name: str, down: bool, now: int) -> str:
        if name != "ok":
            return name if down else ""
        waited_for = self._hold_ms
        self._hold_ms = now + _HOLD_MS if down else 0
        return "ok" if waited_for and not down else ""


class Board:
    """A board as the roles know it."""

    root = "/data"

    def __init__(self) -> None:
        i2c = I2C(0, scl=Pin(pins.I2C_SCL), sda=Pin(pins.I2C_SDA), freq=400_000)
        self.display = Ssd1306(i2c, pins.DISPLAY_ADDRESS)
        self.clock = Clock()
        self.console = Console()
        self.tap = Tap()
        self.buttons = Buttons(self.clock)
        self.unique_id = unique_id()
        self._buzzer = Pin(pins.BUZZER, Pin.OUT, value=0)

    def beep(self) -> None:
        self._buzzer.value(1)
        time.sleep_ms(_BEEP_MS)
        self._buzzer.value(0)

    def restart(self, after_ms: int) -> None:
        time.sleep_ms(after_ms)
        reset()
