"""Makes a role's source smaller in a board's RAM before it is compiled.

What it does stays the same.

On stock MicroPython bytecode and every name a module mentions are kept in RAM, and a constant is a
dictionary slot besides. So, over all files of a role:

- constants (`NAME = 7`, a number, text or bytes) become their value, across modules;
- what only type checkers read goes (annotations, `if TYPE_CHECKING`, `__all__`), and what is for
  CPython only (`sys.implementation.name`);
- where the role's main module is named, modules are joined (see `firmware_link`);
- names that nobody outside knows become short ones (see `firmware_names`).
"""

import ast
import re
from typing import TypeGuard

from host_tools.firmware_link import link
from host_tools.firmware_names import shorten
from host_tools.firmware_program import module_name

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_ON_A_BOARD = "sys.implementation.name == 'micropython'"
_Value = int | str | bytes
_OPERATIONS = {
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
    ast.Pow: int.__pow__,
    ast.LShift: int.__lshift__,
    ast.BitOr: int.__or__,
}


def fold(sources: dict[str, str], main: str = "") -> dict[str, str]:
    """All modules of a role, path below the root -> source text; the same, folded.

    Joined where `main` names the module that the board starts. Raises LinkError.
    """
    trees = {path: ast.parse(text, path) for path, text in sources.items()}
    constants = {module_name(path): _constants(tree) for path, tree in trees.items()}
    for path, tree in trees.items():
        _pass_on(tree, module_name(path), constants)
    for path, tree in trees.items():
        _Untyped().visit(tree)
        _Inlined(module_name(path), constants).visit(tree)
        _drop_unused_modules(tree, set(constants))
    if main:
        trees = link(trees, main)
    shorten(list(trees.values()))
    return {path: ast.unparse(ast.fix_missing_locations(tree)) for path, tree in trees.items()}


def _constants(tree: ast.Module) -> dict[str, _Value]:
    """The numbers, texts and bytes that a module binds once, by name."""
    found: dict[str, _Value] = {}
    bound = [node.id for node in ast.walk(tree) if _is_bound(node)]
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, _value(node.value, found)
            if _CONSTANT.fullmatch(name) and value is not None and bound.count(name) == 1:
                found[name] = value
    return found


def _pass_on(tree: ast.Module, module: str, constants: dict[str, dict[str, _Value]]) -> None:
    """Adds to a module's constants those that it imports from the module of their own."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            given = constants.get(node.module or "", {})
            found = {a.asname or a.name: given[a.name] for a in node.names if a.name in given}
            constants[module].update(found)


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _value(node: ast.expr, known: dict[str, _Value]) -> _Value | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | str | bytes):
        return None if isinstance(node.value, bool) else node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left, known), _value(node.right, known)
        if isinstance(left, int) and isinstance(right, int):
            return _OPERATIONS[type(node.op)](left, right)
    return None


class _Untyped(ast.NodeTransformer):
    """Drops what no interpreter needs; docstrings too, though the compiler would."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt] | None:
        if _is_name(node.test, "TYPE_CHECKING"):
            return None
        self.generic_visit(node)
        return node.body if ast.unparse(node.test) == _ON_A_BOARD else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt] | None:
        target = node.targets[0]
        if _is_name(target, "TYPE_CHECKING") or _is_name(target, "__all__"):
            return None
        return _one_by_one(node) or self.generic_visit(node)


def _one_by_one(node: ast.Assign) -> list[ast.stmt]:
    """`a, b = c, d` as two assignments, where no name is on both sides; else nothing."""
    target, value = node.targets[0], node.value
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return []
    names = {part.id for part in [*target.elts, *value.elts] if isinstance(part, ast.Name)}
    if len(target.elts) != len(value.elts) or len(names) < 2 * len(value.elts):
        return []
    pairs = zip(target.elts, value.elts, strict=True)
    return [ast.Assign([to], given, lineno=node.lineno) for to, given in pairs]


class _Inlined(ast.NodeTransformer):
    """Replaces names of whole-number constants, a module's own and imported, by the numbers."""

    def __init__(self, module: str, constants: dict[str, dict[str, _Value]]) -> None:
        self._constants = constants
        self._own = set(constants[module])
        self._names = dict(constants[module])
        self._modules: dict[str, dict[str, _Value]] = {}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        values = self._constants.get(node.module or "", {})
        kept = []
        for alias in node.names:
            if alias.name in values:
                self._names[alias.asname or alias.name] = values[alias.name]
            else:
                kept.append(alias)
                submodule = self._constants.get(f"{node.module}.{alias.name}")
                if submodule:
                    self._modules[alias.asname or alias.name] = submodule
        node.names = kept
        return node if kept else None

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self._own and node.col_offset == 0:
            return None
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self._names:
            return ast.Constant(self._names[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name):
            value = self._modules.get(node.value.id, {}).get(node.attr)
            if value is not None:
                return ast.Constant(value)
        return self.generic_visit(node)


def _drop_unused_modules(tree: ast.Module, modules: set[str]) -> None:
    """Drops `from package import module` where only its constants were used."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body[:]:
        if isinstance(node, ast.ImportFrom):
            node.names = [
                alias
                for alias in node.names
                if (alias.asname or alias.name) in used
                or f"{node.module}.{alias.name}" not in modules
            ]
            if not node.names:
                tree.body.remove(node)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
