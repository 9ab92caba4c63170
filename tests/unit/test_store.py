"""What a board keeps: made once, and never made anew behind its owner's back."""

import json
import os

from firmware.common import crypto
from firmware.common.storage import files
from firmware.common.storage.device import Device
from firmware.common.storage.event_log import EventLog
from firmware.common.storage.store import VERSION, Identity, Keys, Store
from firmware.common.wire.errors import FIRMWARE_TOO_OLD, NOT_ENROLLED
from firmware.common.wire.limits import EVENTS_BYTES_MAX
from tests.unit.fake_board import Board
from tests.unit.forms import BANK, BANK_ECDH
from tests.unit.helpers import Folder, raises, read_bytes, refused, write_bytes
from tests.unit.test_crypto_randomness import Stuck, on_a_board_with

SECRETS = ("keys", "secret", "starts", "time")
IDENTITY = Identity("b\xe4rt", "B\xe4cker \U0001f968", "savings", BANK_ECDH.public, BANK.public)


def test_a_file_is_there_as_before_or_as_after():
    with Folder() as folder:
        path = folder + "/file"
        assert (files.read(path), files.size(path), files.exists(path)) == (b"", 0, False)
        files.replace(path, b"one")
        files.replace(path, b"")
        assert (files.read(path), files.size(path), files.exists(path)) == (b"", 0, True)
        files.replace(path, b"two")
        write_bytes(path + ".new", b"what a power cut left")
        assert (files.read(path), files.size(path)) == (b"two", 3)
        files.replace(path, b"three")
        assert os.listdir(folder) == ["file"] and files.read(path) == b"three"


def test_what_cannot_be_read_is_not_taken_for_what_is_not_there():
    with Folder() as folder:
        write_bytes(folder + "/file", b"x")
        raises(OSError, files.read, folder)
        raises(OSError, files.exists, folder + "/file/below")
        raises(OSError, files.size, folder + "/file/below")


def test_a_folder_is_made_once():
    with Folder() as folder:
        files.make_folder(folder + "/data")
        files.make_folder(folder + "/data")
        raises(OSError, files.make_folder, folder + "/none/data")
        assert files.free_bytes(folder) > 0


def test_keys_are_made_at_the_first_start_and_kept():
    with Folder() as folder:
        first = Store(folder + "/data").keys
        again = Store(folder + "/data").keys
        assert again.__dict__ == first.__dict__
        assert crypto.public_key(first.signing) == first.signing_public
        assert crypto.public_key(first.ecdh) == first.ecdh_public
        assert first.signing != first.ecdh


def test_two_boards_have_different_keys():
    with Folder() as folder:
        one, two = Store(folder + "/one").keys, Store(folder + "/two").keys
        assert len({one.signing, one.ecdh, two.signing, two.ecdh}) == 4


def test_two_boards_whose_source_is_stuck_have_different_keys():
    """Their chips' numbers tell them apart; of one number they would be the same board."""
    with Folder() as folder:

        def made(name: str, unique_id: bytes) -> Keys:
            board = Board(folder + "/" + name)
            board.unique_id = unique_id
            return on_a_board_with(Stuck(), lambda: Device(board).store.keys)

        one, like_one = made("one", b"\x24\x0a\xc4\0\0\1"), made("1", b"\x24\x0a\xc4\0\0\1")
        two = made("two", b"\x24\x0a\xc4\0\0\2")
        assert like_one.__dict__ == one.__dict__
        assert len({one.signing, one.ecdh, two.signing, two.ecdh}) == 4
        secrets = {read_bytes(folder + "/" + name + "/secret") for name in ("one", "1", "two")}
        assert len(secrets) == 2


def test_a_damaged_file_stops_the_board_and_is_never_made_anew():
    for name in SECRETS:
        for damage in (b"", b"x", bytes(191), bytes(193)):
            with Folder() as folder:
                Store(folder).set_time_floor(5)
                write_bytes(folder + "/" + name, damage)
                raises(OSError, lambda: Store(folder).time_floor_ms())
                assert read_bytes(folder + "/" + name) == damage


def test_a_file_that_cannot_be_read_is_never_made_anew():
    for name in ("keys", "secret", "starts"):
        with Folder() as folder:
            Store(folder)
            os.remove(folder + "/" + name)
            os.mkdir(folder + "/" + name)  # what is there but cannot be opened
            raises(OSError, Store, folder)
            assert os.listdir(folder + "/" + name) == []


def test_a_new_agreement_key_leaves_the_signing_key():
    with Folder() as folder:
        store = Store(folder)
        before = store.keys
        store.regenerate_ecdh()
        for keys in (store.keys, Store(folder).keys):
            assert (keys.signing, keys.signing_public) == (before.signing, before.signing_public)
            assert keys.ecdh != before.ecdh
            assert crypto.public_key(keys.ecdh) == keys.ecdh_public


def test_a_board_knows_whose_it_is_after_a_restart():
    with Folder() as folder:
        refused(NOT_ENROLLED, Store(folder).enrolled)
        store = Store(folder)
        store.set_identity(IDENTITY)
        for found in (store.enrolled(), Store(folder).enrolled()):
            assert found.__dict__ == IDENTITY.__dict__


def test_data_of_a_newer_firmware_is_left_alone():
    with Folder() as folder:
        Store(folder)
        kept = read_bytes(folder + "/keys")
        write_bytes(folder + "/version", str(VERSION + 1).encode())
        refused(FIRMWARE_TOO_OLD, Store, folder)
        assert read_bytes(folder + "/keys") == kept
        assert read_bytes(folder + "/version") == str(VERSION + 1).encode()


def test_data_of_the_first_version_is_brought_along():
    # Version 1 kept the identity as a list.
    fields = ["bert", "Bert", "", BANK_ECDH.public.hex(), BANK.public.hex()]
    with Folder() as folder:
        keys = Store(folder).keys
        for _ in range(2):  # cut short before the version was written, it is done again
            if files.exists(folder + "/identity"):
                fields = json.loads(read_bytes(folder + "/identity"))
            write_bytes(folder + "/identity", json.dumps(fields).encode())
            write_bytes(folder + "/version", b"1")
            store = Store(folder)
            identity = store.enrolled()
            assert (identity.account, identity.name, identity.wallet) == ("bert", "Bert", "")
            assert (identity.bank_ecdh, identity.bank_signing) == (BANK_ECDH.public, BANK.public)
            assert store.keys.__dict__ == keys.__dict__
            assert read_bytes(folder + "/version") == str(VERSION).encode()


def test_every_start_mixes_other_random_bytes():
    with Folder() as folder:
        starts = []
        for _ in range(3):
            Store(folder)
            starts.append(read_bytes(folder + "/starts"))
        assert starts == [b"\0\0\0\x01", b"\0\0\0\x02", b"\0\0\0\x03"]


def test_a_discarded_folder_is_gone_and_its_remains_are_swept():
    with Folder() as folder:
        root = folder + "/data"
        keys = Store(root).keys
        os.mkdir(root + "/till")
        write_bytes(root + "/till/0", b"a segment")
        files.discard_folder(root)
        assert not files.exists(root)
        assert Store(root).keys.signing != keys.signing
        assert os.listdir(folder) == ["data"]


def test_events_are_kept_newest_last_and_bounded():
    with Folder() as folder:
        log = EventLog(folder)
        assert log.read() == b""
        for number in range(400):
            log.add("2026-11-22T15:01:06.904Z", "REFUSED", "12 number " + str(number))
            kept = files.size(folder + "/events.txt") + files.size(folder + "/events.old")
            assert kept <= EVENTS_BYTES_MAX
        lines = EventLog(folder).read().decode().split("\n")
        assert lines[-2] == "2026-11-22T15:01:06.904Z REFUSED 12 number 399"
        numbers = [int(line.split(" ")[-1]) for line in lines[:-1]]
        assert numbers == list(range(numbers[0], 400))
        assert len(b"\n".join([line.encode() for line in lines])) > EVENTS_BYTES_MAX // 2


def test_an_event_is_one_line_however_long_its_text():
    with Folder() as folder:
        log = EventLog(folder)
        log.add("now", "REFUSED", "two\nlines\n" + "\xe4" * 500)
        log.add("now", "NEXT")
        lines = log.read().split(b"\n")
        assert len(lines) == 3 and lines[1] == b"now NEXT "
        assert lines[0][:21] == b"now REFUSED two lines" and len(lines[0]) <= 200


def test_a_flash_that_takes_no_more_stops_no_payment_because_of_its_log():
    with Folder() as folder:
        log = EventLog(folder + "/none")
        for _ in range(3):
            log.add("now", "SIGNED")
        assert log.read() == b""
        full = EventLog(folder)
        write_bytes(folder + "/events.txt", bytes(EVENTS_BYTES_MAX // 2))
        os.mkdir(folder + "/events.old")  # what nothing can be renamed to
        write_bytes(folder + "/events.old/x", b"")
        full.add("now", "SIGNED")


def test_the_time_goes_forwards_only():
    with Folder() as folder:
        board = Board(folder)
        device = Device(board)
        assert device.now() == "1970-01-01T00:00:00.000Z"
        device.advance_time(1_795_359_666_904)
        assert device.now() == "2026-11-22T15:01:06.904Z"
        device.advance_time(1_700_000_000_000)
        assert device.now_ms() == 1_795_359_666_904
        board.clock.now_ms += 1_500
        assert device.now() == "2026-11-22T15:01:08.404Z"
        device.advance_time(1_795_359_666_905)
        assert device.now() == "2026-11-22T15:01:08.404Z"


def test_a_restart_takes_a_board_back_by_an_hour_at_most_of_what_it_was_told():
    with Folder() as folder:
        for hours in range(5):
            told_ms = 1_795_359_666_904 + hours * 3_600_001
            Device(Board(folder)).advance_time(told_ms)
            Device(Board(folder)).advance_time(told_ms + 1_800_000)
            assert told_ms <= Device(Board(folder)).now_ms() <= told_ms + 1_800_000


def test_the_flash_is_not_written_for_every_second_it_is_told():
    with Folder() as folder:
        device = Device(Board(folder))
        device.advance_time(1_795_359_666_904)
        kept = read_bytes(folder + "/time")
        for second in range(100):
            device.advance_time(1_795_359_666_904 + second * 1_000)
        assert read_bytes(folder + "/time") == kept


def test_an_event_carries_the_boards_time():
    with Folder() as folder:
        device = Device(Board(folder))
        device.advance_time(1_795_359_666_904)
        device.log("START")
        assert device.events.read() == b"2026-11-22T15:01:06.904Z START \n"
