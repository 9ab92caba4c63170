"""What the payer is asked and told: one coroutine a question, no decision taken here."""

from firmware.common.payment.money import show_amount
from firmware.common.ui.canvas import wrap
from firmware.common.ui.dialog import Dialog
from firmware.sender.intent import Intent


async def rest(dialog: Dialog, account: str, pending: int) -> str:
    """Until somebody presses a button: "ok" pays, "next" taps again, "cancel" opens the menu."""
    lines = [account or "not enrolled", "", "%d not confirmed" % pending if pending else ""]
    return await dialog.rest("SENDER", lines, "PAY  AGAIN  MENU")


async def choose_payee(dialog: Dialog, accounts: list[str]) -> int:
    return await dialog.choose("PAY WHOM?", accounts)


async def enter_amount(dialog: Dialog) -> int:
    return await dialog.amount("HOW MUCH?")


async def confirm(dialog: Dialog, intent: Intent) -> bool:
    """The one question that lets money go."""
    return await dialog.confirm(
        "PAY?", ["", show_amount(intent.amount_minor), "to", intent.payee.account]
    )


def sending(dialog: Dialog, amount_minor: int) -> None:
    dialog.show("NOT CONFIRMED", [show_amount(amount_minor), "yet - keep close"])


async def paid(dialog: Dialog, amount_minor: int, account: str) -> None:
    await dialog.tell("PAID", ["", show_amount(amount_minor), "to", account])


async def cancelled(dialog: Dialog) -> None:
    await dialog.tell("CANCELLED", ["", "Nothing was paid."])


async def not_confirmed(dialog: Dialog, amount_minor: int, why: str) -> None:
    await dialog.tell("NOT CONFIRMED", [show_amount(amount_minor), "yet - tap again"] + wrap(why))
