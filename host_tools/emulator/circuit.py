"""The single-threaded inside of a virtual board: MicroPython, its console, pins and power.

The unix MicroPython ends where a board would reboot softly, so its end is what decides: a
last word on the bus (reset, bootloader, power cut), a crash, or else a soft reboot, which keeps
to the raw REPL where the host was there: Ctrl-A is typed first and main.py does not run.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from firmware.common.hardware import pins
from host_tools.emulator.child import Child
from host_tools.emulator.display import Ssd1306
from host_tools.emulator.ports import Outlet, Pty

POWER_ON, HARD_RESET, SOFT_RESET = 1, 2, 5  # machine.reset_cause()

_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_RAW, _FRIENDLY = b"raw REPL; CTRL-B to exit\r\n", b'Type "help()" for more information.\r\n'
_TAIL_BYTES = 200  # enough to find either banner in, however the output was cut into pieces
_TYPED_BYTES_MAX = 4_096
_RELEASED_MS = 60  # as long as it was held, but no longer, before it is pressed again
_LAST_WORDS = {"R": "reset", "B": "bootloader", "C": "power cut"}

Fault = tuple[int, int]
Sources = dict[Any, Callable[[], None]]


class Circuit:
    """Call `serve` for whatever of `sources` is readable and flush `outlets` when writable."""

    def __init__(
        self, home: Path, heap: str, unique_id: bytes, note: Callable[[str], None]
    ) -> None:
        self.repl, self.tap = Pty(), Pty()
        self.display = Ssd1306()
        self.boots = 0
        self._home, self._heap, self._unique_id, self._note = home, heap, unique_id, note
        self._fault: Fault | None = None
        self.child: Child | None = None
        self._forget()

    def _forget(self) -> None:
        """What a fresh start of MicroPython knows nothing of."""
        self._raw = self._up = False
        self._tail = self._typed = b""
        self._last_word = ""

    # -- power -------------------------------------------------------------------------------

    def power_on(self, fault: Fault | None = None) -> None:
        if self.child is None:
            self._fault = fault
            self._note("power on")
            self._start(POWER_ON)

    def power_off(self) -> None:
        if self.child:
            self._note("power off")
            self._kill(self.child)

    def reset(self) -> None:
        """The button on the board: no effect without power."""
        if self.child:
            self._kill(self.child)
            self._note("reset button")
            self._start(HARD_RESET)

    def press(self, pin: int, hold_ms: int) -> None:
        if self.child:
            self.child.change_pin(pin, 0, hold_ms)
            self.child.change_pin(pin, 1, min(hold_ms, _RELEASED_MS))

    def close(self) -> None:
        self.power_off()
        self.repl.close()
        self.tap.close()

    def _start(self, cause: int, raw: bool = False) -> None:
        self._forget()
        self._raw = raw
        self.boots += 1
        self.child = Child(self._heap, self._settings(cause, raw))
        if raw:
            self.child.stdin.put(_CTRL_A)

    def _settings(self, cause: int, raw: bool) -> dict[str, str]:
        return {
            "OPG_BOARD_HOME": str(self._home),
            "OPG_BOARD_FLASH": str(self._home / "flash.img"),
            "OPG_BOARD_ID": self._unique_id.hex(),
            "OPG_BOARD_CAUSE": str(cause),
            "OPG_BOARD_MAIN": str(int(not raw)),
            "OPG_BOARD_FAULT": "{}:{}".format(*self._fault) if self._fault else "",
            "OPG_BOARD_I2C": f"{pins.I2C_SCL},{pins.I2C_SDA},{pins.DISPLAY_ADDRESS}",
            "OPG_BOARD_TAP": f"{pins.TAP_UART},{pins.TAP_TX},{pins.TAP_RX}",
        }

    def _kill(self, child: Child) -> None:
        child.kill()
        child.wait()
        self._without_power()

    def _without_power(self) -> None:
        self.child = None
        self.display = Ssd1306()

    def _ended(self, child: Child) -> None:
        self._on_bus(child)  # the last words of a dead child may still be on the wires
        code = child.wait()
        if self._last_word in ("bootloader", "power cut"):
            self._note(self._last_word)
            self._without_power()
        elif self._last_word == "reset":
            self._note("reset")
            self._start(HARD_RESET)
        elif code < 0:
            self._note(f"crash by signal {-code}")
            self._start(POWER_ON)
        else:
            self._note("soft reboot")
            self.repl.out.put(b"MPY: soft reboot\r\n")
            self._start(SOFT_RESET, self._raw)

    # -- bytes -------------------------------------------------------------------------------

    def sources(self) -> Sources:
        """What to read, and who reads it; a console whose host is slow waits, as on USB."""
        sources: Sources = {self.repl: self._on_repl, self.tap: self._on_tap}
        if self.child:
            sources[self.child.bus] = partial(self._on_bus, self.child)
            sources[self.child.uart] = partial(self._on_uart, self.child)
            if not self.repl.out.full:
                sources[self.child.console] = partial(self._on_console, self.child)
        return sources

    def outlets(self) -> list[Outlet]:
        child = [self.child.stdin, self.child.uart_in] if self.child else []
        return [out for out in (self.repl.out, self.tap.out, *child) if out.waiting]

    def _on_repl(self) -> None:
        """From the host: Ctrl-C breaks into what runs, all else is typed."""
        data = self.repl.read()
        if self.child is None:
            return
        if not self._up:
            self._typed = (self._typed + data)[:_TYPED_BYTES_MAX]
            return
        self._type(self.child, data)

    def _wake(self, child: Child) -> None:
        """MicroPython runs and takes Ctrl-C from now on: type what was held back."""
        self._up = True
        typed, self._typed = self._typed, b""
        self._type(child, typed)

    def _type(self, child: Child, data: bytes) -> None:
        for part in re.split(rb"(\x03)", data):
            if part != _CTRL_C or not child.interrupt():
                child.stdin.put(part)

    def _on_tap(self) -> None:
        data = self.tap.read()
        if self.child:
            self.child.uart_in.put(data)

    def _on_uart(self, child: Child) -> None:
        self.tap.out.put(child.read_uart())

    def _on_console(self, child: Child) -> None:
        data = child.read_console()
        if not data:
            self._ended(child)
            return
        self.repl.out.put(data)
        self._tail = (self._tail + data)[-_TAIL_BYTES - len(data) :]
        raw, friendly = self._tail.rfind(_RAW), self._tail.rfind(_FRIENDLY)
        if raw != friendly:
            self._raw = raw > friendly
            self._wake(child)  # at the latest, should the start itself have failed

    def _on_bus(self, child: Child) -> None:
        for kind, payload in child.messages():
            if kind == "U":
                self._wake(child)
            elif kind == "P":
                self._note("pin {} {}".format(*payload))
            elif kind == "I":
                self.display.write(payload[1:])
            else:
                self._last_word = _LAST_WORDS[kind]
                child.kill()
