"""The payee's side of a tap: say who is here, take payments, acknowledge what was entered."""

from binascii import hexlify

from firmware.common import late
from firmware.common.wire import jsontap, packet
from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.link import Link
from firmware.receiver.app import App
from firmware.receiver.book import acknowledgement

_POLL_MS = 2


async def serve(app: App) -> None:
    """Answers whoever connects, for ever."""
    board = app.device.board
    wire = Link()
    while True:
        wire.step(board.tap, board.clock.ms())
        message = wire.receive() if wire.is_idle() else None
        if message:
            start = 1 + jsontap.REQUEST_BYTES
            kind, head, envelope = message[0], message[1:start], message[start:]
            message = None  # an envelope is large: the heap is to hold it once
            wire.send(_answer(app, kind, head, envelope))
        await board.clock.sleep_ms(_POLL_MS)


def _answer(app: App, kind: int, head: bytes, envelope: bytes) -> bytes:
    """The reply to a message of a `kind`, whose body is `head`, then `envelope`."""
    try:
        if kind == jsontap.HELLO:
            return jsontap.make(jsontap.PREQ, _hello(app, head + envelope))
        if kind == jsontap.TXN:
            return jsontap.make(jsontap.ACK, _payment(app, head, envelope))
        raise Refused(MALFORMED, "no such message")
    except Refused as refused:
        verdict = bytes((refused.reason,)) + refused.detail.encode()
        return jsontap.make(jsontap.VERDICT, verdict)


def _hello(app: App, body: bytes) -> bytes:
    if body != bytes((jsontap.VERSION,)):
        raise Refused(MALFORMED, "another version of the protocol")
    identity = app.device.store.enrolled()
    request = app.open_request()
    header = {
        "request": request.request_id,
        "payee": identity.account,
        "name": identity.name,
        "amount": request.amount_minor,
    }
    ecdh = app.device.store.keys.ecdh_public
    jwk = late.call("firmware.common.interchange.jwk", "jwk_from_public", ecdh)
    return packet.pack(header, jwk.encode())


def _payment(app: App, request: bytes, envelope: bytes) -> bytes:
    if not envelope:
        raise Refused(MALFORMED, "no payment in it")
    header, _ = app.take_envelope(envelope, hexlify(request).decode())
    told = {"hash": header["hash"], "index": header["index"], "head": header["head"]}
    return packet.pack(told, acknowledgement(header))
