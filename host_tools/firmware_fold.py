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
from collections import Counter

from host_tools.firmware_attributes import shorten_attributes
from host_tools.firmware_exports import shorten_exports
from host_tools.firmware_files import absolute
from host_tools.firmware_link import link
from host_tools.firmware_names import shorten
from host_tools.firmware_program import LinkError, module_name
from host_tools.firmware_scope import Import, alias_name, bindings, is_viper
from host_tools.firmware_trees import walk

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_DOOR = "__init__.py"  # of a package: it keeps its names
_ON_A_BOARD = "sys.implementation.name == 'micropython'"
_NOT_ON_A_BOARD = "TYPE_CHECKING or sys.implementation.name != 'micropython'"
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
    trees = {path: _parsed(path, text) for path, text in sources.items()}
    listed = {name for tree in trees.values() for name in _listed(tree)}
    constants = {module_name(path): _constants(tree) for path, tree in trees.items()}
    while any(_pass_on(tree, module_name(path), constants) for path, tree in trees.items()):
        pass  # until none is new, as one may be passed on through several modules
    for path, tree in trees.items():
        _Untyped().visit(tree)
        _Inlined(module_name(path), constants, tree).visit(tree)
    empty = {module_name(path) for path, tree in trees.items() if all(map(_is_text, tree.body))}
    for tree in trees.values():
        _drop_empty_modules(tree, empty)
        _fill_empty_bodies(tree)
    if main:
        trees = link(trees, main)
        shorten_exports({module_name(path): tree for path, tree in trees.items()}, listed)
        shorten_attributes(trees.values(), listed)
    joined = [tree for path, tree in trees.items() if main and not path.endswith(_DOOR)]
    shorten(list(trees.values()), joined)
    return {path: ast.unparse(ast.fix_missing_locations(tree)) for path, tree in trees.items()}


def _parsed(path: str, text: str) -> ast.Module:
    """A module's tree, in which every import tells whole names."""
    tree = ast.parse(text, path)
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom):
            node.module, node.level = absolute(node, path), 0
            if any(alias.name == "*" for alias in node.names):
                raise LinkError(f"{module_name(path)} imports * from {node.module}; name each")
    return tree


def _listed(tree: ast.Module) -> list[str]:
    """What a module names in its `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and _is_name(node.targets[0], "__all__"):
            return list(ast.literal_eval(node.value))
    return []


def _constants(tree: ast.Module) -> dict[str, _Value]:
    """The numbers, texts and bytes that a module binds once, by name."""
    found: dict[str, _Value] = {}
    times = bindings(tree)
    for node in tree.body:
        target = _only_target(node)
        if isinstance(node, ast.Assign) and isinstance(target, ast.Name):
            name, value = target.id, _value(node.value, found)
            if _CONSTANT.fullmatch(name) and value is not None and times[name] == 1:
                found[name] = value
    return found


def _pass_on(tree: ast.Module, module: str, constants: dict[str, dict[str, _Value]]) -> bool:
    """Adds to a module's constants those that it imports; whether any was new."""
    before = len(constants[module])
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            given = constants.get(node.module or "", {})
            found = {a.asname or a.name: given[a.name] for a in node.names if a.name in given}
            constants[module].update(found)
    return len(constants[module]) > before


def _only_target(node: ast.stmt) -> ast.expr | None:
    return node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None


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
    """Drops what no interpreter needs; docstrings are dropped by the compiler."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if is_viper(node):
            return node
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

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if _is_name(node.test, "TYPE_CHECKING") or ast.unparse(node.test) == _NOT_ON_A_BOARD:
            return node.orelse
        return node.body if ast.unparse(node.test) == _ON_A_BOARD else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt] | None:
        target = _only_target(node)
        if _is_name(target, "TYPE_CHECKING") or _is_name(target, "__all__"):
            return None
        return _one_by_one(node) or self.generic_visit(node)


def _one_by_one(node: ast.Assign) -> list[ast.stmt]:
    """`a, b = c, d` as two assignments, where no name is on both sides; else nothing."""
    target, value = _only_target(node), node.value
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return []
    names = {part.id for part in [*target.elts, *value.elts] if isinstance(part, ast.Name)}
    if len(target.elts) != len(value.elts) or len(names) < 2 * len(value.elts):
        return []
    pairs = zip(target.elts, value.elts, strict=True)
    return [ast.Assign([to], given, lineno=node.lineno) for to, given in pairs]


class _Inlined(ast.NodeTransformer):
    """Replaces names of constants, a module's own and imported, by their values.

    It looks at no scopes: where an imported name means something else too, it gives up.
    """

    def __init__(
        self, module: str, constants: dict[str, dict[str, _Value]], tree: ast.Module
    ) -> None:
        self._module = module
        self._ambiguous = _ambiguous(tree)
        self._constants = constants
        self._own = set(constants[module])
        self._names = dict(constants[module])
        self._modules: dict[str, dict[str, _Value]] = {}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        values = self._constants.get(node.module or "", {})
        kept = []
        for alias in node.names:
            if alias.name in values:
                self._check_alone(alias_name(alias))
                self._names[alias_name(alias)] = values[alias.name]
            else:
                kept.append(alias)
                submodule = self._constants.get(f"{node.module}.{alias.name}")
                if submodule:
                    self._modules[alias_name(alias)] = submodule
        node.names = kept
        return node if kept else None

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = _only_target(node)
        if isinstance(target, ast.Name) and target.id in self._own and node.col_offset == 0:
            return None
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self._names:
            return _literal(self._names[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name):
            value = self._modules.get(node.value.id, {}).get(node.attr)
            if value is not None:
                self._check_alone(node.value.id)
                return _literal(value)
        return self.generic_visit(node)

    def _check_alone(self, name: str) -> None:
        if name in self._ambiguous:
            raise LinkError(f"{self._module} imports {name} for a constant, and binds it again")


def _ambiguous(tree: ast.Module) -> set[str]:
    """The names that mean more than one import, wherever in a module."""
    times: Counter[str] = Counter()
    meant: dict[str, set[tuple[str, str]]] = {}
    for node in walk(tree):
        if isinstance(node, Import):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                times[alias_name(alias)] += 1
                meant.setdefault(alias_name(alias), set()).add((module, alias.name))
    bound = bindings(tree)
    return {name for name, found in meant.items() if len(found) > 1 or bound[name] > times[name]}


def _literal(value: _Value) -> ast.expr:
    if isinstance(value, int) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))  # -2 ** 2 is not (-2) ** 2
    return ast.Constant(value)


def _drop_empty_modules(tree: ast.Module, empty: set[str]) -> None:
    """Drops `from package import module` of what held nothing but constants."""
    used = {node.id for node in walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body[:]:
        if isinstance(node, ast.ImportFrom):
            node.names = [
                alias
                for alias in node.names
                if alias_name(alias) in used or f"{node.module}.{alias.name}" not in empty
            ]
            if not node.names:
                tree.body.remove(node)


def _fill_empty_bodies(tree: ast.Module) -> None:
    for node in walk(tree):
        if node is not tree and getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # pyright: ignore[reportAttributeAccessIssue]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
