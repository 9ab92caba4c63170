"""How a board is tied to its bank: by a root it is told to trust, and a code typed on it."""

import os

from firmware.common.payment import certificate, enrolment
from firmware.common.payment.words import key_words
from firmware.common.storage import news_exchange
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    BAD_CERTIFICATE,
    BAD_CODE,
    BAD_SIGNATURE,
    DECLINED,
    EXPIRED,
    MALFORMED,
    NOT_ENROLLED,
    REPLAY,
)
from firmware.common.wire.sealed_box import Box
from firmware.sender import keeping
from firmware.sender.app import App
from tests.unit import world
from tests.unit.bank_desk import agree, declined, done
from tests.unit.beside import run, until
from tests.unit.fake_board import Board
from tests.unit.forms import BANK, BANK_ECDH, OTHER_ECDH, OTHER_PAYEE, Keys, flipped
from tests.unit.helpers import Folder, refused
from tests.unit.wheel import wheel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CODE = "40719"


def new_board(folder: str) -> "Any":
    """A board that was never told of a bank."""
    device = Device(Board(folder))
    return App(device, Dialog(device.board), keeping.start(folder))


def knows_bank(folder: str):
    app = new_board(folder)
    done(app, "pin_root", root=world.ROOT.public.hex())
    assert agree(app) == "DONE"
    done(app, "bkey", world.bank_key())
    return app


def asked(folder: str):
    """A board that has sent its ENROL."""
    app = knows_bank(folder)
    done(app, "enrol", account="anna", name="Bakery Anna", wallet="w1")
    assert agree(app, "ok", *wheel(CODE, "=")) == "DONE"
    return app


def opened(app) -> bytes:
    """The signed ENROL, as the bank opens it."""
    box = Box(done(app, "enrol_message")[1])
    assert box.number == messages.ENROL.number
    return box.open(world.REALM, BANK_ECDH.private, BANK_ECDH.public)


def certified(app, **changes: int) -> bytes:
    """The DCERT that the bank makes of an ENROL."""
    found = enrolment.check_enrolment(world.REALM, opened(app))
    return world.device(found.kd, found.ed, "Bakery Anna", **changes)


def shown(app, title: str) -> list:
    return [screen for screen in app.device.board.display.shown if screen[0] == title]


# -- the bank ------------------------------------------------------------------------------------


def test_a_bank_is_trusted_once_the_user_has_compared_its_fingerprint():
    from binascii import hexlify
    from hashlib import sha256

    with Folder() as folder:
        app = new_board(folder)
        done(app, "pin_root", root=world.ROOT.public.hex())
        assert agree(app, "cancel") == "CANCELLED" and not app.device.news.root
        done(app, "pin_root", root=world.ROOT.public.hex())
        assert agree(app) == "DONE"
        digits = hexlify(sha256(world.ROOT.public).digest()).decode()
        lines = shown(app, "TRUST BANK?")[0]
        assert lines[2:4] == [digits[:4] + " " + digits[4:8], digits[8:12] + " " + digits[12:16]]
        assert new_board(folder).device.news.root == world.ROOT.public
        assert done(app, "pin_root", root=world.ROOT.public.hex())[0]["pinned"] is True


def test_a_pinned_bank_is_exchanged_by_nobody():
    with Folder() as folder:
        app = knows_bank(folder)
        declined(DECLINED, app, "pin_root", root=Keys("other root").public.hex())
        for wrong in ("", "00" * 64, "zz", world.ROOT.public.hex()[:-2]):
            declined(MALFORMED, new_board(folder + "/new"), "pin_root", root=wrong)


def test_only_the_roots_word_makes_a_key_the_banks():
    with Folder() as folder:
        app = new_board(folder)
        declined(NOT_ENROLLED, app, "bkey", world.bank_key())
        app = knows_bank(folder)
        other = Keys("other root")
        forged = certificate.make_bank_key(
            other.private, BANK.public, BANK_ECDH.public, world.NOW, world.NOW + world.DAY
        )
        declined(BAD_SIGNATURE, app, "bkey", forged)
        declined(BAD_SIGNATURE, app, "bkey", flipped(world.bank_key(), 20))
        declined(MALFORMED, app, "bkey", world.bank_key()[:-1])
        assert len(app.device.news.banks) == 1


# -- the code and ENROL --------------------------------------------------------------------------


def test_the_code_is_typed_on_the_board_and_proven_to_the_bank_alone():
    with Folder() as folder:
        app = asked(folder)
        found = enrolment.check_enrolment(world.REALM, opened(app))
        enrolment.check_code(found, CODE.encode())
        refused(BAD_CODE, enrolment.check_code, found, b"40718")
        keys = app.device.store.keys
        assert (found.kd, found.ed) == (keys.signing_public, keys.ecdh_public)
        assert found.profile == certificate.PAYER
        assert found.name == b"Bakery Anna\x00\x00\x00\x00\x00"
        box = done(app, "enrol_message")[1]
        assert CODE.encode() not in box and found.code_mac not in box


def test_both_sides_show_the_same_four_words():
    with Folder() as folder:
        app = asked(folder)
        found = enrolment.check_enrolment(world.REALM, opened(app))
        words = key_words(found.kd, found.ed)
        status = done(app, "status")[0]
        assert (status["enrolled"], status["words"]) == ("pending", words)
        assert status["device"] == certificate.device_id(found.kd).hex()

        async def story() -> None:
            await until(app, lambda: app.dialog.title == "SAME WORDS?")

        run(story(), app.run())
        assert app.device.board.display.lines[1:5] == words.split()


def test_the_same_enrolment_is_sent_until_it_is_answered_sealed_anew():
    with Folder() as folder:
        app = asked(folder)
        boxes = [done(app, "enrol_message")[1] for _ in range(2)]
        assert boxes[0] != boxes[1]
        data = opened(app)
        again = new_board(folder)
        assert opened(again) == data and done(again, "status")[0]["enrolled"] == "pending"


def test_a_wrong_code_is_typed_again():
    with Folder() as folder:
        app = knows_bank(folder)
        for code in ("1", CODE):
            done(app, "enrol", account="anna", name="", wallet="")
            agree(app, "ok", *wheel(code, "="))
        enrolment.check_code(enrolment.check_enrolment(world.REALM, opened(app)), CODE.encode())


def test_without_a_code_nothing_is_sent():
    with Folder() as folder:
        app = knows_bank(folder)
        done(app, "enrol", account="anna")
        assert agree(app, "cancel") == "CANCELLED"
        done(app, "enrol", account="anna")
        assert agree(app, "ok", *wheel("<", "=")) == "CANCELLED"
        declined(NOT_ENROLLED, app, "enrol_message")
        declined(NOT_ENROLLED, app, "certificate", bytes(232))
        assert done(app, "status")[0]["enrolled"] == ""


# -- the certificate -----------------------------------------------------------------------------


def test_a_certificate_makes_the_board_a_member():
    with Folder() as folder:
        app = asked(folder)
        dcert = certified(app)
        assert done(app, "certificate", dcert)[0]["account"] == "anna"
        assert done(app, "certificate", dcert)[0]["account"] == "anna"  # brought twice
        for board in (app, new_board(folder)):
            status = done(board, "status")[0]
            assert (status["enrolled"], status["account"]) == ("yes", "anna")
            identity = board.device.store.enrolled()
            assert (identity.wallet, identity.bank_signing) == ("w1", BANK.public)
        app.propose(0)  # it may pay now


def test_a_certificate_for_other_keys_is_refused():
    with Folder() as folder:
        app = asked(folder)
        keys = app.device.store.keys
        for reason, dcert in (
            (BAD_CERTIFICATE, world.device(OTHER_PAYEE.public, keys.ecdh_public)),
            (BAD_CERTIFICATE, world.device(keys.signing_public, OTHER_ECDH.public)),
            (BAD_CERTIFICATE, certified(app, kind=certificate.PAYEE)),
            (EXPIRED, certified(app, issued=1, not_after=2)),
            (BAD_SIGNATURE, flipped(certified(app), 230)),
            (MALFORMED, certified(app)[:-1]),
        ):
            if reason == EXPIRED:
                beacon = messages.BEACON.number
                news_exchange.take(app.device.news, beacon, world.beacon(1))
            declined(reason, app, "certificate", dcert)
        assert done(app, "status")[0]["enrolled"] == "pending"
        done(app, "certificate", certified(app))


def test_a_newer_certificate_takes_the_place_of_the_last():
    with Folder() as folder:
        app = asked(folder)
        first = certified(app)
        found = enrolment.check_enrolment(world.REALM, opened(app))
        assert done(app, "certificate") == ({"ok": True}, b"")
        done(app, "certificate", first)
        assert done(app, "certificate")[1] == first
        keys = found.kd, found.ed
        second, third = (world.device(*keys, serial=n, rx_limit=9_00) for n in (2, 3))
        assert done(app, "certificate", third)[0]["account"] == "anna"
        for board in (app, new_board(folder)):
            assert done(board, "certificate")[1] == third
            assert board.device.store.enrolled().account == "anna"
            from firmware.common.storage.enrolment import device_key

            assert device_key(folder) == board.device.store.keys.ecdh
        for older in (first, second):
            declined(REPLAY, app, "certificate", older)
        for reason, dcert in (
            (BAD_CERTIFICATE, world.device(OTHER_PAYEE.public, found.ed, serial=4)),
            (BAD_CERTIFICATE, world.device(found.kd, OTHER_ECDH.public, serial=4)),
            (BAD_CERTIFICATE, world.device(*keys, serial=4, kind=certificate.PAYEE)),
            (BAD_SIGNATURE, flipped(world.device(*keys, serial=4), 230)),
            (MALFORMED, third[:-1]),
        ):
            declined(reason, app, "certificate", dcert)
        assert done(app, "certificate")[1] == third


def test_a_new_pair_for_the_json_forms_leaves_the_certified_one():
    with Folder() as folder:
        app = asked(folder)
        done(app, "certificate", certified(app))
        before = app.device.store.keys.ecdh
        app.device.store.regenerate_ecdh()
        from firmware.common.storage.enrolment import device_key

        assert device_key(folder) == before != app.device.store.keys.ecdh


def test_power_lost_between_certificate_and_forgetting_the_request_changes_nothing():
    with Folder() as folder:
        app = asked(folder)
        kept = open(folder + "/enrol", "rb").read()  # noqa: SIM115
        dcert = certified(app)
        done(app, "certificate", dcert)
        with open(folder + "/enrol", "wb") as file:
            file.write(kept)
        again = new_board(folder)
        assert done(again, "certificate", dcert)[0]["account"] == "anna"
        assert done(again, "status")[0]["enrolled"] == "yes"


# -- news and the end ----------------------------------------------------------------------------


def bundle(*found: tuple) -> bytes:
    return b"".join([bytes((kind,)) + len(data).to_bytes(2, "big") + data for kind, data in found])


def test_news_from_a_host_are_taken_if_the_bank_signed_them():
    with Folder() as folder:
        app = knows_bank(folder)
        good = (messages.BEACON.number, world.beacon(3))
        bad = (messages.BEACON.number, flipped(world.beacon(4), 9))
        told = done(app, "news", bundle(bad, good, (99, b""), good))[0]
        assert (told["taken"], app.device.news.beacon_seq) == (1, 3)
        status = done(app, "status")[0]
        assert (status["beacon"], status["t_lb"]) == (3, world.NOW)
        for cut in (1, 2, 10):
            declined(MALFORMED, app, "news", bundle(good)[:-cut])
        assert done(app, "news")[0]["taken"] == 0


def test_a_factory_reset_forgets_root_and_certificate():
    with Folder() as folder:
        app = asked(folder + "/anna")
        done(app, "certificate", certified(app))
        done(app, "factory_reset")
        assert agree_to_reset(app) == 1
        again = new_board(folder + "/anna")
        assert not again.device.news.root and done(again, "status")[0]["enrolled"] == ""
        names = os.listdir(folder)
        assert names == ["anna"], names


def agree_to_reset(app) -> int:
    app.device.board.press("ok")

    async def story() -> None:
        await until(app, lambda: app.device.board.restarts)

    run(story(), app.run())
    return app.device.board.restarts
