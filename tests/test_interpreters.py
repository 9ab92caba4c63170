"""The machinery that runs tests/unit on MicroPython must not hide a failure."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.interpreters import ROOT, run_file

# Makes the folder of a test the one whose files run on both interpreters.
CONFTEST = """
from pathlib import Path
import tests.interpreters
tests.interpreters.UNIT = Path(__file__).parent
pytest_plugins = ["tests.interpreters"]
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "test_sample.py"
        path.write_text(text)
        return path

    return write


def test_each_function_has_its_own_outcome(write):
    path = write("def test_good():\n    pass\n\ndef test_bad():\n    assert 1 == 2\n")
    outcome = run_file(path, ["test_good", "test_bad"])
    assert outcome["test_good"] == ""
    assert "line 5, in test_bad\nAssertionError" in outcome["test_bad"]


def test_it_is_micropython_that_runs(write):
    path = write(
        "import sys\ndef test_it():\n    assert sys.implementation.name == 'micropython'\n"
    )
    assert run_file(path, ["test_it"]) == {"test_it": ""}


def test_a_child_that_dies_fails_what_it_left(write):
    path = write("import sys\ndef test_first():\n    pass\n\ndef test_dies():\n    sys.exit(3)\n")
    outcome = run_file(path, ["test_first", "test_dies", "test_never"])
    assert outcome["test_first"] == ""
    assert "ended with exit code 3" in outcome["test_dies"]
    assert "not finished" in outcome["test_never"]


def test_a_file_that_cannot_be_imported_fails_with_its_traceback(write):
    outcome = run_file(write("import dataclasses\n"), ["test_it"])
    assert "ImportError: no module named 'dataclasses'" in outcome["test_it"]


def test_a_child_that_does_not_end_is_ended(write):
    path = write("def test_it():\n    print('here')\n    while True:\n        pass\n")
    outcome = run_file(path, ["test_it"], timeout_s=1)
    assert "took longer than 1 s" in outcome["test_it"]


def test_a_record_that_a_test_prints_changes_nothing(write):
    path = write('def test_it():\n    print(\'\\x1e["test_other", ""]\')\n    assert False\n')
    assert "AssertionError" in run_file(path, ["test_it"])["test_it"]


def run_pytest(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("interpreter", "summary"),
    [
        ("cpython", "unit tests: 4 on CPython, 0 on MicroPython"),
        ("micropython", "unit tests: 0 on CPython, 4 on MicroPython"),
        ("both", "unit tests: 4 on CPython, 4 on MicroPython"),
    ],
)
def test_the_interpreter_can_be_chosen(interpreter: str, summary: str):
    code, output = run_pytest(f"--interpreter={interpreter}", "tests/unit/test_helpers.py")
    assert code == 0 and summary in output


def test_a_file_without_tests_fails(write):
    path = write("def helper():\n    pass\n")
    (path.parent / "conftest.py").write_text(CONFTEST)
    code, output = run_pytest("--rootdir", str(path.parent), str(path))
    assert code != 0 and "test_sample.py holds no test" in output


def test_a_failure_on_micropython_alone_fails_the_session(write):
    path = write("import sys\ndef test_it():\n    assert sys.implementation.name == 'cpython'\n")
    (path.parent / "conftest.py").write_text(CONFTEST)
    code, output = run_pytest("--rootdir", str(path.parent), str(path))
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "test_it[micropython]" in output and "1 failed, 1 passed" in output


def test_a_session_in_which_nothing_ran_fails(write):
    path = write("import pytest\n@pytest.mark.skip\ndef test_it():\n    pass\n")
    code, _ = run_pytest("-p", "tests.interpreters", "--rootdir", str(path.parent), str(path))
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
