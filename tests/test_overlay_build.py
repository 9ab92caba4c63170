"""The overlay is compiled anew when it, or what compiles it, has changed; and only then."""

import shutil
from pathlib import Path

import pytest

from host_tools.emulator import overlay_build


@pytest.fixture
def folder_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The overlay's folder as a new process would find it; the sources are a copy's."""
    for name in ("_OVERLAY", "_BUILDERS"):
        source, copy = getattr(overlay_build, name), tmp_path / name
        copy.mkdir()
        for path in source.glob("*.py"):
            shutil.copy(path, copy)
        monkeypatch.setattr(overlay_build, name, copy)
    monkeypatch.setenv("OPG_HOME", str(tmp_path / "home"))
    return overlay_build.overlay_folder.__wrapped__  # without what this process has cached


def test_what_is_compiled_is_kept(folder_now) -> None:
    first = folder_now()
    assert {path.suffix for path in first.iterdir()} == {".mpy", ".py"}
    written = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    assert folder_now() == first
    assert {path: path.stat().st_mtime_ns for path in first.iterdir()} == written


@pytest.mark.parametrize(
    "changed",
    [
        "_OVERLAY/machine.py",
        "_OVERLAY/start.py",
        "_BUILDERS/firmware_fold.py",
        "_BUILDERS/firmware_names.py",
        "_BUILDERS/firmware_scope.py",
        "_BUILDERS/firmware_target.py",
    ],
)
def test_a_change_makes_a_new_folder(folder_now, tmp_path: Path, changed: str) -> None:
    first = folder_now()
    path = tmp_path / changed
    path.write_text(path.read_text() + "\nnew = 1\n")
    second = folder_now()
    assert second != first
    assert {p.name for p in second.iterdir()} == {p.name for p in first.iterdir()}


def test_what_has_no_part_in_it_changes_nothing(folder_now, tmp_path: Path) -> None:
    first = folder_now()
    (tmp_path / "_BUILDERS" / "errors.py").write_text("")
    assert folder_now() == first
