"""How bodies come in: slowly, too long, too many, or not at all; the bank answers others meanwhile.

Bounds of time and number are walked on the door itself, which is driven as a server drives it.
"""

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from bank import limits, server
from bank.asgi import Door
from bank.config import Settings
from firmware.common.wire.errors import BUSY, MALFORMED, TOO_LARGE
from host_tools.bank_client import read_refusal
from host_tools.errors import NOT_REACHABLE
from tests.bank.teller import Teller

HEADERS = {"Content-Type": "application/json"}
ANSWERS_S = 2
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def port(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A bank of one worker, as it runs."""
    port = server.free_port()
    log = tmp_path_factory.mktemp("bank") / "log"
    with server.running(replace(settings, port=port), 1, log):
        yield port
    assert log.read_text() == ""


class Client:
    """A server's side of the door: what a client sent, in pieces, and what it is told.

    After its pieces a client that is not `done` waits for ever, like one that sends no more.
    """

    def __init__(
        self,
        *pieces: bytes,
        declared: int | None,
        done: bool = True,
        path: str = "/settle-ledger",
        kind: bytes = b"application/json",
    ) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(b"content-type", kind), *length(declared)],
        }
        self.told: list[dict[str, Any]] = []
        self.taken = 0
        self._pieces = list(pieces)
        self._done = done

    async def receive(self) -> dict[str, Any]:
        if self.taken == len(self._pieces):
            await asyncio.Event().wait()
        self.taken += 1
        more = not self._done or self.taken < len(self._pieces)
        return {"type": "http.request", "body": self._pieces[self.taken - 1], "more_body": more}

    async def send(self, message: dict[str, Any]) -> None:
        self.told.append(message)

    @property
    def status(self) -> int:
        return self.told[0]["status"]

    @property
    def answer(self) -> Any:
        return json.loads(self.told[1]["body"])


def length(declared: int | None) -> list[tuple[bytes, bytes]]:
    if declared is None:
        return [(b"transfer-encoding", b"chunked")]
    return [(b"content-length", str(declared).encode())]


def serve(app: Flask, *clients: Client) -> None:
    """All of them at once, through one door; each is done with in the end."""
    door = Door(app)

    async def together() -> None:
        await asyncio.gather(*(door(c.scope, c.receive, c.send) for c in clients))

    asyncio.run(asyncio.wait_for(together(), 10))


@pytest.mark.parametrize("count", [limits.THREADS_PER_WORKER, limits.BODIES_MAX])
def test_half_sent_bodies_hold_up_nobody(port: int, count: int) -> None:
    """As many as the bank has threads, and as many as it has places."""
    head = b"POST /settle-ledger HTTP/1.1\r\nHost: bank\r\nContent-Type: application/json\r\n"
    with ExitStack() as stack:
        for _ in range(count):
            slow = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port))))
            slow.sendall(head + b"Content-Length: 100\r\n\r\n{")
        time.sleep(0.2)
        start = time.monotonic()
        assert ask(port, "GET", "/healthz")[0] == 200
        assert time.monotonic() - start < ANSWERS_S
    assert ask(port, "POST", "/settle-ledger", b"{}")[0] == 400


def test_a_simple_client_that_sends_50_mib_first_is_answered(port: int) -> None:
    """It reads nothing before it has sent all. More than once: an answer may come by luck."""
    for _ in range(10):
        status, answer = ask(port, "POST", "/settle-ledger", bytes(50 * MIB))
        assert (status, answer["reason"], answer["settled"]) == (413, TOO_LARGE, False)


def test_what_is_longer_still_is_cut_off(port: int) -> None:
    with pytest.raises(ConnectionError):
        ask(port, "POST", "/settle-ledger", bytes(limits.DISCARDED_BYTES_MAX + 64 * MIB))


@pytest.mark.parametrize("path", ["/%ff", "/%00", "/bank-public-key/", "/%c3%a4?x=%ff"])
def test_a_path_that_is_none_is_answered(port: int, path: str) -> None:
    assert ask(port, "GET", path)[0] == 404


def test_body_s_max(app: Flask, teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends no more is told so in time; nothing is recorded, and a bridge tries again."""
    monkeypatch.setattr(limits, "BODY_S_MAX", 0.1)
    silent, slow = Client(b"{", declared=2, done=False), Client(declared=2, done=False)
    serve(app, silent, slow)
    for client in (silent, slow):
        assert (client.status, client.answer["reason"]) == (408, MALFORMED)
        assert "did not come within" in client.answer["message"]
        assert client.answer["audit_log_ids"] == []
    assert teller.look("/bank-refusals")["refusals"] == []
    assert read_refusal(408, silent.told[1]["body"]).exit_code == NOT_REACHABLE


@pytest.mark.parametrize("path", ["/settle-ledger", "/sync", "/enrol", "/proofs"])
def test_sealed_bodies_come_by_the_same_door(
    app: Flask, teller: Teller, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Too slow: nothing is decided. Too long for the door, or for the endpoint: counted."""
    monkeypatch.setattr(limits, "BODY_S_MAX", 0.1)

    def client(*pieces: bytes, declared: int, done: bool = True) -> Client:
        kind = b"application/octet-stream"
        return Client(*pieces, declared=declared, done=done, path=path, kind=kind)

    slow = client(b"x", declared=2, done=False)
    serve(app, slow)
    assert (slow.status, slow.answer["reason"]) == (408, MALFORMED)
    assert teller.look("/bank-refusals")["refusals"] == []
    large = [
        client(bytes(size), declared=size)
        for size in (limits.SEALED_BYTES_MAX + 1, limits.BODY_BYTES_MAX + 1)
    ]
    serve(app, *large)
    assert [(c.status, c.answer["reason"]) for c in large] == [(413, TOO_LARGE)] * 2
    assert sum(row["count"] for row in teller.look("/bank-refusals")["refusals"]) == 2
    monkeypatch.setattr(limits, "BODIES_MAX", 0)
    busy = client(b"x", declared=1)
    serve(app, busy)
    assert (busy.status, busy.answer["reason"]) == (503, BUSY)
    assert sum(row["count"] for row in teller.look("/bank-refusals")["refusals"]) == 2


def test_bodies_max(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODIES_MAX", 2)
    monkeypatch.setattr(limits, "BODY_S_MAX", 0.3)
    held = [Client(b"{", declared=2, done=False) for _ in range(limits.BODIES_MAX)]
    more, bodiless = Client(b"{}", declared=2), Client(declared=0)
    serve(app, *held, more, bodiless)
    assert [client.status for client in held] == [408, 408]
    assert (more.status, more.answer["reason"]) == (503, BUSY)
    assert bodiless.status == 400
    serve(app, *(Client(b"{}", declared=2) for _ in range(limits.BODIES_MAX)))


def test_a_place_is_free_again_once_its_body_is_answered(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODIES_MAX", 1)
    door = Door(app)

    async def one_by_one() -> list[int]:
        clients = [Client(b"{}", declared=2) for _ in range(3)]
        for client in clients:
            await door(client.scope, client.receive, client.send)
        return [client.status for client in clients]

    assert asyncio.run(one_by_one()) == [400, 400, 400]


@pytest.mark.parametrize(("declared", "status"), [(10 * MIB, 413), (None, 400)])
def test_discarded_bytes_max(
    app: Flask, monkeypatch: pytest.MonkeyPatch, declared: int | None, status: int
) -> None:
    """No more than that of such a body is read, and then it is answered."""
    monkeypatch.setattr(limits, "DISCARDED_BYTES_MAX", 3 * MIB)
    client = Client(*[bytes(MIB)] * 10, declared=declared)
    serve(app, client)
    assert (client.status, client.taken) == (status, 3)


def test_a_refused_body_that_does_not_come_is_not_waited_for(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DISCARD_PAUSE_S", 0.1)
    client = Client(bytes(MIB), declared=limits.BODY_BYTES_MAX + 1, done=False)
    start = time.monotonic()
    serve(app, client)
    assert (client.status, time.monotonic() - start < ANSWERS_S) == (413, True)


def test_a_client_that_went_away_is_not_answered(app: Flask) -> None:
    client = Client(declared=2)

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    asyncio.run(Door(app)(client.scope, gone, client.send))
    assert client.told == []


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=40)) as connection:
        connection.request(method, path, body, HEADERS)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
