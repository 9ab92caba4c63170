"""Proofs over HTTP, for anybody: bytes in, and bytes out as they may be handed on.

    POST /proofs         a bundle of EQUIV and ACK     200 what each has brought
    GET  /proofs/PURSE   16 hex digits                 a bundle of one EQUIV

All of it is public.
"""

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import NotFound

from bank import limits, news, proving
from bank.refusals import counted
from bank.web import BYTES, binary_body, current
from firmware.common.interchange.transaction import is_hex
from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.messages import EQUIV

blueprint = Blueprint("proofs", __name__)


@blueprint.post("/proofs")
@counted
def take_proofs() -> Response:
    """Each is checked by itself; who brings it does not matter."""
    bank, body = current(), binary_body(limits.PROOFS_BYTES_MAX)
    office = bank.office
    results = bank.database.run(lambda cursor: proving.take(cursor, office, body))
    return jsonify(results=results)


@blueprint.get("/proofs/<purse>")
def read_proof(purse: str) -> Response:
    """Why a purse is revoked, where two of its payments contradict each other."""
    if not is_hex(purse, 16):
        raise Refused(MALFORMED, "a purse's id is 16 hex digits in lower case")
    found = current().database.run(lambda cursor: proving.find(cursor, bytes.fromhex(purse)))
    if not found:
        raise NotFound
    return Response(news.bundle([(EQUIV.number, found)]), mimetype=BYTES)
