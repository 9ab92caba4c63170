"""Names that a role's files share become short ones, and a program does what it did."""

import re
import subprocess
from pathlib import Path

import pytest

from host_tools.emulator.overlay_build import overlay_folder
from host_tools.firmware_build import ROOT, build
from host_tools.firmware_files import ROLES
from host_tools.firmware_fold import fold
from host_tools.firmware_target import Target, compiler_mpy_version
from host_tools.mpy import read_mpy
from tests.interpreters import MICROPYTHON
from tests.made_programs import MAIN, program, run_on_micropython, same, with_late

# MicroPython keeps names in pools of 20, 40, … 320: 620 of them, and for one more 640 others.
POOLS = 620
OTHERS = 15  # of the REPL, boot.py and main.py

COUNT = """
import micropython, sys
for name in open("names").read().split("\\0"):
    getattr(sys, name, None)
micropython.qstr_info()
"""

LATE = "from firmware.common import late\n"
RARE = "def long_name(x): return x + 1\ndef other_name(x): return long_name(x) * 2"


def words(texts: dict[str, str]) -> set[str]:
    return {word for text in texts.values() for word in re.findall(r"\w+", text)}


def linked(main: str, **modules: str) -> set[str]:
    """The words of a linked program that prints what it printed."""
    texts = with_late(program(main, **modules))
    same(texts)
    return words(fold(texts, MAIN))


def test_a_function_that_is_called_late_has_a_short_name(tmp_path: Path) -> None:
    main = LATE + "print(late.call('app.rare', 'other_name', 3))"
    assert not linked(main, rare=RARE) & {"other_name", "long_name"}
    texts = with_late(program(main, rare=RARE))
    assert run_on_micropython(fold(texts, MAIN), tmp_path) == "8\n"


def test_what_a_rare_module_imports_of_the_main_file_has_a_short_name() -> None:
    rare = "from app.a import helping_hand\ndef rare_thing(): return helping_hand(2)"
    main = LATE + "from app.a import helping_hand\n"
    main += "print(late.call('app.rare', 'rare_thing'), helping_hand(1))"
    names = linked(main, rare=rare, a="def helping_hand(x): return x")
    assert not names & {"helping_hand", "rare_thing"}


@pytest.mark.parametrize(
    "main",
    [
        "def f(name): return late.call('app.rare', name, 3)\nprint(f('other_name'))",
        "def f(where): return late.call(where, 'other_name', 3)\nprint(f('app.rare'))",
        "print(late.call('app.rare', 'other_name', 3), 'other_name')",
        "names = ['long_name', 'other_name']\n"
        "print([late.call('app.rare', name, 3) for name in names])",
        "def f():\n    from app import rare\n    return rare.other_name(3)\nprint(f())",
    ],
)
def test_a_name_that_may_be_told_otherwise_stays(main: str) -> None:
    assert "other_name" in linked(LATE + main, rare=RARE)


def test_a_name_that_two_things_have_stays_or_is_told_apart() -> None:
    main = LATE + "from app.a import work\nprint(work(1), late.call('app.rare', 'work_late', 1))"
    rare = "from app.b import work\ndef work_late(x):\n    return work(x), [work for work in (x,)]"
    linked(main, a="def work(x): return x", b="def work(x): return -x", rare=rare)


SHOP = """
class Shop:
    def __init__(self):
        self.opening_hours = 8
        self.{name} = 1
    def is_open_late(self):
        return self.opening_hours > 7
"""


def test_attributes_have_short_names_in_all_files() -> None:
    main = LATE + "from app.a import Shop\nprint(late.call('app.rare', 'look', Shop()))"
    rare = "def look(shop): return shop.opening_hours, shop.is_open_late(), shop.till_count"
    names = linked(main, a=SHOP.format(name="till_count"), rare=rare)
    assert not names & {"opening_hours", "is_open_late", "till_count"}


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("append", "[].append(shop.append)"),
        ("sleep_ms", "shop.sleep_ms"),
        ("amount", "getattr(shop, 'am' 'ount')"),
        (
            "amount",
            "[getattr(shop, name) for name in 'payee8 amount4'.replace('4', '').split()[1:]]",
        ),
        ("do_pay", "getattr(shop, 'do_' + 'pay')"),
        ("Counter", "shop.Counter, Counter"),
        ("platform", "shop.platform, bool(sys.platform)"),
    ],
)
def test_an_attribute_that_may_mean_something_else_stays(name: str, use: str) -> None:
    main = f"import sys\nfrom app.a import Shop\nCounter = 3\nshop = Shop()\nprint({use})"
    texts = program(main, a=SHOP.format(name=name))
    same(texts)
    assert f".{name} = 1" in fold(texts, MAIN)["app/main.py"]


RECORD = """
class Record:
    def __init__(self, **fields):
        self._first, self._second = 1, 2
        for name in fields: setattr(self, name, fields[name])
        {inside}
    def told(self):
        return self._first, self._second
    {more}
"""
FILL = "def fill(self): self.a = self.b = 0\n"
SUB = "class Sub({base}):\n    def __init__(self):\n        super().__init__()\n"
SUB += "        self.a = self.b = 0\nprint(Sub().told())"
GUESS = "def __getattr__(self, name): return name"


@pytest.mark.parametrize(
    ("inside", "more", "outside"),
    [
        ("for name in 'a4 b8'.split(): setattr(self, name[0], 0)", "", ""),
        ("self.a = self.b = 0", "", ""),
        ("", "", "record.a = record.b = 0"),
        ("", "", FILL + "fill(record)"),
        (
            "",
            "",
            f"class Other:\n    def do(self):\n        {FILL}        fill(record)\nOther().do()",
        ),
        ("", "", SUB.format(base="Record")),
        ("", "", "Base = Record\n" + SUB.format(base="Base")),
        ("", "", "from app.a import Record as R\n" + SUB.format(base="R")),
        ("", "", "def pick(): return Record\n" + SUB.format(base="pick()")),
        (
            "",
            "",
            FILL + "Sub = type('Sub', (Record,), {'fill': fill})\nrecord = Sub()\nrecord.fill()",
        ),
        ("", "", "record = Record(a=3, b=4)"),
        ("", GUESS, "print(record.a, record.b)"),
    ],
)
def test_a_private_attribute_takes_no_other_s_place(inside: str, more: str, outside: str) -> None:
    main = f"from app.a import Record\nrecord = Record()\n{outside}\nprint(record.told())"
    same(program(main, a=RECORD.format(inside=inside, more=more)))


def test_private_attributes_have_the_letters_that_public_ones_have_elsewhere() -> None:
    rare = "class Till:\n    def __init__(self):\n        self._hidden = 1\n"
    rare += "    def show_till(self):\n        return self._hidden"
    plain = "class Till:\n    def show_till(self):\n        return 1"
    main = LATE + "from app.a import Shop\nshop = Shop()\nshop.till_count += 1\n"
    main += "from app.b import Till\nprint(Till().show_till(), shop.is_open_late())"
    with_hidden, without = (
        linked(main, a=SHOP.format(name="till_count"), b=b) for b in (rare, plain)
    )
    assert with_hidden <= without


@pytest.mark.parametrize("role", ROLES)
def test_a_boot_needs_no_further_pool_of_names(role: str, tmp_path: Path) -> None:
    """However many of its flows run: names stay, so a board would have less heap every hour."""
    target = Target(arch="x64", flags=0, mpy_version=compiler_mpy_version())
    files = [data for path, data in build(role, target, ROOT).items() if path.endswith(".mpy")]
    files += [path.read_bytes() for path in overlay_folder().glob("*.mpy")]
    names = sorted({name for data in files for name in read_mpy(data).names})
    kept = names_in_ram(names, tmp_path) + len(files) + OTHERS  # each file's path is a name
    assert len(names) > 300 and kept <= POOLS


def names_in_ram(names: list[str], folder: Path) -> int:
    """How many MicroPython keeps of these, as it has the others in itself."""
    told: list[int] = []
    for some in ([], names):
        (folder / "names").write_text("\0".join(some))
        command = [str(MICROPYTHON), "-c", COUNT]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
        told.append(int(re.findall(rb"n_qstr=(\d+)", done.stdout)[-1]))
    return told[1] - told[0]
