"""A role's modules as one program: what a name in a module means, and which modules stay loaded.

    resident  what the role's main.py imports as it is loaded, and what that imports, and so on
    door      a package that other programs import by name, or that native code may replace
    late      the rest: each module that somebody loads by its name or inside a function

A bundle is the modules that become one file on a board: one for the resident ones, one for each
door, one for each late module with what only late ones need. What two late flows need stands
in both files: flash is plenty, RAM is not, and one flow is loaded at a time.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from host_tools.firmware_files import absolute
from host_tools.firmware_scope import Import, alias_name, defined, top_imports
from host_tools.firmware_trees import walk

# What other programs import by name, then what these need of the rest.
DOORS = ("firmware.common.crypto", "firmware.common.late")
# What stays loaded though only late modules need it: they hand its objects to each other, and an
# object keeps the file of its class in RAM.
STAYING = ("firmware.common.wire.codec",)
# What stands in every file that needs it, as far as it is needed there: declarations that are equal
# wherever they stand, and that would otherwise all stay loaded for who is rarely there.
DECLARATIONS = ("firmware.common.wire.messages",)


class LinkError(Exception):
    """What a source does cannot be done in a linked file; the text says where and what."""


@dataclass(frozen=True)
class Definition:
    """A name that a module of the program defines."""

    module: str
    name: str


@dataclass(frozen=True)
class Foreign:
    """A name of a module that is not part of the program."""

    module: str
    name: str


@dataclass(frozen=True)
class Whole:
    """A module itself, of the program or not."""

    module: str


Meaning = Definition | Foreign | Whole


@dataclass(frozen=True)
class Bundle:
    """The modules that become the file of `root`, each after those that it imports.

    Other files may import from one that `stays`; a `door` gives out the names it imports, too.
    Of one that is `late`, only this program uses anything.
    """

    root: str
    members: tuple[str, ...]
    stays: bool = False
    door: bool = False
    late: bool = False


def module_name(path: str) -> str:
    """firmware/common/crypto/__init__.py -> firmware.common.crypto"""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class Program:
    """The syntax trees of a role by path below the source root; `paths` by module."""

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self.paths = {module_name(path): path for path in trees}
        self.trees = {module_name(path): tree for path, tree in trees.items()}
        nodes = (node for tree in trees.values() for node in walk(tree))
        self._texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
        self._own = {module: _defined(tree) for module, tree in self.trees.items()}
        self._variables = {module: _declared_global(tree) for module, tree in self.trees.items()}
        self._imports = {module: self._imported(module) for module in self.trees}

    def own(self, module: str) -> set[str]:
        """The names that a module defines itself."""
        return self._own[module]

    def is_variable(self, definition: Definition) -> bool:
        """Whether functions bind it anew, so that a copy of it would not follow."""
        return definition.name in self._variables[definition.module]

    def function(self, definition: Definition) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The one statement at the top of a module that is this function's whole definition."""
        found = [
            node
            for node in self.trees[definition.module].body
            if definition.name in defined([node])
        ]
        node = found[0] if len(found) == 1 else None
        return node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None

    def is_movable(self, definition: Definition) -> bool:
        """Whether it is a function that works the same in another file: nothing runs where it is
        defined, and it names no variable that functions bind anew."""
        node = self.function(definition)
        if node is None or node.decorator_list or node.args.defaults or any(node.args.kw_defaults):
            return False
        if any(isinstance(inner, ast.Global) for inner in walk(node)):
            return False
        meanings = [self.meaning(definition.module, name) for name in self.names_in(definition)]
        return not any(isinstance(m, Definition) and self.is_variable(m) for m in meanings)

    def names_in(self, definition: Definition) -> set[str]:
        """Every name that a function mentions."""
        node = self.function(definition)
        return {n.id for n in walk(node) if isinstance(n, ast.Name)} if node else set()

    def public(self, module: str) -> list[str]:
        """Its names for others, sorted: what some text names, or is not private.

        Those that it imports from others are included.
        """
        names = self._own[module] | set(self._imports[module])
        return sorted(name for name in names if name in self._texts or not name.startswith("_"))

    def meaning(self, module: str, name: str) -> Meaning | None:
        """What a name at the top of a module stands for; None for what it does not bind."""
        if name in self._own[module]:
            return Definition(module, name)
        return self._imports[module].get(name)

    def meant_by(self, module: str, node: Import, alias: ast.alias) -> Meaning:
        """What one alias of an import in `module` binds."""
        if isinstance(node, ast.Import):
            if "." in alias.name and not alias.asname:
                return Whole(alias.name.split(".")[0])
            return Whole(alias.name)
        return self._member(absolute(node, self.paths[module]), alias.name, module)

    def attribute(self, module: str, name: str, user: str) -> Meaning:
        """What `module.name` stands for; `module` may be a package without code."""
        found = self.meaning(module, name) if module in self.trees else None
        submodule = f"{module}.{name}"
        if found is None and any(_is_within(other, submodule) for other in self.trees):
            return Whole(submodule)
        if found is None:
            raise LinkError(f"{user} uses {submodule}, which does not exist")
        return found

    def needs(self, module: str) -> Iterator[str]:
        """The program's modules that run before `module` does."""
        for node in top_imports(self.trees[module]):
            for name in self._modules_of(module, node):
                parts = name.split(".")
                for length in range(1, len(parts) + 1):
                    prefix = ".".join(parts[:length])
                    if prefix in self.trees and prefix != module:
                        yield prefix

    def named_late(self) -> list[str]:
        """The modules that somebody names in a text or imports inside a function, sorted."""
        found: set[str] = set()
        for module, tree in self.trees.items():
            at_top = top_imports(tree)
            for node in walk(tree):
                if isinstance(node, ast.Constant) and node.value in self.trees:
                    found.add(node.value)
                elif isinstance(node, Import) and node not in at_top:
                    found.update(n for n in self._modules_of(module, node) if n in self.trees)
        return sorted(found)

    def _imported(self, module: str) -> dict[str, Meaning]:
        found: dict[str, Meaning] = {}
        otherwise = defined(self.trees[module].body) | self._variables[module]
        for node in top_imports(self.trees[module]):
            for alias in node.names:
                name, meaning = alias_name(alias), self.meant_by(module, node, alias)
                if name in otherwise or found.get(name, meaning) != meaning:
                    raise LinkError(f"{module} imports {name}, and binds it to something else")
                found[name] = meaning
                if node not in self.trees[module].body and self._is_ours(meaning):
                    raise LinkError(f"{module} imports {name} under a condition")
        return found

    def _is_ours(self, meaning: Meaning) -> bool:
        return meaning.module in self.trees and not isinstance(meaning, Foreign)

    def _member(self, base: str, name: str, importer: str) -> Meaning:
        """What `from base import name` binds, through as many modules as pass it on."""
        if base in self.trees:
            if name in self._own[base]:
                return Definition(base, name)
            for node in top_imports(self.trees[base]):
                for alias in node.names:
                    if alias_name(alias) == name and base != importer:
                        return self.meant_by(base, node, alias)
        if f"{base}.{name}" in self.trees:
            return Whole(f"{base}.{name}")
        if base in self.trees:
            raise LinkError(f"{importer} imports {name} from {base}, which has no such name")
        return Foreign(base, name)

    def _modules_of(self, module: str, node: Import) -> Iterator[str]:
        """Every module that an import may load."""
        for alias in node.names:
            if isinstance(node, ast.Import):
                yield alias.name
            else:
                base = absolute(node, self.paths[module])
                yield base
                yield f"{base}.{alias.name}"


def bundles(program: Program, main: str) -> list[Bundle]:
    """How the program is cut into files: the late ones first, then `main`, then the doors."""
    doors = [
        Bundle(door, tuple(_package(program, door)), stays=True, door=True)
        for door in DOORS
        if door in program.trees
    ]
    taken = {member for bundle in doors for member in bundle.members}
    staying = [
        m for name in STAYING if name in program.trees for m in _closure(program, name, taken)
    ]
    members = [*staying, *_closure(program, main, taken | set(staying))]
    resident = Bundle(main, tuple(members), stays=True)
    taken |= set(resident.members) - set(DECLARATIONS)
    roots = [name for name in program.named_late() if name not in taken]
    late = [Bundle(root, tuple(_closure(program, root, taken)), late=True) for root in roots]
    reached = taken.union(*(bundle.members for bundle in late))
    alone = [m for m in sorted(program.trees) if m not in reached and program.public(m)]
    late += [Bundle(root, tuple(_closure(program, root, taken))) for root in alone]
    return [*late, resident, *doors]


def _package(program: Program, door: str) -> list[str]:
    return [module for module in _closure(program, door, set()) if _is_within(module, door)]


def _closure(program: Program, root: str, without: set[str]) -> list[str]:
    """The root and all it needs, each after what it needs itself."""
    found: list[str] = []
    visited = set(without)

    def visit(module: str) -> None:
        visited.add(module)
        for name in program.needs(module):
            if name not in visited:
                visit(name)
        found.append(module)

    visit(root)
    return found


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _defined(tree: ast.Module) -> set[str]:
    imported = {alias_name(alias) for node in top_imports(tree) for alias in node.names}
    return (defined(tree.body) | _declared_global(tree)) - imported


def _declared_global(tree: ast.Module) -> set[str]:
    declared = (node.names for node in walk(tree) if isinstance(node, ast.Global))
    return {name for names in declared for name in names}
