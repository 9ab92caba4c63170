"""Python's syntax trees, walked and copied: a build does both for millions of nodes.

`ast.walk` and `copy.deepcopy` do the same, and took more than half of a build's time.
"""

import ast
import pickle
from typing import TypeVar

_Tree = TypeVar("_Tree", bound=ast.AST)

# Fields that hold texts or numbers, and whether a name is read or set, which no one walks to.
_LEAVES = {"arg", "asname", "attr", "conversion", "ctx", "id", "kind", "level", "module"}
_LEAVES |= {"type_comment"}
_KINDS = [kind for kind in vars(ast).values() if isinstance(kind, type)]
_PARTS = {
    kind: tuple(field for field in kind._fields if field not in _LEAVES)
    for kind in _KINDS
    if issubclass(kind, ast.AST)
}


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below this one, but for the contexts of names."""
    found: list[ast.AST] = []
    for field in _PARTS[type(node)]:
        part = getattr(node, field, None)
        if isinstance(part, list):
            found += [item for item in part if isinstance(item, ast.AST)]
        elif isinstance(part, ast.AST):
            found.append(part)
    return found


def walk(tree: ast.AST) -> list[ast.AST]:
    """The tree's root and all nodes below it but for contexts, those further up first."""
    found = [tree]
    for node in found:  # which grows meanwhile
        found += children(node)
    return found


def copied(tree: _Tree) -> _Tree:
    """The same once more; nothing in it is shared with the first one."""
    return pickle.loads(pickle.dumps(tree))
