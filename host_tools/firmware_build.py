"""Compiles a role's firmware for one board's architecture, through a cache of compiled modules.

`-O3` leaves out asserts and line numbers. On stock MicroPython bytecode lives in the heap, the
tightest budget there is, and line numbers measured a twentieth of it; with functions of about
ten lines the names in a traceback say enough.
"""

import json
import tempfile
from pathlib import Path

from firmware.common.crypto import sha256
from firmware.common.version import VERSION
from host_tools.errors import REFUSED, CommandError
from host_tools.firmware_files import FirmwareTreeError, data_files, entry_file, source_files
from host_tools.firmware_fold import fold
from host_tools.firmware_program import LinkError
from host_tools.firmware_target import ESP32C3, ESP32S3, Target, compiler, run_compiler

_HERE = Path(__file__).resolve().parent
ROOT = _HERE.parent
INSTALLED = "/firmware/installed.json"  # says what a board runs
START = "/main.py"  # what a board starts; always written last
_OPTIMISATION = "-O3"
_FOLDED_KEPT = 8  # of a role: one for each chip and each way of the cryptography, and room
_PINS = "firmware/common/hardware/pins.py"  # of an ESP32; another chip's table takes its place
_PINS_OF = {chip: f"firmware/common/hardware/pins_{chip}.py" for chip in (ESP32S3, ESP32C3)}

# The arithmetic below the curve: 27 KB of machine code in one piece, or 5 KB and 2.5 times slower.
FAST, COMPACT = CRYPTO = ("fast", "compact")
_FIELD = {
    FAST: "firmware/common/crypto/field.py",
    COMPACT: "firmware/common/crypto/field_compact.py",
}


def build(
    role: str,
    target: Target,
    root: Path = ROOT,
    *,
    crypto: str = FAST,
    instead: dict[str, str] | None = None,
) -> dict[str, bytes]:
    """All files of a role as a board holds them: absolute path on the board -> content.

    `instead` holds other texts for some of its sources, to measure with.
    """
    try:
        sources = {path: (root / path).read_text() for path in source_files(root, role)}
        if _PINS in sources:
            sources[_PINS] = (root / _PINS_OF.get(target.chip, _PINS)).read_text()
        if _FIELD[FAST] in sources:
            sources[_FIELD[FAST]] = (root / _FIELD[crypto]).read_text()
        sources |= instead or {}
        texts = _folded(root, role, sources, "measured-" if instead else "")
    except (FirmwareTreeError, LinkError) as error:
        raise CommandError(REFUSED, f"This firmware cannot be built: {error}.") from error
    files = {
        f"/{source[:-3]}.mpy": compile_text(root, source, text, target)
        for source, text in texts.items()
    }
    files |= {f"/{path}": (root / path).read_bytes() for path in data_files(root, list(sources))}
    files[INSTALLED] = json.dumps({"role": role, "version": VERSION}).encode()
    files[START] = entry_file(root, role).read_bytes()
    return files


def _folded(root: Path, role: str, sources: dict[str, str], kind: str) -> dict[str, str]:
    """What `fold` makes of a role's sources, from the cache where it made it before."""
    tools = [path.read_text() for path in sorted(_HERE.glob("firmware_*.py"))]
    key = sha256(json.dumps([role, sources, tools]).encode()).hex()[:16]
    cached = root / ".build" / f"{kind}{role}-{key}.json"
    if not cached.is_file():
        texts = fold(sources, f"firmware.{role}.main")
        _keep(cached, json.dumps(texts).encode())
        kept = sorted(cached.parent.glob(f"{kind}{role}-*.json"), key=_written)
        for path in kept[:-_FOLDED_KEPT]:
            path.unlink(missing_ok=True)
    return json.loads(cached.read_text())


def _written(path: Path) -> float:
    """When; for what another process has just dropped, long ago."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _keep(path: Path, data: bytes) -> None:
    """Writes a file of the cache, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)


def compile_alone(root: Path, source: str, target: Target) -> bytes:
    """One module by itself, neither folded nor joined: for measuring what it would cost."""
    return compile_text(root, source, (root / source).read_text(), target)


def compile_text(root: Path, source: str, text: str, target: Target) -> bytes:
    """The module's bytecode, from the cache where the same text was compiled the same way.

    The cache holds one file a module and architecture: .build/x64/firmware.common.…-<key>.mpy
    """
    # A traceback names the module as its file: that name is in the board's RAM already.
    options = [_OPTIMISATION, "-s", Path(source).stem, *_arch_options(target)]
    key = sha256(json.dumps([compiler(), options, text]).encode()).hex()[:16]
    name = source[:-3].replace("/", ".")
    cached = root / ".build" / target.arch / f"{name}-{key}.mpy"
    if not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        older = [path for path in cached.parent.glob(f"{name}-*.mpy") if path != cached]
        _compile(text, options, cached)
        for path in older:
            path.unlink(missing_ok=True)
    return cached.read_bytes()


def _arch_options(target: Target) -> list[str]:
    if target.arch == "none":
        return []
    flags = [f"-march-flags={target.flags}"] if target.flags else []
    return [f"-march={target.arch}", *flags]


def _compile(text: str, options: list[str], compiled: Path) -> None:
    """Compile beside the place it goes to, then rename: a reader never sees half a file."""
    with tempfile.TemporaryDirectory(dir=compiled.parent) as folder:
        source, partial = Path(folder, "source.py"), Path(folder, "compiled.mpy")
        source.write_text(text)
        run_compiler(*options, "-o", str(partial), str(source))
        partial.replace(compiled)
