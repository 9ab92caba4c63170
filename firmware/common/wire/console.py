"""The host's side door: packets over a link on the USB port, one answer to each.

    request  = packet {"do": name, …}, body
    answer   = packet {"ok": true, …}, body        or {"ok": false, "reason": n, "detail": text}

A host may ask, propose and carry files; whatever moves money or changes keys is confirmed on
the board's own screen.
"""

from firmware.common.wire import packet
from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.link import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Board

_POLL_MS = 5


async def serve(board: "Board", commands: object) -> None:
    """Answers for ever. A command is a method `do_name(header, body) -> (header, body)`."""
    link = Link()
    while True:
        link.step(board.console, board.clock.ms())
        message = link.receive() if link.is_idle() else None
        if message is not None:
            link.send(answer(commands, message))
        await board.clock.sleep_ms(_POLL_MS)


def answer(commands: object, message: bytes) -> bytes:
    """The packet that answers a packet; a refusal is an answer too."""
    try:
        header, body = packet.unpack(message)
        command = getattr(commands, "do_" + str(header.get("do")), None)
        if command is None:
            raise Refused(MALFORMED, "no such command on this board")
        found, data = command(header, body)
        found["ok"] = True
        return packet.pack(found, data)
    except Refused as refused:
        detail = {"ok": False, "reason": refused.reason, "detail": refused.detail}
        return packet.pack(detail)
    except (TypeError, ValueError, KeyError) as error:
        # A header with members of the wrong type; the text names types, never values.
        detail = {"ok": False, "reason": MALFORMED, "detail": type(error).__name__}
        return packet.pack(detail)
