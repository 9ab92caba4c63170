"""What a board runs, in 32 bytes: its files as they lie in flash.

    SHA-256 of path || 0 || SHA-256(content), for each file of /firmware, then /main.py

folder by folder, names in the order of their bytes. `opg verify` reckons the same of a board and of
a build. Firmware that is frozen into MicroPython has no files: then it is the SHA-256 of nothing.
"""

import os
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLACES = ("/firmware", "/main.py")
_IS_FOLDER = 0x4000
_PIECE_BYTES = 512


def firmware_hash(root: str = "") -> bytes:
    """Of the file system that begins at `root`."""
    total = sha256()
    for path in _PLACES:
        if path[1:] in os.listdir(root or "/"):
            _add(total, root, path)
    return total.digest()


def _add(total: "Any", root: str, path: str) -> None:
    if os.stat(root + path)[0] & _IS_FOLDER:
        for name in sorted(os.listdir(root + path)):
            _add(total, root, path + "/" + name)
        return
    content = sha256()
    with open(root + path, "rb") as file:
        while True:
            piece = file.read(_PIECE_BYTES)
            if not piece:
                break
            content.update(piece)
    total.update(path.encode() + b"\0" + content.digest())
