"""Payments in the JSON form, carried as files: unguaranteed, with a ledger of their own.

Everything of it is loaded when it is asked for.
"""

from firmware.common import late
from firmware.common.wire.errors import Refused
from firmware.receiver import screens
from firmware.receiver.app import App
from firmware.receiver.book import STATES, LedgerBook
from firmware.receiver.opened import Opened, check_payee

_OPENING = "firmware.receiver.opening"
_PAGE = 8  # fits a message even when names have the most bytes


def open_count(root: str) -> int:
    """How many of them the bank has not judged for good."""
    return LedgerBook(root).open_count()


def take_envelope(app: App, raw: bytes) -> tuple[dict, bool]:
    """Enters the payment of an envelope; the entry's header and whether it is new.

    A payment that is in the ledger already changes nothing. Raises `Refused`.
    """
    device = app.device
    try:
        payment = Opened(*late.call(_OPENING, "open_payment", raw, device.store.keys.ecdh))
        book = LedgerBook(device.board.root)
        header = book.find(payment)
        if header:
            return header, False
        check_payee(payment, device.store.enrolled().account)
        device.advance_time(book.last_time_ms + 1)
        header = book.append(payment, device.now_ms())
    except Refused as refused:
        device.log("REFUSED", "%d %s" % (refused.reason, refused.detail))
        raise
    screens.received_by_file(app.dialog, payment.amount_minor, payment.from_id)
    device.board.beep()
    app.dialog.wake()
    device.log("ACCEPTED", payment.txn_id)
    return header, True


def total(root: str) -> dict:
    """What the ledger of files holds."""
    book = LedgerBook(root)
    counts = dict.fromkeys(STATES, 0)
    for state in book.states:
        counts[STATES[state]] += 1
    return {
        "total": book.total_minor,
        "count": book.count,
        "head": book.head,
        "states": counts,
        "first_open": book.first_open(),
    }


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """The console's `json_entries`: a page of that ledger, oldest first."""
    book = LedgerBook(app.device.board.root)
    found = []
    for entry, _ in book.entries(int(header["first"]), _PAGE):
        told = {name: entry[name] for name in ("index", "id", "from", "amount", "hash", "head")}
        told["state"] = STATES[book.states[entry["index"]]]
        found.append(told)
    return {"entries": found, "count": book.count}, b""
