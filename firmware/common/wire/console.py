"""The host's side door: packets over a link on the USB port, one answer to each.

    request  = packet {"do": name, …}, body
    answer   = packet {"ok": true, …}, body        or {"ok": false, "reason": n, "detail": text}

A host may ask, propose and carry files; whatever moves money or changes keys is confirmed on
the board's own screen. The commands themselves are loaded when a host asks.
"""

from firmware.common import late
from firmware.common.ui.flow import Flow
from firmware.common.wire.link import Link

_POLL_MS = 5


async def serve(app: Flow, commands: str) -> None:
    """Answers for ever; `commands` is the module whose `answer(app, message)` does the work."""
    board = app.device.board
    link = Link()
    while True:
        link.step(board.console, board.clock.ms())
        message = link.receive() if link.is_idle() else None
        if message is not None:
            link.send(late.call(commands, "answer", app, message))
        await board.clock.sleep_ms(_POLL_MS)
