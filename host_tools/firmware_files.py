"""Which source files make up a role's firmware: all of the role's own, and what they import.

One rule for the flasher, for `verify` and for the frozen image (`firmware/*/manifest.py`, where
MicroPython's build loads this file alone: so nothing but the standard library is imported here).
"""

import ast
from pathlib import Path, PurePosixPath

ROLES = ("sender", "receiver")

# What no board ever imports: it stands behind `sys.implementation.name` or `TYPE_CHECKING`.
CPYTHON_ONLY = frozenset(
    {
        "firmware.common.crypto.openssl",
        "firmware.common.crypto.viper",
        "firmware.common.crypto.viper_rewrite",
        "firmware.common.hardware.contract",
        "firmware.common.interchange.jsonscan",
    }
)

# In a role's folder, but not of its package: the image's list, and what a board starts with.
_MANIFEST = "manifest.py"
_ENTRY = "entry"


class FirmwareTreeError(Exception):
    """The source tree cannot be made into a firmware; the text says where and why."""


def entry_file(root: Path, role: str) -> Path:
    """The file that becomes the board's /main.py."""
    return root / "firmware" / role / _ENTRY / "main.py"


def source_files(root: Path, role: str) -> list[str]:
    """The role's files as sorted paths below `root`, with forward slashes.

    Raises FirmwareTreeError for a role without a main.py, an import of the other role and an
    import of a firmware module that does not exist.
    """
    if not (root / "firmware" / role / "main.py").is_file():
        raise FirmwareTreeError(f"there is no firmware/{role}/main.py below {root}")
    found: set[str] = set()
    waiting = _role_files(root, role)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting.extend(_imported_files(root, path, role))
    return sorted(path for path in found if _holds_code(root / path))


def data_files(root: Path, sources: list[str]) -> list[str]:
    """The files that these sources open by name: a text in them that is exactly such a path."""
    texts = {
        node.value
        for source in sources
        for node in ast.walk(_parse(root / source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return sorted(text for text in texts if _is_data(root, text))


def _is_data(root: Path, text: str) -> bool:
    return text.startswith("firmware/") and text.endswith(".txt") and (root / text).is_file()


def _role_files(root: Path, role: str) -> list[str]:
    folder = root / "firmware" / role
    paths = [path.relative_to(folder) for path in folder.rglob("*.py")]
    kept = [path for path in paths if path.parts[0] not in (_MANIFEST, _ENTRY)]
    return [str(PurePosixPath("firmware", role, *path.parts)) for path in kept]


def _imported_files(root: Path, path: str, role: str) -> list[str]:
    files: list[str] = []
    for name, required in _imported_names(root, path):
        if any(name == other or name.startswith(f"{other}.") for other in CPYTHON_ONLY):
            continue
        parts = name.split(".")
        if len(parts) > 1 and parts[1] in ROLES and parts[1] != role:
            raise FirmwareTreeError(f"{path} imports {name}, which is the other role's")
        if required and _module_file(root, name) is None and not _is_package(root, name):
            raise FirmwareTreeError(f"{path} imports {name}, which does not exist")
        prefixes = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        files.extend(file for prefix in prefixes if (file := _module_file(root, prefix)))
    return files


def _imported_names(root: Path, path: str) -> list[tuple[str, bool]]:
    """Dotted firmware names a file may import, anywhere in it, and whether each must exist.

    What follows `from x import` may be a module or a plain name. A string that is exactly a
    module's name counts too: that is how a flow is loaded late (`__import__`).
    """
    names: list[tuple[str, bool]] = []
    for node in ast.walk(_parse(root / path)):
        if isinstance(node, ast.Import):
            names += [(alias.name, True) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = absolute(node, path)
            names += [(module, True)]
            names += [(f"{module}.{alias.name}", False) for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names += [(node.value, False)]
    return [(name, required) for name, required in names if name.startswith("firmware.")]


def absolute(node: ast.ImportFrom, path: str) -> str:
    """The dotted name of the module that the file at `path` imports from."""
    if not node.level:
        return node.module or ""
    package = PurePosixPath(path).parts[: -node.level]
    return ".".join([*package, *((node.module or "").split("."))]).rstrip(".")


def _module_file(root: Path, name: str) -> str | None:
    """The file of a module or of a package's own code, below `root`."""
    stem = PurePosixPath(*name.split("."))
    for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
        if (root / candidate).is_file():
            return candidate
    return None


def _is_package(root: Path, name: str) -> bool:
    return root.joinpath(*name.split(".")).is_dir()


def _holds_code(path: Path) -> bool:
    """False for an `__init__.py` with at most a docstring: a folder is a package without it."""
    if path.name != "__init__.py":
        return True
    body = _parse(path).body
    return len(body) > 1 or (len(body) == 1 and not _is_text(body[0]))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        raise FirmwareTreeError(f"{path}, line {error.lineno}: {error.msg}") from error
