"""A pytest plugin: every file of tests/unit runs on CPython and on MicroPython.

On MicroPython one child process runs one file, and each of its test functions is an item of its
own. `pytest --interpreter=cpython|micropython|both` chooses; `file.py::test_name` selects on both.
"""

import ast
import json
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "tests" / "unit"
RUNNER = UNIT / "runner.py"
MICROPYTHON = Path(sysconfig.get_path("scripts")) / "micropython"
TIMEOUT_S = 120
HEAP = "2M"  # the tests' own data; what firmware needs is held by tests/system/test_memory.py
RECORD = "\x1e"  # begins a line in which the runner reports one test

# File name -> (the one interpreter that runs it, why the other cannot).
EXCEPTIONS: dict[str, tuple[str, str]] = {}


def run_child(script: Path, *arguments: str, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
    """Run a script on MicroPython; its exit code (-1: it took too long) and all that it printed."""
    command = [str(MICROPYTHON), "-X", f"heapsize={HEAP}", str(script), *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={"MICROPYPATH": f"{ROOT}:.frozen", "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return -1, (error.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout.decode(errors="replace")


def run_file(path: Path, names: list[str], timeout_s: float = TIMEOUT_S) -> dict[str, str]:
    """Run test functions of one file on MicroPython: name -> "" where passed, else what happened.

    A test without a record was never finished: the file could not be imported, or the child died.
    """
    code, output = run_child(RUNNER, str(path), *names, timeout_s=timeout_s)
    lines = output.split("\n")  # splitlines() would split at RECORD too
    records = [json.loads(line[1:]) for line in lines if line.startswith(RECORD)]
    printed = "\n".join(line for line in lines if not line.startswith(RECORD))
    ending = f"took longer than {timeout_s} s" if code < 0 else f"ended with exit code {code}"
    failures = dict.fromkeys(names, f"not finished: MicroPython {ending}\n{printed}")
    return failures | {name: failure for name, failure in records if name in failures}


class Elsewhere(pytest.Module):
    """A file of tests/unit that CPython is not to run."""

    def collect(self) -> list[pytest.Item]:
        return []


class MicroPythonFile(pytest.File):
    """The test functions of one file, run together by one child when the first is asked for."""

    failures: dict[str, str] | None = None

    def collect(self) -> Iterator["MicroPythonItem"]:
        tree = ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        names = [node.name for node in functions if node.name.startswith("test_")]
        if not names:
            raise self.CollectError(f"{self.path.name} holds no test")
        for name in names:
            yield MicroPythonItem.from_parent(self, name=f"{name}[micropython]", test=name)

    def failure(self, test: str) -> str:
        if self.failures is None:
            items = [item for item in self.session.items if item.parent is self]
            names = [item.test for item in items if isinstance(item, MicroPythonItem)]
            self.failures = run_file(self.path, names)
        return self.failures[test]


class MicroPythonItem(pytest.Item):
    """One test function on MicroPython."""

    parent: MicroPythonFile

    def __init__(self, *, test: str, **keywords) -> None:
        super().__init__(**keywords)
        self.test = test

    def runtest(self) -> None:
        failure = self.parent.failure(self.test)
        if failure:
            pytest.fail(failure, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


class Count:
    """How many tests ran: in all, and of tests/unit on each interpreter."""

    def __init__(self) -> None:
        self.ran = {"all": 0, "cpython": 0, "micropython": 0}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or report.skipped:
            return
        self.ran["all"] += 1
        if report.nodeid.startswith("tests/unit/"):
            on_micropython = report.nodeid.endswith("[micropython]")
            self.ran["micropython" if on_micropython else "cpython"] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A session in which nothing ran has shown nothing."""
        asked_to_run = not session.config.getoption("collectonly")
        if asked_to_run and not self.ran["all"] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        excepted = [f"{name} only on {on}: {why}" for name, (on, why) in EXCEPTIONS.items()]
        terminalreporter.write_line(
            f"unit tests: {self.ran['cpython']} on CPython, {self.ran['micropython']} on "
            f"MicroPython, exceptions: {'; '.join(excepted) or 'none'}"
        )


def runs_on(interpreter: str, path: Path, config: pytest.Config) -> bool:
    """Whether this file of tests/unit is to run on this interpreter."""
    chosen = config.getoption("interpreter")
    only, _ = EXCEPTIONS.get(path.name, (interpreter, ""))
    return chosen in (interpreter, "both") and only == interpreter


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--interpreter",
        choices=["cpython", "micropython", "both"],
        default="both",
        help="which interpreter runs tests/unit",
    )
    parser.addoption(
        "--boards",
        choices=["cpython", "micropython"],
        default="micropython",
        help="which emulator plays the boards of tests/system's people",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Count(), "count-of-both-interpreters")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> MicroPythonFile | None:
    is_unit_test = file_path.parent == UNIT and file_path.match("test_*.py")
    if is_unit_test and runs_on("micropython", file_path, parent.config):
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Elsewhere | None:
    if module_path.parent == UNIT and not runs_on("cpython", module_path, parent.config):
        return Elsewhere.from_parent(parent, path=module_path)
    return None
