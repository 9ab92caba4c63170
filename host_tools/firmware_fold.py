"""Makes a role's source smaller in a board's RAM before it is compiled.

What it does stays the same.

On stock MicroPython every name a module mentions is kept in RAM for good, about 30 bytes each,
and every module-level constant is a dictionary slot besides. So, over all files of a role:

- whole-number constants (`NAME = 7`) become the numbers themselves, across modules;
- what only type checkers read (annotations, `if TYPE_CHECKING`) goes;
- arguments that no call names, and functions private to a module, get short names, the same
  few in every module, so that they are kept once.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import count

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_PRIVATE = re.compile(r"_[a-z]\w*")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_OPERATIONS = {
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
    ast.Pow: int.__pow__,
    ast.LShift: int.__lshift__,
    ast.BitOr: int.__or__,
}


def fold(sources: dict[str, str]) -> dict[str, str]:
    """All modules of a role at once, path below the root -> source text; the same, folded."""
    trees = {path: ast.parse(text, path) for path, text in sources.items()}
    constants = {_module(path): _constants(tree) for path, tree in trees.items()}
    named = _named_arguments(trees.values())
    for path, tree in trees.items():
        _Untyped().visit(tree)
        _Inlined(_module(path), constants).visit(tree)
        _drop_unused_modules(tree, set(constants))
        _shorten_private(tree)
        _shorten_arguments(tree, named)
    _shorten_attributes(trees.values())
    return {path: ast.unparse(ast.fix_missing_locations(tree)) for path, tree in trees.items()}


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _constants(tree: ast.Module) -> dict[str, int]:
    """The whole numbers that a module binds once, by name."""
    found: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = _whole_number(node.value, found)
            if _CONSTANT.fullmatch(node.targets[0].id) and value is not None:
                found[node.targets[0].id] = value
    return found


def _whole_number(node: ast.expr, known: dict[str, int]) -> int | None:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _whole_number(node.left, known), _whole_number(node.right, known)
        if left is not None and right is not None:
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

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if _is_name(node.test, "TYPE_CHECKING") else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if _is_name(node.targets[0], "TYPE_CHECKING") else self.generic_visit(node)


class _Inlined(ast.NodeTransformer):
    """Replaces names of whole-number constants, a module's own and imported, by the numbers."""

    def __init__(self, module: str, constants: dict[str, dict[str, int]]) -> None:
        self._constants = constants
        self._own = set(constants[module])
        self._names = dict(constants[module])
        self._modules: dict[str, dict[str, int]] = {}

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


def _shorten_attributes(trees: Iterable[ast.Module]) -> None:
    """Gives private attributes and methods short names, the same few in every module.

    A class and its base may stand in two modules, where one short name for two attributes
    would be a fault; so modules tied by inheritance share one mapping.
    """
    groups: list[list[ast.Module]] = []
    for tree in trees:
        tied = [group for group in groups if any(_are_tied(tree, other) for other in group)]
        groups = [group for group in groups if group not in tied]
        groups.append([tree, *(other for group in tied for other in group)])
    for group in groups:
        private = {name for tree in group for name in _private_attributes(tree)}
        short = (f"_{letter}{round_ or ''}" for round_ in count() for letter in _LETTERS)
        free = (name for name in short if name not in private)
        mapping = dict(zip(sorted(private), free, strict=False))
        for tree in group:
            _rename_attributes(tree, mapping)


def _are_tied(a: ast.Module, b: ast.Module) -> bool:
    """Whether a class of one is a base of a class of the other."""
    return bool(_classes(a) & _bases(b) or _classes(b) & _bases(a))


def _classes(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def _bases(tree: ast.Module) -> set[str]:
    return {
        base.id
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    }


def _private_attributes(tree: ast.Module) -> set[str]:
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    methods = {
        item.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {name for name in attributes | methods if _PRIVATE.fullmatch(name)}


def _rename_attributes(tree: ast.Module, mapping: dict[str, str]) -> None:
    methods = [
        item
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for method in methods:
        method.name = mapping.get(method.name, method.name)
    for node in ast.walk(tree):
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


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
