"""The console: whatever a host says, the board answers, moves no money and does not fall over."""

from firmware.common.wire import packet
from firmware.common.wire.console import answer, serve
from firmware.common.wire.errors import (
    BUSY,
    DECLINED,
    MALFORMED,
    NOT_ENROLLED,
    OVER_LIMIT,
    REQUEST_UNKNOWN,
    SYNC_FIRST,
    UNKNOWN_PAYEE,
)
from firmware.common.wire.limits import MESSAGE_BYTES_MAX
from firmware.common.wire.link import OPEN, Link
from firmware.receiver.filing import take_envelope
from firmware.sender.payees import Payees
from tests.unit import forms
from tests.unit.fake_board import Port, join
from tests.unit.helpers import Folder, Seeded
from tests.unit.roles import NOW_MS, book, pair, payee, payer, run, until
from tests.unit.test_dialog import sealed_for

LONGEST = '"' * 64  # 64 bytes that JSON writes as 128
WIDEST = "\xe4" * 32  # 64 bytes that Python's JSON writes as 192, MicroPython's as they are
COUNT = 17


def ask(app, do, body: bytes = b"", **members) -> tuple:
    """The board's answer to a command: header and body."""
    header = {"do": do}
    header.update(members)
    return packet.unpack(say(app, packet.pack(header, body)))


def say(app, message: bytes) -> bytes:
    told = answer(app, message)
    assert len(told) <= MESSAGE_BYTES_MAX
    return told


def declined(reason: int, app, do, body: bytes = b"", **members) -> str:
    """The board refuses for this reason; what it adds."""
    header, _ = ask(app, do, body, **members)
    assert header["ok"] is False and header["reason"] == reason, header
    return header["detail"]


def done(app, do, body: bytes = b"", **members) -> tuple:
    header, data = ask(app, do, body, **members)
    assert header["ok"] is True, header
    return header, data


def by_file(anna, account: str, amount_minor: int) -> str:
    """A payment in the JSON form that its payer confirmed; its id."""
    done(anna, "pay", to=account, amount=amount_minor)
    anna.device.board.press("ok")

    async def story() -> None:
        await until(anna, lambda: bool(anna.outcome))

    run(story(), anna.run())
    assert anna.outcome == "NOT CONFIRMED YET"
    return anna.last_id


def bank_keys() -> bytes:
    ecdh, signing = forms.jwk(forms.BANK_ECDH.public), forms.jwk(forms.BANK.public)
    return f'{{"ecdh":{ecdh},"signing":{signing}}}'.encode()


def test_an_unknown_command_is_refused():
    with Folder() as folder:
        anna, bert = pair(folder)
        for app in (anna, bert):
            for do in (
                "",
                "reboot",
                "answer",
                "__class__",
                "do_status",
                "status ",
                "STATUS",
                "\xe4",
            ):
                declined(MALFORMED, app, do)
            for do in (None, 5, True, [], {}, ["status"]):
                declined(MALFORMED, app, do)
            for message in (b"", b"\n", b"{}\n", b"status\n", b"\xff" * 100, b"[" * 5_000 + b"\n"):
                header, _ = packet.unpack(say(app, message))
                assert (header["ok"], header["reason"]) == (False, MALFORMED)
        say(bert, b'{"do":"entries","first":1e999}\n')
        declined(MALFORMED, anna, "export", first=0)  # the other role's
        declined(MALFORMED, bert, "pay", to="anna", amount=1)


WRONG = (None, True, 5, -1, 1.5, 1e300, 2**70, "", "x", "\x00", "\xe4" * 100, [], [1], {}, {"a": 1})


def test_members_of_a_wrong_type_are_refused_and_change_nothing():
    commands = (
        ("status", ("time",)),
        ("enrol", ("account", "name", "wallet")),
        ("factory_reset", ("force",)),
        ("import_key", ("account",)),
        ("pay", ("to", "amount")),
        ("payments", ("first",)),
        ("json_payments", ("first",)),
        ("purses", ()),
        ("top_up", ("amount",)),
        ("close_purse", ("purse",)),
        ("sync", ("again",)),
        ("statement", ()),
        ("evidence", ("id",)),
        ("pin_root", ("root",)),
        ("bkey", ()),
        ("enrol_message", ()),
        ("certificate", ()),
        ("news", ()),
        ("envelope", ("id",)),
        ("confirm", ("id", "index", "head")),
        ("entries", ("first",)),
        ("json_entries", ("first",)),
        ("charge", ("amount", "ref")),
        ("cancel_request", ()),
        ("refund", ("index", "amount", "reason")),
        ("evidence", ("index",)),
        ("upload", ()),
        ("receipt", ()),
        ("export", ("first",)),
        ("apply", ("signature",)),
        ("import", ()),
        ("payees", ()),
        ("outcome", ()),
        ("tap_again", ()),
        ("total", ()),
        ("log", ()),
        ("key", ()),
        ("regenerate", ()),
    )
    with Folder() as folder:
        anna, bert = pair(folder)
        take_envelope(bert, sealed_for(bert, forms.payment()))
        for app in (anna, bert):
            for do, names in commands:
                for name in names or ("first",):
                    for wrong in WRONG:
                        app._asked = None
                        header, _ = ask(app, do, b"", **{name: wrong})
                        assert header["ok"] or header["reason"] > 0
                for body in (b"", b"{}", b"\xff\x00", b"null", b'{"ecdh":1}', b"{" * 5_000):
                    app._asked = None
                    header, _ = ask(app, do, body)
                    assert header["ok"] or header["reason"] > 0
        assert (anna.wallet.signed, book(bert).count) == (0, 1)
        assert done(anna, "json_payments", first=0)[0]["count"] == 0
        assert done(anna, "payees")[0]["payees"] == ["bert"]
        assert [app.device.store.enrolled().account for app in (anna, bert)] == ["anna", "bert"]


def test_mutated_commands_are_answered():
    seeded = Seeded("commands")
    with Folder() as folder:
        anna, bert = pair(folder)
        good = packet.pack({"do": "pay", "to": "bert", "amount": 1250})
        for app in (anna, bert):
            for _ in range(150):
                data = bytearray(good)
                for _ in range(1 + seeded.below(2)):
                    data[seeded.below(len(data))] = 32 + seeded.below(95)
                packet.unpack(say(app, bytes(data)))
        assert done(anna, "json_payments", first=0)[0]["count"] == anna.wallet.signed == 0


def test_status_tells_who_the_board_is_and_no_secret():
    with Folder() as folder:
        for app in pair(folder):
            header, _ = done(app, "status")
            assert header["account"] in ("anna", "bert") and header["outcome"] == ""
            assert header["time"] == app.device.now() and header["flash_free"] > 0
            keys = app.device.store.keys
            for do in ("status", "key", "log"):
                told = say(app, packet.pack({"do": do}))
                for secret in (keys.signing, keys.ecdh):
                    assert secret not in told and secret.hex().encode() not in told
                    assert forms.b64url(secret).encode() not in told


def test_a_hosts_clock_is_taken_forwards_and_within_reason():
    with Folder() as folder:
        anna = payer(folder)
        done(anna, "status", time=NOW_MS)
        assert anna.device.now() == "2026-11-22T15:01:06.904Z"
        done(anna, "status", time=NOW_MS - 1)
        for wrong in (0, -1, 4_102_444_800_000, 2**70, 1.5, True, "now", None):
            declined(OVER_LIMIT, anna, "status", time=wrong)
        assert anna.device.now() == "2026-11-22T15:01:06.904Z"


def test_a_payment_is_proposed_and_waits_for_a_finger():
    with Folder() as folder:
        anna, _ = pair(folder)
        done(anna, "pay", to="bert", amount=12_50)
        assert done(anna, "outcome")[0]["outcome"] == ""
        assert done(anna, "json_payments", first=0)[0]["count"] == 0
        declined(BUSY, anna, "pay", to="bert", amount=1)


def test_what_cannot_be_paid_is_refused_before_it_is_on_the_screen():
    with Folder() as folder:
        anna, _ = pair(folder)
        for wrong in (0, -5, 4_000_000_001, 2**70):
            declined(OVER_LIMIT, anna, "pay", to="bert", amount=wrong)
        for wrong in (12.5, 1e3, True, "5", None, [5]):
            declined(MALFORMED, anna, "pay", to="bert", amount=wrong)
        for wrong in ("anna", "otto", "Bert"):
            declined(UNKNOWN_PAYEE, anna, "pay", to=wrong, amount=5)
        declined(MALFORMED, anna, "pay", to="", amount=5)
        declined(OVER_LIMIT, anna, "pay", to="bert")
        declined(NOT_ENROLLED, anna, "pay", amount=5)  # by JSON alone, without a certificate
        declined(REQUEST_UNKNOWN, anna, "tap_again")
        nobody = payer(folder + "/nobody", "")
        declined(NOT_ENROLLED, nobody, "pay", to="bert", amount=5)


def test_a_connection_code_goes_from_board_to_board():
    with Folder() as folder:
        anna, bert = payer(folder + "/anna"), payee(folder + "/bert")
        code = done(bert, "key")[1]
        assert done(anna, "import_key", code, account="bert")[0]["replaced"] is False
        assert done(anna, "import_key", code, account="bert")[0]["replaced"] is False
        kept = Payees(anna.device.board.root).find("bert")
        assert kept and kept.ecdh == bert.device.store.keys.ecdh_public
        other = forms.jwk(forms.OTHER_ECDH.public).encode()
        assert done(anna, "import_key", other, account="bert")[0]["replaced"] is True
        assert done(anna, "payees")[0]["payees"] == ["bert"]
        private = code[:-1] + b',"d":"' + b"A" * 43 + b'"}'
        assert "private" in declined(MALFORMED, anna, "import_key", private, account="bert")


def longest_payment(number: int, name: str = '"' + '\\"' * 64 + '"') -> dict:
    """A payment whose text is as long as a payment's can be."""
    return forms.payment(
        to_id='"' + '\\"' * 63 + 'x"',
        txn_id=f'"{number:08x}-0000-4000-8000-000000000000"',
        from_id=name,
        wallet_id=name,
        amount="39999999.99",
        prev_hash='"' + "ab" * 32 + '"',
    )


def test_pages_fit_a_message_even_with_the_longest_names():
    with Folder() as folder:
        anna, bert = payer(folder + "/anna"), payee(folder + "/bert", LONGEST[1:] + "x")
        for number in range(COUNT):
            done(bert, "import", sealed_for(bert, longest_payment(number, f'"{WIDEST}"')))
        found: list = []
        while len(found) < COUNT:
            page = done(bert, "json_entries", first=len(found))[0]
            assert page["count"] == COUNT and page["entries"]
            found += page["entries"]
        assert [entry["index"] for entry in found] == list(range(COUNT))
        assert found[0]["from"] == WIDEST and found[9]["state"] == "unsettled"
        code = forms.jwk(forms.PAYEE_ECDH.public).encode()
        done(anna, "import_key", code, account=LONGEST)
        anna.device.advance_time(NOW_MS)
        for number in range(COUNT):
            by_file(anna, LONGEST, 3_999_999_900 + number)
        found = []
        while len(found) < COUNT:
            found += done(anna, "json_payments", first=len(found))[0]["payments"]
        assert found[9]["amount"] == 3_999_999_909
        envelope = done(anna, "envelope", id=found[0]["id"])[1]
        assert len(envelope) > 1_000


def test_a_board_is_tied_to_one_account_and_to_what_can_be_signed_later():
    with Folder() as folder:
        nobody = payer(folder, "")
        for wrong in ({"account": "a\x00"}, {"account": "x" * 65}, {"account": ""}, {"account": 5}):
            declined(MALFORMED, nobody, "enrol", bank_keys(), **wrong)
        for wrong in (
            {"wallet": "x" * 65},
            {"wallet": "a\n"},
            {"name": "x" * 5_000},
            {"name": [1]},
        ):
            declined(MALFORMED, nobody, "enrol", bank_keys(), account="anna", **wrong)
        for body in (b"{}", b'{"ecdh":{},"signing":{}}', bank_keys().replace(b"EC", b"OK")):
            declined(MALFORMED, nobody, "enrol", body, account="anna")
        declined(NOT_ENROLLED, nobody, "enrol", account="anna")  # by code: no bank is known
        done(nobody, "enrol", bank_keys(), account="anna")
        anna = payer(folder + "/anna")
        declined(DECLINED, anna, "enrol", bank_keys(), account="eve")


def test_unsettled_money_is_not_erased_by_a_host():
    with Folder() as folder:
        bert = payee(folder)
        done(bert, "import", sealed_for(bert, forms.payment()))
        declined(SYNC_FIRST, bert, "factory_reset")
        declined(SYNC_FIRST, bert, "factory_reset", force="yes")
        assert done(bert, "factory_reset", force=True)[0]["unsettled"] == 1
        assert bert.device.board.restarts == 0  # the user was not asked yet


def test_a_long_log_fits_a_message():
    with Folder() as folder:
        anna = payer(folder)
        for number in range(200):
            anna.device.log("REFUSED", "x" * 150 + str(number))
        assert done(anna, "log")[1][-4:] == b"199\n"


def test_a_host_is_answered_over_its_link():
    with Folder() as folder:
        anna, _ = pair(folder)
        board = anna.device.board
        host = Port()
        join(host, board.console)

        async def talk() -> list:
            wire, answers = Link(), []
            wire.connect(9)
            for message in (packet.pack({"do": "status"}), b"nonsense", packet.pack({"do": "key"})):
                while wire.state != OPEN or not wire.is_idle():
                    wire.step(host, board.clock.ms())
                    await board.clock.sleep_ms(5)
                wire.send(message)
                found = None
                while found is None:
                    wire.step(host, board.clock.ms())
                    found = wire.receive()
                    await board.clock.sleep_ms(5)
                answers.append(packet.unpack(found)[0]["ok"])
            return answers

        assert run(talk(), serve(anna)) == [True, False, True]
        assert b"\x03" not in board.console.written and b"\x00" not in board.console.written
