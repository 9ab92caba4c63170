"""What happened on the board, newest last, in two files of which the older one is dropped."""

import os

from firmware.common.payment.timestamp import format_utc
from firmware.common.storage import files
from firmware.common.wire.limits import EVENTS_BYTES_MAX


def log(root: str, now_ms: int, what: str, detail: str) -> None:
    """One line, at a time in milliseconds since 1970."""
    EventLog(root).add(format_utc(now_ms), what, detail)


class EventLog:
    """Lines of text: time, what, detail; never a key or a secret."""

    def __init__(self, root: str) -> None:
        self._now = root + "/events.txt"
        self._before = root + "/events.old"

    def add(self, time: str, what: str, detail: str = "") -> None:
        """Appends one line; at half the bound the file becomes the older one."""
        line = (time + " " + what + " " + detail).replace("\n", " ").encode()[:200]
        try:
            if files.size(self._now) + len(line) >= EVENTS_BYTES_MAX // 2:
                os.rename(self._now, self._before)
            with open(self._now, "ab") as file:
                file.write(line + b"\n")
                file.flush()
        except OSError:
            pass  # a full flash must not stop a payment because of its log

    def read(self) -> bytes:
        """Every line that is kept, oldest first."""
        return files.read(self._before) + files.read(self._now)
