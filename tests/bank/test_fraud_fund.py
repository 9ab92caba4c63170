"""How the fraud fund is filled, whom it pays for, and who decides that."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Done

from bank import policy
from bank.config import Settings
from firmware.common.wire.errors import MALFORMED, NOT_AUTHORISED, OVER_LIMIT, REPLAY, UNKNOWN_PAYEE
from host_tools.commands.bank import bank as opg_bank
from tests.bank.opg1_teller import COVERED, SETTLED, UNPAID, Opg1Teller, Purse, reason
from tests.bank.till import Till, shop

Run = Callable[..., Done]
TRANSFER_ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def run(settings: Settings, opg1: Opg1Teller) -> Run:
    """`opg bank …`, in this process."""
    environment = {**settings.environment(), "OPG_HOME": str(settings.key_dir.parent)}
    return lambda *arguments: CliRunner().invoke(opg_bank, arguments, env=environment)


def told(done: Done) -> Any:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def whole_purse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A till may take all of a purse here, so that few payments empty it."""
    monkeypatch.setattr(policy, "PAYEE_PERCENT", 100)


@pytest.fixture
def twice(opg1: Opg1Teller) -> tuple[Purse, Till, Till]:
    """A purse of 10.00 of a payer who has nothing else, and two shops for the same 10.00."""
    poor = opg1.board("poor", 11_00)
    return opg1.top_up(poor, 10_00), shop(opg1, "bert"), shop(opg1, "clara")


def spend_twice(purse: Purse, bert: Till, clara: Till) -> list[int]:
    clone = purse.clone()
    verdicts = bert.append(purse.pay(bert.board, 10_00)).settle().verdicts
    return verdicts + clara.append(clone.pay(clara.board, 10_00)).settle().verdicts


def test_the_fund_covers_what_nothing_else_does(
    opg1: Opg1Teller, run: Run, twice: tuple[Purse, Till, Till]
) -> None:
    """Of the second 10.00 the bond has 1.00; the rest is the fund's, off Clara's guarantee."""
    filled = told(run("fund-fraud", "500", "--transfer-id", TRANSFER_ID, "--json"))
    assert filled == {"result": "created", "transfer_id": TRANSFER_ID}
    assert told(run("guarantee", "clara", "20.00", "--json")) == {
        "account_id": "clara",
        "guarantee_minor": 20_00,
        "result": "created",
    }
    assert spend_twice(*twice) == [SETTLED, COVERED]
    assert opg1.balance("clara") == 10_00
    assert opg1.balance("bank", "fund") == 491_00
    rows = {row["account_id"]: row for row in opg1.look("/operator/accounts")["accounts"]}
    assert (rows["clara"]["guarantee_minor"], rows["bert"]["guarantee_minor"]) == (11_00, 0)


def test_nobody_has_a_guarantee_to_begin_with(
    opg1: Opg1Teller, run: Run, twice: tuple[Purse, Till, Till]
) -> None:
    told(run("fund-fraud", "500", "--json"))
    assert spend_twice(*twice) == [SETTLED, UNPAID]
    assert (opg1.balance("clara"), opg1.balance("bank", "fund")) == (1_00, 500_00)


def test_a_guarantee_is_set_and_not_added_to(opg1: Opg1Teller, run: Run) -> None:
    opg1.board("clara")
    for amount, result in (("5", "created"), ("5", "exists"), ("0.00", "created"), ("0", "exists")):
        assert told(run("guarantee", "clara", amount, "--json"))["result"] == result
    rows = opg1.look("/bank-logs?action=set%20guarantee")["logs"]
    assert [(row["account_id"], row["detail"]["amount"]) for row in rows] == [
        ("clara", "0.00"),
        ("clara", "5.00"),
    ]
    assert "the fraud fund pays up to 7.50" in run("guarantee", "clara", "7.50").output


def test_the_fund_is_filled_once_for_an_id(opg1: Opg1Teller) -> None:
    def fill(amount: int) -> tuple[int, Any]:
        response = opg1.operate("fraud-fund", amount=amount, transfer_id=TRANSFER_ID)
        answer = response.get_json()
        return response.status_code, answer.get("result") or answer["reason"]

    assert [fill(5), fill(5), fill(6)] == [(200, "created"), (200, "exists"), (409, REPLAY)]
    opg1.operate("accounts", account_id="anna", name="Anna")
    other = opg1.operate("fund", account_id="anna", amount=5, transfer_id=TRANSFER_ID)
    assert (other.status_code, reason(other)) == (409, REPLAY)
    paid = "00000000-0000-4000-8000-000000000002"
    opg1.operate("fund", account_id="anna", amount=5, transfer_id=paid)
    assert reason(opg1.operate("fraud-fund", amount=5, transfer_id=paid)) == REPLAY
    assert opg1.balance("bank", "fund") == 5_00
    (row,) = opg1.look("/bank-logs?action=fill%20fraud%20fund")["logs"]
    assert (row["actor"], row["subject"], row["detail"]) == (
        "operator",
        TRANSFER_ID,
        {"amount": "5.00"},
    )


@pytest.mark.parametrize(
    ("path", "members", "expected"),
    [
        ("fraud-fund", {"amount": 0}, OVER_LIMIT),
        ("fraud-fund", {"amount": "5"}, MALFORMED),
        ("fraud-fund", {}, MALFORMED),
        ("fraud-fund", {"amount": 1.005}, MALFORMED),
        ("fraud-fund", {"amount": 40_000_001}, OVER_LIMIT),
        ("fraud-fund", {"amount": 5, "transfer_id": "x"}, MALFORMED),
        ("guarantee", {"account_id": "nobody", "amount": 5}, UNKNOWN_PAYEE),
        ("guarantee", {"account_id": "bank", "amount": 5}, UNKNOWN_PAYEE),
        ("guarantee", {"account_id": "anna", "amount": -5}, MALFORMED),
        ("guarantee", {"account_id": "anna"}, MALFORMED),
    ],
)
def test_what_is_no_amount_moves_nothing(
    opg1: Opg1Teller, path: str, members: dict[str, Any], expected: int
) -> None:
    opg1.operate("accounts", account_id="anna", name="Anna")
    assert reason(opg1.operate(path, **members)) == expected
    assert opg1.balance("bank", "fund") == 0


@pytest.mark.parametrize("path", ["fraud-fund", "guarantee"])
def test_only_the_operator_decides(opg1: Opg1Teller, path: str) -> None:
    answer = opg1.client.post(f"/operator/{path}", json={"amount": 5})
    assert (answer.status_code, reason(answer)) == (401, NOT_AUTHORISED)
