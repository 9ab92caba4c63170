"""A board's files: real littlefs on the chip, set up and flushed as MicroPython does it."""

# pyright: reportAttributeAccessIssue=false
# littlefs-python tells a type checker of its flags that they are, not which there are.

from typing import Any

from littlefs import LFSConfig, LFSFilesystem, LittleFSError, lfs

from host_tools.emulator.cpython.flash import SECTOR_BYTES, Chip, PowerCut

_FLAGS = {
    "rb": lfs.LFSFileFlag.rdonly,
    "r+b": lfs.LFSFileFlag.rdonly | lfs.LFSFileFlag.wronly,
    "wb": lfs.LFSFileFlag.wronly | lfs.LFSFileFlag.creat | lfs.LFSFileFlag.trunc,
    "ab": lfs.LFSFileFlag.wronly | lfs.LFSFileFlag.creat | lfs.LFSFileFlag.append,
}


def format_image(size: int) -> bytearray:
    """A new chip with an empty file system on it."""
    image = bytearray(b"\xff" * size)
    lfs.format(LFSFilesystem(), _config(Chip(image)))
    return image


class FileSystem:
    """What `open` and `os` are on a board; a chip without power raises `PowerCut`."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._config = _config(chip)
        self._mounted = LFSFilesystem()
        self._used = (-1, 0)
        self.do(lfs.mount, self._config)

    @property
    def alive(self) -> bool:
        return self._chip.alive

    def do(self, function: Any, *arguments: Any) -> Any:
        """One call of littlefs; its errors are the operating system's, as on MicroPython."""
        try:
            found = function(self._mounted, *arguments)
        except LittleFSError as error:
            if self._chip.alive:
                raise OSError(-error.code, error.name) from None
        else:
            if self._chip.alive:
                return found
        raise PowerCut

    def open(self, path: str, mode: str = "rb") -> "File":
        return File(self, self.do(lfs.file_open, path, _FLAGS[mode]))

    def mkdir(self, path: str) -> None:
        self.do(lfs.mkdir, path)

    def rename(self, path: str, new_path: str) -> None:
        self.do(lfs.rename, path, new_path)

    def remove(self, path: str) -> None:
        self.do(lfs.remove, path)

    rmdir = remove

    def listdir(self, path: str) -> list[str]:
        folder = self.do(lfs.dir_open, path)
        names = []
        while entry := self.do(lfs.dir_read, folder):
            names.append(entry.name)
        self.do(lfs.dir_close, folder)
        return [name for name in names if name not in (".", "..")]

    def stat(self, path: str) -> tuple[int, ...]:
        """Only the size, where MicroPython has it."""
        return (0,) * 6 + (self.do(lfs.stat, path).size,) + (0,) * 3

    def statvfs(self, path: str) -> tuple[int, ...]:
        """Block size, fragment size, blocks and free blocks, in that order."""
        if self._used[0] != self._chip.operations:  # counting walks through every file
            self._used = self._chip.operations, self.do(lfs.fs_size)
        blocks = self._config.block_count
        free = blocks - self._used[1]
        return (SECTOR_BYTES, SECTOR_BYTES, blocks, free, free)


class File:
    """An open file; `flush` makes it durable, as on MicroPython and unlike on a computer."""

    def __init__(self, system: FileSystem, handle: Any) -> None:
        self._system = system
        self._handle = handle

    def __enter__(self) -> "File":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """A file that is open when the power goes is closed by nobody."""
        if self._system.alive:
            self._system.do(lfs.file_close, self._handle)

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            size = self._system.do(lfs.file_size, self._handle)
        return self._system.do(lfs.file_read, self._handle, size)

    def write(self, data: bytes) -> int:
        return self._system.do(lfs.file_write, self._handle, data)

    def seek(self, offset: int) -> int:
        return self._system.do(lfs.file_seek, self._handle, offset, 0)

    def flush(self) -> None:
        self._system.do(lfs.file_sync, self._handle)


def _config(chip: Chip) -> LFSConfig:
    """The sizes of MicroPython's VfsLfs2."""
    return LFSConfig(
        context=chip,  # pyright: ignore[reportArgumentType]
        block_size=SECTOR_BYTES,
        block_count=len(chip.image) // SECTOR_BYTES,
        read_size=32,
        prog_size=32,
        cache_size=128,
        lookahead_size=32,
        block_cycles=100,
    )
