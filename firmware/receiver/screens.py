"""What the payee is asked and told: one function a question, no decision taken here."""

from firmware.common.payment.money import show_amount
from firmware.common.payment.request import Request
from firmware.common.ui.dialog import Dialog


async def rest(
    dialog: Dialog, account: str, total_minor: int, count: int, request: Request | None
) -> str:
    """Until a press: "ok" asks for money, "next" shows the last payments, "cancel" the menu."""
    asking = request.amount_minor if request else 0
    lines = [
        account or "not enrolled",
        "",
        "%d received" % count,
        show_amount(total_minor),
        "asks " + show_amount(asking) if asking else "",
    ]
    return await dialog.rest("RECEIVER", lines, "ASK  LIST   MENU")


async def enter_amount(dialog: Dialog) -> int:
    return await dialog.amount("ASK HOW MUCH?")


async def history(dialog: Dialog, rows: list[str]) -> None:
    await dialog.choose("LAST PAYMENTS", rows)


def received(dialog: Dialog, amount_minor: int, from_id: str) -> None:
    """The word that goods are handed over for; stays until dismissed."""
    dialog.announce("RECEIVED", ["", show_amount(amount_minor), "from", from_id])
