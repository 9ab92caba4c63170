"""Leaves out of linked files what nobody uses: definitions and imports, until none is left."""

import ast
from collections.abc import Container, Iterable, Iterator

from host_tools.firmware_scope import Import, alias_name


def prune(linked: dict[str, ast.Module], exports: dict[str, set[str]], late: set[str]) -> None:
    """Linked modules by name, each before those that it imports from; changes them.

    Kept is what a file itself uses or another imports, and the `exports`; of those of a module
    that is loaded `late`, what some text names. Nothing that runs at loading is dropped.
    """
    for module, tree in linked.items():
        wanted = exports[module]
        if module in late:
            wanted = wanted & {name for other in linked.values() for name in _said(other, module, linked)}
        _prune_one(tree, wanted | _imported_from(module, linked.values()))


def _said(tree: ast.Module, module: str, modules: Container[str]) -> Iterator[str]:
    """The texts and attributes that might name a definition of a late module.

    In a call that names another module, as `late.call` does, texts belong to that one.
    """
    held: set[str] = set()
    others: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            named = {text.value for text in node.args if isinstance(text, ast.Constant)}
            if any(name in modules and name != module for name in named):
                others.update(node.args)
        elif isinstance(node, ast.ImportFrom):
            held |= {alias_name(a) for a in node.names if f"{node.module}.{a.name}" == module}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in held:
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in others:
            yield node.value


def _prune_one(tree: ast.Module, wanted: set[str]) -> None:
    while True:
        used = [_names_in(node) for node in tree.body]
        kept = []
        for i, node in enumerate(tree.body):
            others = wanted.union(*used[:i], *used[i + 1 :])
            if isinstance(node, Import):
                node.names = [alias for alias in node.names if alias_name(alias) in others]
                if node.names:
                    kept.append(node)
            elif _binds_only(node) is None or _binds_only(node) in others:
                kept.append(node)
        if len(kept) == len(tree.body):
            return
        tree.body = kept


def _names_in(node: ast.stmt) -> set[str]:
    """The names that a statement uses, those it only binds left out."""
    names: set[str] = set()
    for found in ast.walk(node):
        if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Load):
            names.add(found.id)
        elif isinstance(found, ast.Global):
            names.update(found.names)
    return names


def _binds_only(node: ast.stmt) -> str | None:
    """The one name that a statement binds, where it does nothing else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return None if node.decorator_list else node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and _is_plain(node.value):
        target = node.targets[0]
        return target.id if isinstance(target, ast.Name) else None
    return None


def _is_plain(value: ast.expr) -> bool:
    """Whether an expression does nothing but give a value."""
    does = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Attribute)
    return not any(isinstance(node, does) for node in ast.walk(value))


def _imported_from(module: str, trees: Iterable[ast.Module]) -> set[str]:
    return {
        alias.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }
