"""The bank's answer to a ledger: a verdict per entry in words, and the receipt for the board."""

import time
from typing import Any

from bank.keys import BankKeys
from bank.settle import Outcome
from bank.verify import Verdict
from firmware.common.interchange import base64
from firmware.common.interchange.ledger import LedgerBatch
from firmware.common.payment.receipt import (
    DUPLICATE,
    REFUSED,
    SETTLED,
    UNGUARANTEED,
    Receipt,
    make_receipt,
)
from firmware.common.wire import reasons
from firmware.common.wire.errors import OK

_NAMES = {
    SETTLED: "SETTLED",
    DUPLICATE: "DUPLICATE",
    UNGUARANTEED: "UNGUARANTEED",
    REFUSED: "REFUSED",
}
_PAID = (SETTLED, DUPLICATE)


def answer(outcome: Outcome) -> dict[str, Any]:
    """The members of an answer to a ledger that was judged."""
    verdicts = [_verdict(verdict) for verdict in outcome.verdicts]
    unpaid = [v for v in verdicts if v["verdict"] not in ("SETTLED", "DUPLICATE")]
    return {
        "settled": not unpaid,
        "settled_transactions": [v.txn_id for v in outcome.verdicts if v.verdict in _PAID],
        "errors": [f"entry {v['ledger_index']}: {v['message']}" for v in unpaid],
        "audit_log_ids": outcome.audit_log_ids,
        "verdicts": verdicts,
    }


def receipt(keys: BankKeys, batch: LedgerBatch, outcome: Outcome) -> dict[str, str]:
    """The signed receipt, as the members that carry it."""
    verdicts = [(v.ledger_index, v.txn_hash, v.verdict, v.reason) for v in outcome.verdicts]
    first = batch.entries[0].ledger_index
    content = Receipt(batch.hash, first, verdicts, outcome.head, int(time.time()))
    text, signature = make_receipt(keys.signing_private, batch.receiver_public_key, content)
    return {"receipt": text, "receipt_signature": base64.encode(signature)}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    message = _NAMES[verdict.verdict].lower()
    if verdict.reason != OK:
        message += f": {reasons.name(verdict.reason)}. {reasons.advice(verdict.reason)}"
    return {
        "ledger_index": verdict.ledger_index,
        "txn_id": verdict.txn_id,
        "hash": verdict.txn_hash,
        "verdict": _NAMES[verdict.verdict],
        "reason": verdict.reason,
        "message": message,
    }
