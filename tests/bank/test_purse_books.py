"""The books of purses: PostgreSQL refuses what must not be, and `check` finds what is."""

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits, policy
from bank.config import Settings
from bank.db import CONNECTION_OPTIONS
from bank.queries import purse_checks
from tests.bank.opg1_teller import (
    DAY_S,
    Board,
    Opg1Teller,
    Purse,
    entry,
)
from tests.bank.till import Till

GRACE_OVER_S = policy.PURSE_DAYS * DAY_S + policy.GRACE_H * 3_600 + limits.END_SLACK_S + 1


@pytest.fixture
def spent(opg1: Opg1Teller, anna: Board, bert: Board) -> Purse:
    """A purse of which [0, 12.50) is spent."""
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    opg1.report(anna, purse, [entry(2, txn, opg1.ack(bert, txn))])
    return purse


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (
            "UPDATE purses SET claimed = claimed + int8multirange(int8range(1000, 2000)),"
            " claimed_minor = claimed_minor + 1000",
            "purses_claimed_once",
        ),
        (
            "UPDATE purses SET claimed = claimed + int8multirange(int8range(9900, 10100)),"
            " claimed_minor = claimed_minor + 200",
            "purses_claimed_within",
        ),
        ("UPDATE purses SET claimed_minor = claimed_minor + 1", "purses_claimed_once"),
        ("UPDATE purses SET reserve_minor = -1", "purses_reserve_not_negative"),
        ("UPDATE purses SET state = 'ended'", "purses_ended_empty"),
        ("UPDATE purses SET state = 'revoked'", "purses_revoked_has_news"),
        ("UPDATE spends SET refunded_minor = 1251", "spends_given_back_within"),
    ],
)
def test_postgresql_itself_refuses(
    opg1: Opg1Teller, spent: Purse, settings: Settings, statement: str, constraint: str
) -> None:
    connection = psycopg2.connect(settings.database_url, options=CONNECTION_OPTIONS)
    with pytest.raises(errors.CheckViolation) as refused, connection.cursor() as cursor:
        cursor.execute(statement)
    assert refused.value.diag.constraint_name == constraint
    connection.close()


def test_a_counter_cannot_be_used_twice_even_by_hand(
    opg1: Opg1Teller, spent: Purse, settings: Settings
) -> None:
    connection = psycopg2.connect(settings.database_url, options=CONNECTION_OPTIONS)
    for column, constraint in (("txn_hash", "spends_pkey"), ("ctr", "spends_txn_hash_key")):
        other = {"txn_hash": "sha256('x')", "ctr": "9"}[column]
        names = "payer_account, purse_id, ctr, first_minor, cum_minor, status, verdict, txn_hash,"
        names += " txn, payee_account, payee_device"
        values = names.replace(f" {column},", f" {other},", 1)
        with pytest.raises(errors.UniqueViolation) as refused, connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO spends ({names}) SELECT {values} FROM spends")  # noqa: S608
        assert refused.value.diag.constraint_name == constraint
        connection.rollback()
    connection.close()


@pytest.fixture
def books(opg1: Opg1Teller, anna: Board, till: Till, owner: Cursor) -> Opg1Teller:
    """Books with a paid, a contradicting and a closed purse, and a refund and an entry by hand."""
    purse, other = opg1.top_up(anna, 60_00), opg1.top_up(anna, 10_00, "other")
    clone = purse.clone()
    for copy, amount in ((purse, 12_50), (clone, 12_50)):
        till.append(copy.pay(till.board, amount, t_lb=copy is clone))
    till.settle()
    opg1.report(anna, other, [entry(4, other.close())])
    owner.execute("UPDATE audit_logs SET at = at - interval '1 hour'")
    opg1.now += 61
    opg1.client.get("/news")
    assert opg1.violations() == {}
    return opg1


_ENTRY = (
    "INSERT INTO ledger_entries (account_id, device_id, form, generation, ledger_index,"
    " entry_hash, txn_hash, payer_account, verdict, reason) SELECT account_id, device_id, 'opg1',"
    " 0, 9, sha256('e'), sha256('t'), 'anna', 0, 0 FROM devices WHERE account_id = 'bert'"
)
KEPT = ("purses", "spends", "covers", "revocations", "beacons", "audit_checkpoints", "proofs")
BREAKS = {
    "what a purse has claimed is what its spends consume": [
        "DELETE FROM spends WHERE status = 'paid'",
        "UPDATE purses SET claimed = '{}', claimed_minor = 0",
        "UPDATE spends SET cum_minor = cum_minor + 1",
    ],
    "every claim pays the sum of its spends": [
        "UPDATE spends SET reserve_minor = reserve_minor - 1 WHERE status = 'paid'",
        "DELETE FROM transfers WHERE kind = 'claim'",
        "DELETE FROM spends WHERE status = 'paid'",
    ],
    "every cover has its transfer, and belongs to a payment": [
        "DELETE FROM covers",
        "DELETE FROM transfers WHERE kind = 'cover'",
        "DELETE FROM conflicts",
        "UPDATE covers SET amount_minor = amount_minor + 1",
    ],
    "every payment got what its verdict says, and never more than its amount": [
        "UPDATE conflicts SET verdict = 3",
        "UPDATE spends SET verdict = 3 WHERE status = 'paid'",
        "UPDATE conflicts SET cum_minor = cum_minor - 1",
        "DELETE FROM covers",
    ],
    "no payment is both a spend and a conflict": [
        "UPDATE conflicts SET txn_hash = (SELECT txn_hash FROM spends WHERE status = 'paid')"
    ],
    "every settled entry of OPG1 has its payment or its refund": [_ENTRY],
    "what was refunded of a payment is the sum of its refunds": [
        "UPDATE spends SET refunded_minor = 1 WHERE status = 'paid'",
        "INSERT INTO refunds SELECT account_id, device_id, 1, 'anna', sha256('x'), 1,"
        " device_id, convert_to(repeat('x', 126), 'UTF8'), gen_random_uuid(), now() FROM devices",
    ],
    "every purse is in the directory under its account": [
        "DELETE FROM purse_directory",
        "UPDATE purse_directory SET pub = convert_to(encode(purse_id, 'hex'), 'UTF8')",
    ],
    "every purse that is closed or revoked is in the news": [
        "DELETE FROM revocations WHERE seq = 2",
        "UPDATE purses SET revoked_seq = 9 WHERE state = 'closed'",
    ],
    "the revocations are one chain without a gap": [
        "DELETE FROM revocations WHERE seq = 1",
        "UPDATE revocations SET id8 = substring(sha256('x') FOR 8) WHERE seq = 1",
        "UPDATE revocations SET root = sha256('x') WHERE seq = 2",
    ],
    "the audit log is as its checkpoints say": [
        "DELETE FROM audit_logs WHERE action = 'enrol' AND account_id = 'bert'",
        "UPDATE audit_logs SET subject = 'x' WHERE action = 'enrol' AND account_id = 'bert'",
        "UPDATE audit_checkpoints SET head = sha256('x')",
    ],
}


@pytest.mark.parametrize(
    ("name", "statement"), [(name, text) for name, texts in BREAKS.items() for text in texts]
)
def test_check_finds_what_is_broken(
    books: Opg1Teller, settings: Settings, name: str, statement: str
) -> None:
    connection = psycopg2.connect(settings.database_owner_url)
    with connection.cursor() as cursor:  # never committed
        cursor.execute(statement)
        cursor.execute(purse_checks.INVARIANTS[name])
        assert cursor.fetchall()
    connection.rollback()
    connection.close()


def test_every_invariant_is_broken_once_above() -> None:
    assert set(BREAKS) == set(purse_checks.INVARIANTS)


@pytest.mark.parametrize(
    "statement",
    [
        *map("DELETE FROM {}".format, KEPT),
        "UPDATE purses SET pub = sha256('x')",
        "UPDATE purses SET allowance_minor = 1",
        "UPDATE spends SET txn = sha256('x')",
        "UPDATE revocations SET id8 = sha256('x')",
        "UPDATE certificates SET roles = 3",
        "UPDATE enrolment_codes SET sealed = sha256('x')",
        "UPDATE enrolment_codes SET expires = 0",
        "UPDATE covers SET amount_minor = 1",
    ],
)
def test_what_never_changes_cannot_be_changed(settings: Settings, statement: str) -> None:
    connection = psycopg2.connect(settings.database_url, options=CONNECTION_OPTIONS)
    with pytest.raises(errors.InsufficientPrivilege), connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
