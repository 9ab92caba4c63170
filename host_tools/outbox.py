"""What the bridge carries, kept on disk until both sides have it: no answer is ever lost.

One file each below the folder, written whole or not at all:
`<device>-<first index>-<count>.<kind>`.

    waits for the bank    ledger (JSON)    upload (a sealed UPLOAD)     sync (a sealed SYNC)
    waits for the board   answer           receipt                      statement

An answer takes the place of what it answers. What one side refused is kept beside them as
`….refused`, and holds up nothing.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

ANSWERS = {"ledger": "answer", "upload": "receipt", "sync": "statement"}
_KINDS = [*ANSWERS, *ANSWERS.values()]
_NAME = re.compile(rf"([0-9a-f]{{16}})-(\d{{9}})-(\d{{1,4}})\.({'|'.join(_KINDS)})")


@dataclass(frozen=True, order=True)
class Batch:
    """Entries `first` to `first + count - 1` of a device's ledger; of a SYNC `first` is 0."""

    device: str
    first: int
    count: int

    def file_name(self, kind: str) -> str:
        return f"{self.device}-{self.first:09d}-{self.count}.{kind}"


class Outbox:
    """The folder; every method may be repeated after a crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def waiting(self, kind: str, device: str = "") -> list[Batch]:
        """Batches of a kind in order; of one device if it is named."""
        found = []
        for name in os.listdir(self._folder):
            match = _NAME.fullmatch(name)
            if match and match[4] == kind and device in ("", match[1]):
                found.append(Batch(match[1], int(match[2]), int(match[3])))
        return sorted(found)

    def has(self, batch: Batch, kind: str = "ledger") -> bool:
        """Whether the batch is on its way, in either direction."""
        kinds = (kind, ANSWERS[kind])
        return any((self._folder / batch.file_name(name)).exists() for name in kinds)

    def read(self, batch: Batch, kind: str) -> bytes:
        return (self._folder / batch.file_name(kind)).read_bytes()

    def put(self, batch: Batch, kind: str, data: bytes) -> None:
        """Durable when this returns. An answer takes the place of what it answers."""
        path = self._folder / batch.file_name(kind)
        partial = path.with_suffix(".partial")
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        self._sync_folder()
        for asked, answer in ANSWERS.items():
            if kind == answer:
                self.drop(batch, asked)

    def drop(self, batch: Batch, kind: str) -> None:
        (self._folder / batch.file_name(kind)).unlink(missing_ok=True)
        self._sync_folder()

    def set_aside(self, batch: Batch, kind: str) -> None:
        """Keeps what was refused for people to look at; the batch may come again."""
        path = self._folder / batch.file_name(kind)
        os.replace(path, f"{path}.refused")
        self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
