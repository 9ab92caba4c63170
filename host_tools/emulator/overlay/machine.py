"""The part of an ESP32's `machine` that the firmware uses, wired to the virtual board.

What is not here raises, as it should: nothing pretends to be hardware that is not emulated.
"""

import io
import os
import select
import time

import _bus
from umachine import idle, mem8, mem16, mem32, time_pulse_us  # MicroPython's own  # noqa: F401

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_ENODEV = 19
_GET_FILENO = 10

_frequency_hz = 160_000_000
_pins = {}
_changes = {}


def _wiring(name):
    return tuple(map(int, os.getenv(name).split(",")))


def unique_id():
    return bytes.fromhex(os.getenv("OPG_BOARD_ID"))


def reset_cause():
    return int(os.getenv("OPG_BOARD_CAUSE"))


def reset():
    _bus.end("R")


def bootloader(timeout_ms=0):
    _bus.end("B")


def soft_reset():
    raise SystemExit


def freq(hz=None):
    global _frequency_hz
    _frequency_hz = hz or _frequency_hz
    return _frequency_hz


class Pin:
    """A pin; an input takes the changes that arrive one by one, each for at least its dwell."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2

    def __new__(cls, id, mode=-1, pull=-1, *, value=None):
        if id not in _pins:
            pin = _pins[id] = object.__new__(cls)
            pin.id, pin._level, pin._until_ms = id, 0, time.ticks_ms()
        return _pins[id]

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None):
        if mode == Pin.IN and pull != -1:
            self._level = int(pull == Pin.PULL_UP)
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            return self._read()
        self._level = int(bool(level))
        return _bus.tell("P", bytes((self.id, self._level)))

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def _read(self):
        change = _bus.hear()
        while change:
            _changes.setdefault(change[0], []).append(change)
            change = _bus.hear()
        changes, now_ms = _changes.get(self.id), time.ticks_ms()
        if changes and time.ticks_diff(now_ms, self._until_ms) >= 0:
            _, self._level, dwell_ms = changes.pop(0)
            self._until_ms = time.ticks_add(now_ms, dwell_ms)
        return self._level


class I2C:
    """A bus master; a device answers only where the board has it wired."""

    def __init__(self, id=-1, *, scl, sda, freq=400_000, timeout=50_000):
        scl_pin, sda_pin, address = _wiring("OPG_BOARD_I2C")
        self._addresses = [address] if (scl.id, sda.id) == (scl_pin, sda_pin) else []

    def scan(self):
        return list(self._addresses)

    def writeto(self, address, buffer, stop=True):
        if address not in self._addresses:
            raise OSError(_ENODEV)
        _bus.tell("I", bytes((address,)) + buffer)
        return len(buffer)

    def writevto(self, address, vector, stop=True):
        return self.writeto(address, b"".join(vector), stop)


SoftI2C = I2C


class UART(io.IOBase):
    """A serial port; bytes pass unchanged whatever the baud rate, at the speed of a pipe."""

    def __init__(self, id, baudrate=115_200, **settings):
        if id != _wiring("OPG_BOARD_TAP")[0]:
            raise ValueError(f"UART({id}) is not wired on this board")
        self._ready = select.poll()
        self._ready.register(_bus.uart, select.POLLIN)
        self.init(baudrate, **settings)

    def init(self, baudrate=115_200, *, tx=None, rx=None, timeout=0, **settings):
        _, wired_tx, wired_rx = _wiring("OPG_BOARD_TAP")
        for pin, wired in ((tx, wired_tx), (rx, wired_rx)):
            if pin is not None and getattr(pin, "id", pin) != wired:
                raise ValueError(f"pin {pin} is not the tap port's")
        self._timeout_ms = timeout

    def deinit(self):
        self._ready.unregister(_bus.uart)

    def any(self):
        """1 where there is something to read; a real port counts the bytes."""
        return int(bool(self._ready.poll(0)))

    def read(self, count=1024):
        return _bus.uart.read(count) if self._ready.poll(self._timeout_ms) else None

    def readinto(self, buffer, count=-1):
        view = memoryview(buffer)[:count] if count >= 0 else buffer
        return _bus.uart.readinto(view) if self._ready.poll(self._timeout_ms) else None

    def readline(self):
        return _bus.uart.readline() if self._ready.poll(self._timeout_ms) else None

    def write(self, data):
        return _bus.uart.write(data)

    def flush(self):
        pass

    def ioctl(self, request, argument):
        if request == _GET_FILENO:
            return _bus.UART_DESCRIPTOR
        return -1


class RTC:
    """The clock; what is set holds until the next reset, as without a battery."""

    _ahead_s = 0

    def datetime(self, moment=None):
        if moment is None:
            now = time.gmtime(int(time.time()) + RTC._ahead_s)
            return now[:3] + now[6:7] + now[3:6] + (0,)
        year, month, day, _, hour, minute, second, _ = moment
        there = time.mktime((year, month, day, hour, minute, second, 0, 0))
        RTC._ahead_s = there - int(time.time())
        return None
