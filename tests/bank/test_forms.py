"""The JSON forms between the firmware and the independent builder, in both directions."""

import json

import pytest

from firmware.common.interchange import envelope, jwk, ledger
from firmware.common.interchange.transaction import Transaction, parse, sign, to_json
from firmware.common.payment.ledger import GENESIS, link
from tests import builder
from tests.bank.teller import Teller, verdicts
from tests.builder import Device, Ledger, transaction

NAMES = ["bert", "Bäckerei Änna 🥨", "店"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("amount", ["0.1", "7", "12.5", "0.01", "40000000"])
@pytest.mark.parametrize("high_s", [False, True])
def test_the_firmware_opens_what_the_builder_seals(name: str, amount: str, high_s: bool) -> None:
    payer, payee = Device("anna"), Device(name)
    payment = transaction(payer, name, amount, high_s)
    text = builder.text(builder.envelope(payment, payer, builder.jwk(payee.ecdh)))
    opened, _ = envelope.open_envelope(text.encode(), private(payee.ecdh))
    assert (opened.to_id, opened.hash) == (name, json.loads(payment["hash"]))
    assert json.dumps(opened.txn_id) == payment["txn_id"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("minor", "amount"), [(10, "0.1"), (7_00, "7"), (12_50, "12.5")])
def test_the_builder_opens_what_the_firmware_seals(name: str, minor: int, amount: str) -> None:
    payer, payee = Device("anna"), Device(name)
    payment = made_by_firmware(payer, name, minor)
    text, _ = envelope.seal(payment, builder.point(payee.ecdh))
    inner = builder.unseal(text, payee.ecdh, "sender_ecdh_public_key").decode()
    found = json.loads(inner, parse_float=str, parse_int=str)
    assert (found["to_id"], found["amount"]) == (name, amount)
    raw = {name: json.dumps(value, ensure_ascii=False) for name, value in found.items()}
    assert builder.transaction_hash({**raw, "amount": amount}) == found["hash"]
    builder.check_signature(
        json.dumps(found["sender_public_key"]), found["signature"], bytes.fromhex(found["hash"])
    )


def test_the_bank_settles_what_the_firmware_seals(teller: Teller) -> None:
    anna, bert = teller.open("änna", 100_00), teller.open("店")
    payment = made_by_firmware(anna, "店", 12_50)
    entry = ledger.entry_to_json(0, to_json(payment), link(GENESIS, payment.hash))
    bank_key = jwk.public_from_jwk(teller.ecdh_jwk.encode())
    pair = private(bert.signing), builder.point(bert.signing)
    answer = teller.post(ledger.seal_ledger([entry], *pair, bank_key)).get_json()
    assert verdicts(answer) == [("SETTLED", 0)]
    assert teller.balance("店") == 12_50


def test_the_builder_opens_the_firmwares_ledger() -> None:
    payer, receiver, bank = Device("änna"), Device("店"), Device("bank")
    payment = made_by_firmware(payer, "店", 12_50)
    entry = ledger.entry_to_json(0, to_json(payment), link(GENESIS, payment.hash))
    pair = private(receiver.signing), builder.point(receiver.signing)
    text = ledger.seal_ledger([entry], *pair, builder.point(bank.ecdh))
    inside = builder.unseal(text, bank.ecdh, "receiver_public_key").decode()
    found = json.loads(inside)
    array = json.dumps(found["ledger"], ensure_ascii=False, separators=(",", ":"))
    assert builder.sha256(array.encode()).hex() == found["hash"]
    assert found["ledger"][0]["hash"] == chained(payment.hash)
    builder.check_signature(
        json.dumps(found["receiver_public_key"]), found["signature"], bytes.fromhex(found["hash"])
    )


def made_by_firmware(payer: Device, to_id: str, amount_minor: int) -> Transaction:
    """Signed, and read back by the firmware's own parser."""
    txn_id = "4f2c1f0e-8a43-4a5e-9d5d-0c9a8f6f2b11"
    payment = Transaction(
        txn_id, payer.account, to_id, amount_minor, "2026-11-22T15:01:06.904Z", "", None
    )
    sign(payment, private(payer.signing), builder.point(payer.signing))
    return parse(to_json(payment).encode())


def chained(txn_hash: str) -> str:
    return Ledger().append({"hash": json.dumps(txn_hash)}).hashes[0]


def private(key: builder.ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_numbers().private_value.to_bytes(32, "big")
