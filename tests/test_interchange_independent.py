"""The JSON forms against an independent builder, and every parser against arbitrary input.

What `tests/builder.py` (on `cryptography`, sharing no code with the firmware) makes, the firmware
opens, and the other way round; and whatever comes in, only `Refused` comes out.
"""

import json
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from firmware.common.interchange import (
    base64,
    envelope,
    jsontext,
    jwk,
    ledger,
    stringify,
    transaction,
)
from firmware.common.interchange.transaction import Transaction
from firmware.common.payment import money, receipt
from firmware.common.payment.identifier import identifier
from firmware.common.payment.ledger import GENESIS, link
from firmware.common.wire import framing, packet
from firmware.common.wire.errors import Refused
from firmware.common.wire.link import Link
from tests import builder
from tests.builder import Device, Ledger

NAMES = ["bert", "Bäckerei Änna 🥨", "店", 'O\'Hara "Söhne" \\ Co', "<script>alert(1)</script>"]
AMOUNTS = [("0.1", 10), ("0.01", 1), ("7", 7_00), ("12.5", 12_50), ("16777217.01", 1_677_721_701)]
AMOUNTS += [("40000000", 4_000_000_000)]
EXAMPLES = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])

PAYER, PAYEE, BANK = Device("änna"), Device("店"), Device("bank")


def private(key: builder.ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_numbers().private_value.to_bytes(32, "big")


def good_payment() -> bytes:
    return builder.text(builder.transaction(PAYER, PAYEE.account)).encode()


def good_envelope() -> bytes:
    payment = builder.transaction(PAYER, PAYEE.account)
    return builder.text(builder.envelope(payment, PAYER, builder.jwk(PAYEE.ecdh))).encode()


def good_ledger() -> bytes:
    entries = Ledger().append(*(builder.transaction(PAYER, PAYEE.account) for _ in range(2)))
    return builder.encrypted_ledger(entries.entries, PAYEE, builder.jwk(BANK.ecdh)).encode()


def open_envelope(raw: bytes) -> Transaction:
    return envelope.open_envelope(raw, private(PAYEE.ecdh))[0]


def open_ledger(raw: bytes) -> ledger.LedgerBatch:
    return ledger.open_ledger(raw, private(BANK.ecdh), 64)


# The builder makes, the firmware opens.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("amount", "amount_minor"), [*AMOUNTS, ("0.10", 10), ("12.50", 12_50)])
@pytest.mark.parametrize("high_s", [False, True])
def test_the_firmware_opens_the_builders_envelope(
    name: str, amount: str, amount_minor: int, high_s: bool
) -> None:
    payer = Device(name)
    shortest = amount.rstrip("0").rstrip(".") if "." in amount else amount
    payment = builder.transaction(payer, "店", shortest, high_s, wallet_id=builder.quote(name))
    payment["amount"] = amount  # as a host that keeps trailing zeros would print it
    text = builder.text(builder.envelope(payment, payer, builder.jwk(PAYEE.ecdh)))
    opened = open_envelope(text.encode())
    assert (opened.from_id, opened.to_id, opened.wallet_id) == (name, "店", name)
    assert opened.amount_minor == amount_minor
    assert opened.hash == json.loads(payment["hash"])
    assert opened.sender_public_key == builder.point(payer.signing)


@pytest.mark.parametrize("high_s", [False, True])
@pytest.mark.parametrize("escaped", [False, True])
def test_the_firmware_opens_the_builders_ledger(high_s: bool, escaped: bool) -> None:
    payments = [
        builder.transaction(Device(name), PAYEE.account, amount, high_s)
        for name, (amount, _) in zip(NAMES, AMOUNTS, strict=False)
    ]
    built = Ledger().append(*payments)
    inside = builder.signed_ledger("[" + ",".join(built.entries) + "]", PAYEE, high_s)
    if escaped:  # as a host prints it that knows ASCII only, and likes spaces
        inside["ledger"] = json.dumps(json.loads(inside["ledger"]), indent=2)
    batch = open_ledger(builder.seal_ledger(inside, PAYEE, builder.jwk(BANK.ecdh)).encode())
    assert [entry.hash for entry in batch.entries] == built.hashes
    opened = [entry.transaction for entry in batch.entries if entry.transaction]
    assert [payment.from_id for payment in opened] == NAMES
    assert [payment.amount_minor for payment in opened] == [minor for _, minor in AMOUNTS[:5]]
    for payment in opened:
        transaction.check_signature(payment)


def test_the_firmware_takes_the_builders_keys() -> None:
    for _ in range(20):
        device = Device("anna")
        public = jwk.public_from_jwk(builder.jwk(device.ecdh).encode())
        assert public == builder.point(device.ecdh)
        assert jwk.jwk_from_public(public) == builder.jwk(device.ecdh)


# The firmware makes, the builder opens.


def made(from_id: str, amount_minor: int, wallet_id: str | None = None) -> Transaction:
    payment = Transaction(
        transaction.new_id(), from_id, "店", amount_minor, "2026-11-22T15:01:06.904Z", "", wallet_id
    )
    transaction.sign(payment, private(PAYER.signing), builder.point(PAYER.signing))
    return payment


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("amount", "amount_minor"), AMOUNTS)
def test_the_builder_opens_the_firmwares_envelope(
    name: str, amount: str, amount_minor: int
) -> None:
    text, _ = envelope.seal(made(name, amount_minor, name), builder.point(PAYEE.ecdh))
    inner = builder.unseal(text, PAYEE.ecdh, "sender_ecdh_public_key").decode()
    found = json.loads(inner, parse_float=str, parse_int=str)
    assert (found["from_id"], found["amount"], found["wallet_id"]) == (name, amount, name)
    raw = {key: builder.quote(value) for key, value in found.items() if key in builder.CANONICAL}
    assert builder.transaction_hash({**raw, "amount": amount}) == found["hash"]
    key = json.dumps(found["sender_public_key"])
    builder.check_signature(key, found["signature"], bytes.fromhex(found["hash"]))
    assert json.loads(text)["sender_public_key"] == found["sender_public_key"]
    with pytest.raises(InvalidSignature):
        builder.check_signature(key, found["signature"], bytes(32))


def test_the_builder_opens_the_firmwares_ledger() -> None:
    entries, prev, chain = [], GENESIS, Ledger()
    for index, name in enumerate(NAMES):
        payment = made(name, 1 + index)
        prev = link(prev, payment.hash)
        entries.append(ledger.entry_to_json(index, transaction.to_json(payment), prev))
        chain.append({"hash": json.dumps(payment.hash)})
    pair = private(PAYEE.signing), builder.point(PAYEE.signing)
    text = ledger.seal_ledger(entries, *pair, builder.point(BANK.ecdh))
    found = json.loads(builder.unseal(text, BANK.ecdh, "receiver_public_key"))
    array = json.dumps(found["ledger"], ensure_ascii=False, separators=(",", ":"))
    assert builder.sha256(array.encode()).hex() == found["hash"]
    assert [entry["hash"] for entry in found["ledger"]] == chain.hashes
    key = json.dumps(found["receiver_public_key"])
    builder.check_signature(key, found["signature"], bytes.fromhex(found["hash"]))


# Every byte counts.


def test_every_flipped_byte_of_an_envelope_is_noticed() -> None:
    raw = good_envelope()
    payment = open_envelope(raw)
    for position in range(len(raw)):
        damaged = bytearray(raw)
        damaged[position] ^= 1 << position % 8
        try:
            found = open_envelope(bytes(damaged))
        except Refused:
            continue
        # Only the name of the outer txn_id, which is then an unknown member and means nothing.
        assert found.hash == payment.hash and b'"txn_id"' not in damaged


def test_every_flipped_byte_of_a_ledger_is_noticed() -> None:
    raw = good_ledger()
    open_ledger(raw)
    for position in range(len(raw)):
        damaged = bytearray(raw)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(Refused):
            open_ledger(bytes(damaged))


# Whatever comes in, only `Refused` comes out.

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
@given(raw=mutations(good_payment()))
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
