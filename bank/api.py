"""The bank's public doors: whether it is there, its keys, and the ledgers that bridges bring."""

import json
from importlib import metadata

from flask import Blueprint, Response, current_app, jsonify, request

from bank import audit, db, errors, limits, news, receipts, settle, uploads
from bank.settle import LedgerRefused
from bank.web import (
    BYTES,
    binary_body,
    current,
    json_body,
    operators_only,
    page,
)
from firmware.common.interchange import base64, jwk
from firmware.common.interchange.ledger import LedgerBatch, read_ledger, unseal_ledger
from firmware.common.wire.errors import MALFORMED, TOO_LARGE, Refused

public = Blueprint("public", __name__)
ledgers = Blueprint("ledgers", __name__)


@public.get("/")
def index() -> Response:
    """What this is."""
    return jsonify(
        name="Offline Payment Gateway: bank",
        version=metadata.version("offline-payment-gateway"),
        endpoints=sorted({rule.rule for rule in current_app.url_map.iter_rules()}),
    )


@public.get("/healthz")
def healthz() -> Response:
    """200 when the database can be reached and has the schema of this version, else 503."""
    current().database.run(db.check_version)
    return jsonify(status="ok")


@public.get("/bank-public-key")
def bank_public_key() -> Response:
    """What ledgers are sealed to, what receipts are verified with, and who vouches for it.

    Where a root has signed the keys: its public key (x||y) and realm as hex, the BKEY in base64.
    """
    bank = current()
    keys = bank.keys
    members = (
        {}
        if bank.authority is None
        else {
            "root_public_key": bank.authority.root_public.hex(),
            "realm": bank.authority.realm8.hex(),
            "bkey": base64.encode(bank.authority.bank.signed),
        }
    )
    return jsonify(
        public_key=json.loads(jwk.jwk_from_public(keys.ecdh_public)),
        format="JWK",
        algorithm="ECDH P-256",
        usage="Seal ledgers to public_key; verify receipts with signing_key.",
        signing_key=json.loads(jwk.jwk_from_public(keys.signing_public)),
        **members,
    )


@public.get("/bank-logs")
@operators_only
def bank_logs() -> Response:
    """The audit log, newest first: ?account_id=&action=&reason=&since=&limit=&offset="""
    limit, offset = page()
    names = ("account_id", "action", "reason", "since")
    wanted = audit.wanted(*(request.args.get(name) for name in names))
    logs = current().database.run(lambda cursor: audit.page(cursor, wanted, limit, offset))
    return jsonify(logs=logs, limit=limit, offset=offset)


@public.get("/bank-refusals")
@operators_only
def bank_refusals() -> Response:
    """How much that no enrolled device signed was refused: ?limit=&offset="""
    limit, offset = page()
    counts = current().database.run(lambda cursor: audit.counts(cursor, limit, offset))
    return jsonify(refusals=counts, limit=limit, offset=offset)


@ledgers.post("/verify-ledger")
def verify_ledger() -> Response:
    """What settling this ledger would answer; nothing moves, and nothing is signed."""
    batch = _open_ledger()
    return jsonify(receipts.answer(settle.check(current().database, batch)))


@ledgers.post("/settle-ledger")
def settle_ledger() -> Response:
    """Settles a ledger; sent again, it is answered with what was decided.

    JSON, answered in JSON; or bytes: a sealed UPLOAD of OPG1, answered with a bundle of messages.
    """
    bank = current()
    try:
        opened = (
            binary_body(limits.SEALED_BYTES_MAX) if request.mimetype == BYTES else _open_ledger()
        )
    except Refused as refused:
        raise settle.refuse(bank.database, refused) from None
    if isinstance(opened, bytes):
        told = uploads.settle(bank.database, bank.office, opened, bank.clock())
        return Response(news.bundle(told), mimetype=BYTES)
    outcome = settle.settle(bank.database, opened)
    return jsonify({**receipts.answer(outcome), **receipts.receipt(bank.keys, opened, outcome)})


@ledgers.errorhandler(Refused)
def _refused(refused: Refused) -> tuple[Response, int]:
    members = errors.body(refused)
    ids = refused.audit_log_ids if isinstance(refused, LedgerRefused) else []
    answer = jsonify(
        {
            "settled": False,
            "settled_transactions": [],
            "errors": [members["message"]],
            "audit_log_ids": ids,
            **members,
        }
    )
    return answer, errors.status(refused)


def _open_ledger() -> LedgerBatch:
    """The ledger in the body; what would cost much to refuse is refused before it is parsed."""
    raw = json_body(limits.BODY_BYTES_MAX)
    if _count_marks(raw) > limits.ENVELOPE_MARKS_MAX:
        raise Refused(MALFORMED, "an encrypted ledger has few members")
    plaintext = unseal_ledger(raw, current().keys.ecdh_private)
    if _count_marks(plaintext) > limits.LEDGER_MARKS_MAX:
        raise Refused(TOO_LARGE, f"a ledger has at most {limits.LEDGER_ENTRIES_MAX} entries here")
    return read_ledger(plaintext, limits.LEDGER_ENTRIES_MAX)


def _count_marks(raw: bytes) -> int:
    return sum(raw.count(mark) for mark in (b",", b"{", b"["))
