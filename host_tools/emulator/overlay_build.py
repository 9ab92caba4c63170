"""The overlay as bytecode: what a board does not pay for should cost the virtual one little."""

import os
import tempfile
from functools import cache
from pathlib import Path

from firmware.common.crypto import sha256
from host_tools.firmware_fold import fold
from host_tools.firmware_target import compiler, run_compiler
from host_tools.paths import home

_OVERLAY = Path(__file__).parent / "overlay"
_BUILDERS = Path(__file__).parent.parent  # where the code that folds a source is
_START = "start.py"  # run as a script, so it stays source


@cache
def overlay_folder() -> Path:
    """The folder of compiled modules, made once for each text of the overlay and of its build."""
    sources = _texts(_OVERLAY, "*.py")
    start = sources.pop(_START)
    tools = {**_texts(_BUILDERS, "firmware_*.py"), "this": Path(__file__).read_text()}
    key = sha256(repr((compiler(), sources, start, tools)).encode()).hex()[:16]
    folder = home() / "cache" / f"overlay-{key}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            _compile(fold(sources), Path(partial))
            Path(partial, _START).write_text(start)
            _publish(Path(partial), folder)
    return folder


def _texts(folder: Path, names: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob(names))}


def _compile(sources: dict[str, str], folder: Path) -> None:
    for name, text in sources.items():
        path = folder / name
        path.write_text(text)
        run_compiler(
            "-O3", "-march=x64", "-s", path.stem, "-o", str(path.with_suffix(".mpy")), str(path)
        )
        path.unlink()


def _publish(partial: Path, folder: Path) -> None:
    """Renames into place; whoever else compiled the same meanwhile has made the same."""
    ready = folder.with_name(f"{folder.name}.{os.getpid()}")
    ready.mkdir()
    for path in partial.iterdir():
        path.rename(ready / path.name)
    try:
        ready.rename(folder)
    except OSError:
        for path in ready.iterdir():
            path.unlink()
        ready.rmdir()
