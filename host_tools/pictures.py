"""Takes the pictures of the README from running boards: `make pictures`."""

import json
import tempfile
import time
from pathlib import Path

from firmware.common.crypto import generate_key
from firmware.common.interchange.jwk import jwk_from_public
from host_tools import demo
from host_tools.demo import Hand

_FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
_SETTLE_S = 0.3  # until the screen shows what the program is at


def main() -> None:
    """Two boards, one payment; a picture at each moment that a person sees."""
    with tempfile.TemporaryDirectory() as home, demo.hands(Path(home), lambda a, b: None) as hands:
        payer, payee = hands
        bank = jwk_from_public(generate_key()[1])
        pinned = json.dumps({"ecdh": json.loads(bank), "signing": json.loads(bank)}).encode()
        for hand in hands:
            hand.device.status()
            hand.device.call("enrol", pinned, account=hand.account)
            hand.agree()
        payer.device.call("import_key", payee.device.call("key")[1], account=payee.account)
        _take(payee, "till")
        payer.device.call("pay", to=payee.account, amount=4_50, by_wire=True)
        _take(payer, "confirm")
        payer.agree()
        _take(payer, "paid")
        _take(payee, "received")


def _take(hand: Hand, name: str) -> None:
    time.sleep(_SETTLE_S)
    (_FOLDER / f"{name}.png").write_bytes(hand.board.screen().png(3))


if __name__ == "__main__":
    main()
