"""The bank over HTTP: JSON or sealed bytes, with clear words where it cannot be reached."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

from firmware.common.wire import reasons
from firmware.common.wire.errors import Refused
from firmware.common.wire.messages import BEACON, BKEY, SRCPT, STATEMENT
from host_tools import bundle
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError

_TIMEOUT_S = 30
_ANSWER_BYTES_MAX = 16 * 1024 * 1024
_RECEIPT_MEMBERS = ("settled_transactions", "verdicts", "receipt", "receipt_signature")
_NO_BANK = "what answered there is not the bank"
_JSON = "application/json"
_BYTES = "application/octet-stream"
_ACCEPTED = 202


class Answer(NamedTuple):
    """One HTTP answer that is no refusal."""

    status: int
    mimetype: str
    body: bytes


class BankClient:
    """One bank; `token` is the operator's, needed only where the bank asks for it."""

    def __init__(self, url: str, token: str = "") -> None:
        scheme = urllib.parse.urlsplit(url).scheme
        if scheme not in ("http", "https"):
            raise CommandError(2, f"the bank's URL must start with http:// or https://, not {url}")
        self.url = url.rstrip("/")
        self._token = token

    def public_keys(self) -> dict[str, Any]:
        """The answer of `GET /bank-public-key`."""
        return self.get("/bank-public-key")

    def get(self, path: str) -> dict[str, Any]:
        return read_answer(self._send("GET", path, None, _JSON).body)

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        return read_answer(self._send("POST", path, body, _JSON).body)

    def settle(self, ledger: bytes) -> dict[str, Any]:
        """The answer to a JSON ledger, with its receipt."""
        answer = self.post("/settle-ledger", ledger)
        if any(name not in answer for name in _RECEIPT_MEMBERS):
            raise CommandError(NOT_REACHABLE, _NO_BANK)
        return answer

    def settle_taps(self, upload: bytes) -> bytes:
        """The answer to a sealed UPLOAD: a bundle that begins with its SRCPT, then news."""
        return self._bundle("POST", "/settle-ledger", upload, SRCPT.number)

    def sync(self, report: bytes, known: int) -> bytes:
        """The answer to a sealed SYNC: a bundle that begins with its sealed STATEMENT, then news.

        `known`: how many revocations the board knows.
        """
        return self._bundle("POST", f"/sync?from={known}", report, STATEMENT.number)

    def news(self, known: int) -> bytes:
        """A bundle of BKEY, BEACON and what was revoked after the first `known`."""
        return self._bundle("GET", f"/news?from={known}", None, BKEY.number, BEACON.number)

    def enrol(self, enrolment: bytes) -> bytes:
        """The signed DCERT that answers a sealed ENROL; b"" while the operator has not decided."""
        answer = self._send("POST", "/enrol", enrolment, _BYTES)
        if answer.status == _ACCEPTED and read_answer(answer.body).get("state") == "pending":
            return b""
        return _bytes_of(answer)

    def renew(self, certificate: bytes) -> bytes:
        """The newest signed DCERT of the board that this one is of."""
        return _bytes_of(self._send("POST", "/renew", certificate, _BYTES))

    def proof(self, purse: str) -> bytes:
        """The EQUIV against a purse, named by 16 hex digits."""
        return bundle.split(self._bundle("GET", f"/proofs/{purse}", None))[0][1]

    def _bundle(self, method: str, path: str, body: bytes | None, *first: int) -> bytes:
        """An answer that is a bundle whose first messages are of these types."""
        answer = self._send(method, path, body, _BYTES)
        try:
            numbers = tuple(number for number, _ in bundle.split(answer.body))
        except Refused:
            numbers = ()
        if answer.mimetype != _BYTES or not numbers or numbers[: len(first)] != first:
            raise CommandError(NOT_REACHABLE, _NO_BANK)
        return answer.body

    def _send(self, method: str, path: str, body: bytes | None, mimetype: str) -> Answer:
        """What the bank answers; `CommandError` for a refusal, or for none."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Content-Type", mimetype)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                kind = response.headers.get_content_type()
                return Answer(response.status, kind, response.read(_ANSWER_BYTES_MAX))
        except urllib.error.HTTPError as error:
            raise read_refusal(error.code, error.read(_ANSWER_BYTES_MAX)) from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise CommandError(
                NOT_REACHABLE, f"the bank at {self.url} cannot be reached: {reason}"
            ) from None


def _bytes_of(answer: Answer) -> bytes:
    if answer.mimetype != _BYTES or not answer.body:
        raise CommandError(NOT_REACHABLE, _NO_BANK)
    return answer.body


def read_answer(data: bytes) -> dict[str, Any]:
    """The JSON object in what the bank answered."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CommandError(NOT_REACHABLE, _NO_BANK)
    return found


def read_refusal(status: int, data: bytes) -> CommandError:
    """The bank's reason and advice; a server that is out of order, or no bank, is not reachable."""
    found = read_answer(data)
    reason = found.get("reason")
    if not isinstance(reason, int):  # a proxy's answer, or a path that is none of the bank's
        raise CommandError(NOT_REACHABLE, _NO_BANK)
    message = str(found.get("message") or f"{reasons.name(reason)}. {reasons.advice(reason)}")
    again = status >= 500 or status == 408  # the bank decided nothing
    return CommandError(NOT_REACHABLE if again else REFUSED, message, reason)
