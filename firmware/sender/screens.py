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


def ended(dialog: Dialog, is_paid: bool, amount: str, name: str, words: str) -> None:
    """At once, while the boards still exchange news."""
    dialog.show(*_ended(is_paid, amount, name, words))


def announce(dialog: Dialog, is_paid: bool, amount: str, name: str, words: str) -> None:
    """The same, over the question that comes next."""
    dialog.announce(*_ended(is_paid, amount, name, words))


async def tell_ended(dialog: Dialog, is_paid: bool, amount: str, name: str, words: str) -> None:
    await dialog.tell(*_ended(is_paid, amount, name, words))


async def cancelled(dialog: Dialog, why: str) -> None:
    await dialog.tell("CANCELLED", ["Nothing was paid"] + wrap(why))


async def not_confirmed(dialog: Dialog, amount: str, why: str) -> None:
    await dialog.tell("NOT CONFIRMED", [amount, "yet - tap again"] + wrap(why))


def _ended(is_paid: bool, amount: str, name: str, words: str) -> tuple[str, list[str]]:
    if is_paid:
        return "PAID", ["", amount, name, "", words]
    return "CANCELLED", ["", amount, name, "The payee did", "not take it."]
