"""What only Debian has (`make deps`): tests that need it are skipped and counted where it is not.

Under CI=true nothing is skipped for that: a missing program fails the test.
"""

import os
import shutil

import pytest

missing: set[str] = set()  # of the tests' names, for the count at the end


def needs(program: str, request: pytest.FixtureRequest) -> None:
    """Skips the test that asks where the program is not installed."""
    if shutil.which(program):
        return
    reason = f"{program} is not installed: make deps"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    missing.add(request.node.nodeid)
    pytest.skip(reason)


@pytest.fixture
def valgrind(request: pytest.FixtureRequest) -> str:
    needs("valgrind", request)
    return "valgrind"


@pytest.fixture
def xtensa_objdump(request: pytest.FixtureRequest) -> str:
    needs("xtensa-lx106-elf-objdump", request)
    return "xtensa-lx106-elf-objdump"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"skipped for want of a Debian package: {len(missing)}")
