"""A board's raw REPL through mpremote: what it is, what it holds, writing it, starting it again.

Every failure leaves here as a CommandError with its advice: 4 where the board cannot be reached,
3 where it answered and refused.
"""

import contextlib
import errno
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from firmware.common.wire.errors import STORE_FULL
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError

FIRMWARE = "/firmware"
_READ_TIMEOUT_S = 2
_ENTER_TIMEOUT_S = 5
_ENTER_ATTEMPTS = 2
_FILE_BYTES_A_WRITE = 256

_RESET_MS = 100  # lets the board acknowledge before it is gone
_RESET = f"import machine, time; time.sleep_ms({_RESET_MS}); machine.reset()"
_LISTEN_S = 1.2  # a virtual board is up in 0.4 s
_LISTEN_PAUSE_S = 0.02
_PROMPT = b'Type "help()" for more information.'  # after a line that names the MicroPython

_IDENTIFY = """
import gc, os, sys
gc.collect()
_i = sys.implementation
_s = os.statvfs("/")
"""
_IDENTITY = """(
_i.name, tuple(_i.version), getattr(_i, "_mpy", 0), sys.version, getattr(_i, "_machine", ""),
gc.mem_free(), gc.mem_free() + gc.mem_alloc(), _s[0] * _s[3], _s[0] * _s[2])"""

# One line an entry: a file's SHA-256 and path, or "-" and a folder.
_SURVEY = """
import binascii, hashlib, os
def _file(path):
    h = hashlib.sha256()
    b = memoryview(bytearray(512))
    with open(path, "rb") as f:
        n = f.readinto(b)
        while n:
            h.update(b[:n])
            n = f.readinto(b)
    print(binascii.hexlify(h.digest()).decode(), path)
def _folder(path):
    print("-", path)
    for e in os.ilistdir(path):
        (_folder if e[1] & 0x4000 else _file)(path + "/" + e[0])
def _survey(*paths):
    for path in paths:
        try:
            mode = os.stat(path)[0]
        except OSError:
            continue
        (_folder if mode & 0x4000 else _file)(path)
"""


@dataclass(frozen=True)
class Identity:
    """What a board says it is; sizes in bytes."""

    implementation: str
    version: tuple[int | str, ...]
    mpy: int
    sys_version: str
    machine: str
    heap_free: int
    heap_total: int
    disk_free: int
    disk_total: int

    @property
    def release(self) -> tuple[int, int]:
        return int(self.version[0]), int(self.version[1])


@dataclass(frozen=True)
class Survey:
    """What a board holds below the paths asked for: file -> SHA-256 (hex), and the folders."""

    files: dict[str, str]
    folders: frozenset[str]


class BoardRepl:
    """`with BoardRepl(port) as board`: a board stopped at its raw REPL, freshly reset.

    When the block ends the board is reset, so that its /main.py runs; `last_words` is then what
    a firmware said that ended at once, "" of one that runs. With `restart=False` the board stays
    at its prompt.
    """

    def __init__(self, port: str, *, restart: bool = True) -> None:
        self.port = port
        self.last_words = ""
        self._restart_wanted = restart

    def __enter__(self) -> "BoardRepl":
        with self._failures():
            # A pty is polled without pauses only under its own name.
            path = os.path.realpath(self.port) if os.path.exists(self.port) else self.port
            self._transport = SerialTransport(path, timeout=_READ_TIMEOUT_S)
        try:
            self._stop_the_firmware()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # Only a board that still answers can be told anything.
            if error is None or getattr(error, "exit_code", None) == REFUSED:
                self._leave()
        finally:
            self._close()

    def identity(self) -> Identity:
        with self._failures():
            self._transport.exec(_IDENTIFY)
            values: Any = self._transport.eval(_IDENTITY.replace("\n", ""))
        return Identity(*values)

    def survey(self, *paths: str) -> Survey:
        """Hash, on the board, every file at or below the paths; a missing path is no error."""
        with self._failures():
            self._transport.exec(_SURVEY)
            output = self._transport.exec(f"_survey(*{paths!r})").decode()
        entries = [line.split(" ", 1) for line in output.splitlines()]
        files = {path: digest for digest, path in entries if digest != "-"}
        return Survey(files, frozenset(path for digest, path in entries if digest == "-"))

    def read(self, path: str) -> bytes:
        with self._failures():
            return bytes(self._transport.fs_readfile(path))

    def write(self, path: str, content: bytes, on_written: Callable[[int], None]) -> None:
        """Write one file whose folder exists; `on_written` hears how many bytes are there."""
        with self._failures():
            self._transport.fs_writefile(
                path, content, _FILE_BYTES_A_WRITE, lambda written, _total: on_written(written)
            )

    def evaluate(self, program: str) -> str:
        """Runs a program on the board; what it printed."""
        with self._failures():
            return self._transport.exec(program).decode()

    def make_folder(self, path: str) -> None:
        with self._failures():
            self._transport.fs_mkdir(path)

    def remove_file(self, path: str) -> None:
        with self._failures():
            self._transport.fs_rmfile(path)

    def remove_folder(self, path: str) -> None:
        with self._failures():
            self._transport.fs_rmdir(path)

    def _leave(self) -> None:
        with self._failures():
            if self._restart_wanted:
                self._transport.exec_raw_no_follow(_RESET)
                self.last_words = self._listen()
            else:
                self._transport.exit_raw_repl()

    def _listen(self) -> str:
        """Hear a starting board out: its prompt comes only where /main.py has ended."""
        port: Any = self._transport.serial
        until = time.monotonic() + _LISTEN_S
        heard = b""
        while time.monotonic() < until and _PROMPT not in heard:
            time.sleep(_LISTEN_PAUSE_S)
            try:
                heard += port.read(port.in_waiting)
            except OSError:  # a board whose USB port ends with the reset: it is starting
                return ""
        before, prompt, _ = heard.partition(_PROMPT)
        lines = [line for line in before.decode(errors="replace").splitlines() if line.strip()]
        return (lines[-2] if len(lines) > 1 else "it ended without a word") if prompt else ""

    def _stop_the_firmware(self) -> None:
        with self._failures():
            for attempt in range(1, _ENTER_ATTEMPTS + 1):
                try:
                    # mpremote prints what it heard where it fails; our output is ours.
                    with contextlib.redirect_stdout(io.StringIO()):
                        self._transport.enter_raw_repl(timeout_overall=_ENTER_TIMEOUT_S)
                except TransportError:
                    if attempt == _ENTER_ATTEMPTS:
                        raise
                else:
                    return

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._transport.close()

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except TransportExecError as error:
            raise self._refused(error.error_output.strip().splitlines()[-1]) from error
        except (TransportError, serial.SerialException, EOFError) as error:
            raise self._unreachable(str(error)) from error
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> CommandError:
        if error.errno == errno.ENOSPC:
            return CommandError(
                REFUSED,
                f"The filesystem of {self.port} is full. Remove files of your own from it "
                "(`mpremote connect PORT ls`), then flash again.",
                STORE_FULL,
            )
        if error.errno in (errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF):
            return self._unreachable(str(error))
        return self._refused(str(error))

    def _refused(self, what: str) -> CommandError:
        return CommandError(REFUSED, f"The board at {self.port} reported: {what}")

    def _unreachable(self, what: str) -> CommandError:
        return CommandError(
            NOT_REACHABLE,
            f"No MicroPython board answers at {self.port} ({what}). Check the cable and the name "
            "(`mpremote connect list`, `opg board list`), and close other programs that use it.",
        )
