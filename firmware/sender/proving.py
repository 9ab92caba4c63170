"""The console's `payments` and `evidence`: what was signed, and what proves that it was taken."""

from binascii import hexlify, unhexlify

from firmware.common.payment import label, verdicts
from firmware.common.payment.evidence import make_evidence
from firmware.common.payment.settlement import statement_verdicts
from firmware.common.payment.transaction import txn_hash
from firmware.common.wire.errors import MALFORMED, REQUEST_UNKNOWN, Refused
from firmware.common.wire.messages import DCERT, PREQ, STATEMENT
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.app import App
from firmware.sender.keeping import split_signed
from firmware.sender.standing import payment_of

_PAGE = 8
_ID_BYTES = 16
_ANSWERS = {keeping.DELIVERED: "delivered", keeping.VOIDED: "voided"}
_VERDICTS = {
    verdicts.SETTLED: "settled",
    verdicts.DUPLICATE: "settled",
    verdicts.VOIDED: "refunded",
    verdicts.LAPSED: "lapsed",
    verdicts.RETURNED: "refunded",
}


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    if name == "evidence":
        return {}, _evidence(app, unhexlify(header["id"]))
    return _payments(app, int(header["first"])), b""


def _payments(app: App, first: int) -> dict:
    """A page of the payments that are kept, oldest first; `count` of them there are."""
    count = 0
    rows: list[dict] = []
    places: dict[tuple[bytes, int], dict] = {}
    for _, kind, payload in keeping.records(app.wallet):
        if kind == keeping.SIGNED:
            if first <= count < first + _PAGE:
                rows.append(_row(payload))
                txn = payment_of(kind, payload)
                places[(txn.purse, txn.ctr)] = rows[-1]
            count += 1
        elif kind in _ANSWERS:
            key = payload[:8], int.from_bytes(payload[8:12], "big")
            if key in places:
                places[key]["state"] = _ANSWERS[kind]
        elif kind == keeping.ANSWERED:
            statement = parse_signed(STATEMENT, payload)
            for ctr, verdict in statement_verdicts(statement):
                if verdict != verdicts.PENDING and (statement.purse, ctr) in places:
                    state = _VERDICTS.get(verdict, "not settled")
                    places[(statement.purse, ctr)]["state"] = state
    return {"payments": rows, "count": count}


def _row(payload: bytes) -> dict:
    dcert, preq, _ = split_signed(payload)
    txn = payment_of(keeping.SIGNED, payload)
    return {
        "id": hexlify(txn_hash(txn)[:16]).decode(),
        "amount": txn.amount,
        "currency": parse_signed(PREQ, preq).cur,
        "payee": hexlify(txn.payee).decode(),
        "name": label.to_text(parse_signed(DCERT, dcert).name),
        "time": txn.t_lb,
        "state": "signed",
    }


def _evidence(app: App, wanted: bytes) -> bytes:
    """The pack that proves to anybody who knows the root that the payee took the payment."""
    wallet = app.wallet
    # Both, if there are two: certificate and purse may be signed by different ones.
    keys = b"".join([bank.signed for bank in app.device.news.banks])
    if len(wanted) != _ID_BYTES:
        raise Refused(MALFORMED, "an id has 32 hex digits")
    for _, _, payload in keeping.records(wallet, keeping.SIGNED, wanted[:8]):
        txn = payment_of(keeping.SIGNED, payload)
        purse = wallet.find(txn.purse)
        if purse is None or txn_hash(txn)[:_ID_BYTES] != wanted:
            continue
        dcert, preq, signed = split_signed(payload)
        for _, _, answer in keeping.records(wallet, keeping.DELIVERED, wanted[:8]):
            return make_evidence(keys, dcert, purse.signed, preq, signed, answer[12:])
    raise Refused(REQUEST_UNKNOWN, "no receipt for a payment of that id is kept")
