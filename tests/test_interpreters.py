"""The machinery that runs tests/unit on MicroPython must not hide a failure."""

from pathlib import Path

import pytest

from tests.interpreters import run_file


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
