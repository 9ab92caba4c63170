"""Whatever comes in over HTTP, the bank answers in its own form: never 500, never a half answer.

Anything at all, and good messages with something changed: on the outside, inside the encryption,
inside what is signed. How many examples: see docs/testing.md.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from firmware.common.wire import reasons
from tests import builder
from tests.bank.teller import Teller
from tests.builder import Device, Ledger, Raw, transaction

PATHS = (
    "/settle-ledger",
    "/verify-ledger",
    "/operator/accounts",
    "/operator/wallets",
    "/operator/devices",
    "/operator/fund",
    "/operator/freeze",
    "/operator/unfreeze",
    "/operator/ledgers",
    "/bank-logs",
    "/bank-refusals",
    "/bank-public-key",
    "/healthz",
    "/",
)
LEDGER_PATHS = PATHS[:2]
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
KEY = json.loads(builder.jwk(builder.new_key()))
NAMES = [
    *("account_id", "name", "wallet_id", "amount", "transfer_id", "device_id"),
    *("signing_key", "ecdh_key", "receiver_public_key", "kty", "x", "y"),
    *("encrypted_payload", "encrypted_aes_key", "iv", "ledger", "hash", "signature"),
    *("ledger_index", "transaction", "status", "sender_public_key"),
]

texts = st.text(max_size=20) | st.sampled_from(["anna", "bert", "bank", "", "\0", "\ud83e", "1e9"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just("7.50")
values = st.recursive(
    scalars | st.just(KEY),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)
forms = st.dictionaries(st.sampled_from(NAMES), values, max_size=6) | values
bodies = st.binary(max_size=300) | forms.map(lambda value: json.dumps(value).encode())


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """A function that changes a byte text somewhere."""
    kind = draw(st.sampled_from(["flip", "cut", "put", "twice", "swap"]))
    place, size = draw(st.integers(0, 2**16)), draw(st.integers(1, 40))
    new = draw(st.binary(min_size=1, max_size=4) | values.map(lambda v: json.dumps(v).encode()))

    def mutate(raw: bytes) -> bytes:
        i = place % (len(raw) + 1)
        part = raw[i : i + size]
        changed = {
            "flip": bytes([part[0] ^ new[0]]) + part[1:] if part else new,
            "cut": b"",
            "put": new + part,
            "twice": part + part,
            "swap": new,
        }
        return raw[:i] + changed[kind] + raw[i + size :]

    return mutate


class House:
    """A teller with two parties whose good messages are spoiled."""

    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self.anna, self.bert = teller.open("anna", 100_00), teller.open("bert")

    def request(self, method: str, path: str, body: bytes, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.teller.bank.operator_token}"}
        headers |= options.pop("headers", {})
        options.setdefault("content_type", "application/json")
        response = self.teller.client.open(
            path, method=method, data=body, headers=headers, **options
        )
        check_answer(response, method)
        return response


def check_answer(response: TestResponse, method: str) -> None:
    """JSON in the bank's own form, whatever was asked."""
    assert response.status_code < 500, response.get_data(as_text=True)
    if method in ("HEAD", "OPTIONS"):
        return
    assert response.content_type == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    answer = response.get_json()
    if response.status_code >= 400:
        assert answer["name"] == reasons.name(answer["reason"])
        assert answer["message"].startswith(answer["name"])
        assert answer["message"].isprintable()
    else:
        assert response.status_code == 200


@pytest.fixture
def house(teller: Teller, caplog: pytest.LogCaptureFixture) -> Iterator[House]:
    """No log record of a failure either: a traceback would be one."""
    with caplog.at_level(logging.WARNING):
        yield House(teller)
    assert caplog.records == []


@given(st.sampled_from(METHODS), st.sampled_from(PATHS), bodies)
def test_any_body_at_every_endpoint(house: House, method: str, path: str, body: bytes) -> None:
    house.request(method, path, body)


@given(
    st.sampled_from(METHODS),
    st.text(max_size=20) | st.sampled_from(PATHS),
    st.text(max_size=20)
    | st.sampled_from(["limit=5", "offset=-1", "limit=1&limit=x"])
    | st.tuples(st.sampled_from(["account_id", "action", "reason", "since"]), texts).map("=".join),
    st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20),
    st.sampled_from(["application/json", "text/html", "", "application/json; charset=x", "\x80"]),
)
def test_any_path_query_and_header(
    house: House, method: str, path: str, query: str, header: str, content_type: str
) -> None:
    headers = {"Authorization": header, "Accept": header, "X-Forwarded-For": header}
    url = {"PATH_INFO": as_wsgi("/" + path.lstrip("/")), "QUERY_STRING": as_wsgi(query)}
    options = {"content_type": content_type, "environ_overrides": url}
    house.request(method, "/", b"{}", headers=headers, **options)


@given(st.sampled_from(LEDGER_PATHS), mutations())
def test_a_good_upload_changed_on_the_outside(house: House, path: str, mutate: Any) -> None:
    body = builder.encrypted_ledger(entries(house), house.bert, house.teller.ecdh_jwk)
    house.request("POST", path, mutate(body.encode()))


@given(st.sampled_from(LEDGER_PATHS), mutations() | bodies.map(lambda body: lambda _: body))
def test_a_good_upload_changed_inside_the_encryption(house: House, path: str, mutate: Any) -> None:
    array = "[" + ",".join(entries(house)) + "]"
    inside = builder.text(builder.signed_ledger(array, house.bert)).encode()
    house.request("POST", path, sealed(house, mutate(inside)))


@given(st.sampled_from(LEDGER_PATHS), mutations() | bodies.map(lambda body: lambda _: body))
def test_anything_signed_by_an_enrolled_device(house: House, path: str, mutate: Any) -> None:
    """The entries changed before they are signed: only their own rules are left to refuse them."""
    array = mutate(f"[{','.join(entries(house))}]".encode())
    ledger_hash = builder.sha256(array).hex()
    inside = b'{"ledger":%s,"hash":"%s","signature":"%s","receiver_public_key":%s}' % (
        array,
        ledger_hash.encode(),
        builder.sign(house.bert.signing, ledger_hash).encode(),
        builder.jwk(house.bert.signing).encode(),
    )
    house.request("POST", path, sealed(house, inside))


@given(st.sampled_from([*NAMES, *builder.CANONICAL]), values, st.booleans())
def test_a_signed_payment_with_any_member(
    house: House, name: str, value: Any, high_s: bool
) -> None:
    """Hashed, signed, chained and sealed as it ought to be, around a member of any kind."""
    member = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    payment = {**transaction(house.anna, "bert"), name: member}
    payment["hash"] = builder.quote(builder.transaction_hash(payment))
    signature = builder.sign(house.anna.signing, json.loads(payment["hash"]), high_s)
    upload(house, {**payment, "signature": builder.quote(signature)})


@given(st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_a_signed_payment_of_any_number(house: House, amount: str) -> None:
    upload(house, transaction(house.anna, "bert", amount))


def as_wsgi(text: str) -> str:
    """What a server makes of the bytes in a URL (PEP 3333)."""
    return text.encode(errors="replace").decode("latin-1")


def entries(house: House) -> list[str]:
    return Ledger().append(*(transaction(house.anna, "bert", "0.01") for _ in range(2))).entries


def upload(house: House, payment: Raw) -> None:
    """By a device of its own, so that every example is the beginning of a ledger."""
    receiver = Device("bert")
    assert house.teller.enrol(receiver).status_code == 200
    ledger = Ledger().append(payment).entries
    body = builder.encrypted_ledger(ledger, receiver, house.teller.ecdh_jwk)
    house.request("POST", "/settle-ledger", body.encode())


def sealed(house: House, inside: bytes) -> bytes:
    members = builder.seal(inside, house.bert.ecdh, house.teller.ecdh_jwk)
    members["receiver_public_key"] = builder.jwk(house.bert.ecdh)
    return builder.text(members).encode()
