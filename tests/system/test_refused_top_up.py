"""A purse that the bank will not give: the board hears no, people hear why, and all goes on."""

from pathlib import Path

import pytest

from firmware.common.wire.errors import FROZEN, MALFORMED, NO_FUNDS, OVER_LIMIT
from host_tools import bundle
from host_tools.bridge import run
from host_tools.finger import wait_for
from host_tools.outbox import Outbox
from tests.system.market import Market
from tests.system.office import Office
from tests.system.people import Room

VERDICT = 5
NO_PURSE = "NO PURSE"


@pytest.fixture
def market(office: Office, room: Room, tmp_path: Path) -> Market:
    """A payer with a purse of 60.00 who has paid 12.50 of it; 34.00 are left on the account."""
    market = Market(office, room, tmp_path, "100.00", 60_00)
    assert market.pair.pay(12_50)["outcome"] == "PAID"
    market.payee.put_away()
    return market


def ask(market: Market, amount_minor: int) -> None:
    assert market.payer.agree("top_up", "TOP UP?", amount=amount_minor) == "DONE"


def purses(market: Market) -> list[int]:
    """What each of the payer's purses was given."""
    return [row["allowance"] for row in market.payer.call("purses")["purses"]]


def reads_why(market: Market, *lines: str) -> None:
    """The payer's screen says so until OK is pressed."""
    assert wait_for(market.payer.device, NO_PURSE, until_outcome=False)
    for line in lines:
        market.payer.wait_to_see(line)
    market.payer.put_away()


def test_no_funds_then_funds(market: Market) -> None:
    ask(market, 50_00)
    bridge = market.carry()
    assert [refusal["reason"] for refusal in bridge.refusals] == [NO_FUNDS]
    assert "the bank gave no purse: no funds. " in bridge.refusals[0]["message"]
    reads_why(market, "50.00", "no funds")
    assert any("NO PURSE no funds" in line for line in market.payer.log())
    # What was paid is settled by the same report, and the board asks for nothing any more.
    assert list(market.payer.payments().values()) == ["settled"]
    assert (purses(market), market.payer.call("purses")["asked_for"]) == ([60_00], 0)
    again = market.carry()
    assert (again.refusals, set(again.report.values()), market.waits()) == ([], {0}, {})
    market.office.fund(market.payer.account, "21.00")
    ask(market, 50_00)
    funded = market.carry()
    assert (funded.refusals, purses(market)) == ([], [60_00, 50_00])
    market.payer.restart()  # the next day
    assert purses(market) == [60_00, 50_00]
    assert market.pair.pay(1_00)["outcome"] == "PAID"
    market.payee.put_away()
    assert market.carry().refusals == []
    assert market.verdicts() == [0, 0]
    assert market.balances() == (121_00 - 13_50, 13_50)


def test_the_daily_cap_and_a_freeze(market: Market) -> None:
    market.office.fund(market.payer.account, "1000.00")
    ask(market, 100_01)
    assert [refusal["reason"] for refusal in market.carry().refusals] == [OVER_LIMIT]
    reads_why(market, "over limit")
    device = market.payer.call("status")["device"]
    where = f'{{"account_id": "{market.payer.account}", "device_id": "{device}"}}'.encode()
    market.office.client.post("/operator/freeze", where)
    ask(market, 10_00)
    assert [refusal["reason"] for refusal in market.carry(market.payer).refusals] == [FROZEN]
    reads_why(market, "frozen")
    market.office.client.post("/operator/unfreeze", where)
    ask(market, 10_00)
    assert market.carry(market.payer).refusals == []
    assert purses(market)[-1] == 10_00


def test_a_report_that_was_forgotten_in_an_outbox_gets_nobody_a_purse(market: Market) -> None:
    """One computer has it, another brings it; the money is there when the first goes up at last."""
    ask(market, 50_00)
    market.bridge().collect(market.payer.device)
    slow, market.outbox = market.outbox, Outbox(market.folder / "another")
    assert [refusal["reason"] for refusal in market.carry(market.payer).refusals] == [NO_FUNDS]
    reads_why(market)
    market.office.fund(market.payer.account, "100.00")
    market.outbox = slow
    run(market.bridge(), [])
    assert market.waits() == {"statement": 1}
    row = market.office.row(market.payer.account)
    assert row["reserved_minor"] == 66_00 - 12_50  # of the first purse and its bond
    market.carry(market.payer)
    assert (market.waits(), purses(market)) == ({}, [60_00])


def test_the_answer_waits_until_the_board_is_there(market: Market) -> None:
    """The reason waits with it; one that was spoilt on the way costs no more than another run."""
    ask(market, 50_00)
    market.bridge().collect(market.payer.device)
    run(market.bridge(), [])
    (batch,) = market.outbox.waiting("statement")
    answer = market.outbox.read(batch, "statement")
    messages = bundle.split(answer)
    assert [number for number, _ in messages][:2] == [19, VERDICT]
    spoilt = [m if m[0] != VERDICT else (VERDICT, m[1][:-1]) for m in messages]
    market.outbox.put(batch, "statement", bundle.join(spoilt))
    bridge = market.carry(market.payer)
    assert [refusal["reason"] for refusal in bridge.refusals] == [MALFORMED, NO_FUNDS]
    reads_why(market, "no funds")
    assert set(market.carry(market.payer).report.values()) == {0}
