"""Which names a piece of Python binds where: what renaming across modules has to respect."""

import ast
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Import = ast.Import | ast.ImportFrom

_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_OWN_SCOPE += (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def same_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes and all below them that belong to the same scope.

    A function, class or comprehension among them is named, but not entered.
    """
    for node in nodes:
        yield node
        if not isinstance(node, _OWN_SCOPE):
            yield from same_scope(ast.iter_child_nodes(node))


def bound(body: Iterable[ast.AST]) -> set[str]:
    """The names that these statements bind in their own scope, by import too."""
    names: set[str] = set()
    for node in same_scope(body):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias_name(alias) for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


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
    for node in ast.walk(tree):
        if isinstance(node, Function):
            names |= function_names(node)
        elif isinstance(node, Comprehension):
            names |= comprehension_names(node)
    return names


def top_imports(tree: ast.Module) -> list[Import]:
    """The imports that run when the module is loaded."""
    return [node for node in same_scope(tree.body) if isinstance(node, Import)]


def alias_name(alias: ast.alias) -> str:
    """The name that an import binds."""
    return alias.asname or alias.name.split(".")[0]
