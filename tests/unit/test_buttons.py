"""The buttons of a real board: OK is pressed when it is let go, held when it was seen held."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STUBS = ("machine", "framebuf")
_TESTED = ("firmware.common.hardware.esp32", "firmware.common.hardware.ssd1306")


class Pin:
    """A pin whose level the test sets; 0 is pressed."""

    IN = OUT = PULL_UP = 0
    levels: dict = {}  # noqa: RUF012 - MicroPython has no ClassVar

    def __init__(self, number: int, *_) -> None:
        self.number = number

    def value(self) -> int:
        return self.levels.get(self.number, 1)


class Clock:
    now_ms = 1_000

    def ms(self) -> int:
        return self.now_ms


class Chip:
    """Stands for `machine` and `framebuf` while the module under test is imported."""

    I2C = UART = FrameBuffer = reset = unique_id = None
    Pin = Pin


def hands() -> "Any":
    """`esp32.Buttons` on pins of the test's own; other tests' modules stay as they were."""
    before = {name: sys.modules.pop(name, None) for name in _STUBS + _TESTED}
    try:
        for name in _STUBS:
            sys.modules[name] = Chip  # type: ignore[assignment]
        __import__(_TESTED[0])
        module: Any = sys.modules[_TESTED[0]]
    finally:
        for name, kept in before.items():
            sys.modules.pop(name, None)
            if kept:
                sys.modules[name] = kept
    Pin.levels = {}
    return module.Buttons(Clock())


OK, NEXT, CANCEL = 27, 26, 25


def seen(buttons, *moments: tuple) -> list:
    """Moments of (pin or 0, level, how long); what is read meanwhile, every 10 ms."""
    found = []
    for pin, level, ms in moments:
        Pin.levels[pin] = level
        for _ in range(ms // 10):
            name = buttons.read()
            if name:
                found.append(name)
            buttons._clock.now_ms += 10
    return found


def test_a_short_ok_counts_when_it_is_let_go():
    buttons = hands()
    assert seen(buttons, (OK, 0, 300)) == []
    assert seen(buttons, (OK, 1, 100)) == ["ok"]


def test_ok_held_for_long_is_held_once_and_not_pressed():
    buttons = hands()
    assert seen(buttons, (OK, 0, 790)) == []
    assert seen(buttons, (OK, 0, 2_000)) == ["hold"]
    assert seen(buttons, (OK, 1, 1_000)) == []
    assert seen(buttons, (OK, 0, 100), (OK, 1, 100)) == ["ok"]


def test_the_others_count_when_they_go_down_and_are_never_held():
    buttons = hands()
    assert seen(buttons, (NEXT, 0, 2_000), (NEXT, 1, 100)) == ["next"]
    assert seen(buttons, (CANCEL, 0, 2_000), (CANCEL, 1, 100)) == ["cancel"]


def test_what_nobody_watched_was_not_held():
    """A board that computes does not look; two short presses must not become a long one."""
    buttons = hands()
    seen(buttons, (OK, 0, 50))
    buttons._clock.now_ms += 5_000
    assert seen(buttons, (OK, 0, 700)) == []
    assert seen(buttons, (OK, 0, 200)) == ["hold"]


def test_a_bounce_is_one_press():
    buttons = hands()
    moments = [(OK, 0, 10), (OK, 1, 10), (OK, 0, 100), (OK, 1, 10), (OK, 0, 10), (OK, 1, 100)]
    assert seen(buttons, *moments) == ["ok"]
