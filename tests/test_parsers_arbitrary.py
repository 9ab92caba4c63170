"""Every parser against arbitrary bytes, arbitrary JSON and mutations: only `Refused` comes out."""

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware.common.interchange import base64, jsontext, jwk, stringify, transaction
from firmware.common.interchange.transaction import Transaction
from firmware.common.payment import money, receipt
from firmware.common.payment.identifier import identifier
from firmware.common.wire import framing, packet
from firmware.common.wire.errors import Refused
from firmware.common.wire.link import Link
from tests import builder
from tests.builder import Ledger
from tests.test_interchange_independent import (
    BANK,
    PAYEE,
    PAYER,
    good_envelope,
    good_ledger,
    open_envelope,
    open_ledger,
)

# What the profile asks for, but never fewer than 250: most take less than a millisecond.
EXAMPLES = settings(max_examples=max(250, settings().max_examples))

PARSERS: dict[str, Callable[[bytes], object]] = {
    "members": jsontext.members,
    "items": jsontext.items,
    "string": jsontext.string,
    "compact": stringify.compact,
    "jwk": jwk.public_from_jwk,
    "transaction": transaction.parse,
    "envelope": open_envelope,
    "ledger": open_ledger,
    "packet": packet.unpack,
    "frame": framing.decode,
    "receipt": lambda raw: receipt.open_receipt(
        raw, bytes(64), builder.point(BANK.signing), builder.point(PAYEE.signing)
    ),
}
TEXT_PARSERS: dict[str, Callable[[str], object]] = {
    "base64": base64.decode,
    "base64url": lambda text: base64.decode_url(text, 32),
    "amount": money.parse_amount,
    "identifier": identifier,
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def only_refused(parse: Callable, raw: bytes | str) -> bool:
    """True where it was accepted; anything raised but `Refused` fails the test."""
    try:
        parse(raw)
    except Refused as error:
        refused = error
    else:
        return True
    assert 0 < refused.reason < 36
    return False


@pytest.mark.parametrize("name", PARSERS)
@EXAMPLES
@given(raw=st.binary(max_size=600) | st.text(max_size=300).map(lambda text: text.encode()))
@example(raw=b"")
@example(raw=b"\xff" * 64)
@example(raw=b"[" * 20_000)
@example(raw=b'{"a":' * 20_000)
@example(raw=b'"' + b"\\" * 20_001 + b'"')
@example(raw=b'{"amount":' + b"9" * 5_000 + b"}")
def test_arbitrary_bytes_are_read_or_refused(name: str, raw: bytes) -> None:
    only_refused(PARSERS[name], raw)


@pytest.mark.parametrize("name", PARSERS)
@EXAMPLES
@given(value=VALUES, ascii_only=st.booleans())
def test_arbitrary_json_is_read_or_refused(name: str, value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    only_refused(PARSERS[name], text.encode(errors="surrogatepass"))


@pytest.mark.parametrize("name", TEXT_PARSERS)
@EXAMPLES
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_arbitrary_text_is_read_or_refused(name: str, text: str) -> None:
    only_refused(TEXT_PARSERS[name], text)


@st.composite
def mutations(draw: st.DrawFn, good: bytes) -> bytes:
    """A good message with pieces overwritten, cut out, doubled or put in."""
    data = good
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        put = draw(st.binary(max_size=12) | st.sampled_from([data[start:end] * 2, b"null", b'"']))
        data = data[:start] + put + data[end:]
    return data


@EXAMPLES
@given(raw=mutations(builder.text(builder.transaction(PAYER, PAYEE.account)).encode()))
def test_a_mutated_payment_is_refused_or_says_what_was_signed(raw: bytes) -> None:
    if only_refused(transaction.parse, raw):
        payment = transaction.parse(raw)
        assert builder.transaction_hash(canonical(payment)) == payment.hash


@EXAMPLES
@given(raw=mutations(good_envelope()))
def test_a_mutated_envelope_is_refused_or_says_what_was_signed(raw: bytes) -> None:
    if only_refused(open_envelope, raw):
        transaction.check_signature(open_envelope(raw))


@EXAMPLES
@given(raw=mutations(good_ledger()))
def test_a_mutated_ledger_is_refused_or_is_the_one_that_was_signed(raw: bytes) -> None:
    if only_refused(open_ledger, raw):
        assert len(open_ledger(raw).entries) == 2


INSIDE = builder.signed_ledger(
    "[" + ",".join(Ledger().append(builder.transaction(PAYER, PAYEE.account)).entries) + "]", PAYEE
)


@EXAMPLES
@given(array=mutations(INSIDE["ledger"].encode()))
def test_a_mutated_ledger_that_its_receiver_signed_is_judged_or_refused(array: bytes) -> None:
    try:
        inside = builder.signed_ledger(array.decode(), PAYEE)
    except UnicodeDecodeError:
        return
    sealed = builder.seal_ledger(inside, PAYEE, builder.jwk(BANK.ecdh)).encode()
    if only_refused(open_ledger, sealed):
        for entry in open_ledger(sealed).entries:
            assert (entry.transaction is None) == (entry.refused is not None)
            assert len(entry.txn_hash) == 64


@EXAMPLES
@given(raw=mutations(builder.jwk(PAYER.ecdh).encode()))
def test_a_mutated_key_is_refused_or_a_point(raw: bytes) -> None:
    if only_refused(jwk.public_from_jwk, raw):
        found = jwk.public_from_jwk(raw)
        builder.public_key(jwk.jwk_from_public(found))  # `cryptography` checks the curve


@EXAMPLES
@given(raw=mutations(framing.encode(4, 0x7E03, 9, bytes(range(30)))[1:-1]))
def test_a_mutated_frame_is_no_other_frame(raw: bytes) -> None:
    found = framing.decode(raw)
    assert found in (None, (4, 0x7E03, 9, bytes(range(30))))


@EXAMPLES
@given(pieces=st.lists(st.binary(max_size=400), max_size=10))
def test_arbitrary_bytes_on_the_wire_leave_the_link_in_bounds(pieces: list[bytes]) -> None:
    end = Link()
    for now_ms, piece in enumerate(pieces):
        end.feed(piece)
        end.poll(now_ms)
        message = end.receive()
        assert message is None or len(message) <= 5_120


@EXAMPLES
@given(
    header=st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers()),
    body=st.binary(max_size=50),
)
def test_packets_come_back(header: dict, body: bytes) -> None:
    assert packet.unpack(packet.pack(header, body)) == (header, body)


# What Python's own reader makes of the same text.


@EXAMPLES
@given(value=VALUES.filter(lambda value: isinstance(value, (dict, list))), pretty=st.booleans())
def test_what_python_writes_is_read_the_same(value: object, pretty: bool) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2 if pretty else None, allow_nan=True)
    try:
        raw = text.encode()
        found = jsontext.members(raw) if isinstance(value, dict) else jsontext.items(raw)
    except (UnicodeEncodeError, Refused):
        return
    members = found if isinstance(found, dict) else dict(enumerate(found))
    assert {key: json.loads(piece) for key, piece in members.items()} == (
        value if isinstance(value, dict) else dict(enumerate(value))  # type: ignore[arg-type]
    )


@EXAMPLES
@given(raw=st.binary(max_size=60).map(lambda inner: b'{"a":' + inner + b"}"))
def test_what_is_accepted_is_json_to_python_too(raw: bytes) -> None:
    try:
        members = jsontext.members(raw)
    except Refused:
        return
    assert json.loads(raw).keys() == members.keys()


@EXAMPLES
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_quoting_is_pythons(text: str) -> None:
    quoted = jsontext.quote(text)
    assert json.loads(quoted) == text
    assert jsontext.string(quoted.encode()) == text
    assert jsontext.string(json.dumps(text).encode()) == text


@EXAMPLES
@given(amount_minor=st.integers(1, 4_000_000_000))
def test_amounts_print_as_the_shortest_decimal(amount_minor: int) -> None:
    printed = money.format_amount(amount_minor)
    assert float(printed) == amount_minor / 100  # a double holds 15 digits
    assert printed == json.dumps(amount_minor / 100).removesuffix(".0")
    assert money.parse_amount(printed) == amount_minor


def canonical(payment: Transaction) -> builder.Raw:
    return {
        "txn_id": builder.quote(payment.txn_id),
        "from_id": builder.quote(payment.from_id),
        "to_id": builder.quote(payment.to_id),
        "amount": money.format_amount(payment.amount_minor),
        "timestamp": builder.quote(payment.timestamp),
        "prev_hash": builder.quote(payment.prev_hash),
        "wallet_id": builder.quote(payment.wallet_id or ""),
    }
