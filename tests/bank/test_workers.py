"""The bank as it runs: granian, four worker processes, many bridges at once."""

import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bank import server
from bank.config import Settings
from firmware.common.wire.errors import MALFORMED, NO_FUNDS, OK, TOO_LARGE
from tests import builder
from tests.bank.teller import Teller, verdicts
from tests.builder import Ledger, transaction

WORKERS = 4
STREAMS = 8


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
        connection = http.client.HTTPConnection("127.0.0.1", bank_port, timeout=60)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/settle-ledger", body.encode(), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    return post


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


def test_accounts_that_pay_each_other_never_wait_in_a_circle(teller: Teller, post: Post) -> None:
    """20 accounts paying each other in 8 streams give no deadlock to a client."""
    parties = [teller.open(f"party-{n}", 100_00) for n in range(20)]
    ledgers = [Ledger() for _ in parties]
    for n, ledger in enumerate(ledgers):
        payers = (parties[(n + step) % len(parties)] for step in (1, 7, 13, 19, 4))
        ledger.append(*(transaction(payer, f"party-{n}", "1") for payer in payers))
    bodies = [
        builder.encrypted_ledger(ledger.entries, party, teller.ecdh_jwk)
        for party, ledger in zip(parties, ledgers, strict=True)
    ]
    with ThreadPoolExecutor(STREAMS) as threads:
        answers = list(threads.map(post, bodies))
    assert all(status == 200 and answer["settled"] for status, answer in answers)
    assert {teller.balance(party.account) for party in parties} == {100_00}


def test_a_body_without_a_declared_length_is_refused(bank_port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", bank_port, timeout=60)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/settle-ledger", iter([b"{}"]), headers, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["reason"]) == (400, MALFORMED)


def test_a_body_of_50_mib_is_refused_before_it_is_read(bank_port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", bank_port, timeout=60)
    connection.putrequest("POST", "/settle-ledger")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(50 * 1024 * 1024))
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["reason"]) == (413, TOO_LARGE)


def test_a_bank_that_cannot_start_says_so(settings: Settings, tmp_path: Path) -> None:
    broken = replace(settings, key_dir=tmp_path / "keys", port=server.free_port())
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "keys.json").write_text("{}")
    (tmp_path / "keys" / "keys.json").chmod(0o644)
    with pytest.raises(server.Refused), server.running(broken, 1, tmp_path / "log"):
        pass
    assert "chmod 600" in (tmp_path / "log").read_text()
