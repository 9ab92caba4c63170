"""Whole files in flash that are there either as before or as after, whenever power goes.

littlefs makes a file durable at `flush` and renames atomically.
"""

import os
from errno import ENOENT

_IS_FOLDER = 0x4000


def read(path: str) -> bytes:
    """The file's bytes; b"" where there is none. One that cannot be read raises OSError."""
    if not exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


def exists(path: str) -> bool:
    """Whether there is a file; OSError where the flash cannot tell."""
    try:
        os.stat(path)
    except OSError as error:
        if error.errno != ENOENT:
            raise
        return False
    return True


def kept(path: str, size: int) -> bytes:
    """A file of a fixed size, b"" if there is none; a damaged one is never made anew."""
    data = read(path)
    if len(data) != size and exists(path):
        raise OSError("a file in flash is damaged: " + path)
    return data


def replace(path: str, data: bytes) -> None:
    """Puts `data` in the place of the file, or leaves the old one."""
    with open(path + ".new", "wb") as file:
        file.write(data)
        file.flush()
    os.rename(path + ".new", path)


def write_at(path: str, position: int, data: bytes) -> None:
    """Writes behind what counts of a file; a write that power cut short left more, or nothing."""
    with open(path, "r+b" if exists(path) else "wb") as file:
        file.seek(position)
        file.write(data)
        file.flush()


def make_folder(path: str) -> None:
    """Makes the folder unless it is there."""
    try:
        os.mkdir(path)
    except OSError:
        os.stat(path)


def discard_folder(path: str) -> None:
    """Puts a folder out of the way at once; `sweep` removes it when there is time."""
    os.rename(path, path + ".old")


def sweep(path: str) -> None:
    """Removes what `discard_folder` left, however far it got before."""
    if exists(path + ".old"):
        _remove(path + ".old")


def _remove(path: str) -> None:
    if not os.stat(path)[0] & _IS_FOLDER:
        os.remove(path)
        return
    for name in os.listdir(path):
        _remove(path + "/" + name)
    os.rmdir(path)


def size(path: str) -> int:
    """Bytes in the file; 0 where there is none."""
    return os.stat(path)[6] if exists(path) else 0


def free_bytes(path: str) -> int:
    """Bytes the file system can still take."""
    status = os.statvfs(path)
    return status[0] * status[3]
