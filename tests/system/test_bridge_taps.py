"""Payments by tap are brought to the bank from either board, and its answers back, once."""

import pytest

from bank import server
from firmware.common.hardware.pins import BUZZER
from firmware.common.wire.errors import BAD_SIGNATURE, CANNOT_OPEN, MALFORMED, Refused
from host_tools import bundle
from host_tools.bank_client import BankClient
from host_tools.bridge import run
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.outbox import Outbox
from tests.system.market import Market
from tests.system.people import Person

PAID = "PAID"
FUNDS_MINOR = 100_00
BEEPED = f"pin {BUZZER} 1"  # the till has entered a payment


def test_both_boards_hear_of_it_whichever_comes_first(market: Market) -> None:
    """The payer's copy with its receipt settles as well as the till's ledger does, and once."""
    by_payer = market.carry(market.payer)
    assert (by_payer.report["uploaded"], by_payer.refusals) == (1, [])
    assert market.balances() == (FUNDS_MINOR - 12_50, 12_50)
    assert list(market.payer.payments().values()) == ["settled"]
    assert market.verdicts() == [None]
    assert market.pair.pay(1_00)["outcome"] == PAID
    by_payee = market.carry(market.payee)
    assert (by_payee.report["uploaded"], by_payee.refusals) == (2, [])
    assert market.verdicts() == [1, 0]  # settled by another route, settled
    market.carry()
    assert list(market.payer.payments().values()) == ["settled", "settled"]
    assert market.balances() == (FUNDS_MINOR - 13_50, 13_50)
    total = market.payee.call("total")["guaranteed"]
    assert (total["paid_minor"], total["unsettled_minor"], total["judged"]) == (13_50, 0, 2)
    assert set(market.carry().report.values()) == {0}


def test_the_bank_is_down(market: Market) -> None:
    """What boards told is kept; without them it goes up, and its answers wait."""
    with pytest.raises(CommandError, match="cannot be reached") as caught:
        market.carry(url=f"http://127.0.0.1:{server.free_port()}")
    assert caught.value.exit_code == NOT_REACHABLE
    assert market.waits() == {"upload": 1, "sync": 1}
    run(market.bridge(), [])
    assert market.balances() == (FUNDS_MINOR - 12_50, 12_50)
    assert market.waits() == {"receipt": 1, "statement": 1}
    assert market.verdicts() == [None]
    bridge = market.carry()
    assert (bridge.report["applied"], bridge.report["uploaded"], bridge.refusals) == (2, 0, [])
    assert market.verdicts() == [0]
    assert list(market.payer.payments().values()) == ["settled"]
    assert market.waits() == {}


def test_cut_short_after_each_step(market: Market) -> None:
    for person in 2 * market_people(market):
        market.bridge().collect(person.device)
    assert market.waits() == {"upload": 1, "sync": 1}
    for _ in range(2):
        market.bridge().upload()
    assert market.waits() == {"receipt": 1, "statement": 1}
    for person in market_people(market):
        device = person.call("status")["device"]
        kept = {
            (batch, kind): market.outbox.read(batch, kind)
            for kind in ("receipt", "statement")
            for batch in market.outbox.waiting(kind, device)
        }
        assert market.bridge().give_back(person.device, device) == 1
        for (batch, kind), answer in kept.items():  # the crash came before it was dropped
            market.outbox.put(batch, kind, answer)
    assert market.waits() == {"receipt": 1, "statement": 1}
    bridge = market.carry()
    assert (bridge.refusals, market.waits()) == ([], {})
    assert (market.verdicts(), market.balances()) == ([0], (FUNDS_MINOR - 12_50, 12_50))


def test_a_payment_that_only_the_till_confirms_is_asked_about_again(market: Market) -> None:
    """Its receipt was lost; the bank is told it alone, then hears of it from the till."""
    beeps = market.payee.board.events
    known = len(beeps())
    market.pair.wire.pass_on = lambda _direction, data: (
        b"" if any(event == BEEPED for _, event in beeps()[known:]) else data
    )
    assert market.pair.pay(2_00)["outcome"] == "NOT CONFIRMED YET"
    assert market.carry(market.payer).report["uploaded"] == 3  # told, and asked about once
    assert market.carry(market.payer).report["uploaded"] == 1
    assert list(market.payer.payments().values()) == ["settled", "signed"]
    market.carry(market.payee)
    assert market.carry(market.payer).refusals == []
    assert list(market.payer.payments().values()) == ["settled", "settled"]
    with pytest.raises(Refused):
        market.payer.call("tap_again")
    assert set(market.carry().report.values()) == {0}


def market_people(market: Market) -> tuple[Person, ...]:
    return market.payer, market.payee


def test_another_computer_was_faster(market: Market) -> None:
    """What this one collected before is of no use any more, and does no harm."""
    for person in market_people(market):
        market.bridge().collect(person.device)
    slow, market.outbox = market.outbox, Outbox(market.folder / "another")
    market.carry()
    assert market.pair.pay(2_00)["outcome"] == PAID
    market.outbox = slow
    bridge = market.carry()
    assert (bridge.refusals, market.waits()) == ([], {})
    assert market.verdicts() == [0, 0]
    assert market.balances() == (FUNDS_MINOR - 14_50, 14_50)


def test_answers_that_were_changed(market: Market) -> None:
    """A board takes nothing that the bank did not sign; then it takes what the bank did."""
    for person in market_people(market):
        market.bridge().collect(person.device)
    market.bridge().upload()
    for kind in ("receipt", "statement"):
        (batch,) = market.outbox.waiting(kind)
        (first, message), *news = bundle.split(market.answer(kind))
        changed = message[:-1] + bytes((message[-1] ^ 1,))
        market.outbox.put(batch, kind, bundle.join([(first, changed), *news]))
    bridge = market.bridge()
    for person in market_people(market):
        bridge.give_back(person.device, person.call("status")["device"])
    assert [refusal["reason"] for refusal in bridge.refusals] in (
        [CANNOT_OPEN, BAD_SIGNATURE],
        [MALFORMED, BAD_SIGNATURE],
    )
    assert market.verdicts() == [None]
    assert list(market.payer.payments().values()) == ["delivered"]
    again = market.carry()
    assert (again.refusals, market.verdicts()) == ([], [0])
    assert market.balances() == (FUNDS_MINOR - 12_50, 12_50)


def test_a_refund_goes_back(market: Market) -> None:
    assert market.payee.agree("refund", "GIVE BACK?", index=0, amount=2_50) == "DONE"
    market.carry()
    assert market.verdicts() == [0, 0]
    assert market.balances() == (FUNDS_MINOR - 10_00, 10_00)


def test_a_closed_purse_pays_no_more(market: Market) -> None:
    """What it held returns when its time and its grace are over; until then it is set apart."""
    (purse,) = market.payer.call("purses")["purses"]
    assert market.payer.agree("close_purse", "CLOSE PURSE?", purse=purse["purse"]) == "DONE"
    market.carry()
    assert market.balances() == (FUNDS_MINOR - 12_50, 12_50)
    refused = market.pair.pay(1_00)
    assert refused["outcome"] == "CANCELLED"
    (delta,) = [m for n, m in bundle.split(BankClient(market.office.url).news(0)) if n == 11][-1:]
    assert bytes.fromhex(purse["purse"]) in delta
    assert market.payee.call("status")["revoked"] > 0
