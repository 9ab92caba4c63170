"""What the boards' cryptography costs: instructions, heap bytes, and bytes of machine code.

    instructions   of the whole operation on x86_64 (Python's glue included), by `counting`; a
                   32-bit board executes about as many, within a tenth
    garbage        heap bytes of one call on x86_64, whose modules are loaded: up to twice a board's
    with loading   the same where they are not, as on a board: let go with the garbage, as it ends
    machine code   in the compiled modules, by architecture; on an ESP32 it needs executable memory

Peers run on the same MicroPython, in the same run: embit's pure Python on secp256k1, which is what
a wallet on MicroPython uses where it has no C, and P-256 in big integers as the boards had it.
"""

import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from host_tools.bench.counting import check_valgrind, count, output_of
from host_tools.errors import REFUSED, CommandError
from host_tools.firmware_build import ROOT, compile_text
from host_tools.firmware_files import source_files
from host_tools.firmware_fold import fold
from host_tools.firmware_target import Target, compiler_mpy_version
from host_tools.mpy import read_mpy

ARCHITECTURES = ("xtensawin", "rv32imc", "armv7emsp", "x64")
CURVE = ("sign", "verify", "agree", "generate_key")
KEYS = (*(f"{operation}_insns" for operation in CURVE), "gcm_1k_insns", "hkdf_insns")
EMBIT = "embit"
PLAIN = "big integers"
_FEWER, _MORE = 1, 3  # times an operation is done; see crypto_program's inputs
_HERE = Path(__file__).parent
_PROGRAM = _HERE / "crypto_program.py"
_NEEDED = ("firmware/common/crypto/", "firmware/common/late.py")

Say = Callable[[str], None]


def measure(say: Say) -> dict[str, Any]:
    """KEYS, `peers`, `heap`, `code`; CommandError where valgrind or MicroPython is missing."""
    check_valgrind()
    with tempfile.TemporaryDirectory(prefix="opg-bench-") as name:
        folder = Path(name)
        _build(folder)
        found: dict[str, Any] = dict(_curve(folder, "ours", say))
        seal, ecb = (_instructions(folder, "ours", name, say) for name in ("seal", "ecb"))
        found["gcm_1k_insns"] = seal - ecb
        found["hkdf_insns"] = _instructions(folder, "ours", "hkdf", say)
        found["ecb_1k_insns"] = ecb
        found["peers"] = {PLAIN: _peer(_curve(folder, "plain", say)), EMBIT: _embit(folder, say)}
        heap = {name: _heap(folder, name) for name in (*CURVE, "seal", "hkdf")}
        found["garbage"] = {name: garbage for name, (garbage, _) in heap.items()}
        found["heap"] = {name: with_loading for name, (_, with_loading) in heap.items()}
    found["code"] = {arch: _code(arch) for arch in ARCHITECTURES}
    return found


def compiled_modules(arch: str) -> dict[str, bytes]:
    """The modules of the crypto door as a board holds them, not joined; path below ROOT -> .mpy."""
    paths = [path for path in source_files(ROOT, "sender") if path.startswith(_NEEDED)]
    texts = fold({path: (ROOT / path).read_text() for path in paths})
    return {path: compile_text(ROOT, path, text, _target(arch)) for path, text in texts.items()}


def _build(folder: Path) -> None:
    """All modules that are measured, compiled for this machine as they are for a board."""
    target = _target("x64")
    for path, compiled in compiled_modules("x64").items():
        _write(folder / f"{path[:-3]}.mpy", compiled)
    for path in (_PROGRAM, _HERE / "plain_p256.py", _HERE / "crypto_embit.py"):
        _write(folder / f"{path.stem}.mpy", compile_text(ROOT, path.name, path.read_text(), target))
    if text := _embit_text():
        _write(folder / "embit_key.mpy", compile_text(ROOT, "embit_key.py", text, target))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _embit_text() -> str:
    """The module of embit that does the arithmetic; "" where it is not installed."""
    try:
        paths = files("embit") or []
    except PackageNotFoundError:
        return ""
    return "".join(path.read_text() for path in paths if path.as_posix() == "embit/util/key.py")


def _embit(folder: Path, say: Say) -> dict[str, int | None]:
    if (folder / "embit_key.mpy").is_file():
        return _peer(_curve(folder, "embit", say))
    say("embit is not installed: make install brings it")
    return _peer({})


def _peer(found: dict[str, int]) -> dict[str, int | None]:
    """The same keys as ours; null for what the peer does not have."""
    return {key: found.get(key) for key in KEYS}


def _curve(folder: Path, whose: str, say: Say) -> dict[str, int]:
    return {f"{name}_insns": _instructions(folder, whose, name, say) for name in CURVE}


def _instructions(folder: Path, whose: str, operation: str, say: Say) -> int:
    say(f"{whose}: {operation}")
    fewer, more = (count(folder, _PROGRAM.stem, whose, operation, str(n)) for n in (_FEWER, _MORE))
    return (more - fewer) // (_MORE - _FEWER)


def _heap(folder: Path, operation: str) -> tuple[int, int]:
    """Heap bytes of one operation: garbage alone, and with what is loaded for it."""
    printed = output_of(folder, _PROGRAM.stem, "ours", operation, "0")
    try:
        garbage, with_loading = (int(number) for number in printed.split())
    except ValueError as error:
        raise CommandError(REFUSED, f"The measured program printed {printed!r}.") from error
    return garbage, with_loading


def _code(arch: str) -> dict[str, Any]:
    """Bytes of the compiled modules, of their machine code, of the largest function in it."""
    modules = {}
    largest = 0
    for path, compiled in compiled_modules(arch).items():
        native = [len(code) for code in read_mpy(compiled).native()]
        largest = max([largest, *native])
        name = path.removeprefix("firmware/common/").removesuffix(".py").replace("/", ".")
        modules[name] = {"mpy_bytes": len(compiled), "native_bytes": sum(native)}
    total = {
        key: sum(module[key] for module in modules.values())
        for key in ("mpy_bytes", "native_bytes")
    }
    return {**total, "largest_function_bytes": largest, "modules": modules}


def _target(arch: str) -> Target:
    return Target(arch=arch, flags=0, mpy_version=compiler_mpy_version())
