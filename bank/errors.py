"""How a refusal leaves the bank: JSON with the reason's number, its name and what to do."""

from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from bank.web import BodyTooLate
from firmware.common.wire import reasons
from firmware.common.wire.errors import (
    BUSY,
    CANNOT_OPEN,
    CHAIN_BROKEN,
    FROZEN,
    KEY_MISSING,
    LEDGER_FORK,
    MALFORMED,
    NOT_AUTHORISED,
    NOT_ENROLLED,
    REPLAY,
    TOO_LARGE,
    UNAVAILABLE,
    UNKNOWN_PAYEE,
    Refused,
)

_STATUS = {  # 400 for every other reason
    NOT_AUTHORISED: 401,
    NOT_ENROLLED: 403,
    FROZEN: 403,
    UNKNOWN_PAYEE: 404,
    CHAIN_BROKEN: 409,
    LEDGER_FORK: 409,
    REPLAY: 409,
    TOO_LARGE: 413,
    BUSY: 503,
    UNAVAILABLE: 503,
}

# Where the bank refuses, other people are meant than where a board does.
_ADVICE = {
    CANNOT_OPEN: "It was sealed for another bank, or changed on its way. Whoever carries it checks "
    "--bank URL and bridges the board again, which seals its ledger anew.",
    KEY_MISSING: "Have it made again: opg key PORT for a board's keys, opg bridge for a ledger.",
    UNKNOWN_PAYEE: "The bank's operator checks the account's id (opg bank account list) or opens "
    "it (opg bank account open ACCOUNT).",
}


def advice(reason: int) -> str:
    """What those can do who deal with the bank: bridges and its operator."""
    return _ADVICE.get(reason) or reasons.advice(reason)


def status(refused: Refused) -> int:
    """The HTTP status that fits a reason."""
    if isinstance(refused, BodyTooLate):
        return 408
    return _STATUS.get(refused.reason, 400)


def body(refused: Refused) -> dict[str, Any]:
    """The members that say why: reason, name and message."""
    return _members(refused.reason, refused.detail, advice(refused.reason))


def register(app: Flask) -> None:
    """Makes every error of a request such an answer."""

    @app.errorhandler(Refused)
    def _refused(refused: Refused) -> Response:
        return _answer(body(refused), status(refused))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        code = error.code or 500
        response = _answer(_members(_reason(code), *_words(error)), code)
        if code == 405:
            response.headers["Allow"] = error.get_response().headers.get("Allow", "")
        return response


def _answer(members: dict[str, Any], code: int) -> Response:
    response = jsonify({"error": members["message"], **members})
    response.status_code = code
    if code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _reason(code: int) -> int:
    if code >= 500:
        return UNAVAILABLE
    return TOO_LARGE if code == 413 else MALFORMED


def _words(error: HTTPException) -> tuple[str, str]:
    """What happened and what to do, for what Flask itself refuses."""
    if error.code == 404:
        return "there is no such page", "GET / lists those there are."
    if error.code == 413:
        return "the body is too large", advice(TOO_LARGE)
    if error.code is None or error.code >= 500:
        return "the bank failed", advice(UNAVAILABLE)
    return error.name.lower(), "GET / lists the endpoints; the manual says how each is used."


def _members(reason: int, detail: str, what_to_do: str) -> dict[str, Any]:
    name = reasons.name(reason)
    sentence = f"{name}: {detail}" if detail else name
    return {"reason": reason, "name": name, "message": f"{sentence}. {what_to_do}"}
