"""What every endpoint needs: its bank, a bounded body, a page, the operator's token."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from bank import limits
from bank.authority import Authority, Office, require
from bank.db import Database
from bank.keys import BankKeys
from firmware.common import crypto
from firmware.common.wire.errors import MALFORMED, NOT_AUTHORISED, TOO_LARGE, Refused

BYTES = "application/octet-stream"
BODY_REFUSED = "bank.body_refused"  # in the WSGI environment: why the body was not read

P = ParamSpec("P")
R = TypeVar("R")


class BodyTooLate(Refused):
    """The body did not come; nothing is decided, and the same can be sent again."""

    def __init__(self) -> None:
        super().__init__(MALFORMED, f"the body did not come within {limits.BODY_S_MAX} s")


@dataclass(frozen=True)
class Bank:
    """What the application is made of."""

    database: Database
    keys: BankKeys
    operator_token: str = field(repr=False)
    code_key: bytes = field(repr=False)
    authority: Authority | None = None
    clock: Callable[[], int] = lambda: int(time.time())  # seconds since 1970

    @property
    def office(self) -> Office:
        """Who signs and opens in OPG1. Raises `Refused` where no root has signed the keys."""
        return Office(self.keys, require(self.authority))


def current() -> Bank:
    """The bank that this request came to."""
    return current_app.extensions["bank"]


def json_body(bytes_max: int) -> bytes:
    """The body, which is declared as JSON and not longer than that. Raises `Refused`."""
    return _body("application/json", bytes_max)


def binary_body(bytes_max: int) -> bytes:
    """The body, which is declared as bytes and not longer than that. Raises `Refused`."""
    return _body(BYTES, bytes_max)


def _body(mimetype: str, bytes_max: int) -> bytes:
    if BODY_REFUSED in request.environ:
        raise request.environ[BODY_REFUSED]
    if request.mimetype != mimetype:
        raise Refused(MALFORMED, f"send it with Content-Type: {mimetype}")
    if request.content_length is None:
        raise Refused(MALFORMED, "declare the length of the body with Content-Length")
    request.max_content_length = bytes_max
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refused(TOO_LARGE, f"a body has at most {bytes_max} bytes here") from None


def page() -> tuple[int, int]:
    """(limit, offset) of a list, from the query."""
    return (
        number("limit", limits.PAGE_ROWS, limits.PAGE_ROWS_MAX, low=1),
        number("offset", 0, limits.PAGE_OFFSET_MAX),
    )


def protect(response: Response) -> Response:
    """Keeps a browser from taking an answer, with whatever names are in it, for a page."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def operators_only(view: Callable[P, R]) -> Callable[P, R]:
    """Lets a request through that carries the operator's token."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        authorization = request.authorization
        token = authorization.token if authorization and authorization.type == "bearer" else ""
        # Hashes are of one length, so that the time taken says nothing about the token.
        given, expected = (
            crypto.sha256(text.encode()) for text in (token or "", current().operator_token)
        )
        if not crypto.equal(given, expected):
            raise Refused(NOT_AUTHORISED, "this needs the operator's token")
        return view(*args, **kwargs)

    return guarded


def number(name: str, default: int, high: int, low: int = 0) -> int:
    """A whole number of the query. Raises `Refused` where it is none, or out of bounds."""
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high):
        raise Refused(MALFORMED, f"{name} must be a number from {low} to {high}")
    return int(text)
