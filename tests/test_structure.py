"""Taste made executable: every file keeps the house's rules, and every rule can fail."""

from pathlib import Path

import pytest

from tests import structure_rules as rules
from tests.structure_rules import Rule, Source

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("firmware", "bank", "host_tools", "tests", "docs")
TEXTS = {".py", ".sql", ".md", ".html", ".css", ".js", ".json", ".toml", ".sample"}
TOP = ("Makefile", "README.md", "CHANGELOG.md", "pyproject.toml", "schema.sql", ".ci/run")

LONG_FUNCTION = "def f() -> None:\n" + "    pass\n" * 70
HOME = "/" + "home/someone/board"  # in two parts, or this file would break the rule itself

# Rule, a file that breaks it, a file that keeps it.
EXAMPLES: list[tuple[Rule, Source, Source]] = [
    (
        rules.imports_follow_the_arrows,
        Source("firmware/sender/app.py", "from firmware import receiver\n"),
        Source("firmware/sender/app.py", "from firmware.common.wire import errors\n"),
    ),
    (
        rules.imports_follow_the_arrows,
        Source("firmware/common/ui/canvas.py", "def f():\n    from ...sender import app\n"),
        Source("firmware/common/ui/canvas.py", "from ..wire import errors\n"),
    ),
    (
        rules.imports_follow_the_arrows,
        Source("bank/settle.py", "import host_tools.paths\n"),
        Source("bank/settle.py", "import bank.verify\n"),
    ),
    (
        rules.imports_follow_the_arrows,
        Source("bank/settle.py", "from firmware.receiver import accept\n"),
        Source("bank/settle.py", "from firmware.common.payment import ledger\n"),
    ),
    (
        rules.imports_follow_the_arrows,
        Source("host_tools/bridge.py", "import bank\n"),
        Source("host_tools/commands/bank.py", "import bank\n"),
    ),
    (
        rules.imports_follow_the_arrows,
        Source("host_tools/bridge.py", "from tests import conftest\n"),
        Source("host_tools/demo.py", "from bank import create_app\n"),
    ),
    (
        rules.hardware_stands_in_hardware,
        Source("firmware/sender/app.py", "def f():\n    from machine import Pin\n"),
        Source("firmware/common/hardware/esp32.py", "from machine import Pin\n"),
    ),
    (
        rules.primitives_stand_in_crypto,
        Source("firmware/common/storage/store.py", "import hashlib\n"),
        Source("firmware/common/crypto/kdf.py", "import hashlib\n"),
    ),
    (
        rules.primitives_stand_in_crypto,
        Source("bank/keys.py", "import os\nkey = os.urandom(32)\n"),
        Source("bank/keys.py", "import os\nos.umask(0o077)\n"),
    ),
    (
        rules.primitives_stand_in_crypto,
        Source("bank/audit.py", "from uuid import uuid4\n"),
        Source("bank/audit.py", "from uuid import UUID\n"),
    ),
    (
        rules.firmware_runs_on_micropython,
        Source("firmware/common/wire/codec.py", "from typing import Any\n"),
        Source("firmware/common/wire/codec.py", "import struct\n"),
    ),
    (
        rules.firmware_runs_on_micropython,
        Source("firmware/common/wire/codec.py", "if CHECKING:\n    from typing import Any\n"),
        Source("firmware/common/wire/codec.py", "if TYPE_CHECKING:\n    from typing import Any\n"),
    ),
    (
        rules.sql_stands_in_queries,
        Source("bank/settle.py", 'cursor.execute(f"""\n  SELECT {columns} FROM accounts""")\n'),
        Source("bank/queries/accounts.py", 'cursor.execute("SELECT 1")\n'),
    ),
    (
        rules.sql_stands_in_queries,
        Source("host_tools/demo.py", 'sql = "UPDATE accounts SET balance_minor = 0"\n'),
        Source("host_tools/demo.py", 'text = "UPDATE YOUR BOARD"\n'),
    ),
    (
        rules.no_floats_near_money,
        Source("bank/settle.py", "fee = 1.5\n"),
        Source("bank/settle.py", "_WAIT_S = 1.5\ntime.sleep(0.01 * 3)\n"),
    ),
    (
        rules.no_floats_near_money,
        Source("firmware/common/payment/money.py", "amount = float(text)\n"),
        Source("firmware/common/payment/money.py", "amount = int(text)\n"),
    ),
    (
        rules.functions_are_short,
        Source("tests/test_a.py", LONG_FUNCTION),
        Source("tests/test_a.py", LONG_FUNCTION.removesuffix("    pass\n")),
    ),
    (
        rules.files_are_short,
        Source("bank/a.py", "x = 1\n" * 401),
        Source("bank/a.py", "x = 1\n" * 400),
    ),
    (
        rules.files_are_short,
        Source("bank/a.py", "x = 1\n" * 401),
        Source("bank/a.py", rules.GENERATED + "a program.\n" + "x = 1\n" * 401),
    ),
    (
        rules.no_bare_except,
        Source("tests/test_a.py", "try:\n    f()\nexcept:\n    pass\n"),
        Source("tests/test_a.py", "try:\n    f()\nexcept OSError:\n    pass\n"),
    ),
    (
        rules.no_assert_outside_tests,
        Source("bank/settle.py", "assert amount > 0\n"),
        Source("tests/test_a.py", "assert 1\n"),
    ),
    (
        rules.signatures_are_typed,
        Source("bank/a.py", "class A:\n    def f(self, *, x=1) -> None: ...\n"),
        Source("bank/a.py", "class A:\n    def f(self, *, x: int = 1) -> None: ...\n"),
    ),
    (
        rules.signatures_are_typed,
        Source("firmware/sender/app.py", "async def f(x: int): ...\n"),
        Source("firmware/sender/app.py", "async def f(x: int) -> None: ...\n"),
    ),
    (
        rules.no_path_of_a_machine,
        Source("docs/install.md", f"cd {HOME}/\n"),
        Source("docs/install.md", "cd ~/board\n"),
    ),
]


def sources() -> list[Source]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in TEXTS]
    paths += [ROOT / name for name in TOP if (ROOT / name).is_file()]
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(paths)
    ]


@pytest.fixture(scope="module")
def house() -> list[Source]:
    found = sources()
    rooms = {source.room for source in found}
    assert {"firmware.common", "bank", "host_tools", "tests"} <= rooms, "a room was not looked at"
    return found


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_house(rule: Rule, house: list[Source]) -> None:
    violations = [f"{source.path}:{what}" for source in house for what in rule(source)]
    assert not violations, "\n".join([f"{len(violations)} violations:", *violations])


@pytest.mark.parametrize(
    ("rule", "bad", "good"), EXAMPLES, ids=[f"{example[0].__name__}" for example in EXAMPLES]
)
def test_rule_tells_bad_from_good(rule: Rule, bad: Source, good: Source) -> None:
    assert list(rule(bad)), "the rule finds nothing in a file that breaks it"
    assert not list(rule(good))


def test_every_rule_has_an_example() -> None:
    assert {rule for rule, _, _ in EXAMPLES} == set(rules.RULES)
