"""Gives short names to what only a role's own files name, so that few names are kept in RAM.

On stock MicroPython every name a module mentions is kept for good, about 30 bytes each. Arguments
that no call names, private functions and private attributes get one or two letters, the same few
in every module, so that they are kept once.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import TypeGuard

_PRIVATE = re.compile(r"_[A-Za-z]\w*")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def shorten(trees: list[ast.Module]) -> None:
    """All modules of a role at once; changes them."""
    named = _named_arguments(trees)
    for tree in trees:
        _shorten_private(tree)
        _shorten_arguments(tree, named)
    _shorten_attributes(trees)


def _shorten_private(tree: ast.Module) -> None:
    """Gives a module's private functions, classes and variables short names."""
    private = [name for name in _bound_at_top(tree) if _PRIVATE.fullmatch(name)]
    mapping = dict(zip(private, _short_names(tree), strict=False))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node in tree.body:
                node.name = mapping.get(node.name, node.name)
        elif isinstance(node, ast.Global):
            node.names = [mapping.get(name, name) for name in node.names]


def _shorten_attributes(trees: list[ast.Module]) -> None:
    """Gives private attributes and methods short names, the same few in every class.

    A class and its bases share theirs. What is used of anything but `self` keeps its name.
    """
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    used = [node for tree in trees for node in ast.walk(tree) if _is_private_attribute(node)]
    inside = {id(node) for found in classes for node in ast.walk(found) if _is_of_self(node)}
    kept = {node.attr for node in used if id(node) not in inside}
    for family in _families(classes):
        private = {name for found in family for name in _private_names(found)} - kept
        short = (f"_{letter}{round_ or ''}" for round_ in count() for letter in _LETTERS)
        free = (name for name in short if name not in private | kept)
        mapping = dict(zip(sorted(private), free, strict=False))
        for found in family:
            _rename_attributes(found, mapping)


def _families(classes: list[ast.ClassDef]) -> list[list[ast.ClassDef]]:
    """Classes that are tied by inheritance, by name: same names are taken for the same class."""
    families: list[list[ast.ClassDef]] = []
    for found in classes:
        tied = [family for family in families if any(_are_tied(found, other) for other in family)]
        families = [family for family in families if family not in tied]
        families.append([found, *(other for family in tied for other in family)])
    return families


def _are_tied(a: ast.ClassDef, b: ast.ClassDef) -> bool:
    return a.name == b.name or a.name in _bases(b) or b.name in _bases(a)


def _bases(found: ast.ClassDef) -> set[str]:
    """By the last part of their names: `Flow` for `flow.Flow`."""
    return {ast.unparse(base).rpartition(".")[2] for base in found.bases}


def _is_private_attribute(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and bool(_PRIVATE.fullmatch(node.attr))


def _is_of_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"


def _private_names(found: ast.ClassDef) -> set[str]:
    """Private attributes of `self` in a class, and its private methods."""
    names = {node.attr for node in ast.walk(found) if isinstance(node, ast.Attribute)}
    names |= {method.name for method in _methods(found)}
    return {name for name in names if _PRIVATE.fullmatch(name)}


def _methods(found: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in found.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _rename_attributes(found: ast.ClassDef, mapping: dict[str, str]) -> None:
    for method in _methods(found):
        method.name = mapping.get(method.name, method.name)
    for node in ast.walk(found):
        if isinstance(node, ast.Attribute):
            node.attr = mapping.get(node.attr, node.attr)


def _bound_at_top(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.append(node.targets[0].id)
    return found


def _shorten_arguments(tree: ast.Module, named: set[str]) -> None:
    """Gives short names to arguments, innermost functions last, so that none is captured."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args.posonlyargs + node.args.args
            long = [a for a in arguments if a.arg not in named and a.arg != "self"]
            mapping = dict(zip((a.arg for a in long), _short_names(node), strict=False))
            _rename(node, mapping)


def _rename(function: ast.AST, mapping: dict[str, str]) -> None:
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = mapping.get(node.arg, node.arg)
        elif isinstance(node, ast.Nonlocal):
            node.names = [mapping.get(name, name) for name in node.names]


def _short_names(tree: ast.AST) -> Iterator[str]:
    """a, b, … z, a1, b1, …: those that occur nowhere in the tree."""
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    taken |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    taken |= set(_imported_names(tree))
    for round_ in count():
        for letter in _LETTERS:
            name = f"{letter}{round_ or ''}"
            if name not in taken:
                yield name


def _imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0]


def _named_arguments(trees: Iterable[ast.Module]) -> set[str]:
    """Every `name=` of any call: an argument of that name keeps it."""
    return {
        node.arg
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg
    }
