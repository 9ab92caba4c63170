"""The payer's side of a tap: hand every pending payment to the payee at the other end."""

from binascii import unhexlify

from firmware.common import crypto, late
from firmware.common.wire import jsontap, link, packet
from firmware.common.wire.errors import MALFORMED, NOT_FOR_ME, UNAVAILABLE, Refused
from firmware.common.wire.limits import TAP_ANSWER_MS, TAP_CONNECT_MS
from firmware.sender.outbox import Outbox, Pending
from firmware.sender.payees import Payees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Board

_POLL_MS = 2


class Till:
    """Who is at the other end, from its PREQ; `request_id` is 8 bytes."""

    def __init__(self, account: str, ecdh: bytes, request_id: bytes, amount_minor: int) -> None:
        self.account = account
        self.ecdh = ecdh
        self.request_id = request_id
        self.amount_minor = amount_minor


async def deliver(board: "Board", outbox: Outbox, payees: Payees) -> Refused | None:
    """Sends what is pending for the payee at the other end; what it acknowledges is journalled.

    Answers the last refusal of a payment, which holds up no other. Raises `Refused`:
    UNAVAILABLE when nobody answers or the wire goes quiet, NOT_FOR_ME when nothing is pending
    for whoever is there.
    """
    wire = link.Link()
    wire.connect(1 + int.from_bytes(crypto.random_bytes(2), "big") % 0xFFFF)
    till = await _greet(board, wire)
    known = payees.find(till.account)
    if known is None or known.ecdh != till.ecdh:
        raise Refused(NOT_FOR_ME, "at the other end is a till whose code was not imported")
    waiting = [pending for pending in outbox.pending if pending.to_id == till.account]
    if not waiting:
        raise Refused(NOT_FOR_ME, "nothing is pending for " + till.account)
    refused = None
    for number, pending in enumerate(waiting):
        if number:
            till = await _greet(board, wire)  # a request is open for one payment
        try:
            await _hand_over(board, wire, outbox, pending, till)
        except Refused as verdict:
            if verdict.reason == UNAVAILABLE:
                raise
            refused = verdict
    return refused


async def _greet(board: "Board", wire: link.Link) -> Till:
    return _till(await _call(board, wire, jsontap.HELLO, bytes((jsontap.VERSION,))))


async def _hand_over(
    board: "Board", wire: link.Link, outbox: Outbox, pending: Pending, till: Till
) -> None:
    body = till.request_id + outbox.envelope(pending)
    header, proof = packet.unpack(await _call(board, wire, jsontap.TXN, body))
    index, head = _whole(header, "index"), str(header.get("head"))
    outbox.check_proof(pending, index, head, proof)
    outbox.add_delivered(pending, index, head)


async def _call(board: "Board", wire: link.Link, kind: int, body: bytes) -> bytes:
    """Sends one message and answers the body of its reply, PREQ or ACK; a VERDICT raises."""
    clock = board.clock
    until = clock.ms() + TAP_CONNECT_MS
    message = jsontap.make(kind, body)
    while True:
        wire.step(board.tap, clock.ms())
        if message and wire.state == link.OPEN and wire.is_idle():
            wire.send(message)
            message = b""
            until = clock.ms() + TAP_ANSWER_MS
        reply = wire.receive()
        if reply:
            wire.step(board.tap, clock.ms())  # its acknowledgement leaves before we go on
            return _body(reply)
        if wire.state == link.CLOSED or clock.ms() > until:
            raise Refused(UNAVAILABLE, "nobody answers on the wire")
        await clock.sleep_ms(_POLL_MS)


def _body(reply: bytes) -> bytes:
    if reply[0] == jsontap.VERDICT and len(reply) > 1:
        raise Refused(reply[1], _plain(reply[2:]))
    if reply[0] not in (jsontap.PREQ, jsontap.ACK):
        raise Refused(MALFORMED, "the other end speaks otherwise")
    return reply[1:]


def _till(body: bytes) -> Till:
    header, jwk = packet.unpack(body)
    ecdh = late.call("firmware.common.interchange.jwk", "public_from_jwk", jwk)
    try:
        request_id = unhexlify(str(header.get("request")))
    except ValueError:
        request_id = b""
    if len(request_id) != jsontap.REQUEST_BYTES:
        raise Refused(MALFORMED, "the other end names no request")
    return Till(str(header.get("payee")), ecdh, request_id, _whole(header, "amount"))


def _whole(header: dict, name: str) -> int:
    value = header.get(name)
    if type(value) is not int:
        raise Refused(MALFORMED, "the other end speaks otherwise")
    return value


def _plain(data: bytes) -> str:
    """What another board says, cut and in ASCII: it ends on a screen and in a log."""
    return "".join([chr(c) for c in data[:80] if 32 <= c < 127])
