"""Reads every answer and every log record of the tests for what must never leave the bank."""

import base64
import json
import logging
import traceback
import unicodedata

import psycopg2.extensions
from flask import Flask, Response

from bank.config import Settings
from bank.web import Bank


class Watch(logging.Handler):
    """What it found, and where; a context manager, for the log records."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        super().__init__()
        self.leaks: list[str] = []
        self._spellings = spellings(app.extensions["bank"], settings)
        app.after_request(self._read_answer)

    def __enter__(self) -> "Watch":
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self.read("a log record", message.encode(errors="replace"))
        if any(unicodedata.category(c) == "Cc" for c in message.replace("\n", "")):
            self.leaks.append(f"control characters in a log record: {message!r}")
        if record.exc_info:
            lines = traceback.format_exception(*record.exc_info)
            self.read("a traceback", "".join(lines).encode(errors="replace"))

    def read(self, where: str, data: bytes) -> None:
        """Looks for every secret in some bytes."""
        for name, texts in self._spellings.items():
            if any(text in data for text in texts):
                self.leaks.append(f"{name} in {where}")

    def take(self) -> list[str]:
        """What was found since it was asked last."""
        leaks, self.leaks = self.leaks, []
        return leaks

    def _read_answer(self, response: Response) -> Response:
        data = response.get_data() + str(response.headers).encode()
        self.read(f"an answer with {response.status_code}", data)
        return response


def _root_private(settings: Settings) -> bytes:
    return bytes.fromhex(json.loads((settings.root_dir / "root.json").read_text())["root"])


def spellings(bank: Bank, settings: Settings) -> dict[str, list[bytes]]:
    """The bank's secrets by name, each as it may be written."""
    found = {
        name: [
            secret,
            secret.hex().encode(),
            secret.hex().upper().encode(),
            base64.b64encode(secret).rstrip(b"="),
            base64.urlsafe_b64encode(secret).rstrip(b"="),
            str(int.from_bytes(secret)).encode(),
            repr(secret)[2:-1].encode(),
        ]
        for name, secret in (
            ("the signing key", bank.keys.signing_private),
            ("the ECDH key", bank.keys.ecdh_private),
            ("the key of codes", bank.code_key),
            ("the root's key", _root_private(settings)),
        )
    }
    found["the operator's token"] = [bank.operator_token.encode()]
    for url in (settings.database_url, settings.database_owner_url):
        dsn = psycopg2.extensions.parse_dsn(url or "")
        if "password" in dsn:
            found[f"the password of {dsn['user']}"] = [dsn["password"].encode()]
    return found
