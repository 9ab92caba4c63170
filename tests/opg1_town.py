"""A bank, a payee and a payer by the independent builder, and each message that they sign."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from firmware.common.payment import (
    answer,
    asking,
    batch,
    certificate,
    enrolment,
    evidence,
    news,
    proof,
    purse,
    refund,
    settlement,
    sync,
    transaction,
)
from firmware.common.wire import messages, signed
from firmware.common.wire.codec import Layout, Record
from tests import opg1_builder as builder
from tests.opg1_builder import Key, body, sha256

ROOT, BANK, BANK_ECDH = Key("root"), Key("bank"), Key("bank's agreement")
PAYEE, PAYEE_ECDH, PURSE_KEY = Key("payee"), Key("payee's agreement"), Key("purse")
PAYER, NEW_KEY = Key("payer"), Key("new purse")

REALM = sha256(ROOT.public)[:8]
PAYEE_ID, PAYER_ID, PURSE_ID = sha256(PAYEE.public)[:8], sha256(PAYER.public)[:8], b"purse no"
NONCE, TRANSCRIPT = b"12345678", bytes(range(16))
NOW, END, BANK_END = 1_800_000_000, 1_801_000_000, 1_900_000_000

BKEY = ROOT.sign(
    REALM,
    "BKEY",
    body("BKEY", kind=1, pub=BANK.public, ecdh=BANK_ECDH.public, issued=1, not_after=BANK_END),
)
DCERT_FIELDS = {
    "kind": 3,
    "pub": PAYEE.public,
    "ecdh": PAYEE_ECDH.public,
    "name": "Bäcker Anna".encode().ljust(16, b"\0"),
    "issued": NOW - 9,
    "not_after": END,
    "rx_limit": 50_00,
    "rx_cum": 1_000_00,
    "flags": 0,
    "serial": 7,
}
PURSE_FIELDS = {
    "flags": 0,
    "purse": PURSE_ID,
    "pub": PURSE_KEY.public,
    "allowance": 100_00,
    "tx_max": 50_00,
    "ctr_max": 250,
    "cur": 978,
    "issued": NOW - 9,
    "not_after": END,
    "grace_h": 168,
}
PREQ_FIELDS = {
    "flags": 0,
    "payee": PAYEE_ID,
    "req_nonce": NONCE,
    "amount": 4_50,
    "cur": 978,
    "ttl_s": 120,
    "ref": b"bread".ljust(12, b"\0"),
    "t_lb": NOW,
    "rev_seq": 3,
    "transcript": TRANSCRIPT,
}
DCERT = BANK.sign(REALM, "DCERT", body("DCERT", **DCERT_FIELDS))
PURSE = BANK.sign(REALM, "PURSE", body("PURSE", **PURSE_FIELDS))
PREQ = PAYEE.sign(REALM, "PREQ", body("PREQ", **PREQ_FIELDS))
REQ_HASH = sha256(PREQ[:46])[:16]


def txn(ctr: int = 1, cum: int = 4_50, amount: int = 4_50, key: Key = PURSE_KEY, **other) -> bytes:
    """A signed payment of the town's purse."""
    fields = {
        "kind": 1,
        "purse": PURSE_ID,
        "payee": PAYEE_ID,
        "req_hash": REQ_HASH,
        "prev": sha256(PURSE[:-64]),
        "t_lb": NOW,
        **other,
    }
    return key.sign(REALM, "TXN", body("TXN", ctr=ctr, cum=cum, amount=amount, **fields))


TXN = txn()
TXN_HASH = sha256(TXN[:-64])
HEAD = bytes.fromhex(builder.chain("GENESIS", TXN_HASH))
ACK_FIELDS = {
    "payee": PAYEE_ID,
    "txn_hash": TXN_HASH,
    "gen": 0,
    "index": 0,
    "ledger_head": HEAD,
    "t_lb": NOW,
}
ACK = PAYEE.sign(REALM, "ACK", body("ACK", **ACK_FIELDS))
VOID_FIELDS = {
    "reason": 15,
    "payee": PAYEE_ID,
    "txn_hash": TXN_HASH,
    "req_hash": REQ_HASH,
    "t_lb": NOW,
}
VOID = PAYEE.sign(REALM, "VOID", body("VOID", **VOID_FIELDS))
REFUND_FIELDS = {
    "payee": PAYEE_ID,
    "txn_hash": TXN_HASH,
    "amount": 1_00,
    "rctr": 1,
    "to_purse": PURSE_ID,
    "reason": 0,
}
REFUND = PAYEE.sign(REALM, "REFUND", body("REFUND", kind=1, **REFUND_FIELDS))
POLICY = (7, 200, 500_00, 10_00, 5, 30_00, 50, 3)
BEACON_FIELDS = {
    "seq": 12,
    "t": NOW,
    "rev_seq": 2,
    "policy": builder.policy(*POLICY),
    "rev_root": sha256(sha256(bytes(32) + b"revoked1") + b"revoked2"),
    "audit_head": sha256(b"audit"),
}
BEACON = BANK.sign(REALM, "BEACON", body("BEACON", **BEACON_FIELDS))
REVOKED = [b"revoked1", b"revoked2"]
REVDELTA = BANK.sign(
    REALM, "REVDELTA", body("REVDELTA", b"".join(REVOKED), since=0, until=2, t=NOW, n=2)
)
OTHER_TXN = txn(amount=5_00, cum=5_00)
EQUIV = body("EQUIV", purse=PURSE, **dict(zip("ab", sorted([TXN, OTHER_TXN]), strict=True)))

ENTRIES = [
    builder.upload_entry("TXN", TXN, NOW, 2),
    builder.upload_entry("REFUND", REFUND, NOW + 1, 3),
]
UPLOAD_FIELDS = {
    "device": PAYEE_ID,
    "gen": 0,
    "first": 0,
    "prev_head": bytes(32),
    "head": bytes.fromhex(builder.chain(HEAD.hex(), sha256(REFUND[:-64]))),
    "nonce": NONCE,
    "t_lb": NOW + 2,
    "beacon": 12,
}
UPLOAD = PAYEE.sign(
    REALM, "UPLOAD", body("UPLOAD", b"".join(ENTRIES), kind=1, n=2, **UPLOAD_FIELDS)
)
BATCH = sha256(UPLOAD[:-64])[:16]
SRCPT_FIELDS = {
    "device": PAYEE_ID,
    "gen": 0,
    "first": 0,
    "new_head": UPLOAD_FIELDS["head"],
    "batch": BATCH,
    "net": -3_50,
    "t": NOW + 3,
    "nonce": NONCE,
}
SRCPT = BANK.sign(REALM, "SRCPT", body("SRCPT", b"\x00\x0b", kind=1, n=2, **SRCPT_FIELDS))

CLOSE = txn(2, 100_00, 95_50, kind=2, payee=REALM, req_hash=NONCE + bytes(8), prev=TXN_HASH)
SYNC_ENTRIES = [b"\x02" + TXN + ACK, b"\x03" + TXN + VOID, b"\x01" + TXN, b"\x04" + CLOSE]
SYNC_FIELDS = {
    "device": PAYER_ID,
    "purse": PURSE_ID,
    "ctr": 2,
    "cum": 100_00,
    "head": sha256(CLOSE[:-64]),
    "newpub": NEW_KEY.public,
    "amount": 80_00,
    "nonce": NONCE,
    "t_lb": NOW,
}
SYNC = PAYER.sign(REALM, "SYNC", body("SYNC", b"".join(SYNC_ENTRIES), kind=1, n=4, **SYNC_FIELDS))
VERDICTS = [(1, 0), (2, 11)]
STATEMENT_FIELDS = {
    "device": PAYER_ID,
    "purse": PURSE_ID,
    "nonce": NONCE,
    "t": NOW,
    "balance": -(2**63),
}
LINES = b"".join(struct.pack(">IB", *line) for line in VERDICTS)
STATEMENT = BANK.sign(
    REALM, "STATEMENT", body("STATEMENT", LINES + PURSE, kind=2, n=2, **STATEMENT_FIELDS)
)
CODE = b"ABCD-1234"
ENROL_FIELDS = {
    "profile": 1,
    "kd": PAYEE.public,
    "ed": PAYEE_ECDH.public,
    "nonce": NONCE,
    "fw_hash": sha256(b"firmware"),
    "name": b"Anna".ljust(16, b"\0"),
}
MAC = builder.code_mac(CODE, PAYEE.public, PAYEE_ECDH.public, NONCE)
ENROL = PAYEE.sign(REALM, "ENROL", body("ENROL", code_mac=MAC, **ENROL_FIELDS))
EVIDENCE = BKEY + DCERT + PURSE + PREQ + TXN + ACK

BANKS = [certificate.check_bank_key(ROOT.public, BKEY, NOW)]
DEVICE = certificate.check_device(REALM, BANKS, DCERT, NOW)
PURSE_RECORD = purse.check_purse(REALM, BANKS, PURSE)
UPLOAD_RECORD = signed.read_signed(REALM, messages.UPLOAD, UPLOAD, PAYEE.public)


@dataclass(frozen=True)
class Checked:
    """A signed message and the firmware's check of it, as its recipient calls it."""

    name: str
    data: bytes
    check: Callable[[bytes], object]


def check_txn(data: bytes) -> Record:
    record = transaction.read_payment(data)
    transaction.check_payment(REALM, PURSE_RECORD, record)
    return record


def check_close(data: bytes) -> None:
    record = signed.parse_signed(messages.TXN, data)
    transaction.check_close(REALM, PURSE_RECORD, record)


def check_upload(data: bytes) -> None:
    upload, _ = batch.parse_batch(data, 32)
    signed.check_signature(REALM, upload, PAYEE.public)


def check_sync(data: bytes) -> None:
    report, _ = sync.parse_sync(data)
    signed.check_signature(REALM, report, PAYER.public)


def check_enrol(data: bytes) -> None:
    enrolment.check_code(enrolment.check_enrolment(REALM, data), CODE)


CHECKED = [
    Checked("BKEY", BKEY, lambda data: certificate.check_bank_key(ROOT.public, data, NOW)),
    Checked("DCERT", DCERT, lambda data: certificate.check_device(REALM, BANKS, data, NOW, 2)),
    Checked("PURSE", PURSE, lambda data: purse.check_purse(REALM, BANKS, data)),
    Checked("PREQ", PREQ, lambda data: asking.check_request(REALM, DEVICE, data, TRANSCRIPT)),
    Checked("TXN", TXN, check_txn),
    Checked("CLOSE", CLOSE, check_close),
    Checked(
        "ACK", ACK, lambda data: answer.check_ack(REALM, PAYEE.public, data, PAYEE_ID, TXN_HASH)
    ),
    Checked(
        "VOID",
        VOID,
        lambda data: answer.check_void(REALM, PAYEE.public, data, PAYEE_ID, TXN_HASH, REQ_HASH),
    ),
    Checked(
        "REFUND", REFUND, lambda data: refund.check_refund(REALM, PAYEE.public, data, PAYEE_ID)
    ),
    Checked("BEACON", BEACON, lambda data: news.check_beacon(REALM, BANKS, data)),
    Checked("REVDELTA", REVDELTA, lambda data: news.check_revocations(REALM, BANKS, data)),
    Checked("EQUIV", EQUIV, lambda data: proof.check_proof(REALM, BANKS, data)),
    Checked("UPLOAD", UPLOAD, check_upload),
    Checked(
        "SRCPT",
        SRCPT,
        lambda data: settlement.check_receipt(REALM, BANKS, data, UPLOAD_RECORD, BATCH),
    ),
    Checked("SYNC", SYNC, check_sync),
    Checked(
        "STATEMENT",
        STATEMENT,
        lambda data: settlement.check_statement(REALM, BANKS, data, PAYER_ID, PURSE_ID, NONCE),
    ),
    Checked("ENROL", ENROL, check_enrol),
    Checked("EVIDENCE", EVIDENCE, lambda data: evidence.check_evidence(ROOT.public, data)),
]


def layout(name: str) -> Layout:
    return getattr(messages, name)
