"""What a person presses and sees: money leaves only after OK, RECEIVED stays until it is seen."""

from firmware.common.ui import canvas
from firmware.common.ui.dialog import Dialog
from firmware.common.wire import messages
from firmware.common.wire.errors import BUSY, DECLINED, Refused
from firmware.receiver.filing import take_envelope
from firmware.sender.outbox import Outbox
from tests.unit import forms
from tests.unit import till as tills
from tests.unit.fake_board import Board
from tests.unit.helpers import Folder, raises, refused
from tests.unit.roles import book, device, pair, payee, payer, run, until
from tests.unit.wheel import wheel

N = "next"


def answered(question, *presses: str):
    """What a question answers to these presses, and the lines of every screen on the way."""
    board = Board("")
    board.press(*presses)
    answer = run(question(Dialog(board)))
    assert not board.buttons.presses, "presses were left over"
    return answer, board.display.shown


def entered(*keys: str) -> int:
    return answered(lambda dialog: dialog.amount("HOW MUCH?"), *wheel(*keys))[0]


def test_an_amount_is_typed_digit_by_digit():
    for keys, amount_minor in (
        ("5=", 5),
        ("450=", 4_50),
        ("1250=", 12_50),
        ("0007=", 7),
        ("45<0=", 40),
        ("9<<", 0),
        ("<", 0),
        ("=5=", 5),  # nothing cannot be paid
        ("4000000000=", 4_000_000_000),
        ("4000000001=", 400_000_000),  # a digit too many is not taken
        ("99999999999=", 999_999_999),
    ):
        assert entered(*keys) == amount_minor, keys


def test_the_amount_is_on_the_screen_while_it_is_typed():
    _, shown = answered(lambda dialog: dialog.amount("HOW MUCH?"), *wheel("1", "2", "5", "="))
    assert [screen[2].strip() for screen in shown if screen[4] == "  [1]"][:2] == ["0.00", "0.01"]
    assert shown[-1][2].strip() == "1.25" and shown[0][0] == "HOW MUCH?"


def test_only_ok_confirms():
    for presses, expected in (
        (("ok",), True),
        (("cancel",), False),
        ((N, N, "cancel"), False),
        ((N, "ok"), True),
    ):
        assert answered(lambda dialog: dialog.confirm("PAY?", []), *presses)[0] is expected


def held(*presses: str, timeout_ms: int = 1_000):
    return answered(
        lambda dialog: dialog.hold("PAY 4.50 EUR", ["BAKERY"], lambda: None, timeout_ms), *presses
    )


def test_only_a_held_ok_lets_money_go():
    for presses, expected in (
        (("hold",), True),
        (("ok", "ok", N, "hold"), True),
        (("ok",), False),
        (("cancel",), False),
        (("ok", "cancel"), False),
        ((), False),
    ):
        answer, shown = held(*presses)
        assert answer is expected, presses
        assert shown == [["PAY 4.50 EUR", "BAKERY", "HOLD OK   CANCEL"]]


def test_what_happens_meanwhile_can_end_the_question():
    looks = []

    def meanwhile() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise Refused(DECLINED, "the till said no")

    board = Board("")
    board.press("ok", "ok", "ok", "hold")
    question = Dialog(board).hold("PAY?", [], meanwhile, 1_000)
    assert raises(Refused, run, question)
    assert board.buttons.presses == ["ok", "hold"]


def test_who_holds_ok_for_another_question_presses_it():
    assert answered(lambda dialog: dialog.confirm("ENROL?", []), "hold")[0] is True
    assert answered(lambda dialog: dialog.choose("MENU", ["a", "b"]), N, "hold")[0] == 1


def test_one_of_a_list_is_chosen_and_the_list_goes_round():
    names = [f"payee {number}" for number in range(7)]
    for presses, expected in (
        (("ok",), 0),
        ((N, N, "ok"), 2),
        ([N] * 6 + ["ok"], 6),
        ([N] * 7 + ["ok"], 0),
        (("cancel",), -1),
        ((N, "cancel"), -1),
    ):
        answer, shown = answered(lambda dialog: dialog.choose("WHOM?", names), *presses)
        assert answer == expected
        if expected >= 0:
            marked = [line for line in shown[-1] if line[0] == ">"]
            assert marked == [">" + names[expected]]


def test_an_empty_list_can_only_be_left():
    answer, _ = answered(lambda dialog: dialog.choose("WHOM?", []), "ok", N, "ok", "cancel")
    assert answer == -1


def test_news_stay_until_ok_and_come_one_after_the_other():
    async def story(board: Board) -> None:
        dialog = Dialog(board)
        dialog.announce("RECEIVED", ["one"])
        dialog.announce("RECEIVED", ["two"])
        board.press("cancel", N, "cancel", "ok", N, "ok", "cancel")
        assert await dialog.confirm("PAY?", ["under it"]) is False

    board = Board("")
    run(story(board))
    titles = [screen[:2] for screen in board.display.shown]
    assert titles == [
        ["PAY?", "under it"],
        ["RECEIVED", "one"],
        ["RECEIVED", "two"],
        ["PAY?", "under it"],
    ]


def test_a_crowd_of_news_is_bounded():
    board = Board("")
    dialog = Dialog(board)
    for number in range(100):
        dialog.announce("RECEIVED", [str(number)])
    board.press(*["ok"] * 9)
    run(dialog.press())
    shown = [screen[1] for screen in board.display.shown if screen[0] == "RECEIVED"]
    assert shown == [str(number) for number in range(92, 100)]


def test_a_screen_has_16_columns_of_plain_letters():
    board = Board("")
    canvas.draw(
        board.display, "T" * 99, ["x" * 99, "\xe4\u20ac\n\x00a", "3", "4", "5", "6"], "H" * 9
    )
    assert board.display.lines == ["T" * 16, "x" * 16, "????a", "3", "4", "5", "H" * 9]


def test_words_are_wrapped_at_16_columns():
    for text, lines in (
        ("", [""]),
        ("one two", ["one two"]),
        ("exactly sixteen!", ["exactly sixteen!"]),
        ("exactly sixteen! more", ["exactly sixteen!", "more"]),
        ("a " + "x" * 20 + " b", ["a", "x" * 20, "b"]),
    ):
        assert canvas.wrap(text) == lines


def titles(app) -> list:
    """Every title that was shown, repetitions left out."""
    found: list = []
    for screen in app.device.board.display.shown:
        if not found or found[-1] != screen[0]:
            found.append(screen[0])
    return found


def test_paying_by_buttons_ends_with_paid():
    with Folder() as folder:
        app, till = tills.pair(folder)
        app.device.board.press("ok", "hold")

        async def story() -> None:
            await until(app, lambda: app.dialog.title == "PAID")

        run(story(), app.run(), till.serve())
        assert titles(app) == ["SENDER", "KEEP CLOSE", "PAY 4.50 EUR", "NOT CONFIRMED", "PAID"]
        assert app.device.board.display.lines[2:4] == ["4.50 EUR", "Bakery Anna"]


def test_the_resting_screen_tells_what_is_left_and_what_is_pending():
    with Folder() as folder:
        app, till = tills.pair(folder)
        till.answers[messages.TXN.number] = lambda number, body: None
        assert tills.outcome(app, till, "ok", "hold") == "NOT CONFIRMED YET"
        board = app.device.board
        assert board.display.lines[:3] == ["NOT CONFIRMED", "4.50 EUR", "yet - tap again"]
        till.answers = {}
        board.press(N)

        async def story() -> None:
            await until(app, lambda: app.dialog.title == "PAID")

        run(story(), app.run(), till.serve())
        resting = [screen for screen in board.display.shown if screen[0] == "SENDER"]
        assert resting[0][1:5] == ["anna", "", "100.00 EUR", ""]
        assert resting[-1][1:5] == ["anna", "", "95.50 EUR", "1 not confirmed"]


def test_a_payment_by_file_is_unguaranteed_and_stays_unconfirmed():
    with Folder() as folder:
        anna, _ = pair(folder)
        anna.propose_file("bert", 12_50)

        async def story() -> None:
            await until(anna, lambda: anna.dialog.title == "PAY?")
            assert anna.device.board.display.lines[1:6] == [
                "12.50",
                "to",
                "bert",
                "by file,",
                "UNGUARANTEED",
            ]
            assert Outbox(anna.device.board.root).signed == 0 and anna.outcome == ""
            anna.device.board.press("ok")
            await until(anna, lambda: bool(anna.outcome))

        run(story(), anna.run())
        assert anna.outcome == "NOT CONFIRMED YET"
        assert len(Outbox(anna.device.board.root).pending) == 1


def test_a_payment_by_file_that_is_not_confirmed_is_not_signed():
    with Folder() as folder:
        anna, _ = pair(folder)
        anna.propose_file("bert", 12_50)
        anna.device.board.press("cancel")

        async def story() -> None:
            await until(anna, lambda: anna.dialog.title == "CANCELLED")

        run(story(), anna.run())
        assert (anna.outcome, Outbox(anna.device.board.root).signed) == ("CANCELLED", 0)


def test_one_question_at_a_time():
    with Folder() as folder:
        anna, _ = pair(folder)
        anna.propose_file("bert", 12_50)
        refused(BUSY, anna.propose_file, "bert", 99_00)


def test_what_is_refused_in_a_flow_is_told_and_the_board_goes_on():
    with Folder() as folder:
        anna, _ = pair(folder)

        async def decline() -> None:
            raise Refused(DECLINED, "somebody said no to this")

        anna.ask(decline)

        async def story() -> None:
            await until(anna, lambda: anna.dialog.title == "NOT POSSIBLE")
            assert anna.why == DECLINED
            assert anna.device.board.display.lines[1:3] == ["somebody said no", "to this"]
            anna.device.board.press("ok")
            await until(anna, lambda: anna.dialog.title == "SENDER")

        run(story(), anna.run())


def test_a_board_of_nobody_pays_nobody():
    with Folder() as folder:
        anna = payer(folder, "")
        anna.device.board.press("ok", "cancel", "ok")

        async def story() -> None:
            await until(anna, lambda: not anna.device.board.buttons.presses)

        run(story(), anna.run())
        assert titles(anna)[:3] == ["SENDER", "NOT POSSIBLE", "SENDER"]


def sealed_for(bert, form: dict) -> bytes:
    members = forms.sealed(forms.text(form), bert.device.store.keys.ecdh_public)
    members["sender_public_key"] = form["sender_public_key"]
    members["sender_ecdh_public_key"] = forms.jwk(forms.OTHER_ECDH.public)
    return forms.text(members)


def in_menu(app, *presses: str) -> None:
    """Opens the menu and presses on until nothing is left."""
    app.device.board.press("cancel", *presses)

    async def story() -> None:
        await until(app, lambda: not app.device.board.buttons.presses)
        await app.device.board.clock.sleep_ms(10)

    run(story(), app.run())


def test_a_new_key_pair_is_made_only_when_confirmed():
    with Folder() as folder:
        bert = payee(folder)
        before = bert.device.store.keys.ecdh
        in_menu(bert, N, "ok", "cancel")
        assert bert.device.store.keys.ecdh == before
        in_menu(bert, N, "ok", "ok")
        assert bert.device.store.keys.ecdh != before
        assert device(folder, "bert").store.keys.ecdh == bert.device.store.keys.ecdh


def test_a_board_with_unsettled_payments_is_not_erased_by_its_menu():
    with Folder() as folder:
        bert = payee(folder)
        take_envelope(bert, sealed_for(bert, forms.payment()))
        bert.device.board.press("ok")
        in_menu(bert, N, N, "ok", "ok", "ok")
        assert bert.device.board.restarts == 0
        assert book(payee(folder)).count == 1
