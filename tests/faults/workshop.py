"""What a trial needs around it: an empty outbox, and boards whose memories fill up soon.

With segments and lists as long as a real board's, a trial would never see one end.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SEGMENT_BYTES = 2_048  # about four payments
ROWS_IN_RAM = 2
_MEMORY = Path("/dev/shm")

_SMALL = {"SEGMENT_BYTES_MAX": SEGMENT_BYTES, "TILL_ROWS_UNWRITTEN_MAX": ROWS_IN_RAM}


@contextmanager
def small_memories() -> Iterator[None]:
    """Boards within the block begin new segments often and keep few rows in RAM."""
    firmware = [module for name, module in sys.modules.items() if name.startswith("firmware.")]
    found = [(module, name) for module in firmware for name in _SMALL if hasattr(module, name)]
    kept = [getattr(module, name) for module, name in found]
    for module, name in found:
        setattr(module, name, _SMALL[name])
    try:
        yield
    finally:
        for (module, name), value in zip(found, kept, strict=True):
            setattr(module, name, value)


@contextmanager
def outbox_folder() -> Iterator[Path]:
    """For the bridge; every trial finds it empty. In memory, where nobody waits for a disk."""
    memory = _MEMORY if _MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="opg-outbox-", dir=memory))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
