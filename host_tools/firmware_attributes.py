"""Gives short names to the public attributes and methods of a role's classes.

`board.display` becomes `board.a`, in all files at once: one letter for one attribute, so the names
saved are those that the letters, which functions have as well, take the place of.

An attribute is renamed where a class of the role makes it and nothing else can mean it: no text
holds the word (the fields of messages, commands), no module binds or imports the name, and no
object has it that comes from MicroPython.
"""

import array
import ast
import io
import select
from collections.abc import Iterable, Iterator

from host_tools.firmware_scope import Import, alias_name, bound, first_name, words
from host_tools.firmware_trees import walk

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ROUNDS = 5

# Of objects that MicroPython makes: what CPython's of the same kind have, and the hardware's.
_OBJECTS = (str, bytes, bytearray, memoryview, int, float, list, tuple, dict, set, object, type)
_OBJECTS += (BaseException, OSError, io.BytesIO, io.StringIO, io.FileIO, io.TextIOWrapper)
_OBJECTS += (array.array, type(select.poll()), type(iter("")))
_HARDWARE = """
    any active ble blit config deinit decrypt digest duty duty_u16 encrypt feed fill fill_rect freq
    gatts_notify gatts_read gatts_write hline init invert ioctl ipoll irq line mode off on pixel
    poll pull read readblocks readfrom readfrom_mem readinto readline rect register scan scroll
    send set show sleep sleep_ms start stop text throw toggle unregister update value vline write
    writeblocks writeto writeto_mem writevto
"""


def shorten_attributes(trees: Iterable[ast.Module], kept: set[str]) -> None:
    """All files of a role; changes them. `kept` are names for others to use."""
    trees = list(trees)
    used = {node.attr for node in _attributes(trees)}
    made = {name for tree in trees for name in _made(tree) if not name.startswith("_")}
    told = _words(trees)
    made -= kept | set(_HARDWARE.split()) | _foreign() | _of_modules(trees) | told
    long = sorted(name for name in made if len(name) > 2)
    free = (f"{letter}{n or ''}" for n in range(_ROUNDS) for letter in _LETTERS)
    mapping = dict(zip(long, (name for name in free if name not in used | told), strict=False))
    for node in _attributes(trees):
        node.attr = mapping.get(node.attr, node.attr)
    for tree in trees:
        for method in _methods(tree):
            method.name = mapping.get(method.name, method.name)


def _attributes(trees: Iterable[ast.Module]) -> Iterator[ast.Attribute]:
    for tree in trees:
        yield from (node for node in walk(tree) if isinstance(node, ast.Attribute))


def _methods(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for found in walk(tree):
        if isinstance(found, ast.ClassDef):
            for node in found.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node


def _made(tree: ast.Module) -> set[str]:
    """What classes define, and what is set on objects."""
    stored = {node.attr for node in _attributes([tree]) if not isinstance(node.ctx, ast.Load)}
    return stored | {method.name for method in _methods(tree)}


def _foreign() -> set[str]:
    return {name for made in _OBJECTS for name in dir(made)}


def _of_modules(trees: Iterable[ast.Module]) -> set[str]:
    """Names that modules bind or import, and that are asked of what was imported."""
    names: set[str] = set()
    for tree in trees:
        imports = [node for node in walk(tree) if isinstance(node, Import)]
        aliases = [alias for node in imports for alias in node.names]
        imported = {alias_name(alias) for alias in aliases}
        names |= bound(tree.body) | imported
        names |= {part for alias in aliases for part in alias.name.split(".")}
        names |= {node.attr for node in _attributes([tree]) if first_name(node) in imported}
        for node in walk(tree):
            if isinstance(node, ast.Global):
                names.update(node.names)
    return names


def _words(trees: list[ast.Module]) -> set[str]:
    """Every word of every text, and whatever begins with a text such as `do_`."""
    found = words(trees)
    prefixes = tuple(word for word in found if word.endswith("_") and len(word) > 1)
    return found | {name for tree in trees for name in _made(tree) if name.startswith(prefixes)}
