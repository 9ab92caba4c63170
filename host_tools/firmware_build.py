"""Compiles a role's firmware for one board's architecture, through a cache of compiled modules.

`-O3` leaves out asserts and line numbers. On stock MicroPython bytecode lives in the heap, the
tightest budget there is, and line numbers measured a twentieth of it; with functions of about
ten lines the names in a traceback say enough.
"""

import json
import os
import tempfile
from importlib import metadata
from pathlib import Path

from firmware.common.crypto import sha256
from host_tools.errors import REFUSED, CommandError
from host_tools.firmware_files import FirmwareTreeError, entry_file, source_files
from host_tools.firmware_target import Target, compiler, run_compiler

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = "/firmware/installed.json"  # says what a board runs
START = "/main.py"  # what a board starts; always written last
_OPTIMISATION = "-O3"


def build(role: str, target: Target, root: Path = ROOT) -> dict[str, bytes]:
    """All files of a role as a board holds them: absolute path on the board -> content."""
    try:
        sources = source_files(root, role)
    except FirmwareTreeError as error:
        raise CommandError(REFUSED, f"This firmware cannot be built: {error}.") from error
    files = {f"/{source[:-3]}.mpy": _compiled(root, source, target) for source in sources}
    files[INSTALLED] = json.dumps({"role": role, "version": _version()}).encode()
    files[START] = entry_file(root, role).read_bytes()
    return files


def _version() -> str:
    return metadata.version("offline-payment-gateway")


def _compiled(root: Path, source: str, target: Target) -> bytes:
    """The module's bytecode, from the cache where the same text was compiled the same way.

    The cache holds one file a module and architecture: .build/x64/firmware.common.…-<key>.mpy
    """
    options = [_OPTIMISATION, "-s", source, *_arch_options(target)]
    text = (root / source).read_bytes()
    key = sha256(json.dumps([compiler(), options]).encode() + text).hex()[:16]
    name = source[:-3].replace("/", ".")
    cached = root / ".build" / target.arch / f"{name}-{key}.mpy"
    if not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        older = list(cached.parent.glob(f"{name}-*.mpy"))
        _compile(root / source, options, cached)
        for path in older:
            path.unlink(missing_ok=True)
    return cached.read_bytes()


def _arch_options(target: Target) -> list[str]:
    if target.arch == "none":
        return []
    flags = [f"-march-flags={target.flags}"] if target.flags else []
    return [f"-march={target.arch}", *flags]


def _compile(source: Path, options: list[str], compiled: Path) -> None:
    """Compile beside the place it goes to, then rename: a reader never sees half a file."""
    handle, partial = tempfile.mkstemp(dir=compiled.parent, suffix=".partial")
    os.close(handle)
    try:
        run_compiler(*options, "-o", partial, str(source))
        Path(partial).replace(compiled)
    finally:
        Path(partial).unlink(missing_ok=True)
