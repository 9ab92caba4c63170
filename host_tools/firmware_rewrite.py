"""Rewrites one module's code for the file it is put into: its names for those of that file."""

import ast
from typing import Protocol

from host_tools.firmware_program import Definition, LinkError, Meaning, Program, Whole
from host_tools.firmware_scope import (
    Comprehension,
    Function,
    Import,
    alias_name,
    bound,
    comprehension_names,
    function_names,
    same_scope,
)


class Place(Protocol):
    """The file that the module is put into."""

    def name(self, meaning: Meaning) -> str:
        """What the file calls it; imported at its top where it is not the file's own."""
        ...

    def is_open(self, module: str) -> bool:
        """Whether a module's names are named one by one, as it is no object any more."""
        ...

    def holds(self, meaning: Meaning) -> bool:
        """Whether the file can have this as soon as it is loaded."""
        ...


class _Class(dict[str, Meaning | None]):
    """The scope of a class body, which its methods do not see."""


class Rewriter(ast.NodeTransformer):
    """Visit each statement of a module; its own imports of the program's modules vanish."""

    def __init__(self, program: Program, module: str, place: Place) -> None:
        self._program = program
        self._module = module
        self._place = place
        # Innermost last: None for a name that is the scope's own, else what it imported.
        self._scopes: list[dict[str, Meaning | None]] = []

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        return self._import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        return self._import(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        meaning = self._meaning(node.id)
        if meaning is None:
            self._check_class(node)
            return node
        return self._named(meaning, node.ctx)

    def _check_class(self, node: ast.Name) -> None:
        """`size = size` in a class reads the module's: then that must be called so still."""
        inmost = self._scopes[-1] if self._scopes else {}
        is_read = isinstance(inmost, _Class) and isinstance(node.ctx, ast.Load)
        if is_read and node.id in inmost and self._name_at_top(node.id) != node.id:
            raise self._error(f"has a class that binds {node.id}, which the module binds too")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        meaning = self._dotted(node)
        return self.generic_visit(node) if meaning is None else self._named(meaning, node.ctx)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._name_at_top(name) for name in node.names]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name and not self._scopes:
            node.name = self._name_at_top(node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if not self._scopes:
            node.name = self._name_at_top(node.name)
        node.bases = [self.visit(base) for base in node.bases]
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        self._scopes.append(_Class.fromkeys(bound(node.body)))
        node.body = [self.visit(statement) for statement in node.body]
        self._scopes.pop()
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def _function(self, node: Function) -> ast.AST:
        if not isinstance(node, ast.Lambda):
            if not self._scopes:
                node.name = self._name_at_top(node.name)
            node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        self.visit(node.args)  # its defaults belong outside
        outside = self._scopes
        self._scopes = [scope for scope in outside if not isinstance(scope, _Class)]
        self._scopes.append(self._function_scope(node))
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(statement) for statement in node.body]
        self._scopes = outside
        return node

    def _function_scope(self, node: Function) -> dict[str, Meaning | None]:
        scope: dict[str, Meaning | None] = dict.fromkeys(function_names(node))
        body = [] if isinstance(node, ast.Lambda) else node.body
        for found in same_scope(body):
            if isinstance(found, Import):
                for alias in found.names:
                    meaning = self._program.meant_by(self._module, found, alias)
                    if self._place.holds(meaning):
                        scope[alias_name(alias)] = meaning
        return scope

    def _comprehension(self, node: Comprehension) -> ast.AST:
        first = self.visit(node.generators[0].iter)  # runs outside
        node.generators[0].iter = ast.Constant(None)  # not to be visited twice
        self._scopes.append(dict.fromkeys(comprehension_names(node)))
        self.generic_visit(node)
        self._scopes.pop()
        node.generators[0].iter = first
        return node

    def _import(self, node: Import) -> ast.stmt:
        """What is left of it: what the file cannot have had from the start."""
        kept = []
        for alias in node.names:
            meaning = self._program.meant_by(self._module, node, alias)
            if isinstance(meaning, Definition) and self._program.is_variable(meaning):
                raise self._error(f"imports {meaning.name}, which {meaning.module} binds anew")
            if self._scopes:
                if self._meaning(alias_name(alias)) is None:
                    kept.append(alias)
            elif not self._is_of_program(meaning):
                kept.append(self._foreign(node, alias, self._place.name(meaning)))
        node.names = kept
        return node if kept else ast.Pass()

    def _foreign(self, node: Import, alias: ast.alias, name: str) -> ast.alias:
        """An import from outside the program, under the file's name for it."""
        if isinstance(node, ast.Import) and "." in alias.name and not alias.asname:
            if alias.name.split(".")[0] != name:
                raise self._error(f"imports {alias.name}, whose first part has another meaning")
            return alias
        return _alias(alias.name, name)

    def _is_of_program(self, meaning: Meaning) -> bool:
        if isinstance(meaning, Whole):
            return meaning.module in self._program.trees or self._place.is_open(meaning.module)
        return isinstance(meaning, Definition)

    def _meaning(self, name: str) -> Meaning | None:
        """What a name stands for here; None for a local one and for a builtin."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return self._program.meaning(self._module, name)

    def _dotted(self, node: ast.expr) -> Meaning | None:
        """What `name` or `module.name` stands for, None where it is no such thing."""
        if isinstance(node, ast.Name):
            return self._meaning(node.id)
        if not isinstance(node, ast.Attribute):
            return None
        owner = self._dotted(node.value)
        if not isinstance(owner, Whole) or not self._place.is_open(owner.module):
            return None
        if not isinstance(node.ctx, ast.Load):
            raise self._error(f"assigns to {node.attr} of another module")
        return self._program.attribute(owner.module, node.attr, self._module)

    def _named(self, meaning: Meaning, ctx: ast.expr_context) -> ast.expr:
        if isinstance(meaning, Whole) and self._place.is_open(meaning.module):
            raise self._error(f"uses the module {meaning.module} as a value")
        name = self._place.name(meaning)
        for scope in self._scopes:
            if name in scope and scope[name] is None:
                raise self._error(f"has a local name that hides {name}, which it uses too")
        return ast.Name(name, ctx)

    def _name_at_top(self, name: str) -> str:
        meaning = self._program.meaning(self._module, name)
        return name if meaning is None else self._place.name(meaning)

    def _error(self, what: str) -> LinkError:
        return LinkError(f"{self._module} {what}")


def _alias(name: str, final: str) -> ast.alias:
    return ast.alias(name, None if name == final else final)
