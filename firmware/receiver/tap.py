"""Waits to be tapped, and does what can wait while nobody taps."""

from firmware.common import late
from firmware.common.wire.channel import Channel
from firmware.common.wire.errors import Refused
from firmware.common.wire.link import Link
from firmware.receiver.app import App

_TALK = "firmware.receiver.talk"
_POLL_MS = 2
_IDLE_EVERY_MS = 500


async def serve(app: App) -> None:
    """Answers whoever connects, one after the other, for ever."""
    board = app.device.board
    channel = Channel(board, Link())
    idle_ms = 0
    while True:
        if board.clock.ms() >= idle_ms:
            _idle(app, channel)
            idle_ms = board.clock.ms() + _IDLE_EVERY_MS
        if channel.has_caller() and app.is_enrolled():
            await _serve_one(app, channel)
            idle_ms = 0
        await board.clock.sleep_ms(_POLL_MS)


async def _serve_one(app: App, channel: Channel) -> None:
    """One tap. However it ends, what was journalled stands and the payer may tap again."""
    try:
        await late.call(_TALK, "talk", app, channel)
    except Refused as refused:
        app.device.log("TAP ENDED", "%d %s" % (refused.reason, refused.detail))
        channel.close()


def _idle(app: App, channel: Channel) -> None:
    till = app.till
    till.write_rows()
    if till.expire(app.device.board.clock.ms()):
        app.dialog.wake()
    app.device.news.keep_time()
    if app.is_enrolled():
        channel.prepare()
