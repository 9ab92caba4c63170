"""`opg demo`: the whole story in one command, which leaves nothing behind."""

import json
import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

OPG = Path(sysconfig.get_path("scripts")) / "opg"
TIMEOUT_S = 240
MARK = "OPG_TEST_OF_THE_DEMO"  # every process that the demo starts inherits it


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.CompletedProcess[str]]:
    """The command, run once, with a folder of its own for whatever is temporary."""
    folder = tmp_path_factory.mktemp("demo")
    folder.chmod(0o711)
    yield subprocess.run(
        [str(OPG), "demo", "--json"],
        env={**os.environ, "TMPDIR": str(folder), MARK: str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert list(folder.iterdir()) == []
    assert marked_processes(str(folder)) == []


def marked_processes(value: str) -> list[str]:
    """What still runs with this value of MARK in its environment."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={value}".encode() in environment.read_bytes().split(b"\0"):
                found.append((environment.parent / "cmdline").read_text())
        except OSError:
            continue  # gone meanwhile, or another user's
    return found


def test_one_object_and_nothing_else(demo: subprocess.CompletedProcess[str]) -> None:
    assert (demo.returncode, demo.stderr) == (0, "")
    assert demo.stdout.count("\n") == 1
    told = json.loads(demo.stdout)
    assert set(told) == {
        "micropython",
        "database",
        "payments",
        "taps",
        "guaranteed",
        "unguaranteed",
        "refunds",
        "settled",
        "refused",
        "double_spend_caught",
        "conserved",
        "seconds",
    }


def test_what_it_tells(demo: subprocess.CompletedProcess[str]) -> None:
    told = json.loads(demo.stdout)
    assert re.fullmatch(r"3\.\d+\.\d+; MicroPython .+", told["micropython"])
    assert told["database"].startswith("PostgreSQL ")
    assert told["payments"] >= 7
    assert 7 <= told["settled"] <= told["payments"]
    assert len(told["refused"]) >= 3
    assert all(isinstance(code, int) and code > 0 for code in told["refused"])
    assert told["conserved"] is True
    assert told["double_spend_caught"] is True
    assert told["taps"] == told["guaranteed"] >= 7
    assert told["unguaranteed"] >= 3
    assert told["payments"] == told["guaranteed"] + told["unguaranteed"]
    assert told["refunds"] >= 1
    assert 0 < told["seconds"] < TIMEOUT_S
