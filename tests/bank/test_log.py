"""The log of decisions: what makes it grow and what does not, and how something is found in it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits
from bank.config import Settings
from firmware.common.wire.errors import (
    CHAIN_BROKEN,
    FROZEN,
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    REPLAY,
)
from host_tools.commands.bank import bank as opg_bank
from tests import builder
from tests.bank.teller import Teller
from tests.builder import Device, Ledger, transaction

TRANSFER_ID = "00000000-0000-4000-8000-000000000001"


def test_junk_from_anybody_adds_no_row_but_a_count(teller: Teller) -> None:
    """Anonymous junk that makes the log grow without bound."""
    teller.open("bert")
    before = rows(teller)
    for n in range(5):
        assert teller.post(b'{"junk":%d}' % n).get_json()["audit_log_ids"] == []
        assert teller.post(b"\xff" * n).status_code == 400
    stranger = Device("bert")
    for amount in ("1", "2", "3"):
        entries = Ledger().append(transaction(stranger, "bert", amount)).entries
        answer = teller.upload(stranger, entries).get_json()
        assert (answer["reason"], answer["audit_log_ids"]) == (NOT_ENROLLED, [])
    assert rows(teller) == before
    today = datetime.now(UTC).date()
    found = teller.look("/bank-refusals")["refusals"]
    assert {row["day"] for row in found} <= {str(today), str(today - timedelta(days=1))}
    counts: dict[str, int] = {}
    for row in found:
        counts[row["name"]] = counts.get(row["name"], 0) + row["count"]
    assert counts["not enrolled"] == 3
    assert sum(counts.values()) == 13


def test_a_forged_signature_of_an_enrolled_device_is_not_its_word(teller: Teller) -> None:
    """Whoever knows a device's public key cannot fill its account's log."""
    bert = teller.open("bert")
    before = rows(teller)
    (entry,) = Ledger().append(transaction(bert, "bert")).entries
    inside = builder.signed_ledger(f"[{entry}]", Device("bert"))
    inside["receiver_public_key"] = builder.jwk(bert.signing)
    members = builder.seal(builder.text(inside).encode(), bert.ecdh, teller.ecdh_jwk)
    members["receiver_public_key"] = builder.jwk(bert.ecdh)
    answer = teller.post(builder.text(members)).get_json()
    assert (answer["name"], answer["audit_log_ids"]) == ("bad signature", [])
    assert rows(teller) == before


def test_the_same_refusal_is_recorded_once(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payments = [transaction(anna, "bert", "1") for _ in range(3)]
    entries = Ledger().append(*payments).entries
    answers = [teller.upload(bert, entries[1:]).get_json() for _ in range(5)]
    assert {answer["reason"] for answer in answers} == {CHAIN_BROKEN}
    ids = {tuple(answer["audit_log_ids"]) for answer in answers}
    assert len(ids) == 1
    found = [row["id"] for row in rows(teller) if row["action"] == "refuse ledger"]
    assert [tuple(found)] == list(ids)
    other = teller.upload(bert, entries[2:]).get_json()
    assert (other["reason"], tuple(other["audit_log_ids"]) in ids) == (CHAIN_BROKEN, False)


def test_a_device_frozen_a_second_time_is_recorded_a_second_time(teller: Teller) -> None:
    """The same fork again after an operator lifted the freeze: that is another decision."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    teller.settle(bert, transaction(anna, "bert", "1"))
    fork = Ledger().append(transaction(anna, "bert", "2")).entries
    reasons = []
    for _ in range(2):
        reasons += [teller.upload(bert, fork).get_json()["reason"] for _ in range(3)]
        teller.operate("unfreeze", account_id="bert", device_id=bert.device_id)
    assert reasons == [LEDGER_FORK, FROZEN, FROZEN] * 2
    found = [row["reason"] for row in rows(teller) if row["action"] == "refuse ledger"]
    assert sorted(found) == sorted([LEDGER_FORK, FROZEN, LEDGER_FORK])


def test_a_settled_ledger_brought_again_and_again_adds_one_row(teller: Teller) -> None:
    """Anybody can send what was sent once."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    entries = Ledger().append(transaction(anna, "bert", "1")).entries
    assert teller.upload(bert, entries).status_code == 200
    before = len(rows(teller))
    ids = {tuple(teller.upload(bert, entries).get_json()["audit_log_ids"]) for _ in range(4)}
    assert (len(ids), len(rows(teller))) == (1, before + 1)
    assert set(*ids) <= {row["id"] for row in rows(teller)}


def test_a_log_is_searched_by_account_action_reason_and_time(teller: Teller, owner: Cursor) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    teller.settle(bert, transaction(anna, "bert", "1"), transaction(anna, "bert", "1000"))
    teller.operate("freeze", account_id="anna")
    assert {row["account_id"] for row in rows(teller, account_id="anna")} == {"anna"}
    assert [row["account_id"] for row in rows(teller, action="enrol")] == ["bert", "anna"]
    (short,) = rows(teller, reason="no funds")
    assert short["action"] == "unguaranteed"
    assert rows(teller, reason=str(short["reason"])) == [short]
    (only,) = rows(teller, account_id="anna", action="freeze", reason="ok")
    assert only["subject"] == "anna"
    owner.execute("UPDATE audit_logs SET at = '2020-01-31 12:00Z' WHERE action = 'enrol'")
    for since, count in (("2020-01-31", 2), ("2020-01-31T12:00:00", 2), ("2020-02-01", 0)):
        found = rows(teller, action="enrol", since=since)
        assert len(found) == count
    assert len(rows(teller, action="enrol", since="2020-01-31T14:00:00+02:00")) == 2
    assert rows(teller, limit="1", offset="1") == rows(teller)[1:2]


@pytest.mark.parametrize(
    "query",
    [
        {"account_id": "a" * 65},
        {"account_id": "a\0"},
        {"action": "drop table"},
        {"action": ""},
        {"reason": str(limits.REASONS_MAX)},
        {"reason": "-1"},
        {"reason": "' OR 1=1"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"since": "9" * 400},
    ],
)
def test_what_cannot_be_searched_for_is_refused(teller: Teller, query: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {teller.bank.operator_token}"}
    response = teller.client.get(f"/bank-logs?{urlencode(query)}", headers=headers)
    assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


def test_reasons_max(teller: Teller) -> None:
    """One that only a newer version knows can be looked for."""
    assert rows(teller, reason=str(limits.REASONS_MAX - 1)) == []


def test_an_operator_searches_and_counts_by_command(
    teller: Teller, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPG_HOME", str(settings.key_dir.parent))
    teller.open("anna", 5_00)
    teller.open("bert")
    teller.post(b"junk")

    def run(*arguments: str) -> Any:
        done = CliRunner().invoke(opg_bank, [*arguments, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    found = run("logs", "--account", "anna", "--action", "fund", "--reason", "ok")["logs"]
    assert [row["detail"]["amount"] for row in found] == ["5.00"]
    assert run("logs", "--since", "2999-01-01")["logs"] == []
    assert [row["count"] for row in run("refusals")["refusals"]] == [1]
    done = CliRunner().invoke(opg_bank, ["logs", "--since", "soon"])
    assert (done.exit_code, "[reason 1]" in done.output) == (3, True)


def test_a_transfer_id_used_for_one_wallet_is_refused_for_another(teller: Teller) -> None:
    """Funding sent again with another wallet, answered as if that one had the money."""
    teller.open("anna")
    teller.open("bert")
    teller.operate("wallets", account_id="anna", wallet_id="trip")

    def fund(account_id: str, wallet_id: str | None, amount: int) -> tuple[int, Any]:
        response = teller.operate(
            "fund",
            account_id=account_id,
            wallet_id=wallet_id,
            amount=amount,
            transfer_id=TRANSFER_ID,
        )
        answer = response.get_json()
        return response.status_code, answer.get("result") or answer["reason"]

    assert fund("anna", None, 5) == (200, "created")
    assert fund("anna", None, 5) == (200, "exists")
    for other in (("anna", "trip", 5), ("anna", None, 6), ("bert", None, 5)):
        assert fund(*other) == (409, REPLAY)
    assert (teller.balance("anna"), teller.balance("anna", "trip")) == (5_00, 0)


def rows(teller: Teller, **query: str) -> Any:
    """What the log holds, as an operator reads it."""
    return teller.look(f"/bank-logs?{urlencode({'limit': limits.PAGE_ROWS_MAX, **query})}")["logs"]
