"""The questions of more than one press, loaded when one is asked (see `dialog`)."""

from firmware.common.payment.money import show_amount
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.limits import AMOUNT_MINOR_MAX

_WHEEL = "0123456789="


async def choose(dialog: Dialog, title: str, items: list[str]) -> int:
    """The index of the chosen item; -1 for CANCEL."""
    at = 0
    while True:
        first = at - at % 5
        rows = [
            (">" if first + i == at else " ") + item
            for i, item in enumerate(items[first : first + 5])
        ]
        dialog.show(title, rows, "OK  NEXT  CANCEL")
        name = await dialog.press()
        if name == "ok" and items:
            return at
        if name == "cancel":
            return -1
        at = (at + 1) % max(1, len(items))


async def amount(dialog: Dialog, title: str) -> int:
    """Minor units, typed digit by digit; 0 for CANCEL.

    NEXT turns the wheel, OK takes its digit, "=" ends; CANCEL takes a digit back.
    """
    amount_minor = at = 0
    while True:
        lines = ["", "  " + show_amount(amount_minor), "", "  [%s]" % _WHEEL[at]]
        dialog.show(title, lines, "OK  NEXT  CANCEL")
        name = await dialog.press()
        if name == "next":
            at = (at + 1) % len(_WHEEL)
        elif name == "cancel":
            if not amount_minor:
                return 0
            amount_minor //= 10
        elif _WHEEL[at] == "=":
            if amount_minor:
                return amount_minor
        elif amount_minor * 10 + at <= AMOUNT_MINOR_MAX:
            amount_minor = amount_minor * 10 + at
