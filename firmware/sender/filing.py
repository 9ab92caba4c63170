"""Payments in the JSON form, carried as files: unguaranteed, for who has no purse or no wire.

Everything of it is loaded when it is asked for: imported payees, the outbox, and the console's
`import_key`, `payees`, `json_payments`, `envelope` and `confirm`.
"""

from firmware.common import late
from firmware.common.payment.identifier import identifier
from firmware.common.payment.money import show_amount
from firmware.common.payment.timestamp import format_utc
from firmware.common.wire.errors import MALFORMED, Refused
from firmware.sender import screens
from firmware.sender.app import App
from firmware.sender.intent import Intent, decide
from firmware.sender.outbox import Outbox
from firmware.sender.payees import Payee, Payees

_PAGE = 8  # fits a message even when names have the most bytes


def pending(root: str) -> int:
    """How many of them nobody has confirmed."""
    return len(Outbox(root).pending)


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    root = app.device.board.root
    if name == "import_key":
        return _import_key(root, header, body), b""
    if name == "payees":
        return {"payees": [payee.account for payee in Payees(root).all]}, b""
    outbox = Outbox(root)
    if name == "json_payments":
        found = outbox.history(int(header["first"]), _PAGE)
        return {"payments": found, "count": outbox.signed}, b""
    waiting = outbox.find(str(header["id"]))
    if name == "envelope":
        return {}, outbox.envelope(waiting)
    if name != "confirm":
        raise Refused(MALFORMED, "no such command on this board")
    index, head = int(header["index"]), str(header["head"])
    outbox.check_proof(waiting, index, head, body)
    outbox.add_delivered(waiting, index, head)
    app.device.log("DELIVERED", waiting.txn_id)
    return {}, b""


def check(app: App, account: str, amount_minor: int) -> None:
    """Raises `Refused` where such a payment cannot be made."""
    _decide(app, Outbox(app.device.board.root), account, amount_minor)


async def pay_by_file(app: App, account: str, amount_minor: int) -> tuple[str, list[str]]:
    """Asks, signs, journals; `envelope` hands it out. The screen of what came of it."""
    outbox = Outbox(app.device.board.root)
    intent = _decide(app, outbox, account, amount_minor)
    amount = show_amount(amount_minor)
    lines = [amount, "to", account, "by file,", "UNGUARANTEED"]
    if not await app.dialog.confirm("PAY?", lines):
        app.outcome = app.CANCELLED
        return screens.cancelled("")
    device = app.device
    device.advance_time(outbox.last_time_ms + 1)
    time_ms = device.now_ms()
    header, envelope = late.call(
        "firmware.sender.issuing",
        "sign_payment",
        intent,
        device.store,
        outbox.last_hash,
        format_utc(time_ms),
    )
    header["time"] = time_ms
    app.last_id = outbox.add_signed(header, envelope).txn_id
    device.log("SIGNED", app.last_id)
    app.outcome = app.NOT_CONFIRMED
    return screens.not_confirmed(amount, "hand out the file")


def _decide(app: App, outbox: Outbox, account: str, amount_minor: int) -> Intent:
    own = app.device.store.enrolled().account
    payee = Payees(app.device.board.root).find(account)
    return decide(payee, amount_minor, own, len(outbox.pending))


def _import_key(root: str, header: dict, body: bytes) -> dict:
    """A payee's connection code (body) for the account in the header."""
    public = late.call("firmware.common.interchange.jwk", "public_from_jwk", body)
    payee = Payee(identifier(header["account"]), public)
    return {"replaced": Payees(root).add(payee)}
