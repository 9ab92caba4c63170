"""A journal in files of bounded size, so that what is done with can be dropped.

    segment = CHECKPOINT record … record …       files named 0, 1, 2, … in a folder

Every segment begins with a checkpoint, which is all that its owner needs to know of the segments
before it: a board reads the last one when it starts, however long its life was. A segment appears
whole with its checkpoint, or not at all.
"""

import os

from firmware.common.storage import files
from firmware.common.storage.appending import encoded
from firmware.common.storage.journal import Journal
from firmware.common.wire.errors import STORE_FULL, Refused
from firmware.common.wire.limits import SEGMENT_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKPOINT = 1  # the kind that owners leave alone


class Segments:
    """`checkpoint` gives the payload that a new segment begins with.

    It speaks of everything appended so far, and may itself still write elsewhere what the closing
    segment is to leave behind. `first` and `last` are segments' numbers; `last` is -1 before there
    is one.
    """

    def __init__(
        self,
        folder: str,
        checkpoint: "Callable[[], bytes]",
        place: "tuple[int, int, int] | None" = None,
    ) -> None:
        self._folder = folder
        self._checkpoint = checkpoint
        self._journal: Journal | None = None
        if place is None:
            files.make_folder(folder)
            numbers = [int(name) for name in os.listdir(folder) if name.isdigit()]
            place = (min(numbers), max(numbers), -1) if numbers else (0, -1, -1)
        self.first, self.last, end = place
        if self.last >= 0:
            self._journal = Journal(self._path(self.last), end)

    @property
    def place(self) -> tuple[int, int, int]:
        """What opens the same journal again without reading it; it must be taken anew after an
        append."""
        return self.first, self.last, self._journal.end if self._journal else -1

    def append(self, kind: int, key: bytes, payload: bytes) -> tuple[int, int]:
        """Writes one record, durable when this returns; answers (segment, position)."""
        record = encoded(kind, key, payload)
        journal = self._journal
        if journal is None or journal.end + len(record) > SEGMENT_BYTES_MAX:
            journal = self._begin()
        return self.last, journal.write(record)

    def read(self, segment: int, position: int) -> bytes:
        """The payload of the record there."""
        return self._closed(segment).read(position)

    def scan(self) -> "Iterator[tuple[int, int, bytes]]":
        """(position, kind, payload) since the last checkpoint, which comes first."""
        return self._journal.scan() if self._journal else iter(())

    def scan_segment(
        self, segment: int, kind: int = 0, key: bytes = b""
    ) -> "Iterator[tuple[int, int, bytes]]":
        """The same of any one segment; of a kind or key, where given, by reading heads alone."""
        return self._closed(segment).scan(kind, key)

    def drop_before(self, segment: int) -> None:
        """Removes older segments, oldest first; the last one always stays."""
        while self.first < min(segment, self.last):
            os.remove(self._path(self.first))
            self.first += 1

    def _begin(self) -> Journal:
        record = encoded(CHECKPOINT, bytes(8), self._checkpoint())
        try:
            files.replace(self._path(self.last + 1), record)
        except OSError:
            raise Refused(STORE_FULL, "the flash takes no more") from None
        self.last += 1
        self._journal = Journal(self._path(self.last), len(record))
        return self._journal

    def _closed(self, segment: int) -> Journal:
        if segment == self.last and self._journal:
            return self._journal
        path = self._path(segment)
        return Journal(path, files.size(path))

    def _path(self, segment: int) -> str:
        return self._folder + "/" + str(segment)
