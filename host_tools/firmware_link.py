"""Joins the modules of a role into few files, because on a board every module costs RAM.

A module costs some 300 bytes before it holds anything, and each name it imports a slot and code.
So the modules of a bundle (see `firmware_program`) are put into one, each after those that it
imports:

- names at the top are made different from each other, and from every name that a function binds;
- `from a import f` and `a.f` of a module inside become the name itself;
- what stands in another bundle that stays loaded is imported from there, but for functions that
  nobody there uses: who is rarely there takes them along;
- what nobody uses is left out.

Whatever cannot be done without changing what the program does raises LinkError.
"""

import ast
from collections.abc import Iterator

from host_tools.firmware_program import (
    Bundle,
    Definition,
    Foreign,
    LinkError,
    Meaning,
    Program,
    Whole,
    bundles,
)
from host_tools.firmware_prune import prune
from host_tools.firmware_rewrite import Rewriter
from host_tools.firmware_scope import Import, local_names, top_imports
from host_tools.firmware_trees import copied, walk


def link(trees: dict[str, ast.Module], main: str) -> dict[str, ast.Module]:
    """All modules of a role, by path -> the files to load, by path; `main` is a module's name.

    Takes trees without annotations (see `firmware_fold`), and changes them.
    """
    program = Program(trees)
    taken = {member: _own_names(program, member) for member in program.trees}
    files = [_File(program, bundle, taken) for bundle in bundles(program, main)]
    homes = {member: file for file in files if file.bundle.stays for member in file.bundle.members}
    spare = _spare(program, main, files, homes, taken)
    linked = {file.bundle.root: file.linked(homes, spare) for file in files}
    _check_loaded(program, linked)
    late = {file.bundle.root for file in files if file.bundle.late}
    prune(linked, {file.bundle.root: file.exports for file in files}, late)
    return {program.paths[root]: tree for root, tree in linked.items()}


def _spare(
    program: Program,
    main: str,
    files: list["_File"],
    homes: dict[str, "_File"],
    taken: dict[str, set[str]],
) -> set[Definition]:
    """The functions of the main file for which it has no use, and that can stand elsewhere."""
    file = next(file for file in files if file.bundle.root == main)
    alone = {main: _File(program, file.bundle, taken).linked(homes, set())}
    prune(alone, {main: file.exports}, set())
    kept = {name for node in alone[main].body if (name := getattr(node, "name", None))}
    return {
        definition
        for definition, name in file.definitions()
        if name not in kept and program.is_movable(definition)
    }


def _own_names(program: Program, member: str) -> set[str]:
    """Names that a module's functions bind, or that it uses and nobody in it binds."""
    tree = program.trees[member]
    used = {node.id for node in walk(tree) if isinstance(node, ast.Name)}
    return local_names(tree) | {name for name in used if program.meaning(member, name) is None}


class _File:
    """One bundle as it becomes one module; `exports` are the names that others may use."""

    def __init__(self, program: Program, bundle: Bundle, taken: dict[str, set[str]]) -> None:
        self.bundle = bundle
        self.exports: set[str] = set()
        self._program = program
        self._names: dict[Meaning, str] = {}
        self._taken: set[str] = set()
        self._aliases: list[tuple[str, str]] = []
        self._imported: dict[tuple[str, str], str] = {}
        self._export()
        # A late file may take in functions of any module, with the names that these use.
        for member in program.trees if bundle.late else bundle.members:
            self._taken |= taken[member]
        for member in bundle.members:
            for name in sorted(program.own(member)):
                self._give(Definition(member, name), name)

    def definitions(self) -> list[tuple[Definition, str]]:
        """What the file's modules define, and what the file calls it."""
        return [(m, name) for m, name in self._names.items() if isinstance(m, Definition)]

    def linked(self, homes: dict[str, "_File"], spare: set[Definition]) -> ast.Module:
        """The file's code; `homes` tells in which file that stays a module is.

        Of what is `spare` there a late file takes its own copy along.
        """
        self._homes = homes
        self._spare = spare if self.bundle.late else set()
        self._copied: list[Definition] = []
        body: list[ast.stmt] = []
        for member in self.bundle.members:
            rewriter = Rewriter(self._program, member, self)
            # A copy, because a late module may stand in several files.
            tree = copied(self._program.trees[member])
            body += [rewriter.visit(node) for node in tree.body]
        for definition in self._copied:  # which grows meanwhile: they use each other
            body = [*self._copy(definition), *body]
        for alias, name in self._aliases:
            body.append(ast.Assign([ast.Name(alias, ast.Store())], ast.Name(name, ast.Load())))
        body = [*self._imports(), *_once(body)]
        return ast.fix_missing_locations(ast.Module(body, type_ignores=[]))

    def _copy(self, definition: Definition) -> list[ast.stmt]:
        """A function of a file that stays, with the imports it may need."""
        rewriter = Rewriter(self._program, definition.module, self)
        imports = top_imports(self._program.trees[definition.module])
        wanted = [*imports, self._program.function(definition)]
        return [rewriter.visit(copied(node)) for node in wanted if node]

    def name(self, meaning: Meaning) -> str:
        """What the file calls it; imported at its top where it is not the file's own."""
        known = meaning in self._names
        if isinstance(meaning, Foreign):
            name = self._give(meaning, meaning.name)
        elif isinstance(meaning, Whole):
            parent, _, last = meaning.module.rpartition(".")
            name = self._give(meaning, last)
            if not known and meaning.module in self._homes:
                self._imported[(parent, last)] = name
        elif meaning.module in self.bundle.members:
            name = self._names[meaning]
        elif meaning in self._spare and not self._hides(meaning):
            if not known:
                self._copied.append(meaning)
            name = self._give(meaning, meaning.name)
        else:
            there = self._home(meaning)
            if self._program.is_variable(meaning):
                raise LinkError(
                    f"{self.bundle.root} uses {meaning.name}, which {meaning.module} binds anew"
                )
            name = self._give(meaning, there._names[meaning])
            self._imported[(there.bundle.root, there._names[meaning])] = name
        return name

    def is_open(self, module: str) -> bool:
        """Whether a module's names are named one by one, as it is no object any more."""
        if module in self.bundle.members:
            return True
        if module in self._homes:
            return module != self._homes[module].bundle.root
        return any(other.startswith(f"{module}.") for other in self._program.trees)

    def holds(self, meaning: Meaning) -> bool:
        """Whether the file can have this as soon as it is loaded."""
        if isinstance(meaning, Foreign):
            return False
        return meaning.module in self._homes or meaning.module in self.bundle.members

    def _hides(self, definition: Definition) -> bool:
        """Whether a name that others know the root by means something else in that function."""
        used = self._program.names_in(definition)
        return any(self._program.meaning(definition.module, n) is None for n in used & self.exports)

    def _export(self) -> None:
        """Names that others know the root's by stay as they are."""
        root = self.bundle.root
        for name in self._program.public(root):
            meaning = self._program.meaning(root, name)
            if not isinstance(meaning, Definition) or meaning.module not in self.bundle.members:
                continue
            if self.bundle.door or meaning.module == root:
                self.exports.add(name)
                self._taken.add(name)
                if meaning in self._names:
                    self._aliases.append((name, self._names[meaning]))
                self._names.setdefault(meaning, name)

    def _give(self, meaning: Meaning, name: str) -> str:
        if meaning not in self._names:
            self._names[meaning] = final = self._free(meaning, name)
            self._taken.add(final)
        return self._names[meaning]

    def _free(self, meaning: Meaning, name: str) -> str:
        """The name itself, else with its module's, else with a number too."""
        mark = "_" if name.startswith("_") else ""
        longer = f"{mark}{meaning.module.rpartition('.')[2]}_{name.lstrip('_')}"
        candidates = [name, longer, *(f"{longer}{number}" for number in range(2, 100))]
        return next(candidate for candidate in candidates if candidate not in self._taken)

    def _home(self, meaning: Definition) -> "_File":
        home = self._homes.get(meaning.module)
        if home is None or (self.bundle.door and not home.bundle.door):
            raise LinkError(f"{self.bundle.root} needs {meaning.module}, which is not loaded yet")
        return home

    def _imports(self) -> Iterator[ast.stmt]:
        for (module, name), final in sorted(self._imported.items()):
            alias = ast.alias(name, None if name == final else final)
            yield ast.ImportFrom(module, [alias], 0) if module else ast.Import([alias])


def _once(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Without what was imported before, and without what became nothing."""
    seen: set[str] = set()
    for node in body:
        if isinstance(node, Import):
            found = {ast.unparse(alias): alias for alias in node.names}
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            node.names = [alias for text, alias in found.items() if f"{module} {text}" not in seen]
            seen |= {f"{module} {text}" for text in found}
            if not node.names:
                continue
        if not isinstance(node, ast.Pass):
            yield node


def _check_loaded(program: Program, linked: dict[str, ast.Module]) -> None:
    """Whatever is loaded by its name must be a file of its own, and alone of its last name."""
    nodes = [node for tree in linked.values() for node in walk(tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    lasts: dict[str, str] = {}
    for module in program.named_late():
        if module in texts:
            if module not in linked:
                raise LinkError(f"{module} is loaded by its name, but is always there; import it")
            other = lasts.setdefault(module.rpartition(".")[2], module)
            if other != module:
                raise LinkError(f"{module} and {other} are loaded by the same last name")
