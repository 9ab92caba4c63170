"""What a till remembers of payments: found by purse, bounded, and gone only when it has expired."""

import os

from firmware.common.storage import files
from firmware.common.wire.limits import SEEN_BUCKETS, SEEN_ROWS_MAX
from firmware.receiver.seen import ROW_BYTES, Seen, make_row, read_row
from tests.unit.helpers import Folder, Seeded, read_bytes, write_bytes

NOW = 1_000


def row(purse: int, ctr: int = 1, not_after: int = 2_000) -> bytes:
    fields = (purse.to_bytes(8, "big"), ctr, 10 * ctr, 10, not_after, 0, ctr, 5, bytes(8))
    return make_row(*fields, bytes(32), ctr.to_bytes(32, "big"))


def of(seen: Seen, purse: int) -> list:
    return list(seen.rows(purse.to_bytes(8, "big")))


def test_a_row_has_its_documented_size_and_comes_back():
    made = row(7, 3)
    assert len(made) == ROW_BYTES == 8 + 4 * 4 + 2 + 4 + 4 + 8 + 32 + 32
    assert make_row(*read_row(made)) == made


def test_rows_are_found_by_purse_in_their_order_also_after_a_restart():
    seeded = Seeded("rows")
    with Folder() as folder:
        seen = Seen(folder)
        written: dict = {}
        for ctr in range(1, 200):
            purse = seeded.below(30)
            seen.add(row(purse, ctr), NOW)
            written.setdefault(purse, []).append(row(purse, ctr))
        for found in (seen, Seen(folder)):
            for purse, rows in written.items():
                assert of(found, purse) == rows
            assert of(found, 99) == []


def test_there_are_as_many_files_as_promised_however_many_purses():
    with Folder() as folder:
        seen = Seen(folder)
        for purse in range(400):
            seen.add(row(purse), NOW)
        assert len(os.listdir(folder)) == SEEN_BUCKETS
        sizes = [files.size(folder + "/" + name) for name in os.listdir(folder)]
        assert max(sizes) < 400 * ROW_BYTES // 10  # they are spread


def test_a_torn_row_is_written_over():
    with Folder() as folder:
        seen = Seen(folder)
        seen.add(row(1, 1), NOW)
        (name,) = os.listdir(folder)
        path = folder + "/" + name
        for torn in (1, 50, ROW_BYTES - 1):
            write_bytes(path, row(1, 1) + row(1, 2)[:torn])
            again = Seen(folder)
            assert of(again, 1) == [row(1, 1)]
            again.add(row(1, 2), NOW)
            assert read_bytes(path) == row(1, 1) + row(1, 2)


def test_rows_are_dropped_after_their_purse_has_expired_and_never_before():
    with Folder() as folder:
        seen = Seen(folder)
        for ctr in range(1, 101):
            seen.add(row(1, ctr, NOW + ctr), NOW)
        for now in range(NOW, NOW + 200, 7):
            seen.add(row(1, 1_000 + now, NOW + 500), now)
            kept = [read_row(found)[4] for found in of(seen, 1)]
            assert list(range(max(now, NOW + 1), NOW + 101)) == [
                not_after for not_after in kept if now <= not_after <= NOW + 100
            ]
        assert len(of(seen, 1)) < 60


def test_a_full_file_says_so_until_something_expires():
    with Folder() as folder:
        seen = Seen(folder)
        purse = (5).to_bytes(8, "big")
        for ctr in range(SEEN_ROWS_MAX):
            assert not seen.is_full(purse, NOW)
            seen.add(row(5, ctr, NOW + 10), NOW)
        assert seen.is_full(purse, NOW) and len(of(seen, 5)) == SEEN_ROWS_MAX
        assert not seen.is_full(purse, NOW + 11) and of(seen, 5) == []


def test_power_lost_while_a_file_is_rewritten_leaves_the_old_one():
    with Folder() as folder:
        seen = Seen(folder)
        for ctr in range(16):
            seen.add(row(1, ctr, NOW if ctr % 3 else NOW + 10), NOW)
        before = of(seen, 1)
        (name,) = os.listdir(folder)
        write_bytes(folder + "/" + name + ".new", b"half of it")
        again = Seen(folder)
        assert of(again, 1) == before
        again.add(row(1, 99), NOW + 1)
        assert [read_row(found)[1] for found in of(again, 1)] == [0, 3, 6, 9, 12, 15, 99]
