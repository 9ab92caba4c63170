"""Pins for each chip: those it has and has to spare, and the board gets its own chip's.

What a chip has comes from Espressif's data sheets: pins and strapping pins of the ESP32 (4.0 and
later), ESP32-S3 and ESP32-C3, and the modules' notes on flash and PSRAM.
"""

import ast
from pathlib import Path

import pytest

from host_tools.board_repl import Identity
from host_tools.doctor import _advice_on_board
from host_tools.errors import REFUSED, CommandError
from host_tools.firmware_build import build
from host_tools.firmware_target import (
    ARCHITECTURES,
    ESP32,
    ESP32C3,
    ESP32S3,
    Target,
    checked_target,
    chip_of,
    compiler_mpy_version,
)

HARDWARE = Path(__file__).parents[1] / "firmware" / "common" / "hardware"
NO_PIN = {"DISPLAY_ADDRESS", "TAP_UART"}
EXISTING = {
    ESP32: {*range(20), *range(21, 24), *range(25, 28), *range(32, 40)},
    ESP32S3: {*range(22), *range(26, 49)},
    ESP32C3: {*range(22)},
}
TAKEN = {
    ESP32: {
        "flash": {*range(6, 12)},
        "PSRAM": {16, 17},
        "strapping": {0, 2, 5, 12, 15},
        "serial port": {1, 3},
        "input only, without pull-up": {*range(34, 40)},
    },
    ESP32S3: {
        "flash and PSRAM": {*range(26, 33)},
        "octal PSRAM": {*range(33, 38)},
        "strapping": {0, 3, 45, 46},
        "USB": {19, 20},
        "serial port": {43, 44},
    },
    ESP32C3: {
        "flash": {*range(12, 18)},
        "strapping": {2, 8, 9},
        "USB": {18, 19},
        "serial port": {20, 21},
    },
}
CHIPS = tuple(EXISTING)
MACHINES = [
    ("Generic ESP32 module with ESP32", ESP32),
    ("Generic ESP32 module with SPIRAM with ESP32", ESP32),
    ("ESP32 UNICORE with ESP32-UNICORE", ESP32),
    ("M5Stack Atom with ESP32-PICO-D4", ESP32),
    ("Generic ESP32S3 module with ESP32S3", ESP32S3),
    ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", ESP32S3),
    ("Arduino Nano ESP32 with ESP32S3", ESP32S3),
    ("Generic ESP32C3 module with ESP32C3", ESP32C3),
    ("LOLIN_C3_MINI with ESP32-C3FH4", ESP32C3),
    ("linux [GCC 13.2.0] version", ESP32),
    ("Generic ESP32S2 module with ESP32S2", ""),
    ("ESP32C6 module with ESP32C6", ""),
    ("Generic ESP32H2 module with ESP32H2", ""),
    ("Generic ESP32P4 module with ESP32P4", ""),
    ("Raspberry Pi Pico with RP2040", ""),
    ("", ""),
]


def table(chip: str) -> dict[str, int]:
    """A chip's pins as its file says."""
    name = "pins.py" if chip == ESP32 else f"pins_{chip}.py"
    lines = ast.parse((HARDWARE / name).read_text()).body[1:]
    assert all(isinstance(line, ast.Assign) for line in lines)
    return {
        line.targets[0].id: line.value.value  # pyright: ignore
        for line in lines
        if isinstance(line, ast.Assign)
    }


@pytest.mark.parametrize("chip", CHIPS)
def test_a_chip_has_the_pins_and_has_them_to_spare(chip: str) -> None:
    pins = {name: pin for name, pin in table(chip).items() if name not in NO_PIN}
    assert set(pins.values()) <= EXISTING[chip]
    for use, taken in TAKEN[chip].items():
        assert not taken & set(pins.values()), use
    assert len(set(pins.values())) == len(pins), "one pin is soldered to two things"


def test_every_table_has_the_same_names() -> None:
    names = [set(table(chip)) for chip in CHIPS]
    assert names[0] >= NO_PIN
    assert all(found == names[0] for found in names)


@pytest.mark.parametrize("chip", CHIPS)
def test_the_manual_shows_the_table(chip: str) -> None:
    """One column a chip, in the order of the heading."""
    pins = table(chip)
    rows = {}
    for line in (HARDWARE.parents[2] / "docs" / "hardware.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4:
            rows[cells[0].split(" (")[0]] = cells[1 + CHIPS.index(chip)]
    shown = {
        "button CANCEL, NEXT, OK": ("BUTTON_CANCEL", "BUTTON_NEXT", "BUTTON_OK"),
        "display SCL, SDA": ("I2C_SCL", "I2C_SDA"),
        "tap port TX, RX": ("TAP_TX", "TAP_RX"),
        "buzzer": ("BUZZER",),
    }
    for what, names in shown.items():
        assert rows[what] == ", ".join(str(pins[name]) for name in names)


@pytest.mark.parametrize(("machine", "chip"), MACHINES)
def test_a_board_tells_its_chip(machine: str, chip: str) -> None:
    assert chip_of(machine) == chip


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_each_chip_gets_a_firmware_of_its_own_pins(role: str) -> None:
    """The same but for the pins; and of one architecture the ESP32 and the ESP32-S3 differ too."""
    builds = {
        chip: build(role, Target("xtensawin", 0, compiler_mpy_version(), chip)) for chip in CHIPS
    }
    assert len({frozenset(files) for files in builds.values()}) == 1
    for one, other in ((ESP32, ESP32S3), (ESP32, ESP32C3), (ESP32S3, ESP32C3)):
        differing = [p for p in builds[one] if builds[one][p] != builds[other][p]]
        assert len(differing) == 1, differing
        assert abs(len(builds[one][differing[0]]) - len(builds[other][differing[0]])) < 16


def test_a_board_whose_pins_nobody_knows_is_refused() -> None:
    major, minor = compiler_mpy_version()
    mpy = major | minor << 8 | ARCHITECTURES.index("armv6m") << 10
    pico = Identity("micropython", (1, 29, 0), mpy, "", MACHINES[-2][0], 9, 9, 9, 9)
    with pytest.raises(CommandError, match=r"Raspberry Pi Pico.*ESP32-C3") as caught:
        checked_target(pico)
    assert (caught.value.exit_code, caught.value.reason) == (REFUSED, None)
    assert str(caught.value) in _advice_on_board(pico)
