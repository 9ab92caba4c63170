"""Every name that a built firmware loads is there: read from compiled code, not by the tools."""

import builtins
import dis
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from types import CodeType

import pytest

from host_tools.firmware_build import ROOT
from host_tools.firmware_files import ROLES, source_files
from host_tools.firmware_fold import fold

_LOADS = {"LOAD_GLOBAL", "LOAD_NAME"}
_STORES = {"STORE_GLOBAL", "STORE_NAME"}
_VIPER = {"micropython", "ptr8", "ptr16", "ptr32", "uint"}  # known to the compiler alone
_BUILTINS = {*dir(builtins), "__name__", *_VIPER}


@dataclass
class _Code:
    """What a module's code names; `used` are the names that it needs of other modules."""

    bound: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)


def _read(code: CodeType) -> _Code:
    found = _Code()
    _note(code, found, {})
    return found


def _note(code: CodeType, found: _Code, modules: dict[str, str]) -> None:
    """Adds one code object and those inside it; `modules`: names that imports bind."""
    modules, own = dict(modules), set[str]()
    source, imported, loaded = "", "", ""
    for step in dis.get_instructions(code):
        name = step.argval
        if step.opname == "IMPORT_NAME":
            source, imported = name, name
        elif step.opname == "IMPORT_FROM":
            imported = f"{source}.{name}"
            found.used.add((source, name))
        elif step.opname.startswith("STORE_") and imported:
            modules[name], imported = imported, ""
        if step.opname in _STORES:
            own.add(name)
        elif step.opname in _LOADS and name not in own:
            found.loaded.add(name)
        if step.opname in {"LOAD_ATTR", "LOAD_METHOD"} and loaded in modules:
            found.used.add((modules[loaded], name))
        loaded = name if step.opname.startswith("LOAD_") else ""
    if code.co_name == "<module>":
        found.bound |= own
    else:
        found.bound |= {s.argval for s in dis.get_instructions(code) if s.opname == "STORE_GLOBAL"}
    found.used |= set(_called_late(code))
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _note(inner, found, modules)


def _called_late(code: CodeType) -> Iterator[tuple[str, str]]:
    """Module and function, where two texts are loaded one after the other."""
    steps = list(dis.get_instructions(code))
    for first, second in pairwise(steps):
        are_texts = isinstance(first.argval, str) and isinstance(second.argval, str)
        if first.opname == second.opname == "LOAD_CONST" and are_texts:
            yield first.argval, second.argval


def _missing(texts: dict[str, str]) -> list[str]:
    """What is named and not there, in words."""
    codes = {_module(path): _read(compile(text, path, "exec")) for path, text in texts.items()}
    unknown = [
        f"{module} loads {name}"
        for module, code in codes.items()
        for name in code.loaded - code.bound - _BUILTINS
    ]
    absent = [
        f"{module} uses {name} of {source}"
        for module, code in codes.items()
        for source, name in code.used
        if source in codes and name.isidentifier() and name not in codes[source].bound
    ]
    files = [
        f"{module} imports {source}.{name}"
        for module, code in codes.items()
        for source, name in code.used
        if source.startswith("firmware")
        and source not in codes
        and not any(other.startswith(f"{source}.{name}") for other in codes)
    ]
    return sorted([*unknown, *absent, *files])


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize("role", ROLES)
def test_a_firmware_lacks_no_name(role: str) -> None:
    sources = {path: (ROOT / path).read_text() for path in source_files(ROOT, role)}
    linked = fold(sources, f"firmware.{role}.main")
    assert len(linked) < len(sources)
    assert _missing(linked) == []


@pytest.mark.parametrize(
    ("main", "says"),
    [
        ("print(nothing)", "firmware.main loads nothing"),
        ("def f():\n    return [g() for x in 'a']", "firmware.main loads g"),
        ("class A:\n    x = 1\n    def f(self): return x", "firmware.main loads x"),
        ("from firmware.a import g", "firmware.main uses g of firmware.a"),
        ("from firmware import a\ndef f(): return a.g()", "firmware.main uses g of firmware.a"),
        ("call('firmware.a', 'g', 1)\ndef call(): pass", "firmware.main uses g of firmware.a"),
        ("from firmware.b import f", "firmware.main imports firmware.b.f"),
    ],
)
def test_a_missing_name_is_found(main: str, says: str) -> None:
    assert says in _missing({"firmware/main.py": main, "firmware/a.py": "def f(): pass"})


def test_nothing_is_missing_from_what_is_whole() -> None:
    main = (
        "from firmware import a\nfrom firmware.a import f\nimport time\nclass A:\n    x = 1\n"
        "    y = x\n    def g(self): return A, a.f(), f, time.x, [z for z in 'a']\n"
        "def g():\n    global later\n    later = 1\n    return later, len\n"
        "def h(): return late('firmware.a', 'f')\nlate = 1"
    )
    assert _missing({"firmware/main.py": main, "firmware/a.py": "def f(): pass"}) == []
