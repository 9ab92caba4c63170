"""The bank over HTTP: JSON in, JSON out, with clear words where it cannot be reached."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from firmware.common.wire import reasons
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError

_TIMEOUT_S = 30
_ANSWER_BYTES_MAX = 16 * 1024 * 1024
_RECEIPT_MEMBERS = ("settled_transactions", "verdicts", "receipt", "receipt_signature")
_NO_BANK = "what answered there is not the bank"


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
        return self._ask("GET", path, None)

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        return self._ask("POST", path, body)

    def settle(self, ledger: bytes) -> dict[str, Any]:
        """The answer to a ledger, with its receipt."""
        answer = self.post("/settle-ledger", ledger)
        if any(name not in answer for name in _RECEIPT_MEMBERS):
            raise CommandError(NOT_REACHABLE, _NO_BANK)
        return answer

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Content-Type", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                return read_answer(response.read(_ANSWER_BYTES_MAX))
        except urllib.error.HTTPError as error:
            raise read_refusal(error.code, error.read(_ANSWER_BYTES_MAX)) from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise CommandError(
                NOT_REACHABLE, f"the bank at {self.url} cannot be reached: {reason}"
            ) from None


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
