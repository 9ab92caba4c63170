"""The journal: what was appended is there after power came back, or its loss is never hidden."""

import os
from binascii import crc32
from struct import pack

from firmware.common.storage.appending import check_space
from firmware.common.storage.journal import Journal
from firmware.common.wire.errors import STORE_FULL, TOO_LARGE
from firmware.common.wire.limits import RECORD_BYTES_MAX
from tests.unit.forms import flipped
from tests.unit.helpers import Folder, Seeded, raises, read_bytes, refused, write_bytes

A, B = b"aaaaaaaa", b"bbbbbbbb"


def record(kind: int, key: bytes, payload: bytes) -> bytes:
    """The documented bytes of a record."""
    body = pack(">HB8s", len(payload), kind, key) + payload
    return body + pack(">I", crc32(body))


def filled(path: str) -> Journal:
    journal = Journal(path)
    for kind, key, payload in RECORDS:
        journal.append(kind, key, payload)
    return journal


RECORDS = ((1, A, b"one"), (2, B, b""), (1, B, b"three" * 100), (1, A, bytes(range(256))))
WHOLE = b"".join([record(*fields) for fields in RECORDS])


def everything(journal: Journal) -> list:
    return [(kind, payload) for _, kind, payload in journal.scan()]


def test_records_are_the_documented_bytes():
    with Folder() as folder:
        filled(folder + "/j")
        assert read_bytes(folder + "/j") == WHOLE


def test_records_are_found_by_kind_and_key_also_after_a_restart():
    with Folder() as folder:
        for journal in (filled(folder + "/j"), Journal(folder + "/j")):
            assert everything(journal) == [(kind, payload) for kind, _, payload in RECORDS]
            assert [payload for _, _, payload in journal.scan(1)] == [
                b"one",
                b"three" * 100,
                bytes(range(256)),
            ]
            assert [payload for _, _, payload in journal.scan(1, A)] == [b"one", bytes(range(256))]
            assert [payload for _, _, payload in journal.scan(0, B)] == [b"", b"three" * 100]
            assert list(journal.scan(3)) == list(journal.scan(1, b"cccccccc")) == []


def test_a_record_is_read_again_by_its_position():
    with Folder() as folder:
        journal = Journal(folder + "/j")
        positions = [journal.append(*fields) for fields in RECORDS]
        assert positions == [position for position, _, _ in Journal(folder + "/j").scan()]
        for position, (_, _, payload) in zip(positions, RECORDS):  # noqa: B905
            assert journal.read(position) == payload


def test_a_journal_that_is_not_there_is_empty_and_is_not_made():
    with Folder() as folder:
        assert everything(Journal(folder + "/j")) == []
        assert os.listdir(folder) == []


def test_a_torn_last_record_is_cut_off_wherever_power_went():
    last = len(WHOLE) - len(record(*RECORDS[-1]))
    with Folder() as folder:
        for end in [last + i for i in range(17)] + [len(WHOLE) - i for i in (1, 4, 5)]:
            write_bytes(folder + "/j", WHOLE[:end])
            journal = Journal(folder + "/j")
            assert len(everything(journal)) == 3
            assert read_bytes(folder + "/j") == WHOLE[:last]
        Journal(folder + "/j").append(*RECORDS[-1])
        assert read_bytes(folder + "/j") == WHOLE
        assert os.listdir(folder) == ["j"]


def test_a_torn_end_of_a_long_journal_is_cut_off():
    long = b"".join([record(1, A, bytes(1_000)) for _ in range(40)])
    with Folder() as folder:
        write_bytes(folder + "/j", long + record(1, B, b"torn")[:-1])
        assert len(everything(Journal(folder + "/j"))) == 40
        assert read_bytes(folder + "/j") == long


def test_damage_is_never_taken_for_a_torn_end():
    # Whatever bit of whatever record: a payment must not vanish without a word.
    seeded = Seeded("damage")
    last = len(WHOLE) - len(record(*RECORDS[-1]))
    heads = [0, 1, 2, 18, 19, 33, 34, last, last + 1]  # lengths among them
    with Folder() as folder:
        for position in heads + [seeded.below(len(WHOLE)) for _ in range(50)]:
            for bit in (0, seeded.below(8)):
                damaged = flipped(WHOLE, position, bit)
                write_bytes(folder + "/j", damaged)
                if position in (last, last + 1) and len(WHOLE) < damaged_end(damaged, last):
                    continue  # the last record claims to be longer: no different from torn
                raises(OSError, Journal, folder + "/j")
                assert read_bytes(folder + "/j") == damaged


def damaged_end(data: bytes, start: int) -> int:
    return start + 15 + data[start] * 256 + data[start + 1]


def test_zeros_or_noise_at_the_end_are_damage():
    with Folder() as folder:
        for tail in (bytes(15), bytes(600), b"\xff" * 15, bytes(RECORD_BYTES_MAX + 1)):
            write_bytes(folder + "/j", WHOLE + tail)
            raises(OSError, Journal, folder + "/j")
            assert read_bytes(folder + "/j") == WHOLE + tail


def test_damage_that_comes_while_the_board_runs_is_noticed():
    with Folder() as folder:
        journal = filled(folder + "/j")
        positions = [position for position, _, _ in journal.scan()]
        write_bytes(folder + "/j", flipped(WHOLE, positions[2] + 20))
        raises(OSError, list, journal.scan())
        raises(OSError, list, journal.scan(1, B))
        raises(OSError, journal.read, positions[2])
        assert [payload for _, _, payload in journal.scan(1, A)] == [b"one", bytes(range(256))]


def test_a_file_cut_while_the_board_runs_is_noticed_before_more_is_written():
    with Folder() as folder:
        journal = filled(folder + "/j")
        write_bytes(folder + "/j", WHOLE[:-30])
        raises(OSError, journal.append, 1, A, b"next")


def test_what_failed_to_be_written_is_refused_and_leaves_room_for_the_next():
    with Folder() as folder:
        os.mkdir(folder + "/there")
        journal = Journal(folder + "/there/j")
        os.rmdir(folder + "/there")
        refused(STORE_FULL, journal.append, 1, A, b"lost")
        os.mkdir(folder + "/there")
        assert journal.append(1, A, b"kept") == 0
        assert everything(Journal(folder + "/there/j")) == [(1, b"kept")]


def test_a_torn_append_is_mended_by_the_next():
    with Folder() as folder:
        journal = filled(folder + "/j")
        write_bytes(folder + "/j", WHOLE + record(1, A, b"torn")[:-2])
        assert journal.append(1, A, b"next") == len(WHOLE)
        assert read_bytes(folder + "/j") == WHOLE + record(1, A, b"next")


def test_a_record_has_a_bound():
    with Folder() as folder:
        journal = Journal(folder + "/j")
        journal.append(1, A, bytes(RECORD_BYTES_MAX - 15))
        refused(TOO_LARGE, journal.append, 1, A, bytes(RECORD_BYTES_MAX - 14))
        assert len(everything(Journal(folder + "/j"))) == 1


def test_appending_while_somebody_reads_is_seen_by_the_next_reader():
    with Folder() as folder:
        journal = filled(folder + "/j")
        reading = journal.scan()
        next(reading)
        journal.append(1, A, b"five")
        assert len(everything(journal)) == 5


def test_seeded_records_survive_any_number_of_restarts():
    seeded = Seeded("restarts")
    written = []
    with Folder() as folder:
        for _ in range(12):
            journal = Journal(folder + "/j")
            for _ in range(4):
                fields = (1 + seeded.below(3), seeded.data(8), seeded.data(seeded.below(400)))
                journal.append(*fields)
                written.append((fields[0], fields[2]))
        assert everything(Journal(folder + "/j")) == written


def test_a_board_without_room_says_so_before_it_takes_money():
    with Folder() as folder:
        check_space(folder)

        class Full:
            @staticmethod
            def statvfs(_: str) -> tuple:
                return (4_096, 4_096, 512, 15, 15, 0, 0, 0, 0, 255)  # 15 blocks of 4 KB are free

        from firmware.common.storage import files

        real, files.os = files.os, Full  # type: ignore[attr-defined]
        try:
            refused(STORE_FULL, check_space, folder)
        finally:
            files.os = real  # type: ignore[attr-defined]
