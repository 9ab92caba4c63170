"""Gives short names to what a role's files import from one another, the same few in every file.

On stock MicroPython every name a module mentions is kept for good. They stand in pools, each twice
as large as the one before: the 621st name of a boot costs a pool of 640, 7 KB on x86_64 and 4 KB
on an ESP32. `def read_public` and `from forms import read_public` become `a` and `a as b`.

A function or variable is renamed where nothing but its definition, plain imports and calls of
`late.call` name it: no attribute, no other text, nothing else that binds the same name in those
files. Classes keep theirs,
which tracebacks show and bases are told by; so does what a package lists in `__all__`.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from host_tools.firmware_names import rename_at_top, short_names
from host_tools.firmware_scope import alias_name, bindings
from host_tools.firmware_trees import walk


@dataclass
class _File:
    """A file's tree, how often it binds each name, and the new names of what stands at its top."""

    tree: ast.Module
    bound: Counter[str]
    mapping: dict[str, str] = field(default_factory=dict)
    _free: Iterator[str] | None = None

    def give(self, name: str) -> str:
        """A short name for one that the file binds."""
        if self._free is None:
            self._free = short_names(self.tree)
        self.mapping[name] = next(self._free)
        return self.mapping[name]


def shorten_exports(trees: dict[str, ast.Module], kept: set[str]) -> None:
    """All files of a role by module name; changes them. `kept` are names for others to use."""
    files = {module: _File(tree, bindings(tree)) for module, tree in trees.items()}
    fixed = kept | _told_otherwise(trees)
    imported = _imported(files)
    for module, file in files.items():
        for name in _defined(file.tree):
            imports = imported.get((module, name), [])
            local = {alias_name(alias) for _, alias in imports}
            once = file.bound[name] == 1 and all(
                files[m].bound[alias_name(alias)] == 1 for m, alias in imports
            )
            passed_on = any((m, alias_name(alias)) in imported for m, alias in imports)
            if imports and once and not passed_on and not fixed & {name, *local}:
                _rename(files, file, name, imports)
    for (module, name), texts in _called_late(trees).items():
        file = files[module]
        if name in _functions(file.tree) and file.bound[name] == 1 and name not in fixed:
            new = file.give(name)
            for text in texts:
                text.value = new
    for file in files.values():
        rename_at_top(file.tree, file.mapping)


def _called_late(trees: dict[str, ast.Module]) -> dict[tuple[str, str], list[ast.Constant]]:
    """A module and a function of it -> the texts by which `late.call` is told the function."""
    found: dict[tuple[str, str], list[ast.Constant]] = {}
    calls = [node for tree in trees.values() for node in walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        texts = [node for node in call.args[:2] if isinstance(node, ast.Constant)]
        values = tuple(str(node.value) for node in texts)
        if len(values) == 2 and values[0] in trees:
            found.setdefault(values, []).append(texts[1])
    return found


def _told_otherwise(trees: dict[str, ast.Module]) -> set[str]:
    """Names of attributes, and texts: what they may stand for cannot be seen."""
    late = {id(text) for texts in _called_late(trees).values() for text in texts}
    names: set[str] = set()
    for tree in trees.values():
        for node in walk(tree):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names |= set() if id(node) in late else {node.value}
    return names


def _defined(tree: ast.Module) -> list[str]:
    """The functions and variables at the top of a file."""
    variables = [
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    return [*_functions(tree), *variables]


def _functions(tree: ast.Module) -> list[str]:
    made = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node.name for node in tree.body if isinstance(node, made)]


def _imported(files: dict[str, _File]) -> dict[tuple[str, str], list[tuple[str, ast.alias]]]:
    """A module and a name in it -> the modules that import it, and how."""
    found: dict[tuple[str, str], list[tuple[str, ast.alias]]] = {}
    for module, file in files.items():
        for node in walk(file.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found.setdefault((node.module or "", alias.name), []).append((module, alias))
    return found


def _rename(
    files: dict[str, _File], file: _File, name: str, imports: list[tuple[str, ast.alias]]
) -> None:
    new = file.give(name)
    for module, alias in imports:
        local = alias_name(alias)
        alias.name, alias.asname = new, files[module].give(local)
