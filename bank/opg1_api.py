"""OPG1 over HTTP: sealed messages in, bytes out; a refusal is JSON, as everywhere.

    POST /enrol   a sealed ENROL       200 the signed DCERT, or 202 while the operator decides
    POST /renew   a board's DCERT      200 its newest DCERT, made now where that one ends soon
    POST /sync    a sealed SYNC        a bundle: the sealed STATEMENT, a VERDICT where it brings no
                                       purse though one was asked for, then news
    GET  /news    ?from=NUMBER         a bundle: BKEY, BEACON, what was revoked after that number

Whoever carries the bodies sees lengths and device ids.
"""

from flask import Blueprint, Response, jsonify

from bank import certificates, endings, enrolment, limits, news, refusals, sync
from bank.authority import Office
from bank.news import Message
from bank.refusals import counted
from bank.web import Bank, binary_body, current, number
from firmware.common.wire.errors import Refused
from firmware.common.wire.messages import ENROL, STATEMENT, SYNC, VERDICT

blueprint = Blueprint("opg1", __name__)
_NUMBER_MAX = 2**32 - 1


@blueprint.post("/enrol")
@counted
def enrol() -> Response:
    """The board's certificate, once the operator has compared the words."""
    bank, body = current(), binary_body(limits.ENROLMENT_BYTES_MAX)
    office = bank.office
    sender8, data = office.open(ENROL.number, body)
    found = bank.database.run(
        lambda cursor: enrolment.ask(cursor, office, bank.code_key, sender8, data, bank.clock())
    )
    if isinstance(found, Refused):
        raise found
    if found:
        return _bytes(found)
    response = jsonify(state=enrolment.PENDING, device_id=sender8.hex())
    response.status_code = 202
    return response


@blueprint.post("/renew")
@counted
def renew() -> Response:
    """A board's next certificate."""
    bank, body = current(), binary_body(limits.CERTIFICATE_BYTES_MAX)
    office, now = bank.office, bank.clock()
    return _bytes(bank.database.run(lambda cursor: certificates.renew(cursor, office, body, now)))


@blueprint.post("/sync")
def synchronise() -> Response:
    """A payer's report about a purse: ?from= is the last revocation the board knows."""
    bank = current()
    office, since = bank.office, number("from", 0, _NUMBER_MAX)
    done = _answer(bank, office)
    device = done.device
    box = office.seal(STATEMENT.number, device.device_id, device.ecdh_key, done.statement)
    told = [(VERDICT.number, done.verdict)] if done.verdict else []
    return _bundle([(STATEMENT.number, box), *told, *_news(since)])


@blueprint.get("/news")
def read_news() -> Response:
    """Public: what time it is at least, and what is revoked."""
    return _bundle(_news(number("from", 0, _NUMBER_MAX)))


def _answer(bank: Bank, office: Office) -> sync.Answer:
    data, now = b"", bank.clock()
    try:
        sender8, data = office.open(SYNC.number, binary_body(limits.SYNC_BYTES_MAX))
        bank.database.run(lambda cursor: endings.end_due(cursor, now))
        return bank.database.run(lambda cursor: sync.answer(cursor, office, sender8, data, now))
    except Refused as refused:
        if refusals.is_decided(refused):
            refusals.record(bank.database, office, SYNC, "refuse report", data, refused)
        raise


def _news(since: int) -> list[Message]:
    bank = current()
    office, now = bank.office, bank.clock()
    return bank.database.run(lambda cursor: news.messages(cursor, office, now, since))


def _bundle(found: list[Message]) -> Response:
    return _bytes(news.bundle(found))


def _bytes(data: bytes) -> Response:
    return Response(data, mimetype="application/octet-stream")
