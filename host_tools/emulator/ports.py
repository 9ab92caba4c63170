"""Byte pipes that never block: a queue before a descriptor, and a serial port made of a pty."""

import os
import pty
import tty
from time import monotonic

QUEUE_BYTES_MAX = 65_536
PATIENCE_S = 0.5  # as a USB console waits for its host before it drops what it has to say


class Outlet:
    """Bytes on their way into a descriptor whose reader may be slow, or not there at all."""

    def __init__(self, descriptor: int, patience_s: float = PATIENCE_S) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._patience_s = patience_s
        self._queue = bytearray()
        self._moved_at = 0.0
        self._deaf = False

    def fileno(self) -> int:
        return self._descriptor

    @property
    def waiting(self) -> bool:
        return bool(self._queue)

    @property
    def full(self) -> bool:
        """Whoever feeds this outlet waits while it is full; that ends when patience does."""
        return len(self._queue) >= QUEUE_BYTES_MAX // 2

    def put(self, data: bytes) -> None:
        if not self._queue:
            self._moved_at = monotonic()
        self._queue += data[: QUEUE_BYTES_MAX - len(self._queue)]
        self.flush()

    def flush(self) -> None:
        """Write what fits now; drop it all once nobody has read for longer than the patience."""
        try:
            written = os.write(self._descriptor, self._queue) if self._queue else 0
        except BlockingIOError:
            written = 0
        except OSError:  # the other end is gone
            self._queue.clear()
            return
        if written:
            del self._queue[:written]
            self._moved_at, self._deaf = monotonic(), False
        elif self._queue and (self._deaf or monotonic() - self._moved_at > self._patience_s):
            self._queue.clear()
            self._deaf = True


class Pty:
    """A serial port for other programs: they open `path`, the board holds the other end."""

    def __init__(self) -> None:
        self._board_end, self._open_end = pty.openpty()
        tty.setraw(self._open_end)  # held open: the port stays there when a program closes it
        self.path = os.ttyname(self._open_end)
        self.out = Outlet(self._board_end)

    def fileno(self) -> int:
        return self._board_end

    def read(self) -> bytes:
        try:
            return os.read(self._board_end, 4096)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self._board_end)
        os.close(self._open_end)
