"""Takes the pictures of the README from running boards: `make pictures`."""

import tempfile
import time
from pathlib import Path

from host_tools import finger
from host_tools.demo import hands
from host_tools.demo.hands import Hand
from host_tools.demo.pocket_bank import PocketBank

_FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
_SETTLE_S = 0.3  # until the screen shows what the program is at


def main() -> None:
    """Two boards, one tap; a picture at each moment that a person sees."""
    with tempfile.TemporaryDirectory() as home, hands.hands(Path(home)) as (payer, payee):
        hands.ready(payer, payee, PocketBank())
        payee.device.call("charge", amount=4_50)
        _take(payee, "till")
        payer.device.call("pay")
        finger.wait_for(payer.device, "PAY")
        _take(payer, "confirm")
        finger.answer(payer.board, payer.device, "PAY", finger.HOLD_MS)
        payer.outcome()
        _take(payer, "paid")
        _take(payee, "received")


def _take(hand: Hand, name: str) -> None:
    time.sleep(_SETTLE_S)
    (_FOLDER / f"{name}.png").write_bytes(hand.board.screen().png(3))


if __name__ == "__main__":
    main()
