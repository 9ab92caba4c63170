"""What the payer is asked and told on a tap: one function a question, no decision taken here."""

from firmware.common.ui.canvas import COLUMNS, wrap
from firmware.common.ui.dialog import Dialog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def connecting(dialog: Dialog) -> None:
    dialog.show("KEEP CLOSE", ["", "asking the payee"])


async def confirm(
    dialog: Dialog,
    amount: str,
    name: str,
    words: str,
    meanwhile: "Callable[[], None]",
    timeout_ms: int,
) -> bool:
    """The one question that lets money go: OK must be held."""
    title, lines = "PAY " + amount, ["", name, "", words]
    if len(title) > COLUMNS:  # an amount is never cut
        title, lines[0] = "PAY?", amount
    return await dialog.hold(title, lines, meanwhile, timeout_ms)


def sending(dialog: Dialog, amount: str) -> None:
    dialog.show("NOT CONFIRMED", [amount, "yet - keep close"])


def ended(is_paid: bool, amount: str, name: str, words: str) -> tuple[str, list[str]]:
    if is_paid:
        return "PAID", ["", amount, name, "", words]
    return "CANCELLED", ["", amount, name, "The payee did", "not take it."]


def cancelled(why: str) -> tuple[str, list[str]]:
    return "CANCELLED", ["Nothing was paid"] + wrap(why)


def not_confirmed(amount: str, why: str) -> tuple[str, list[str]]:
    return "NOT CONFIRMED", [amount, "yet - tap again"] + wrap(why)
