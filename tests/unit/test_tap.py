"""A tap between two boards in one process: each payment is PAID and RECEIVED once, or pending."""

import asyncio

from firmware.common.interchange import envelope, transaction
from firmware.common.wire import jsontap, packet
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_SIGNATURE,
    MALFORMED,
    NOT_ENROLLED,
    NOT_FOR_ME,
    UNAVAILABLE,
)
from firmware.common.wire.link import CLOSED, OPEN, Link
from firmware.receiver.tap import serve
from firmware.sender import tap
from firmware.sender.outbox import Outbox
from firmware.sender.payees import Payee
from tests.unit import forms
from tests.unit.fake_board import Board, Clock, join
from tests.unit.helpers import Folder, Seeded, raises
from tests.unit.roles import NOW_MS, introduce, pair, payee, payer, run


def signed(anna, amount_minor: int = 12_50, account: str = "bert"):
    """A payment that its payer confirmed; nobody was told of it yet."""
    return anna._sign(anna._decide(account, amount_minor))


def deliver(anna):
    return tap.deliver(anna.device.board, anna.outbox, anna.payees)


def refusal(anna, *others) -> int:
    """Taps, expects a refusal, and returns its reason."""

    async def tapped():
        try:
            found = await deliver(anna)
            return found.reason if found else 0
        except tap.Refused as error:
            return error.reason

    return run(tapped(), *others)


def test_a_payment_reaches_the_ledger_and_is_confirmed():
    with Folder() as folder:
        anna, bert = pair(folder)
        pending = signed(anna)
        assert run(deliver(anna), serve(bert)) is None
        assert anna.outbox.pending == [] and anna.outbox.delivered_minor == 12_50
        ((header, raw),) = bert.book.entries(0, 9)
        assert (header["hash"], header["amount"]) == (pending.txn_hash, 12_50)
        paid = transaction.parse(raw)
        transaction.check_signature(paid)
        assert (paid.from_id, paid.to_id, paid.prev_hash) == ("anna", "bert", "")
        assert bert.device.board.beeps == 1


def test_payments_chain_to_the_one_before_over_restarts():
    with Folder() as folder:
        anna, bert = pair(folder)
        hashes = [signed(anna, amount_minor).txn_hash for amount_minor in (1, 2)]
        again = payer(folder + "/anna", "anna", anna.device.board.clock)
        join(again.device.board.tap, bert.device.board.tap)
        hashes.append(signed(again, 3).txn_hash)
        run(deliver(again), serve(bert))
        paid = [transaction.parse(raw) for _, raw in bert.book.entries(0, 9)]
        assert [payment.prev_hash for payment in paid] == [""] + hashes[:2]  # noqa: RUF005 - see pyproject.toml
        stamps = [payment.timestamp for payment in paid]
        assert stamps == sorted(stamps) and stamps[0][:16] == "2026-11-22T15:01"


def test_a_restart_takes_no_payment_back_in_time():
    with Folder() as folder:
        stamps = []
        for _ in range(3):
            anna = payer(folder, "anna", Clock())  # a board counts from its start
            anna.payees.add(Payee("bert", forms.PAYEE_ECDH.public))
            if not stamps:
                anna.device.advance_time(NOW_MS)
            anna.device.board.clock.now_ms += 3_000_000
            signed(anna)
            stamps.append(anna.outbox.last_time_ms)
        assert stamps == sorted(set(stamps)) and stamps[0] == NOW_MS + 3_000_000


def test_a_lost_acknowledgement_is_given_again_and_counts_once():
    with Folder() as folder:
        anna, bert = pair(folder)
        signed(anna)

        class CutAfterEntry:
            """The wire breaks as soon as the payment stands in the ledger."""

            def __init__(self, port) -> None:
                self.port = port

            def read(self) -> bytes:
                return b"" if bert.book.count else self.port.read()

            def write(self, data: bytes) -> None:
                self.port.write(data)

        whole = anna.device.board.tap
        anna.device.board.tap = CutAfterEntry(whole)
        assert refusal(anna, serve(bert)) == UNAVAILABLE
        assert bert.book.count == 1 and len(anna.outbox.pending) == 1
        anna.device.board.tap = whole
        assert run(deliver(anna), serve(bert)) is None
        assert bert.book.count == 1 and anna.outbox.pending == []
        assert bert.book.total_minor == 12_50


def test_cuts_anywhere_lose_nothing_and_pay_nothing_twice():
    seeded = Seeded("cuts")
    with Folder() as folder:
        anna, bert = pair(folder)
        total_minor = 0
        for number in range(12):
            total_minor += 100 + number
            signed(anna, 100 + number)
            wire, left = anna.device.board.tap, [seeded.below(3_000)]

            class Budget:
                """Lets so many bytes pass in both directions, then nothing."""

                def __init__(self, port, bytes_left: list) -> None:
                    self.port = port
                    self.left = bytes_left

                def read(self) -> bytes:
                    return self.pass_on(self.port.read())

                def write(self, data: bytes) -> None:
                    self.port.write(self.pass_on(data))

                def pass_on(self, data: bytes) -> bytes:
                    passed = data[: self.left[0]]
                    self.left[0] -= len(passed)
                    return passed

            anna.device.board.tap = Budget(wire, left)
            if left[0] % 2:
                refusal_or_none(anna, serve(bert))
            anna.device.board.tap = wire
            anna = restarted(anna, bert) if number % 3 == 0 else anna
        run(deliver(anna), serve(bert))
        assert anna.outbox.pending == []
        assert (bert.book.count, bert.book.total_minor) == (12, total_minor)
        again = payee(folder + "/bert", "bert")
        assert (again.book.count, again.book.total_minor) == (12, total_minor)


def refusal_or_none(anna, *others):
    async def tapped():
        try:
            await deliver(anna)
        except tap.Refused:
            return

    run(tapped(), *others)


def restarted(anna, bert):
    board = anna.device.board
    again = payer(board.root, "anna", board.clock)
    join(again.device.board.tap, bert.device.board.tap)
    return again


def test_nobody_at_the_other_end_is_told_as_such_and_soon():
    with Folder() as folder:
        anna, _ = pair(folder)
        signed(anna)
        start_ms = anna.device.board.clock.ms()
        assert refusal(anna) == UNAVAILABLE
        assert anna.device.board.clock.ms() - start_ms < 5_000
        assert len(anna.outbox.pending) == 1


def test_what_is_not_for_this_payee_is_not_given_to_it():
    with Folder() as folder:
        anna, bert = pair(folder)
        otto = payee(folder + "/otto", "otto", anna.device.board.clock)
        introduce(anna, otto)
        signed(anna, 5_00, "otto")
        assert refusal(anna, serve(bert)) == NOT_FOR_ME
        assert bert.book.count == 0 and len(anna.outbox.pending) == 1


def test_a_till_with_the_payees_name_but_another_key_gets_nothing():
    with Folder() as folder:
        anna, _ = pair(folder)
        signed(anna)
        thief = payee(folder + "/thief", "bert", anna.device.board.clock)
        join(anna.device.board.tap, thief.device.board.tap)
        assert refusal(anna, serve(thief)) == NOT_FOR_ME
        assert thief.book.count == 0 and len(anna.outbox.pending) == 1


def test_another_amount_than_was_asked_for_is_refused_and_stays_pending():
    with Folder() as folder:
        anna, bert = pair(folder)
        bert.book.ask(4_50)
        signed(anna, 4_51)
        assert refusal(anna, serve(bert)) == AMOUNT_DIFFERS
        assert bert.book.count == 0 and len(anna.outbox.pending) == 1
        signed(anna, 4_50)
        assert refusal(anna, serve(bert)) == AMOUNT_DIFFERS  # the first; the second is taken
        assert bert.book.total_minor == 4_50
        assert [pending.amount_minor for pending in anna.outbox.pending] == [4_51]


def test_a_till_that_belongs_to_nobody_says_so():
    with Folder() as folder:
        anna, bert = pair(folder)
        signed(anna)
        bert.device.store.identity = None
        assert refusal(anna, serve(bert)) == NOT_ENROLLED


class FakeTill:
    """A till that answers what it likes: a list of messages, one for each that arrives."""

    def __init__(self, board: Board, answers: list) -> None:
        self.board = board
        self.answers = answers
        self.heard: list = []

    async def serve(self) -> None:
        wire = Link()
        while True:
            wire.step(self.board.tap, self.board.clock.ms())
            message = wire.receive()
            if message is not None:
                self.heard.append(message)
                if self.answers:
                    wire.send(self.answers.pop(0))
            await self.board.clock.sleep_ms(2)


def preq(key: bytes, **changes) -> bytes:
    header = {"request": "00" * 8, "payee": "bert", "name": "", "amount": 0}
    header.update(changes)
    return jsontap.make(jsontap.PREQ, packet.pack(header, forms.jwk(key).encode()))


def test_a_till_that_talks_nonsense_cannot_hurt_the_payer():
    with Folder() as folder:
        anna, bert = pair(folder)
        signed(anna)
        key = bert.device.store.keys.ecdh_public
        good = preq(key)
        ack = {"hash": "ab" * 32, "index": 0, "head": "ab" * 32}
        nonsense = [
            [b"\x63"],
            [b"\x05"],
            [b"\x02"],
            [b"\x02{}\n"],
            [b"\x02" + bytes(100)],
            [jsontap.make(jsontap.PREQ, packet.pack({}, forms.jwk(key).encode()))],
            [jsontap.make(jsontap.PREQ, packet.pack({"payee": "bert"}, b"{}"))],
            [jsontap.make(jsontap.ACK, b"")],
        ]
        for wrong in ({"request": None}, {"request": "zz" * 8}, {"request": "00"}, {"request": 5}):
            nonsense.append([preq(key, **wrong)])
        for wrong in ({"amount": None}, {"amount": "5"}, {"amount": 1.5}, {"amount": []}):
            nonsense.append([preq(key, **wrong)])
        for body in (b"", b"{}\n", packet.pack({"index": 0}), packet.pack({"index": "x"}), good):
            nonsense.append([good, jsontap.make(jsontap.ACK, body)])
        for wrong in ({"index": None}, {"index": 1.5}, {"index": [0]}, {"index": 2**70}):
            told = dict(ack)
            told.update(wrong)
            nonsense.append([good, jsontap.make(jsontap.ACK, packet.pack(told, bytes(32)))])
        for answers in nonsense:
            till = FakeTill(Board(folder, anna.device.board.clock), list(answers))
            join(anna.device.board.tap, till.board.tap)
            assert refusal(anna, till.serve()) in (MALFORMED, BAD_SIGNATURE), answers
        assert len(anna.outbox.pending) == 1


def test_a_forged_acknowledgement_confirms_nothing():
    with Folder() as folder:
        anna, bert = pair(folder)
        pending = signed(anna)
        told = {"hash": pending.txn_hash, "index": 0, "head": "ab" * 32}
        answers = [
            preq(bert.device.store.keys.ecdh_public),
            jsontap.make(jsontap.ACK, packet.pack(told, bytes(32))),
        ]
        till = FakeTill(Board(folder, anna.device.board.clock), answers)
        join(anna.device.board.tap, till.board.tap)
        assert refusal(anna, till.serve()) == BAD_SIGNATURE
        assert len(Outbox(folder + "/anna").pending) == 1


def test_a_refusal_is_shown_in_plain_letters_however_it_is_worded():
    with Folder() as folder:
        anna, _ = pair(folder)
        signed(anna)
        verdict = jsontap.make(jsontap.VERDICT, b"\x0c" + b"\x1b[2J\xff\x00no" * 100)
        till = FakeTill(Board(folder, anna.device.board.clock), [verdict])
        join(anna.device.board.tap, till.board.tap)

        async def tapped():
            try:
                await deliver(anna)
            except tap.Refused as error:
                return error
            raise AssertionError("not refused")

        error = run(tapped(), till.serve())
        assert error.reason == BAD_SIGNATURE
        assert all(" " <= c <= "~" for c in error.detail) and len(error.detail) <= 80


def test_a_payer_that_talks_nonsense_cannot_hurt_the_till():
    with Folder() as folder:
        clock = pair(folder)[0].device.board.clock
        bert = payee(folder + "/bert", "bert", clock)
        board = Board(folder, clock)
        join(board.tap, bert.device.board.tap)
        sealed, _ = envelope.seal(
            transaction.parse(forms.text(forms.payment(to_id='"bert"'))),
            bert.device.store.keys.ecdh_public,
        )
        nonsense = [b"\x63", b"\x00", b"\x00\x02", b"\x06", b"\x06" + bytes(8), b"\x06" + bytes(9)]
        nonsense += [b"\x06" + bytes(8) + b"{" * 4_000, b"\x06" + bytes(5_000), b"\x07x", b"\x02"]
        nonsense += [b"\x06" + bytes(8) + sealed.encode()]  # of a request that never was

        async def talk():
            wire = Link()
            wire.connect(7)
            answers = []
            for message in nonsense:
                while wire.state != OPEN or not wire.is_idle():
                    wire.step(board.tap, clock.ms())
                    await clock.sleep_ms(2)
                wire.send(message)
                answer = None
                while answer is None:
                    assert wire.state != CLOSED
                    wire.step(board.tap, clock.ms())
                    answer = wire.receive()
                    await clock.sleep_ms(2)
                answers.append(answer)
            return answers

        answers = run(talk(), serve(bert))
        assert [answer[0] for answer in answers] == [jsontap.VERDICT] * len(nonsense)
        assert bert.book.count == 0


def test_a_payer_and_a_till_find_each_other_again_after_a_restart_of_the_till():
    with Folder() as folder:
        anna, bert = pair(folder)
        signed(anna, 1_00)
        run(deliver(anna), serve(bert))
        again = payee(folder + "/bert", "bert", anna.device.board.clock)
        join(anna.device.board.tap, again.device.board.tap)
        signed(anna, 2_00)
        run(deliver(anna), serve(again))
        assert (again.book.count, again.book.total_minor) == (2, 3_00)


def test_what_a_failed_test_leaves_is_noticed():
    async def broken():
        raise ValueError("in the background")

    async def waits():
        await asyncio.sleep(0)

    raises(ValueError, run, waits(), broken())
