"""Which names a piece of Python binds where: what renaming across modules has to respect."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from host_tools.firmware_trees import children, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Import = ast.Import | ast.ImportFrom

_WORD = re.compile(r"\w+")
_FIELD = re.compile(r"[A-Za-z_]+")  # of a message: its name, which its size follows
_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_OWN_SCOPE += (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def same_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes and all below them that belong to the same scope.

    A function, class or comprehension among them is named, but not entered.
    """
    for node in nodes:
        yield node
        if not isinstance(node, _OWN_SCOPE):
            yield from same_scope(children(node))


def bound(body: Iterable[ast.AST]) -> set[str]:
    """The names that these statements bind in their own scope, by import too."""
    nodes = list(same_scope(body))
    imports = [node for node in nodes if isinstance(node, Import)]
    return _defined(nodes) | {alias_name(alias) for node in imports for alias in node.names}


def defined(body: Iterable[ast.AST]) -> set[str]:
    """The names that these statements bind in their own scope by anything but an import."""
    return _defined(same_scope(body))


def _defined(nodes: Iterable[ast.AST]) -> set[str]:
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ExceptHandler):
            names |= {node.name} if node.name else set()
    return names


def bindings(tree: ast.AST) -> Counter[str]:
    """How often each name is bound below, by whatever means and in whatever scope."""
    times: Counter[str] = Counter()
    for node in walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            times[node.id] += 1
        elif isinstance(node, ast.arg):
            times[node.arg] += 1
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            times[node.name] += 1
        elif isinstance(node, Import):
            times.update(alias_name(alias) for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            times[node.name] += 1
    return times


def function_names(function: Function) -> set[str]:
    """The names local to a function: its arguments and what it binds."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    body = function.body if isinstance(function.body, list) else [function.body]
    outer: set[str] = set()
    for node in same_scope(body):
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
    return ({argument.arg for argument in arguments if argument} | bound(body)) - outer


def comprehension_names(node: Comprehension) -> set[str]:
    """The names local to a comprehension: the targets of its loops."""
    return bound(generator.target for generator in node.generators)


def local_names(tree: ast.AST) -> set[str]:
    """Every name that any function or comprehension below binds for itself."""
    names: set[str] = set()
    for node in walk(tree):
        if isinstance(node, Function):
            names |= function_names(node)
        elif isinstance(node, Comprehension):
            names |= comprehension_names(node)
    return names


def top_imports(tree: ast.Module) -> list[Import]:
    """The imports that run when the module is loaded."""
    return [node for node in same_scope(tree.body) if isinstance(node, Import)]


def is_viper(node: ast.AST) -> bool:
    """Whether this is a function in machine code, whose types are its annotations."""
    return isinstance(node, ast.FunctionDef) and any(
        ast.unparse(decorator) == "micropython.viper" for decorator in node.decorator_list
    )


def first_name(node: ast.expr) -> str:
    """`a` of `a.b.c`, and nothing of what is no name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def alias_name(alias: ast.alias) -> str:
    """The name that an import binds."""
    return alias.asname or alias.name.split(".")[0]


def words(trees: Iterable[ast.Module]) -> set[str]:
    """Every word of every text but docstrings, of a message's fields their names; and what calls
    tell by keyword: any may become an attribute."""
    found: set[str] = set()
    for tree in trees:
        nodes = list(walk(tree))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and id(node) not in docstrings:
                text = node.value if isinstance(node.value, str) else ""
                found.update(_WORD.findall(text), _FIELD.findall(text))
            elif isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
    return found
