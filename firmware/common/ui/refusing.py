"""That the bank and this board are at odds: kept, and shown.

    refusal   reason1 by1        a file: a restart forgets nothing

By BANK: a host says that the bank refuses what this board sends, LEDGER_FORK or FROZEN, until the
bank takes something again. No host is trusted, but this is all that one could do with a lie. By
BOARD: news that the bank signed contradicts news that it signed before, LEDGER_FORK; neither bank
nor host has a say in that, only a factory reset ends it.
"""

import os

from firmware.common.storage import files
from firmware.common.storage.startup import at_odds
from firmware.common.ui.flow import Flow
from firmware.common.wire.errors import FROZEN, LEDGER_FORK, MALFORMED, OK, Refused

BANK = 0
BOARD = 1

_LINES = (
    ("It takes nothing", "of this board.", "Do not use it:", "ask the bank's", "operator."),
    ("It told others", "something else.", "Accept nothing:", "ask the bank's", "operator."),
)


def hold(app: Flow, reason: int, by: int) -> None:
    """Keeps it and shows it, once: what is told again is known."""
    device, kept = app.device, bytes((reason, by))
    known = files.read(device.board.root + "/refusal")
    if known != kept and known[1:] != bytes((BOARD,)):
        files.replace(device.board.root + "/refusal", kept)
        device.store.at_odds = at_odds(device.board.root)
        device.log("AT ODDS", device.store.at_odds)
        app.dialog.announce(device.store.at_odds, list(_LINES[by]))


def keep(app: Flow) -> None:
    """This board has heard what contradicts the bank's news."""
    app.device.news.why = 0
    hold(app, LEDGER_FORK, BOARD)


def release(app: Flow) -> None:
    """The bank has taken what this board sent."""
    if files.read(app.device.board.root + "/refusal")[1:] == bytes((BANK,)):
        os.remove(app.device.board.root + "/refusal")
        app.device.store.at_odds = ""
        app.dialog.wake()


def take(app: Flow, reason: int) -> None:
    """A host says that the bank refuses this board, or with OK that it does so no more.

    Raises `Refused` where that is no reason for it.
    """
    if reason == OK:
        release(app)
        return
    if reason != LEDGER_FORK and reason != FROZEN:
        raise Refused(MALFORMED, "the bank refuses boards for other reasons")
    hold(app, reason, BANK)
    app.dialog.wake()
