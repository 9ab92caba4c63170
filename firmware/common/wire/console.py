"""The host's side door: packets over a link on the USB port, one answer to each.

    request  = packet {"do": name, …}, body
    answer   = packet {"ok": true, …}, body        or {"ok": false, "reason": n, "detail": text}

A host may ask, propose and carry files; whatever moves money or changes keys is confirmed on
the board's own screen. What a command does is loaded when a host asks, from the module that the
role's app names for it: those that need much room have one for themselves.
"""

from firmware.common import late
from firmware.common.ui.flow import Flow
from firmware.common.wire import packet
from firmware.common.wire.errors import MALFORMED, TOO_LARGE, Refused
from firmware.common.wire.limits import MESSAGE_BYTES_MAX
from firmware.common.wire.link import Link

_POLL_MS = 5


async def serve(app: Flow) -> None:
    """Answers for ever."""
    board = app.device.board
    link = Link()
    while True:
        link.step(board.console, board.clock.ms())
        if link.is_idle():
            message = link.receive()
            if message is not None:
                link.send(answer(app, message))
                message = None
        await board.clock.sleep_ms(_POLL_MS)


def answer(app: Flow, message: bytes) -> bytes:
    """The packet that answers a packet; a refusal is an answer too."""
    try:
        header, body = packet.unpack(message)
        name = str(header.get("do"))
        found, data = late.call(app.command_module(name), "run", app, name, header, body)
        found["ok"] = True
        answer = packet.pack(found, data)
        if len(answer) > MESSAGE_BYTES_MAX:
            raise Refused(TOO_LARGE, "the answer does not fit a message")
        return answer
    except Refused as refused:
        return _refusal(refused.reason, refused.detail)
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        # A header with members of the wrong type; the text names the kind, never a value.
        return _refusal(MALFORMED, type(error).__name__)


def _refusal(reason: int, detail: str) -> bytes:
    return packet.pack({"ok": False, "reason": reason, "detail": detail})
