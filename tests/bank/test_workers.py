"""The bank as it runs: granian, four worker processes, many bridges at once."""

import http.client
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits, server
from bank.config import Settings
from firmware.common.wire.errors import MALFORMED, NO_FUNDS, OK, REPLAY, TOO_LARGE
from tests import builder
from tests.bank.teller import Teller, verdicts
from tests.builder import Ledger, transaction

WORKERS = 4
STREAMS = 8
ROUNDS = 4
SEED = 7


@pytest.fixture(scope="module")
def bank_port(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A running bank on the database of the session."""
    port = server.free_port()
    log = tmp_path_factory.mktemp("bank") / "log"
    with server.running(replace(settings, port=port), WORKERS, log):
        yield port


@pytest.fixture
def post(bank_port: int) -> Callable[[str], tuple[int, Any]]:
    """Posts a body to /settle-ledger: status and answer."""

    def post(body: str) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        with closing(connect(bank_port)) as connection:
            connection.request("POST", "/settle-ledger", body.encode(), headers)
            return read(connection)

    return post


def connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def read(connection: http.client.HTTPConnection) -> tuple[int, Any]:
    response = connection.getresponse()
    return response.status, json.loads(response.read())


Post = Callable[[str], tuple[int, Any]]


def test_one_ledger_posted_twenty_times_settles_once(teller: Teller, post: Post) -> None:
    """The same ledger posted ten times at once settling more than once."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payments = [transaction(anna, "bert", "10") for _ in range(12)]
    body = builder.encrypted_ledger(Ledger().append(*payments).entries, bert, teller.ecdh_jwk)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(post, [body] * 20))
    assert {status for status, _ in answers} == {200}
    expected = [("SETTLED", OK)] * 10 + [("UNGUARANTEED", NO_FUNDS)] * 2
    assert all(verdicts(answer) == expected for _, answer in answers)
    assert len({json.dumps(answer["settled_transactions"]) for _, answer in answers}) == 1
    receipts = [json.loads(answer["receipt"]) for _, answer in answers]
    assert len({json.dumps({**receipt, "time": 0}) for receipt in receipts}) == 1
    assert (teller.balance("anna"), teller.balance("bert")) == (0, 100_00)


def test_ten_payments_of_80_through_four_workers_settle_once(teller: Teller, post: Post) -> None:
    """Ten payments of 80 from a wallet of 100 through four workers."""
    anna = teller.open("anna", 100_00)
    shops = [teller.open(f"shop-{n}") for n in range(10)]
    bodies = [
        builder.encrypted_ledger(
            Ledger().append(transaction(anna, shop.account, "80")).entries, shop, teller.ecdh_jwk
        )
        for shop in shops
    ]
    with ThreadPoolExecutor(10) as threads:
        answers = [answer for _, answer in threads.map(post, bodies)]
    assert sum(answer["settled"] for answer in answers) == 1
    assert teller.balance("anna") == 20_00
    assert sorted(teller.balance(shop.account) for shop in shops) == [0] * 9 + [80_00]


def test_accounts_that_pay_each_other_never_wait_in_a_circle(
    teller: Teller, post: Post, owner: Cursor
) -> None:
    """20 accounts paying each other in 8 streams give no deadlock to a client."""
    chance = random.Random(SEED)
    parties = [teller.open(f"party-{n}", 100_00) for n in range(20)]
    bodies = []
    for n, party in enumerate(parties):
        ledger = Ledger()
        for _ in range(ROUNDS):
            payers = chance.sample([*parties[:n], *parties[n + 1 :]], 5)
            ledger.append(*(transaction(payer, party.account, "1") for payer in payers))
            bodies.append(builder.encrypted_ledger(ledger.entries, party, teller.ecdh_jwk))
    chance.shuffle(bodies)  # so a ledger also comes before its own beginning, which it repeats
    before = deadlocks(owner)
    with ThreadPoolExecutor(STREAMS) as threads:
        answers = list(threads.map(post, bodies))
    assert {status for status, _ in answers} == {200}, f"seed {SEED}"
    assert deadlocks(owner) == before
    assert sum(teller.balance(party.account) for party in parties) == 20 * 100_00


def test_one_txn_id_from_two_wallets_to_two_shops_is_paid_once(teller: Teller, post: Post) -> None:
    """No lock is shared by the two; the key of the transfers decides, and nobody is told 500."""
    anna = teller.open("anna", 100_00)
    teller.operate("wallets", account_id="anna", wallet_id="trip")
    teller.fund("anna", 100_00, "trip")
    for n in range(10):
        shops = [teller.open(f"shop-{n}-{wallet_id}") for wallet_id in ("", "trip")]
        txn_id = builder.quote(str(uuid.UUID(int=n, version=4)))
        wallets = ("null", '"trip"')
        bodies = [
            builder.encrypted_ledger(
                Ledger()
                .append(transaction(anna, shop.account, "1", txn_id=txn_id, wallet_id=wallet))
                .entries,
                shop,
                teller.ecdh_jwk,
            )
            for shop, wallet in zip(shops, wallets, strict=True)
        ]
        with ThreadPoolExecutor(2) as threads:
            answers = [answer for _, answer in threads.map(post, bodies)]
        found = sorted(verdicts(answer)[0] for answer in answers)
        assert found == [("REFUSED", REPLAY), ("SETTLED", OK)]


def test_a_device_enrolled_ten_times_at_once_is_enrolled_once(
    teller: Teller, bank_port: int
) -> None:
    teller.operate("accounts", account_id="anna", name="anna")
    key = json.loads(builder.jwk(builder.new_key()))
    body = json.dumps({"account_id": "anna", "signing_key": key, "ecdh_key": key}).encode()
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {teller.bank.operator_token}",
    }

    def enrol(_: int) -> tuple[int, str]:
        with closing(connect(bank_port)) as connection:
            connection.request("POST", "/operator/devices", body, headers)
            status, answer = read(connection)
            return status, answer["result"]

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(enrol, range(10)))
    assert sorted(answers) == [(200, "created")] + [(200, "exists")] * 9


def test_a_body_without_a_declared_length_is_refused(bank_port: int) -> None:
    headers = {"Content-Type": "application/json"}
    with closing(connect(bank_port)) as connection:
        connection.request("POST", "/settle-ledger", iter([b"{}"]), headers, encode_chunked=True)
        status, answer = read(connection)
    assert (status, answer["reason"]) == (400, MALFORMED)


def test_a_body_of_50_mib_is_refused_before_it_is_read(bank_port: int) -> None:
    with closing(connect(bank_port)) as connection:
        connection.putrequest("POST", "/settle-ledger")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(50 * 1024 * 1024))
        connection.endheaders()
        status, answer = read(connection)
    assert (status, answer["reason"]) == (413, TOO_LARGE)


def test_a_bank_that_cannot_start_says_so(settings: Settings, tmp_path: Path) -> None:
    broken = replace(settings, key_dir=tmp_path / "keys", port=server.free_port())
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "keys.json").write_text("{}")
    (tmp_path / "keys" / "keys.json").chmod(0o644)
    with pytest.raises(server.Refused), server.running(broken, 1, tmp_path / "log"):
        pass
    assert "chmod 600" in (tmp_path / "log").read_text()


def test_a_bank_told_to_stop_as_soon_as_it_answers_stops_at_once(
    settings: Settings, tmp_path: Path
) -> None:
    """Some of its workers are still starting then; none has to be killed, which takes longer.

    The log does not tell: two threads of granian wait for each worker, and the later one may take
    it for alive.
    """
    for _ in range(3):
        with server.running(replace(settings, port=server.free_port()), WORKERS, tmp_path / "log"):
            start = time.monotonic()
        assert time.monotonic() - start < limits.SERVER_STOP_S


def deadlocks(owner: Cursor) -> int:
    """How many the server has broken up in this database so far."""
    owner.execute("SELECT pg_stat_force_next_flush()")
    owner.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    (count,) = owner.fetchone() or (0,)
    return count
