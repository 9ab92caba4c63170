"""Which files make up a role's firmware, and that the frozen image names the same ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from host_tools.firmware_build import ROOT, build
from host_tools.firmware_files import (
    CPYTHON_ONLY,
    ROLES,
    FirmwareTreeError,
    data_files,
    source_files,
)
from host_tools.firmware_target import Target, compiler_mpy_version, target_of


@pytest.fixture
def files_of(tmp_path: Path):
    """Given texts by path, the sender's files."""

    def files_of(**texts: str) -> list[str]:
        tree = {"sender/main": "", **{name.replace("__", "/"): texts[name] for name in texts}}
        for name, text in tree.items():
            path = tmp_path / "firmware" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return source_files(tmp_path, "sender")

    return files_of


@pytest.mark.parametrize(
    "text",
    [
        "import firmware.common.x.deep",
        "from firmware.common.x.deep import thing",
        "from firmware.common.x import deep",
        "from ..common.x import deep",
        "from ..common.x.deep import thing",
        "def f():\n    if 1:\n        from firmware.common.x import deep",
        "f = lambda: __import__('firmware.common.x.deep')",
    ],
)
def test_an_import_brings_its_module(files_of, text: str) -> None:
    files = files_of(sender__main=text, common__x__deep="", common__x__other="")
    assert files == ["firmware/common/x/deep.py", "firmware/sender/main.py"]


def test_what_is_imported_brings_what_it_imports(files_of) -> None:
    files = files_of(
        sender__main="from firmware.common import a",
        common__a="from firmware.common import b",
        common__b="from firmware.common import a",
        common__c="from firmware.common import a",
    )
    assert files == ["firmware/common/a.py", "firmware/common/b.py", "firmware/sender/main.py"]


def test_a_package_brings_its_own_code_but_no_empty_file(tmp_path: Path, files_of) -> None:
    (tmp_path / "firmware/common/full").mkdir(parents=True)
    (tmp_path / "firmware/common/empty").mkdir()
    (tmp_path / "firmware/common/full/__init__.py").write_text("from .inner import x")
    (tmp_path / "firmware/common/empty/__init__.py").write_text('"""Only words."""\n')
    files = files_of(
        sender__main="from firmware.common import full, empty",
        common__full__inner="x = 1",
        common__empty__inner="x = 1",
    )
    assert files == [
        "firmware/common/full/__init__.py",
        "firmware/common/full/inner.py",
        "firmware/sender/main.py",
    ]


def test_the_role_comes_whole_without_what_is_for_the_host(files_of) -> None:
    files = files_of(sender__extra="", sender__manifest="", sender__entry__main="")
    assert files == ["firmware/sender/extra.py", "firmware/sender/main.py"]


def test_what_only_cpython_imports_stays_here(files_of) -> None:
    name = sorted(CPYTHON_ONLY)[0]
    package, module = name.rsplit(".", 1)
    keyword = name.removeprefix("firmware.").replace(".", "__")
    files = files_of(sender__main=f"from {package} import {module}", **{keyword: ""})
    assert files == ["firmware/sender/main.py"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import firmware.receiver.main", "the other role's"),
        ("from firmware.common.nothing import x", "does not exist"),
        ("def (", "line 1"),
    ],
)
def test_a_tree_that_cannot_run_is_refused(files_of, text: str, says: str) -> None:
    with pytest.raises(FirmwareTreeError, match=says):
        files_of(sender__main=text, receiver__main="")


def test_a_role_without_a_main_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FirmwareTreeError, match="main"):
        source_files(tmp_path, "sender")


def test_a_file_that_is_opened_comes_along(tmp_path: Path) -> None:
    words = tmp_path / "firmware/common/words.txt"
    words.parent.mkdir(parents=True)
    words.write_text("word")
    source = tmp_path / "firmware/common/a.py"
    source.write_text("open('firmware/common/words.txt')\nopen('firmware/common/none.txt')")
    assert data_files(tmp_path, ["firmware/common/a.py"]) == ["firmware/common/words.txt"]


def test_only_listed_modules_are_for_cpython() -> None:
    for name in CPYTHON_ONLY:
        assert (ROOT / (name.replace(".", "/") + ".py")).is_file(), f"{name} is listed in vain"


@pytest.mark.parametrize("role", ROLES)
def test_the_frozen_image_holds_what_flash_copies(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MicroPython's build runs a manifest in its own folder and gives it these functions."""
    frozen: dict[str, Path] = {}

    def module(path: str, base_path: str = ".", opt: int | None = None) -> None:
        frozen[path] = Path(base_path, path).resolve(strict=True)
        assert opt == 3

    def package(name: str, files: list[str], base_path: str = ".", opt: int | None = None) -> None:
        for file in files:
            module(f"{name}/{file}", base_path, opt)

    monkeypatch.chdir(ROOT / "firmware" / role)
    doors = {"include": lambda _path: None, "module": module, "package": package}
    exec(Path("manifest.py").read_text(), doors)
    entry = frozen.pop("main.py")
    assert sorted(frozen) == source_files(ROOT, role)
    assert all(path == ROOT / name for name, path in frozen.items())
    assert f"from firmware.{role}.main import main" in entry.read_text()


def test_the_rule_is_found_by_a_python_that_knows_nothing_of_this_project() -> None:
    """MicroPython's build has its own Python, without what is installed here."""
    told = "import runpy; print(runpy.run_path('../../host_tools/firmware_files.py')['ROLES'])"
    command = [sys.executable, "-I", "-S", "-c", told]
    done = subprocess.run(
        command, cwd=ROOT / "firmware" / "sender", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(ROLES)), done.stderr


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("arch", ["x64", "xtensawin", "rv32imc"])
def test_every_file_compiles_for_every_board(role: str, arch: str) -> None:
    files = build(role, Target(arch, 0, compiler_mpy_version()))
    modules = [content for path, content in files.items() if path.endswith(".mpy")]
    # What stays loaded is joined into main; what is loaded late stands by itself.
    assert f"/firmware/{role}/main.mpy" in files
    assert 2 < len(modules) < len(source_files(ROOT, role))
    assert {module[:2] for module in modules} == {b"M\x06"}, "not .mpy files of version 6"


# The numbers are those that boards report: docs.micropython.org, mpyfiles; py/persistentcode.h.
@pytest.mark.parametrize(
    ("mpy", "target"),
    [
        (2822, Target("x64", 0, (6, 3))),
        (6 | 3 << 8 | 10 << 10, Target("xtensawin", 0, (6, 3))),
        (6 | 3 << 8 | 11 << 10, Target("rv32imc", 0, (6, 3))),
        (6 | 3 << 8 | 11 << 10 | 2 << 16, Target("rv32imc", 2, (6, 3))),
        (6 | 3 << 8 | 7 << 10, Target("armv7emsp", 0, (6, 3))),
        (6 | 3 << 8, Target("none", 0, (6, 3))),
        (0, Target("none", 0, (0, 0))),
    ],
)
def test_a_board_tells_its_target(mpy: int, target: Target) -> None:
    assert target_of(mpy) == target
