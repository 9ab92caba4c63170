"""The console's view of the ledger: `entries` and `evidence`, loaded when asked for."""

from binascii import hexlify

from firmware.common.payment.answer import make_ack
from firmware.common.payment.asking import make_request
from firmware.common.payment.evidence import check_evidence, make_evidence
from firmware.common.storage import enrolment
from firmware.common.wire.errors import BAD_CERTIFICATE, MALFORMED, REQUEST_UNKNOWN, Refused
from firmware.receiver import entries
from firmware.receiver.app import App
from firmware.receiver.entering import ACCEPTED, accepted_parts

_PAGE = 8


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    if name == "entries":
        return _page(app, int(header["first"])), b""
    if name == "evidence":
        return {}, _evidence(app, int(header["index"]))
    raise Refused(MALFORMED, "no such command on this board")


def _page(app: App, first: int) -> dict:
    """Entries that are kept, oldest first; `verdict` is null before the bank has judged."""
    found = []
    told = entries.verdicts(app.till, first, _PAGE)
    for index, kind, payload in entries.entries(app.till, first):
        if index >= first + _PAGE:
            break
        found.append(_described(index, kind, payload, told.get(index)))
    return {"entries": found, "count": app.till.count}


def _described(index: int, kind: int, payload: bytes, verdict: int | None) -> dict:
    described = {
        "index": index,
        "time": entries.fields(payload)[2],
        "head": hexlify(entries.head(kind, payload)).decode(),
        "verdict": verdict,
    }
    if kind == ACCEPTED:
        txn = entries.txn(payload)
        described["kind"] = "payment"
        described["amount"] = txn.amount
        described["currency"] = entries.currency(payload)
        described["purse"] = hexlify(txn.purse).decode()
        described["hash"] = hexlify(entries.txn_hash(payload)).decode()
    else:
        refund = entries.refund(payload)
        described["kind"] = "refund"
        described["amount"] = refund.amount
        described["purse"] = hexlify(refund.to_purse).decode()
        described["hash"] = hexlify(refund.txn_hash).decode()  # of the payment
    return described


def _evidence(app: App, index: int) -> bytes:
    """The pack that proves a payment of this till to whoever knows the root key alone."""
    kind, payload = entries.find(app.till, index)
    if kind != ACCEPTED:
        raise Refused(REQUEST_UNKNOWN, "that entry is no payment")
    news, key = app.device.news, app.device.store.keys.signing
    gen, _, t_lb, _, _ = entries.fields(payload)
    core, head, purse, txn = accepted_parts(payload)
    device = app.till.device
    txn_hash = entries.txn_hash(payload)
    ack = make_ack(news.realm8, key, device, txn_hash, gen, index, head, t_lb)
    request = make_request(news.realm8, key, core, bytes(16))  # on no connection
    dcert = enrolment.certificate(app.device.board.root)
    single = [bank.signed for bank in news.banks]
    for banks in single + [b"".join(single)]:  # one key for certificate and purse, or one each
        pack = make_evidence(banks, dcert, purse, request, txn, ack)
        try:
            check_evidence(news.root, pack)
        except Refused:
            continue
        return pack
    raise Refused(BAD_CERTIFICATE, "the bank's key of that time is not kept any more")
