"""Waits to be tapped, and does what can wait while nobody taps."""

from firmware.common import late
from firmware.common.wire import link as links
from firmware.receiver.app import App

_CHANNEL = "firmware.common.wire.channel"
_KEEPING = "firmware.receiver.keeping"
_REMEMBERING = "firmware.receiver.remembering"
_TALK = "firmware.receiver.talk"
_POLL_MS = 2
_IDLE_EVERY_MS = 500


async def serve(app: App) -> None:
    """Answers whoever connects, one after the other, for ever."""
    board = app.device.board
    link = links.Link()
    key: tuple[bytearray, bytes] | None = None  # of the next conversation
    known = idle_ms = 0
    while True:
        link.step(board.tap, board.clock.ms())
        if board.clock.ms() >= idle_ms:
            key = _idle(app, key)
            idle_ms = board.clock.ms() + _IDLE_EVERY_MS
        if link.state == links.OPEN and link.connection != known and app.is_enrolled():
            connection = link.connection
            await late.call(_TALK, "talk", app, link, key, known)
            known, key, idle_ms = connection, None, 0
        await board.clock.sleep_ms(_POLL_MS)


def _idle(app: App, key: tuple[bytearray, bytes] | None) -> "tuple[bytearray, bytes] | None":
    """What can wait, and the key of the next conversation."""
    till, now_ms = app.till, app.device.board.clock.ms()
    if till.unwritten:
        late.call(_REMEMBERING, "write_rows", till)
    if till.due(now_ms) and late.call(_KEEPING, "expire", till, now_ms):
        app.dialog.wake()
    app.device.news.keep_time()
    if key is None and app.is_enrolled():
        key = late.call(_CHANNEL, "new_key")
    return key
