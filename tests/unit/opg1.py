"""A bank, a payee and a purse in OPG1, and one payment; what a test spoils are keywords."""

import hashlib

from firmware.common.payment import (
    answer,
    asking,
    certificate,
    label,
    ledger,
    purse,
    transaction,
)
from firmware.common.wire import signed
from firmware.common.wire.messages import BKEY, DCERT, PURSE, TXN
from tests.unit.forms import BANK, BANK_ECDH, PAYEE, PAYEE_ECDH, Keys

ROOT, PURSE_KEY = Keys("root"), Keys("purse")
REALM = hashlib.sha256(ROOT.public).digest()[:8]
ME = hashlib.sha256(PAYEE.public).digest()[:8]
NOW, END = 1_000, 2_000
TRANSCRIPT, NONCE = b"t" * 16, b"n" * 8


def with_changes(fields: dict, changes: dict) -> dict:
    changed = dict(fields)
    changed.update(changes)
    return changed


def bank_key(**changes) -> bytes:
    fields = {"kind": 1, "pub": BANK.public, "ecdh": BANK_ECDH.public, "issued": 1}
    fields["not_after"] = END + 5
    return signed.sign(REALM, BKEY, BKEY.pack(**with_changes(fields, changes)), ROOT.private)


BANKS = [certificate.check_bank_key(ROOT.public, bank_key())]


def device(**changes) -> bytes:
    fields = {"kind": 2, "pub": PAYEE.public, "ecdh": PAYEE_ECDH.public, "issued": 1}
    fields.update({"name": label.to_bytes("Bäcker", 16), "not_after": END, "rx_limit": 50_00})
    fields.update({"rx_cum": 1_000_00, "flags": 0, "serial": 1})
    return signed.sign(REALM, DCERT, DCERT.pack(**with_changes(fields, changes)), BANK.private)


def a_purse(**changes) -> bytes:
    fields = {"flags": 0, "purse": b"purse  1", "pub": PURSE_KEY.public, "allowance": 100_00}
    fields.update({"tx_max": 50_00, "ctr_max": 250, "cur": 978, "issued": 1, "not_after": END})
    fields["grace_h"] = 168
    return signed.sign(REALM, PURSE, PURSE.pack(**with_changes(fields, changes)), BANK.private)


def core(**changes) -> bytes:
    fields = {"flags": 0, "payee": ME, "req_nonce": NONCE, "amount": 4_50, "cur": 978}
    fields.update({"ttl_s": 120, "ref": bytes(12), "t_lb": NOW, "rev_seq": 0})
    return asking.make_core(**with_changes(fields, changes))


DEVICE = certificate.check_device(REALM, BANKS, device(), NOW, certificate.PAYEE)
PURSE_RECORD = purse.check_purse(REALM, BANKS, a_purse())


def request(**changes) -> bytes:
    return asking.make_request(REALM, PAYEE.private, core(**changes), TRANSCRIPT)


def txn(**changes) -> bytes:
    fields = {"kind": 1, "purse": b"purse  1", "ctr": 1, "cum": 4_50, "amount": 4_50, "payee": ME}
    fields.update({"req_hash": asking.request_hash(core()), "t_lb": NOW})
    fields["prev"] = purse.first_prev(PURSE_RECORD)
    return signed.sign(REALM, TXN, TXN.pack(**with_changes(fields, changes)), PURSE_KEY.private)


def record_of(data: bytes):
    return signed.parse_signed(TXN, data)


PAYMENT = record_of(txn())
HASH = transaction.txn_hash(PAYMENT)
HEAD = ledger.extend(ledger.NO_HEAD, HASH, ME, 0)
ACKED = answer.make_ack(REALM, PAYEE.private, ME, HASH, 0, 0, HEAD, NOW)


def close(**changes):
    fields = {"kind": 2, "payee": REALM, "ctr": 999, "cum": 100_00, "amount": 100_00}
    fields["req_hash"] = NONCE + bytes(8)
    return record_of(txn(**with_changes(fields, changes)))
