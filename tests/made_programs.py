"""Small made-up programs: modules as texts by path, run as they are, folded, and linked.

Lines are told apart by what they print, so a program says itself what has to stay the same.
"""

import contextlib
import importlib.abc
import importlib.machinery
import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from host_tools.firmware_fold import fold
from tests.interpreters import MICROPYTHON

MAIN = "app.main"
TIMEOUT_S = 20

# What a role's programs load rare modules with, in the words that both interpreters know.
LATE = """
import sys
def call(module, function, *arguments):
    __import__(module)
    return getattr(sys.modules[module], function)(*arguments)
"""

Texts = dict[str, str]


def program(main: str, **modules: str) -> Texts:
    """The main module, and others by name; `__` in a name stands for a dot."""
    named = {f"app/{name.replace('__', '/')}.py": text for name, text in modules.items()}
    return {**named, "app/main.py": main}


def with_late(texts: Texts) -> Texts:
    return {**texts, "firmware/common/late.py": LATE}


def same(texts: Texts) -> str:
    """What a program prints; asserted to be the same as it is, folded, and linked."""
    printed = run(texts)
    assert "Error" not in printed, printed
    assert run(fold(texts)) == printed, "folded, it prints something else"
    assert run(fold(texts, MAIN)) == printed, "linked, it prints something else"
    return printed


def run(texts: Texts, main: str = MAIN) -> str:
    """What a program prints on CPython as its main module is loaded, and the error it ends with."""
    printed = io.StringIO()
    with _loadable(texts), contextlib.redirect_stdout(printed):
        try:
            __import__(main)
        except Exception as error:  # noqa: BLE001 - whatever the program does is its result
            print(f"{type(error).__name__}: {error}")
    return printed.getvalue()


def run_on_micropython(texts: Texts, folder: Path) -> str:
    """What a program prints on MicroPython, a traceback included."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    done = subprocess.run(
        [str(MICROPYTHON), "-c", f"import {MAIN}"],
        cwd=folder,
        env={"MICROPYPATH": f"{folder}:.frozen", "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.stdout.decode()


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads modules from texts; a folder on the way to one is a package."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        stem = fullname.replace(".", "/")
        inside = any(other.startswith(f"{stem}/") for other in self._texts)
        if f"{stem}.py" not in self._texts and not inside:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=inside)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        stem = module.__name__.replace(".", "/")
        text = self._texts.get(f"{stem}.py", self._texts.get(f"{stem}/__init__.py", ""))
        exec(compile(text, f"{stem}.py", "exec"), module.__dict__)


@contextlib.contextmanager
def _loadable(texts: Texts) -> Iterator[None]:
    """The program's modules alone under their names; whatever was loaded comes back after."""
    roots = {path.split("/")[0].removesuffix(".py") for path in texts}
    before = _take_away(roots)
    finder = _Finder(texts)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _take_away(roots)
        sys.modules.update(before)


def _take_away(roots: set[str]) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.split(".")[0] in roots]
    return {name: sys.modules.pop(name) for name in names}
