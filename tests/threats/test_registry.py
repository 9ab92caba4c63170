"""The page and the tests say the same: a threat without a test, or a test that is gone, fails."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bank import policy
from tests.threats.registry import TESTS, THE_LIST

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threats.md"
LINK = re.compile(r"\[(?P<name>test_\w+)\]\(\.\./(?P<file>tests/\S+\.py)\)")
COLLECT_S = 120


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_threat_of_the_list_has_its_tests() -> None:
    assert list(TESTS) == THE_LIST.split(" · ")
    assert len(TESTS) == 35 and all(TESTS.values())


def test_the_page_lists_every_threat_and_links_its_test() -> None:
    found = {}
    for attack, _, _, test in rows("Attacks"):
        link = LINK.fullmatch(test)
        assert link, test
        found[attack] = f"{link['file']}::{link['name']}"
    assert found == {threat: tests[0] for threat, tests in TESTS.items()}


def test_every_named_test_exists_and_is_collected() -> None:
    named = {test for tests in TESTS.values() for test in tests}
    files = sorted({test.split("::")[0] for test in named})
    options = ["--collect-only", "-q", "--interpreter=cpython", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, *files]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=COLLECT_S, check=False
    )
    collected = {line.split("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert named - collected == set(), done.stderr + done.stdout[-2_000:]


AMOUNTS = {
    "allowance of a purse": policy.ALLOWANCE_MAX_MINOR,
    "one payment": policy.TX_MAX_MINOR,
    "one purse at one till, between two settlements": policy.ALLOWANCE_MAX_MINOR
    * policy.PAYEE_PERCENT
    // 100,
    "all purses of a board": policy.ALLOWANCE_MAX_MINOR * policy.PURSES_MAX,
    "top-ups of a board in 24 hours": policy.TOPUP_DAY_MINOR_MAX,
    "bond behind a purse": policy.bond_minor(policy.ALLOWANCE_MAX_MINOR),
    "of the payer's account, for all that one purse was spent twice for": (
        policy.ALLOWANCE_MAX_MINOR
    ),
    "what a till takes between two beacons": policy.STALE_MINOR,
    "what a till holds unsettled": policy.RX_CUM_MINOR,
}


@pytest.mark.parametrize(("what", "minor"), AMOUNTS.items(), ids=list(AMOUNTS))
def test_the_amounts_on_the_page_are_the_policys(what: str, minor: int) -> None:
    told = {row[0]: row[1] for row in rows("Amounts")}
    assert told[what] == f"{minor // 100:,}.{minor % 100:02}"
    assert set(told) == set(AMOUNTS)
