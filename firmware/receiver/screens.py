"""What the payee is asked and told: one function a question, no decision taken here."""

from firmware.common.payment.money import show_amount, show_money
from firmware.common.ui.dialog import Dialog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.receiver.till import Request


async def rest(
    dialog: Dialog,
    account: str,
    at_odds: str,
    total_minor: int,
    count: int,
    request: "Request | None",
) -> str:
    """Until a press: "ok" asks for money, "next" shows the last payments, "cancel" the menu.

    While a request is open "cancel" is about that.
    """
    lines = [account or "not enrolled", at_odds, "%d received" % count, show_amount(total_minor)]
    if request is None:
        return await dialog.rest("RECEIVER", lines, "ASK  LIST   MENU")
    asks = show_money(request.amount_minor, request.currency)
    return await dialog.rest("ASKS " + asks, lines, "NEW  LIST CANCEL")


def received(dialog: Dialog, amount_minor: int, currency: int, words: str) -> None:
    """The word that goods are handed over for; stays until dismissed."""
    dialog.announce("RECEIVED", ["", show_money(amount_minor, currency), "", words])


def received_by_file(dialog: Dialog, amount_minor: int, from_id: str) -> None:
    """The same for a payment by file, for which the bank does not stand."""
    dialog.announce("RECEIVED", ["UNGUARANTEED", show_amount(amount_minor), "from", from_id])
