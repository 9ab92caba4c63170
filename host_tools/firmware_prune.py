"""Leaves out of linked files what nobody uses: definitions and imports, until none is left."""

import ast

from host_tools.firmware_scope import Import, alias_name, is_viper
from host_tools.firmware_trees import walk

DECLARES = "Layout"  # a class whose making does nothing else: an unused message costs nothing


def prune(linked: dict[str, ast.Module], exports: dict[str, set[str]], late: set[str]) -> None:
    """Linked modules by name, each before those that it imports from; changes them.

    Kept is what a file itself uses or another imports, and the `exports`; of those of a module
    that is loaded `late`, what some text names. Nothing that runs at loading is dropped.
    """
    asked = {module: set[str]() for module in linked}
    for tree in linked.values():
        _note_asked(tree, asked)
    imported = {module: _imported(tree) for module, tree in linked.items()}
    for module, tree in linked.items():
        given = exports[module] & asked[module] if module in late else exports[module]
        others = {name for names in imported.values() for source, name in names if source == module}
        _keep(tree, given | others)
        imported[module] = _imported(tree)


def _note_asked(tree: ast.Module, asked: dict[str, set[str]]) -> None:
    """Adds, by module, the names that a late one may be asked for: as text or as attribute.

    In a call that names a module, as `late.call` does, a text is a name of that module alone.
    """
    modules: dict[str, str] = {}  # the name that an import binds -> the module
    told: set[ast.AST] = set()
    for node in walk(tree):
        if isinstance(node, ast.Call):
            texts = [(arg, arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
            for module in (text for _, text in texts if isinstance(text, str) and text in asked):
                asked[module] |= {text for _, text in texts if isinstance(text, str)}
                told |= {arg for arg, _ in texts}
        elif isinstance(node, ast.ImportFrom):
            modules |= {alias_name(a): f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            modules |= {a.asname or a.name: a.name for a in node.names}
    for node in walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told:
            for names in asked.values():
                names.add(node.value)
        elif isinstance(node, ast.Attribute):
            asked.get(modules.get(ast.unparse(node.value), ""), set()).add(node.attr)


def _keep(tree: ast.Module, wanted: set[str]) -> None:
    """Keeps what does something, binds a wanted name, or is used by what is kept."""
    waiting = list(wanted)
    binding: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        name = _binds_only(node)
        if name is not None:
            binding.setdefault(name, []).append(node)
        elif not isinstance(node, Import):
            waiting += _names_in(node)
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            for node in binding.get(name, []):
                waiting += _names_in(node)
    tree.body = [node for node in tree.body if _is_kept(node, used)]


def _is_kept(node: ast.stmt, used: set[str]) -> bool:
    """Whether a statement binds what is used; an import loses what is not."""
    if isinstance(node, Import):
        node.names = [alias for alias in node.names if alias_name(alias) in used]
        return bool(node.names)
    name = _binds_only(node)
    return name is None or name in used


def _names_in(node: ast.stmt) -> set[str]:
    """The names that a statement uses, those it only binds left out."""
    names: set[str] = set()
    for found in walk(node):
        if isinstance(found, ast.Name) and not isinstance(found.ctx, ast.Store):
            names.add(found.id)
        elif isinstance(found, ast.AugAssign) and isinstance(found.target, ast.Name):
            names.add(found.target.id)
        elif isinstance(found, ast.Global):
            names.update(found.names)
    return names


def _binds_only(node: ast.stmt) -> str | None:
    """The one name that a statement binds, where it does nothing else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name if _only_defines(node) else None
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and _is_plain(node.value):
        target = node.targets[0]
        return target.id if isinstance(target, ast.Name) else None
    return None


def _only_defines(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether nothing runs but the definition: no decorator, default or body of a class."""
    if node.decorator_list and not is_viper(node):
        return False
    if isinstance(node, ast.ClassDef):
        return not node.keywords and all(map(_is_idle, node.body))
    return all(default is None or _is_plain(default) for default in _defaults(node))


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement in the body of a class only binds a name, or is nothing but a text."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.Pass) or _binds_only(node) is not None


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr | None]:
    return [*node.args.defaults, *node.args.kw_defaults]


def _is_plain(value: ast.expr) -> bool:
    """Whether an expression does nothing but give a value."""
    does = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Attribute)
    return _declares(value) or not any(isinstance(node, does) for node in walk(value))


def _declares(value: ast.expr) -> bool:
    """Whether it makes a DECLARES of a text."""
    if not isinstance(value, ast.Call) or value.keywords or ast.unparse(value.func) != DECLARES:
        return False
    return all(isinstance(argument, ast.Constant) for argument in value.args)


def _imported(tree: ast.Module) -> set[tuple[str, str]]:
    """Module and name of everything that a file imports, wherever in it."""
    return {
        (node.module or "", alias.name)
        for node in walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
