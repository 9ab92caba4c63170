"""Machine code in a built firmware: its types, its annotations, outlive folding and linking."""

from pathlib import Path

from host_tools.firmware_fold import fold
from tests.made_programs import MAIN, program, run_on_micropython

USE = "from app import a, b\nprint(a.f(), b.f())"

MODULE = """
import sys
TYPE_CHECKING = False
if TYPE_CHECKING or sys.implementation.name != "micropython":
    from app.stand_in import micropython, ptr8, uint

@micropython.viper
def mixed(x: int, octets: ptr8, long_name: int) -> int:
    y = uint(octets[0] + x) >> 3
    return int(y) + long_name

@micropython.viper
def unused(x: int) -> int:
    return x

def f():
    return mixed(-{number}, b"\\x05", 2)
"""


def test_machine_code_keeps_its_types_wherever_it_is_joined(tmp_path: Path) -> None:
    """A logical shift of a negative number tells whether `uint` is viper's still."""
    texts = program(USE, a=MODULE.format(number=6), b=MODULE.format(number=14), stand_in="")
    linked = fold(texts, MAIN)
    text = linked["app/main.py"]
    assert text.count("octets: ptr8") == 2 and "stand_in" not in text and "unused" not in text
    for name, built in (("plain", texts), ("folded", fold(texts)), ("linked", linked)):
        assert run_on_micropython(built, tmp_path / name) == f"{2 + (2**64 - 1 >> 3)} " + (
            f"{2 + (2**64 - 9 >> 3)}\n"
        )
