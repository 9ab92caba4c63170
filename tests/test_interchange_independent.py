"""The JSON forms against an independent builder, in both directions, and every byte of them.

What `tests/builder.py` (on `cryptography`, sharing no code with the firmware) makes, the firmware
opens, and the other way round.
"""

import json

import pytest
from cryptography.exceptions import InvalidSignature

from firmware.common.interchange import envelope, jwk, ledger, transaction
from firmware.common.interchange.transaction import Transaction
from firmware.common.payment.ledger import GENESIS, link
from firmware.common.wire.errors import Refused
from tests import builder
from tests.builder import Device, Ledger

NAMES = ["bert", "Bäckerei Änna 🥨", "店", 'O\'Hara "Söhne" \\ Co', "<script>alert(1)</script>"]
AMOUNTS = [("0.1", 10), ("0.01", 1), ("7", 7_00), ("12.5", 12_50), ("16777217.01", 1_677_721_701)]
AMOUNTS += [("40000000", 4_000_000_000)]

PAYER, PAYEE, BANK = Device("änna"), Device("店"), Device("bank")


def private(key: builder.ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_numbers().private_value.to_bytes(32, "big")


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
