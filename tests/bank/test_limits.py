"""Every bound of the bank: exactly at it works, one above is refused."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from click.testing import CliRunner
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from werkzeug.test import TestResponse

import bank
from bank import create_app, db, limits
from bank.config import Settings
from bank.db import CONNECTION_OPTIONS, Database
from firmware.common.interchange import jsontext
from firmware.common.wire.errors import (
    BUSY,
    MALFORMED,
    OK,
    OVER_LIMIT,
    TOO_LARGE,
    UNAVAILABLE,
    Refused,
)
from firmware.common.wire.limits import (
    AMOUNT_MINOR_MAX,
    ID_BYTES_MAX,
    JSON_DEPTH_MAX,
    JSON_MEMBERS_MAX,
    TRANSACTION_BYTES_MAX,
)
from host_tools.commands.bank import bank as opg_bank
from tests import builder
from tests.bank.teller import Teller, verdicts
from tests.builder import Device, Ledger, Raw, transaction

BRIDGE_WAITS_S = 30  # host_tools.bank_client


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = db.open_database(settings)
    yield database
    database.close()


def test_ledger_entries_max(teller: Teller) -> None:
    """One payment again and again, which costs least: the first pays, the rest are duplicates."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payment = transaction(anna, "bert", "1")
    ledger = Ledger().append(*[payment] * (limits.LEDGER_ENTRIES_MAX + 1))
    response = teller.upload(bert, ledger.entries)
    assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)
    answer = teller.upload(bert, ledger.entries[:-1]).get_json()
    expected = [("SETTLED", OK)] + [("DUPLICATE", OK)] * (limits.LEDGER_ENTRIES_MAX - 1)
    assert verdicts(answer) == expected
    assert teller.balance("bert") == 1_00


def test_such_a_ledger_with_the_longest_ids_fits_a_body(teller: Teller) -> None:
    wallet_id = builder.quote("w" * ID_BYTES_MAX)
    payment = transaction(
        Device("p" * ID_BYTES_MAX), "e" * ID_BYTES_MAX, "39999999.99", wallet_id=wallet_id
    )
    payment["prev_hash"] = builder.quote("0" * 64)
    key = json.loads(payment["sender_public_key"]) | {"ext": True, "key_ops": ["verify"]}
    payment["sender_public_key"] = json.dumps(key, separators=(",", ":"))
    (entry,) = Ledger().append(payment).entries
    text = f"[{','.join([entry] * limits.LEDGER_ENTRIES_MAX)}]"
    receiver = Device("e")
    sealed = builder.seal_ledger(builder.signed_ledger(text, receiver), receiver, teller.ecdh_jwk)
    assert len(sealed) <= limits.BODY_BYTES_MAX
    assert sum(text.count(mark) for mark in ",{[") <= limits.LEDGER_MARKS_MAX


@pytest.mark.parametrize("path", ["settle-ledger", "verify-ledger"])
def test_body_bytes_max(teller: Teller, path: str) -> None:
    body = b'{"a":"' + b"x" * (limits.BODY_BYTES_MAX - 8) + b'"}'
    assert reason_of(teller.post(body, path)) != TOO_LARGE
    response = teller.post(body + b" ", path)
    assert (response.status_code, reason_of(response)) == (413, TOO_LARGE)


def test_operator_body_bytes_max(teller: Teller) -> None:
    head = b'{"account_id":"anna","name":"Anna"'
    body = head + b" " * (limits.OPERATOR_BODY_BYTES_MAX - len(head) - 1) + b"}"
    headers = {"Authorization": f"Bearer {teller.bank.operator_token}"}

    def post(body: bytes) -> int:
        return teller.client.post(
            "/operator/accounts", data=body, content_type="application/json", headers=headers
        ).status_code

    assert (post(body), post(body + b" ")) == (200, 413)


def test_envelope_marks_max(teller: Teller) -> None:
    """Further members are ignored up to the bound; beyond it nothing is parsed."""
    receiver = Device("bert")
    good = builder.encrypted_ledger([], receiver, teller.ecdh_jwk)
    marks = sum(good.count(mark) for mark in ",{[")

    def more(count: int) -> str:
        return good[:-1] + ',"more":[' + ",".join("1" * (count - marks - 1)) + "]}"

    answers = [teller.post(more(limits.ENVELOPE_MARKS_MAX + extra)).get_json() for extra in (0, 1)]
    assert "has few members" not in answers[0]["message"]
    assert "has few members" in answers[1]["message"]


def test_ledger_marks_max(teller: Teller) -> None:
    """What would take long to refuse does not: a flood of items inside the encryption."""
    receiver = Device("bert")

    def flood(marks: int) -> tuple[int, float]:
        inside = '{"ledger":[' + ",".join("1" * (marks - 1)) + "]}"
        members = builder.seal(inside.encode(), receiver.ecdh, teller.ecdh_jwk)
        members["receiver_public_key"] = builder.jwk(receiver.ecdh)
        start = time.process_time()
        reason = reason_of(teller.post(builder.text(members)))
        return reason, time.process_time() - start

    assert flood(limits.LEDGER_MARKS_MAX)[0] != TOO_LARGE
    reason, seconds = flood(limits.LEDGER_MARKS_MAX + 1)
    assert reason == TOO_LARGE
    assert flood(2_000_000)[1] < 1 and seconds < 1


@pytest.mark.parametrize("sign", ["x", "ä", "🥨"])
def test_name_bytes_max(teller: Teller, sign: str) -> None:
    fits = sign * (limits.NAME_BYTES_MAX // len(sign.encode()))
    for account_id, name in (("anna", fits), ("bert", fits + sign), ("carl", "")):
        status = teller.operate("accounts", account_id=account_id, name=name).status_code
        assert status == (200 if name == fits else 400)
    device = Device("anna")
    keys = {
        "signing_key": json.loads(builder.jwk(device.signing)),
        "ecdh_key": json.loads(builder.jwk(device.ecdh)),
    }
    for name, status in ((fits + sign, 400), (fits, 200)):
        assert teller.operate("devices", account_id="anna", name=name, **keys).status_code == status


@pytest.mark.parametrize("sign", ["x", "ä"])
def test_id_bytes_max(teller: Teller, sign: str) -> None:
    fits = sign * (ID_BYTES_MAX // len(sign.encode()))
    assert teller.operate("accounts", account_id=fits, name="n").status_code == 200
    assert teller.operate("accounts", account_id=fits + sign, name="n").status_code == 400
    assert teller.operate("wallets", account_id=fits, wallet_id=fits).status_code == 200
    assert teller.operate("wallets", account_id=fits, wallet_id=fits + sign).status_code == 400
    anna, bert = teller.open("anna", 1_00), teller.open("bert")
    payments = [transaction(anna, "bert", wallet_id=builder.quote(w)) for w in (fits, fits + sign)]
    found = verdicts(teller.settle(bert, *payments))
    assert found[0][1] != MALFORMED and found[1] == ("REFUSED", MALFORMED)


def test_amount_minor_max(teller: Teller) -> None:
    anna, bert = teller.open("anna", AMOUNT_MINOR_MAX), teller.open("bert")
    most, more = transaction(anna, "bert", "40000000"), transaction(anna, "bert", "40000000.01")
    assert verdicts(teller.settle(bert, more, most)) == [("REFUSED", OVER_LIMIT), ("SETTLED", OK)]
    assert teller.operate("fund", account_id="anna", amount=40_000_001).status_code == 400


def test_transaction_bytes_max(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")

    def padded(size: int) -> Raw:
        payment = transaction(anna, "bert", "1")
        key = payment["sender_public_key"]
        payment["sender_public_key"] = key[:-1] + ',"use":""}'
        room = size - len(builder.text(payment))
        payment["sender_public_key"] = f'{key[:-1]},"use":"{"x" * room}"}}'
        assert len(builder.text(payment)) == size
        return payment

    sizes = (TRANSACTION_BYTES_MAX + 1, TRANSACTION_BYTES_MAX)
    found = verdicts(teller.settle(bert, *(padded(size) for size in sizes)))
    assert found == [("REFUSED", TOO_LARGE), ("SETTLED", OK)]


def test_json_depth_and_members_max() -> None:
    for depth, allowed in ((JSON_DEPTH_MAX - 1, True), (JSON_DEPTH_MAX, False)):
        assert parses(b'{"a":' + b"[" * depth + b"]" * depth + b"}") is allowed
    for count, allowed in ((JSON_MEMBERS_MAX, True), (JSON_MEMBERS_MAX + 1, False)):
        assert parses(b"{" + b",".join(b'"%d":1' % n for n in range(count)) + b"}") is allowed


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"limit={limits.PAGE_ROWS_MAX}", 200),
        (f"limit={limits.PAGE_ROWS_MAX + 1}", 400),
        ("limit=1", 200),
        ("limit=0", 400),
        (f"offset={limits.PAGE_OFFSET_MAX}", 200),
        (f"offset={limits.PAGE_OFFSET_MAX + 1}", 400),
        ("offset=0", 200),
        ("offset=-1", 400),
    ],
)
def test_page_bounds(teller: Teller, query: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {teller.bank.operator_token}"}
    for path in ("/bank-logs", "/operator/accounts"):
        assert teller.client.get(f"{path}?{query}", headers=headers).status_code == status


def test_page_rows(teller: Teller) -> None:
    """What a page holds where nobody says how much."""
    for n in range(limits.PAGE_ROWS + 1):
        teller.operate("accounts", account_id=f"account-{n}", name="n")
    assert len(teller.look("/bank-logs")["logs"]) == limits.PAGE_ROWS
    assert len(teller.look("/operator/accounts")["accounts"]) == limits.PAGE_ROWS


def test_generations_max(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GENERATIONS_MAX", 2)
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    request = {"account_id": "bert", "device_id": bert.device_id}
    teller.settle(bert, transaction(anna, "bert", "1"))
    assert teller.operate("ledgers", **request).get_json()["generation"] == 1
    ledger = Ledger(genesis=f"GENESIS:{bert.device_id}:1").append(transaction(anna, "bert", "1"))
    assert teller.upload(bert, ledger.entries).status_code == 200
    assert teller.operate("ledgers", **request).get_json()["reason"] == OVER_LIMIT


@pytest.mark.parametrize("workers", [0, limits.WORKERS_MAX + 1])
def test_workers_max(workers: int) -> None:
    done = CliRunner().invoke(opg_bank, ["run", "--workers", str(workers)])
    assert done.exit_code == 2 and "--workers" in done.output


def test_threads_per_worker_and_pool_wait(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread has its connection; one more waits, and not for ever."""
    with occupied(database, limits.THREADS_PER_WORKER - 1):
        assert database.run(lambda cursor: 1) == 1
    monkeypatch.setattr(limits, "POOL_WAIT_S", 0.05)
    with occupied(database, limits.THREADS_PER_WORKER), pytest.raises(Refused) as refused:
        database.run(lambda cursor: 1)
    assert refused.value.reason == BUSY
    assert database.run(lambda cursor: 1) == 1


@pytest.mark.parametrize(
    ("setting", "value_ms"),
    [
        ("statement_timeout", limits.STATEMENT_TIMEOUT_MS),
        ("lock_timeout", limits.LOCK_TIMEOUT_MS),
        ("idle_in_transaction_session_timeout", limits.IDLE_TIMEOUT_MS),
    ],
)
def test_the_server_knows_its_bounds(database: Database, setting: str, value_ms: int) -> None:
    def show(cursor: Cursor) -> int:
        cursor.execute("SELECT setting FROM pg_settings WHERE name = %s", (setting,))
        (text,) = cursor.fetchone() or ("0",)
        return int(text)

    assert database.run(show) == value_ms


def test_statement_timeout(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with impatient(settings, monkeypatch, "statement_timeout=100") as database:
        database.run(lambda cursor: cursor.execute("SELECT pg_sleep(0.01)"))
        with pytest.raises(Refused) as refused:
            database.run(lambda cursor: cursor.execute("SELECT pg_sleep(10)"))
        assert refused.value.reason == UNAVAILABLE


def test_lock_timeout_and_transaction_bounds(
    settings: Settings, teller: Teller, owner: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a lock that is never let go a request ends as busy, in the time it has."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    body = builder.encrypted_ledger(
        Ledger().append(transaction(anna, "bert")).entries, bert, teller.ecdh_jwk
    )
    monkeypatch.setattr(limits, "TRANSACTION_S_MAX", 0.5)
    options = CONNECTION_OPTIONS.replace(
        f"lock_timeout={limits.LOCK_TIMEOUT_MS}", "lock_timeout=200"
    )
    monkeypatch.setattr(db, "CONNECTION_OPTIONS", options)
    app = create_app(settings)
    start = time.monotonic()
    with closing(psycopg2.connect(settings.database_owner_url)) as other:
        other.cursor().execute("SELECT 1 FROM wallets WHERE account_id = 'anna' FOR UPDATE")
        response = app.test_client().post(
            "/settle-ledger", data=body.encode(), content_type="application/json"
        )
    assert (response.status_code, response.get_json()["reason"]) == (503, BUSY)
    assert 0.5 <= time.monotonic() - start < 5
    app.extensions["bank"].database.close()
    assert verdicts(teller.post(body).get_json()) == [("SETTLED", OK)]


def test_transaction_attempts_max(database: Database) -> None:
    tries = []

    def fail(cursor: Cursor) -> None:
        tries.append(1)
        raise psycopg2.errors.SerializationFailure

    with pytest.raises(Refused) as refused:
        database.run(fail)
    assert (len(tries), refused.value.reason) == (limits.TRANSACTION_ATTEMPTS_MAX, BUSY)


def test_connect_timeout(settings: Settings) -> None:
    """A host that does not answer is given up in bounded time, whatever the URL says."""
    nowhere = replace(settings, database_url="postgresql://opg@nowhere/opg?connect_timeout=60")
    database = db.open_database(nowhere)
    pool: Any = database._pool
    assert pool._kwargs["connect_timeout"] == limits.CONNECT_TIMEOUT_S
    database.close()


def test_all_waits_together_end_before_the_bridge_gives_up() -> None:
    worst_s = limits.POOL_WAIT_S + limits.TRANSACTION_S_MAX + limits.STATEMENT_TIMEOUT_MS / 1000
    assert worst_s < BRIDGE_WAITS_S
    assert limits.LOCK_TIMEOUT_MS < limits.STATEMENT_TIMEOUT_MS


def test_every_bound_is_used_and_walked() -> None:
    """All but how long a process may take to start or to stop."""
    names = {name for name in vars(limits) if name.isupper()}
    root = Path(bank.__file__).parents[1]
    commands = root / "host_tools" / "commands" / "bank"
    product = [*(root / "bank").rglob("*.py"), *commands.glob("*.py")]
    assert set().union(*map(bounds_in, product)) == names
    walks = Path(__file__).parent.glob("test_*limits.py")
    others = [Path(__file__).with_name(f"test_{name}.py") for name in ("door", "log")]
    assert names - set().union(*map(bounds_in, [*walks, *others])) == {
        "CONNECTIONS_PER_WORKER",  # which the server keeps for us
        "DATABASE_START_S",
        "DATABASE_STOP_S",
        "DATABASE_FAILURES_MAX",
        "SERVER_START_S",
        "SERVER_STOP_S",
    }


def bounds_in(path: Path) -> set[str]:
    """Those that the code of a file uses, or sets."""
    return set(re.findall(r'\blimits(?:\.|, ")([A-Z_]+)', path.read_text()))


def reason_of(response: TestResponse) -> int:
    return response.get_json()["reason"]


def parses(raw: bytes) -> bool:
    try:
        jsontext.members(raw)
    except Refused:
        return False
    return True


@contextmanager
def occupied(database: Database, count: int) -> Iterator[None]:
    """As many threads within a transaction of theirs."""
    inside, leave = threading.Barrier(count + 1, timeout=10), threading.Event()

    def work(cursor: Cursor) -> None:
        inside.wait()
        assert leave.wait(10)

    threads = [threading.Thread(target=database.run, args=(work,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    inside.wait()
    try:
        yield
    finally:
        leave.set()
        for thread in threads:
            thread.join(10)


@contextmanager
def impatient(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, option: str
) -> Iterator[Database]:
    monkeypatch.setattr(db, "CONNECTION_OPTIONS", f"{CONNECTION_OPTIONS} -c {option}")
    database = db.open_database(settings)
    yield database
    database.close()
