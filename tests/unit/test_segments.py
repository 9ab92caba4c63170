"""A journal in segments: found again whole, started from its last checkpoint, bounded in flash."""

import os

from firmware.common.storage import files
from firmware.common.storage.segments import CHECKPOINT, Segments
from firmware.common.wire.errors import STORE_FULL, TOO_LARGE
from firmware.common.wire.limits import RECORD_BYTES_MAX, SEGMENT_BYTES_MAX
from tests.unit.helpers import Folder, read_bytes, refused, write_bytes

KEY = b"aaaaaaaa"
BIG = bytes(1_000)
RECORD_BYTES = 1_000 + 15
A_SEGMENT = (SEGMENT_BYTES_MAX - 15 - 4) // RECORD_BYTES  # records beside a checkpoint of 4 bytes


class Owner:
    """Counts what it appends; the count is its checkpoint."""

    def __init__(self, folder: str) -> None:
        self.count = 0
        self.segments = Segments(folder + "/s", self.checkpoint)
        for _, kind, payload in self.segments.scan():
            self.count = int.from_bytes(payload, "big") if kind == CHECKPOINT else self.count + 1

    def checkpoint(self) -> bytes:
        return self.count.to_bytes(4, "big")

    def append(self, payload: bytes = BIG, kind: int = 2, key: bytes = KEY) -> tuple:
        place = self.segments.append(kind, key, payload)
        self.count += 1
        return place


def names(folder: str) -> list:
    return sorted(os.listdir(folder + "/s"))


def test_records_are_read_again_where_they_were_put():
    with Folder() as folder:
        owner = Owner(folder)
        places = [(owner.append(bytes((i,)) * 1_000), i) for i in range(3 * A_SEGMENT)]
        for again in (owner.segments, Owner(folder).segments):
            for place, i in places:
                assert again.read(*place) == bytes((i,)) * 1_000
        assert [place[0] for place, _ in places] == [i // A_SEGMENT for i in range(3 * A_SEGMENT)]
        assert names(folder) == ["0", "1", "2"]


def test_every_file_stays_below_its_bound_and_begins_with_a_checkpoint():
    with Folder() as folder:
        owner = Owner(folder)
        for size in list(range(0, 4_000, 97)) * 3:
            owner.append(bytes(size))
        counted = 0
        for number in range(owner.segments.first, owner.segments.last + 1):
            assert files.size(folder + "/s/" + str(number)) <= SEGMENT_BYTES_MAX
            found = list(owner.segments.scan_segment(number))
            assert found[0][1:] == (CHECKPOINT, counted.to_bytes(4, "big"))
            counted += len(found) - 1
        assert counted == owner.count and owner.segments.last > 1


def test_a_start_reads_the_last_segment_only():
    with Folder() as folder:
        owner = Owner(folder)
        for _ in range(2 * A_SEGMENT + 5):
            owner.append()
        write_bytes(folder + "/s/0", b"not even a record")
        again = Owner(folder)
        assert again.count == 2 * A_SEGMENT + 5
        assert len(list(again.segments.scan())) == 6


def test_nothing_is_written_before_there_is_something_to_keep():
    with Folder() as folder:
        owner = Owner(folder)
        assert names(folder) == [] and list(owner.segments.scan()) == []
        assert (owner.segments.first, owner.segments.last) == (0, -1)


def test_records_of_a_kind_or_key_in_one_segment():
    with Folder() as folder:
        owner = Owner(folder)
        for kind, key, payload in ((2, KEY, b"x"), (3, KEY, b"y"), (2, b"bbbbbbbb", b"z")):
            owner.append(payload, kind, key)
        found = owner.segments.scan_segment
        assert [payload for _, _, payload in found(0, 2)] == [b"x", b"z"]
        assert [payload for _, _, payload in found(0, 0, KEY)] == [b"x", b"y"]
        assert [payload for _, _, payload in found(0, 2, b"bbbbbbbb")] == [b"z"]


def test_old_segments_are_dropped_and_the_last_one_never():
    with Folder() as folder:
        owner = Owner(folder)
        for _ in range(3 * A_SEGMENT + 1):
            owner.append()
        owner.segments.drop_before(2)
        assert names(folder) == ["2", "3"]
        owner.segments.drop_before(99)
        owner.segments.drop_before(99)
        assert names(folder) == ["3"]
        again = Owner(folder)
        assert (again.count, again.segments.first, again.segments.last) == (owner.count, 3, 3)
        again.append()
        assert names(folder) == ["3"]


def test_power_lost_at_any_byte_of_a_record_leaves_it_out():
    with Folder() as folder:
        owner = Owner(folder)
        owner.append(b"first")
        short = read_bytes(folder + "/s/0")
        owner.append(b"second")
        whole = read_bytes(folder + "/s/0")
        for end in range(len(short), len(whole)):
            write_bytes(folder + "/s/0", whole[:end])
            assert Owner(folder).count == 1
            assert read_bytes(folder + "/s/0") == short
        write_bytes(folder + "/s/0", whole)
        assert Owner(folder).count == 2


def test_power_lost_while_a_segment_is_begun_leaves_the_one_before():
    with Folder() as folder:
        owner = Owner(folder)
        for _ in range(A_SEGMENT):
            owner.append()
        for left in (b"", bytes(3), bytes(19)):
            write_bytes(folder + "/s/1.new", left)  # what stood there as the power went
            again = Owner(folder)
            assert (again.count, again.segments.last) == (A_SEGMENT, 0)
        assert again.append() == (1, 19)
        assert names(folder) == ["0", "1"] and Owner(folder).count == A_SEGMENT + 1


def test_a_full_flash_is_a_refusal_and_the_journal_stays_as_it_was():
    with Folder() as folder:
        owner = Owner(folder)
        for _ in range(A_SEGMENT):
            owner.append()
        real = files.replace

        def full(path: str, data: bytes) -> None:
            raise OSError(28)

        files.replace = full
        try:
            refused(STORE_FULL, owner.append)
        finally:
            files.replace = real
        assert owner.segments.last == 0 and Owner(folder).count == A_SEGMENT
        assert owner.append()[0] == 1


def test_a_record_beyond_its_bound_is_refused_before_a_segment_is_begun():
    with Folder() as folder:
        refused(TOO_LARGE, Owner(folder).append, bytes(RECORD_BYTES_MAX))
        assert names(folder) == []
