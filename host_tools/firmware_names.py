"""Gives short names to what only a role's own files name, so that few names are kept in RAM.

On stock MicroPython every name a module mentions is kept for good, about 30 bytes each. Arguments
that no call names, private functions and private attributes get one or two letters, the same few
in every module, so that they are kept once.
"""

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import TypeGuard

from host_tools.firmware_scope import (
    Import,
    alias_name,
    bindings,
    bound,
    first_name,
    is_viper,
    same_scope,
    words,
)
from host_tools.firmware_trees import children, walk

_PRIVATE = re.compile(r"_[A-Za-z]\w*")
_START = "main"  # what a board's /main.py calls
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_GUESSES = "__getattr__"  # a class with that is asked for what it does not have
_EXCEPTIONS = {name for name in dir(builtins) if isinstance(getattr(builtins, name), type)}


def shorten(trees: list[ast.Module], joined: Sequence[ast.Module] = ()) -> None:
    """All modules of a role at once; changes them.

    Of those that are `joined` from several, each with copies of what it needs, a function or class
    that no other file asks for is private whatever its name.
    """
    named = _named_arguments(trees)
    texts = _texts(trees)
    known = texts | _known_outside(trees) | {_START}
    for tree in trees:
        _shorten_private(tree, known, tree in joined)
        _shorten_arguments(tree, named)
    _shorten_attributes(trees, texts)


def _texts(trees: Iterable[ast.Module]) -> set[str]:
    """Every text: what is named by one keeps its name."""
    nodes = (node for tree in trees for node in walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str)}


def _known_outside(trees: Iterable[ast.Module]) -> set[str]:
    """What modules import from others, or use as an attribute of them."""
    names: set[str] = set()
    for tree in trees:
        imports = [node for node in walk(tree) if isinstance(node, Import)]
        names |= {alias.name for node in imports for alias in node.names}
        modules = set(_imported_names(tree))
        for node in walk(tree):
            if isinstance(node, ast.Attribute) and first_name(node) in modules:
                names.add(node.attr)
    return names


def _shorten_private(tree: ast.Module, known: set[str], is_joined: bool) -> None:
    """Gives a module's private functions, classes and variables short names.

    In a joined one that is all that others do not know, and what an import calls by another name.
    """
    renamed = _renamed_imports(tree) if is_joined else {}
    fixed = known | (_fixed(tree, tree.body) - set(renamed))
    fixed |= {arg.arg for arg in _arguments(tree)}
    told = {node.attr for node in walk(tree) if isinstance(node, ast.Attribute)}
    private = [
        name
        for name in [*_bound_at_top(tree), *renamed]
        if _PRIVATE.fullmatch(name) or (is_joined and name not in told)
    ]
    private = [name for name in dict.fromkeys(private) if name not in fixed]
    mapping = dict(zip(private, short_names(tree), strict=False))
    rename_at_top(tree, mapping)
    for name, aliases in renamed.items():
        for alias in aliases:
            alias.asname = mapping.get(name, name)


def _renamed_imports(tree: ast.Module) -> dict[str, list[ast.alias]]:
    """What is imported as something else, and bound by nothing but such imports."""
    found: dict[str, list[ast.alias]] = {}
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname:
                    found.setdefault(alias.asname, []).append(alias)
    times = bindings(tree)
    return {name: aliases for name, aliases in found.items() if times[name] == len(aliases)}


def rename_at_top(tree: ast.Module, mapping: dict[str, str]) -> None:
    """Renames what a module binds at its top, where nothing inside binds the same names."""
    for node in walk(tree):
        if isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node in tree.body:
                node.name = mapping.get(node.name, node.name)
        elif isinstance(node, ast.Global):
            node.names = [mapping.get(name, name) for name in node.names]


def _fixed(tree: ast.AST, renamed: Sequence[ast.AST]) -> set[str]:
    """Names below that something else than a plain name or an argument binds: they stay.

    Those of the `renamed` functions and classes do not count.
    """
    names: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node not in renamed:
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= _class_names(node)
            names |= set() if node in renamed else {node.name}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names | set(_imported_names(tree))


def _class_names(found: ast.ClassDef) -> set[str]:
    """What a class's body binds and names plainly: its attributes, as others know them."""
    plain = {node.id for node in same_scope(found.body) if isinstance(node, ast.Name)}
    return plain & bound(found.body)


def _arguments(tree: ast.AST) -> Iterator[ast.arg]:
    return (node for node in walk(tree) if isinstance(node, ast.arg))


def _shorten_attributes(trees: list[ast.Module], texts: set[str]) -> None:
    """Gives private attributes and methods short names, the same few in every class.

    A class and its bases share theirs, which are no public ones of the same objects. What is used
    of anything but `self` keeps its name.
    """
    classes = [node for tree in trees for node in walk(tree) if isinstance(node, ast.ClassDef)]
    used = [node for tree in trees for node in walk(tree) if _is_private_attribute(node)]
    inside = {id(node) for found in classes for node in walk(found) if _is_of_self(node)}
    kept = texts | words(trees) | {node.attr for node in used if id(node) not in inside}
    told = {n.attr for tree in trees for n in walk(tree) if isinstance(n, ast.Attribute)}
    for tree in trees:
        kept |= _untraceable(tree)
    kept |= _given(trees, classes)
    for family in _families(classes):
        private = {name for found in family for name in _private_names(found)} - kept
        short = (f"{letter}{round_ or ''}" for round_ in count() for letter in _LETTERS)
        taken = kept.union(*(_own_names(found) for found in family))
        taken |= told if any(_GUESSES in _own_names(found) for found in family) else set()
        free = (name for name in short if name not in taken)
        mapping = dict(zip(sorted(private), free, strict=False))
        for found in family:
            _rename_attributes(found, mapping)


def _untraceable(tree: ast.Module) -> set[str]:
    """Private attributes bound in a class's body, and all where a base has another name here."""
    imports = [node for node in walk(tree) if isinstance(node, Import)]
    renamed = {alias.asname for node in imports for alias in node.names if alias.asname}
    names: set[str] = set()
    for found in walk(tree):
        if isinstance(found, ast.ClassDef):
            names |= _class_names(found)
            if _bases(found) & renamed:
                names |= _private_names(found)
    return names


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
    names = {node.attr for node in walk(found) if isinstance(node, ast.Attribute)}
    names |= {method.name for method in _methods(found)}
    return {name for name in names if _PRIVATE.fullmatch(name)}


def _given(trees: list[ast.Module], classes: list[ast.ClassDef]) -> set[str]:
    """What is set on objects, but by methods on their own `self` in classes of known bases."""
    known = {found.name for found in classes} | _EXCEPTIONS
    known -= {name for tree in trees for name in _other_names(tree)}
    own = {
        id(node)
        for found in classes
        if _bases(found) <= known
        for method in _methods(found)
        for node in _of_this_self(method)
    }
    attributes = [n for tree in trees for n in walk(tree) if isinstance(n, ast.Attribute)]
    return {n.attr for n in attributes if id(n) not in own and not isinstance(n.ctx, ast.Load)}


def _of_this_self(node: ast.AST) -> Iterator[ast.Attribute]:
    """Attributes of `self` in a method, but in what has another `self`."""
    for child in children(node):
        if isinstance(child, ast.ClassDef) or "self" in _own_arguments(child):
            continue
        if isinstance(child, ast.Attribute) and _is_of_self(child):
            yield child
        yield from _of_this_self(child)


def _own_arguments(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return set()
    return {arg.arg for arg in walk(node.args) if isinstance(arg, ast.arg)}


def _other_names(tree: ast.Module) -> set[str]:
    """Names of a module that stand for what was made elsewhere, by assignment or import."""
    imports = [node for node in walk(tree) if isinstance(node, Import)]
    renamed = {alias.asname for node in imports for alias in node.names if alias.asname}
    stored = {n.id for n in same_scope(tree.body) if isinstance(n, ast.Name) and _is_bound(n)}
    return renamed | stored


def _is_bound(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _own_names(found: ast.ClassDef) -> set[str]:
    """Attributes of `self` in a class, and what its body binds."""
    used = (node for node in walk(found) if isinstance(node, ast.Attribute))
    return bound(found.body) | {node.attr for node in used if _is_of_self(node)}


def _methods(found: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in found.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _rename_attributes(found: ast.ClassDef, mapping: dict[str, str]) -> None:
    for method in _methods(found):
        method.name = mapping.get(method.name, method.name)
    for node in walk(found):
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
    for node in walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_viper(node):
            arguments = node.args.posonlyargs + node.args.args
            stay = {"self", *named, *_fixed(node, [node]), *_named_before(node)}
            long = [a for a in arguments if a.arg not in stay]
            mapping = dict(zip((a.arg for a in long), short_names(node), strict=False))
            _rename(node, mapping)


def _named_before(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """What stands in its head, where a name means what it means outside, or is `global` inside."""
    heads = [*function.decorator_list, *function.args.defaults, *function.args.kw_defaults]
    nodes = [node for head in heads if head for node in walk(head)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    for node in walk(function):
        if isinstance(node, ast.Global):
            names.update(node.names)
    return names


def _rename(function: ast.AST, mapping: dict[str, str]) -> None:
    for node in walk(function):
        if isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = mapping.get(node.arg, node.arg)
        elif isinstance(node, ast.Nonlocal):
            node.names = [mapping.get(name, name) for name in node.names]


def short_names(tree: ast.AST) -> Iterator[str]:
    """a, b, … z, a1, b1, …: those that occur nowhere in the tree."""
    taken = {node.id for node in walk(tree) if isinstance(node, ast.Name)}
    taken |= {argument.arg for argument in _arguments(tree)} | _fixed(tree, [tree])
    for round_ in count():
        for letter in _LETTERS:
            name = f"{letter}{round_ or ''}"
            if name not in taken:
                yield name


def _imported_names(tree: ast.AST) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, Import):
            for alias in node.names:
                yield alias_name(alias)


def _named_arguments(trees: Iterable[ast.Module]) -> set[str]:
    """Every `name=` of any call: an argument of that name keeps it.

    With `**` in any, every text may be one.
    """
    trees = list(trees)
    keywords = [n for tree in trees for n in walk(tree) if isinstance(n, ast.keyword)]
    named = {keyword.arg for keyword in keywords if keyword.arg}
    return named if all(keyword.arg for keyword in keywords) else named | _texts(trees)
