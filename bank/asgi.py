"""The bank's door: an ASGI application that reads bodies before a thread begins to work on them.

Whoever sends slowly costs a place in the event loop, and neither a thread nor a connection to
the database. Bodies are bounded in bytes, in seconds and in number. One that is refused by what
is declared is discarded first, within bounds: many clients read nothing before they have sent all.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from bank import limits
from bank.web import BODY_REFUSED, BodyTooLate
from firmware.common.wire.errors import BUSY, Refused

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]  # status, headers, body


class _Gone(Exception):
    """The client closed the connection."""


class Door:
    """Serves a WSGI application; one for each worker process."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(limits.THREADS_PER_WORKER, "request")
        self._bodies = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; whoever went away before its body was there is not answered."""
        environ, size = _environ(scope), _declared_bytes(scope)
        if size == 0:
            await _say(send, await self._work(environ, b""))
        elif size is None or size > limits.BODY_BYTES_MAX:
            await _discard(receive)
            await _say(send, await self._work(environ, b""))  # which refuses it by its headers
        elif self._bodies >= limits.BODIES_MAX:
            environ[BODY_REFUSED] = Refused(BUSY, "too many others send to the bank right now")
            await _discard(receive)
            await _say(send, await self._work(environ, b""))
        else:
            self._bodies += 1
            try:
                await self._read_and_work(environ, receive, send)
            finally:
                self._bodies -= 1

    async def _read_and_work(self, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(limits.BODY_S_MAX):
                body = await _read(receive)
        except TimeoutError:
            environ[BODY_REFUSED] = BodyTooLate()
            await _say(send, await self._work(environ, b""))
        except _Gone:
            pass
        else:
            await _say(send, await self._work(environ, body))

    async def _work(self, environ: dict[str, Any], body: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _call, self._app, environ, body)


async def _read(receive: Receive) -> bytes:
    """The whole body; the server lets no more of it through than was declared."""
    parts = []
    more = True
    while more:
        message = await _next(receive)
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] != "http.request":
        raise _Gone
    return message


async def _say(send: Send, answer: Answer) -> None:
    status, headers, body = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _discard(receive: Receive) -> None:
    """Reads a body into nothing, until it ends, pauses or is beyond bounds; the server closes then.

    The pause is for a client that waits to be told whether to send at all.
    """
    left, more = limits.DISCARDED_BYTES_MAX, True
    with suppress(TimeoutError, _Gone):
        async with asyncio.timeout(limits.BODY_S_MAX):
            while more and left > 0:
                message = await asyncio.wait_for(_next(receive), limits.DISCARD_PAUSE_S)
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


def _call(app: Wsgi, environ: dict[str, Any], body: bytes) -> Answer:
    """What the application answers."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        started[:] = status, headers

    chunks = app({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
    try:
        content = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    status, headers = started
    names = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return int(status.split()[0]), names, content


def _declared_bytes(scope: Scope) -> int | None:
    """How long the body is: 0 where there is none, None where nobody says."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return None
    text = headers.get(b"content-length", b"0")
    return int(text) if text.isdigit() else None


def _environ(scope: Scope) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333): bytes stand as the characters of their numbers."""
    server, client = scope.get("server") or ("", 0), scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode(errors="surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
