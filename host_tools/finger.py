"""A finger on a board's button: possible on a virtual board only, on purpose.

A host must never confirm a payment by itself; on a real board a person presses.
"""

from host_tools.emulator import registry
from host_tools.errors import REFUSED, CommandError


def press(port: str, button: str, hold_ms: int = 60) -> None:
    """Presses a virtual board's button; a real board's is refused with advice."""
    board = registry.find(port)
    if board is None:
        raise CommandError(REFUSED, f"press {button.upper()} on the board at {port} itself.")
    board.press(button, hold_ms)
