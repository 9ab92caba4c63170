"""The HTTP interface: what it says, whom it lets in, and that no input makes it fail."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extensions import make_dsn

from bank import create_app
from bank.config import Settings
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CANNOT_OPEN,
    KEY_MISSING,
    MALFORMED,
    NOT_AUTHORISED,
    REPLAY,
    TOO_LARGE,
    UNAVAILABLE,
    UNKNOWN_PAYEE,
    WRONG_WALLET,
)
from tests import builder
from tests.bank.teller import Teller
from tests.builder import Device, Ledger, transaction

LEDGER_PATHS = ("settle-ledger", "verify-ledger")
OPERATOR_PATHS = ("accounts", "wallets", "devices", "fund", "freeze", "unfreeze")


def test_the_front_page_says_what_this_is(teller: Teller) -> None:
    page = teller.client.get("/").get_json()
    assert page["name"] == "Offline Payment Gateway: bank"
    assert "/settle-ledger" in page["endpoints"]


def test_healthz_asks_the_database(teller: Teller) -> None:
    response = teller.client.get("/healthz")
    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})


def test_the_public_keys_are_points_of_the_curve(teller: Teller) -> None:
    keys = teller.public_keys
    assert (keys["format"], keys["algorithm"]) == ("JWK", "ECDH P-256")
    for name in ("public_key", "signing_key"):
        assert set(keys[name]) == {"kty", "crv", "x", "y"}
        builder.public_key(json.dumps(keys[name]))  # raises off the curve


def test_secrets_are_readable_by_their_owner_alone(teller: Teller, settings: Settings) -> None:
    for name in ("keys.json", "operator-token"):
        assert stat.S_IMODE((settings.key_dir / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.key_dir.stat().st_mode) == 0o700


def test_keys_are_made_once(teller: Teller, settings: Settings) -> None:
    again = Teller(create_app(settings))
    again.bank.database.close()
    assert again.public_keys == teller.public_keys
    assert again.bank.operator_token == teller.bank.operator_token


@pytest.mark.parametrize("path", OPERATOR_PATHS)
@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", "Bearer Ä", "Basic YTpi", "bearer  ", "\x7f"]
)
def test_operators_need_their_token(teller: Teller, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    body = {"account_id": "anna", "name": "Anna"}
    response = teller.client.post(f"/operator/{path}", json=body, headers=headers)
    assert (response.status_code, response.get_json()["reason"]) == (401, NOT_AUTHORISED)


@pytest.mark.parametrize("path", ["/bank-logs", "/operator/accounts"])
def test_reading_needs_the_token_too(teller: Teller, path: str) -> None:
    assert teller.client.get(path).status_code == 401
    assert teller.look(path)


def test_the_bank_advises_those_who_deal_with_it(teller: Teller) -> None:
    """An operator told to import a connection code, a bridge told what a payer should do."""
    unknown = teller.operate("freeze", account_id="nobody").get_json()["message"]
    assert "opg bank account open" in unknown and "opg import" not in unknown
    bert = teller.open("bert")
    elsewhere = builder.encrypted_ledger([], bert, builder.jwk(builder.new_key()))
    sealed = teller.post(elsewhere).get_json()["message"]
    assert "--bank" in sealed and "connection code" not in sealed
    keyless = teller.operate("devices", account_id="bert").get_json()
    assert (keyless["name"], "opg key" in keyless["message"]) == ("key missing", True)
    assert "import" not in keyless["message"]


def test_the_log_is_paged_newest_first(teller: Teller) -> None:
    for account in ("anna", "bert", "carl"):
        teller.operate("accounts", account_id=account, name=account)
    pages = [teller.look(f"/bank-logs?limit=1&offset={n}")["logs"] for n in range(3)]
    assert [row["subject"] for (row,) in pages] == ["carl", "bert", "anna"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=٣", "offset=-1"])
def test_pages_are_bounded(teller: Teller, query: str) -> None:
    headers = {"Authorization": f"Bearer {teller.bank.operator_token}"}
    response = teller.client.get(f"/bank-logs?{query}", headers=headers)
    assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/settle-ledger", 405), ("DELETE", "/", 405)],
)
def test_unknown_pages_and_methods(teller: Teller, method: str, path: str, status: int) -> None:
    response = teller.client.open(path, method=method)
    assert response.status_code == status
    assert response.get_json()["reason"] == MALFORMED


@pytest.mark.parametrize("path", LEDGER_PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"iv":"\xff"}',
        b'{"iv":"\\u0000"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 100_000,
        b'{"receiver_public_key":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}',
        b'{"encrypted_payload":1,"encrypted_aes_key":2,"iv":3,"receiver_public_key":4}',
    ],
)
def test_what_is_no_ledger_is_refused(teller: Teller, path: str, body: bytes) -> None:
    response = teller.post(body, path)
    answer = response.get_json()
    assert response.status_code == 400
    assert answer["reason"] in (MALFORMED, KEY_MISSING)
    assert answer["settled"] is False and answer["errors"] == [answer["message"]]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_taken(teller: Teller, content_type: str | None) -> None:
    response = teller.client.post("/settle-ledger", data=b"{}", content_type=content_type)
    assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


@pytest.mark.parametrize("path", LEDGER_PATHS)
def test_a_body_of_50_mib_is_refused(teller: Teller, path: str) -> None:
    response = teller.post(b"x" * (50 * 1024 * 1024), path)
    assert (response.status_code, response.get_json()["reason"]) == (413, TOO_LARGE)


def test_an_unsigned_plaintext_ledger_is_refused(teller: Teller) -> None:
    anna = teller.open("anna", 100_00)
    teller.open("bert")
    entries = Ledger().append(transaction(anna, "bert")).entries
    response = teller.post('{"ledger":[' + ",".join(entries) + "]}")
    assert (response.status_code, response.get_json()["reason"]) == (400, KEY_MISSING)
    assert teller.balance("bert") == 0


def test_a_ledger_with_a_wrong_signature_is_refused(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    array = "[" + Ledger().append(transaction(anna, "bert")).entries[0] + "]"
    inside = builder.signed_ledger(array, bert)
    inside["signature"] = builder.quote(builder.b64(b"\x5a" * 64))
    response = teller.post(builder.seal_ledger(inside, bert, teller.ecdh_jwk))
    assert (response.status_code, response.get_json()["reason"]) == (400, BAD_SIGNATURE)


def test_a_ledger_sealed_to_another_key_does_not_open(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    entries = Ledger().append(transaction(anna, "bert")).entries
    body = builder.encrypted_ledger(entries, bert, builder.jwk(builder.new_key()))
    response = teller.post(body)
    assert (response.status_code, response.get_json()["reason"]) == (400, CANNOT_OPEN)


def test_an_empty_ledger_is_refused(teller: Teller) -> None:
    response = teller.upload(teller.open("bert"), [])
    assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


@pytest.mark.parametrize(
    "txn_id", ['"\\u0000"', "7", '"' + "\\u0000" * 36 + '"', '"' + "x" * 36 + '"', "null"]
)
def test_a_strange_txn_id_is_judged_and_kept(teller: Teller, txn_id: str) -> None:
    """PostgreSQL takes neither NUL in a text nor a uuid that is none."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    answer = teller.settle(bert, transaction(anna, "bert", txn_id=txn_id))
    assert answer["verdicts"][0]["verdict"] == "REFUSED"


@pytest.mark.parametrize("account_id", ["", "a\0b", "a\nb", "x" * 65, "ä" * 33])
def test_strange_account_ids_are_refused(teller: Teller, account_id: str) -> None:
    for path in ("accounts", "freeze"):
        response = teller.operate(path, account_id=account_id, **_name(path))
        assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


@pytest.mark.parametrize("amount", ["-1", "0", "true", '"5"', "1e3", "0.001", "[]", "NaN"])
def test_funding_takes_money_only(teller: Teller, amount: str) -> None:
    teller.open("anna")
    body = f'{{"account_id":"anna","amount":{amount}}}'.encode()
    headers = {"Authorization": f"Bearer {teller.bank.operator_token}"}
    response = teller.client.post(
        "/operator/fund", data=body, content_type="application/json", headers=headers
    )
    assert response.status_code == 400
    assert teller.balance("anna") == 0


@pytest.mark.parametrize("wallet_id", ["a\0b", "x" * 65, "none such"])
def test_a_strange_wallet_is_refused(teller: Teller, wallet_id: str) -> None:
    teller.open("anna")
    response = teller.operate("fund", account_id="anna", amount=1, wallet_id=wallet_id)
    assert (response.status_code, response.get_json()["reason"]) in (
        (400, MALFORMED),
        (400, WRONG_WALLET),
    )


def test_funding_again_with_one_id_pays_once(teller: Teller) -> None:
    teller.open("anna")
    transfer_id = "8d8ac610-566d-4ef0-9c22-186b2a5ed793"
    request = {"account_id": "anna", "amount": 5, "transfer_id": transfer_id}
    answers = [teller.operate("fund", **request).get_json() for _ in range(2)]
    assert [answer["result"] for answer in answers] == ["created", "exists"]
    assert teller.balance("anna") == 5_00
    other = teller.operate("fund", **{**request, "amount": 6})
    assert (other.status_code, other.get_json()["reason"]) == (409, REPLAY)
    bad = teller.operate("fund", **{**request, "transfer_id": "8D8AC610"})
    assert bad.status_code == 400


@pytest.mark.parametrize("account_id", ["nobody", "bank"])
def test_only_parties_are_operated_on(teller: Teller, account_id: str) -> None:
    device = Device(account_id)
    answers = (
        teller.operate("fund", account_id=account_id, amount=1),
        teller.operate("freeze", account_id=account_id),
        teller.operate("wallets", account_id=account_id, wallet_id="w"),
        teller.enrol(device),
    )
    assert [a.get_json()["reason"] for a in answers] == [UNKNOWN_PAYEE] * 4


def test_opening_and_enrolling_again_changes_nothing(teller: Teller) -> None:
    anna = teller.open("anna")
    assert teller.operate("accounts", account_id="anna", name="anna").get_json() == {
        "result": "exists"
    }
    assert teller.operate("accounts", account_id="anna", name="Other").status_code == 400
    assert teller.operate("accounts", account_id="bank", name="The bank").status_code == 400
    assert teller.enrol(anna).get_json() == {"result": "exists"}
    teller.open("carl")
    assert teller.enrol(Device("carl", anna.signing)).status_code == 400
    assert teller.enrol(Device("anna", anna.signing)).status_code == 400


def test_a_private_key_is_not_enrolled(teller: Teller) -> None:
    anna = teller.open("anna")
    key = {**json.loads(builder.jwk(anna.signing)), "d": "AAAA"}
    response = teller.operate("devices", account_id="anna", signing_key=key, ecdh_key=key)
    assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


def test_a_script_in_a_name_stays_text(teller: Teller) -> None:
    """Stored script in names shown to the operator."""
    name = "<script>alert(1)</script>"
    teller.open("anna", name=name)
    headers = {"Authorization": f"Bearer {teller.bank.operator_token}"}
    response = teller.client.get("/operator/accounts", headers=headers)
    assert response.content_type == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.get_json()["accounts"][0]["name"] == name


def test_without_a_database_it_answers_503(settings: Settings, tmp_path: Path) -> None:
    nowhere = replace(settings, database_url=f"postgresql://opg@/opg?host={tmp_path}")
    client = create_app(nowhere).test_client()
    for response in (client.get("/healthz"), client.post("/settle-ledger", json={})):
        assert (response.status_code, response.get_json()["reason"]) == (503, UNAVAILABLE)
    assert client.get("/bank-public-key").status_code == 200


def test_a_database_without_tables_is_named(settings: Settings) -> None:
    assert settings.database_owner_url
    empty = replace(settings, database_url=make_dsn(settings.database_owner_url, dbname="postgres"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "bank.db.CONNECTION_OPTIONS", ""
        )  # the role opg_app cannot read there either way
        response = create_app(empty).test_client().get("/healthz")
    assert response.status_code == 503
    assert "opg bank init-db" in response.get_json()["message"]


def test_lost_connections_are_replaced(teller: Teller, owner: Cursor) -> None:
    assert teller.client.get("/healthz").status_code == 200
    owner.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert owner.fetchone() != (0,)
    assert teller.client.get("/healthz").status_code == 200


def _name(path: str) -> dict[str, str]:
    return {"name": "Anna"} if path == "accounts" else {}
