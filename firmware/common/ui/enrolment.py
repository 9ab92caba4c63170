"""The questions of enrolment, loaded when one is asked: is this the bank, and what is the code.

Each answers True when the user agreed and it is done.
"""

from firmware.common import crypto, late
from firmware.common.payment import label
from firmware.common.payment.enrolment import make_enrolment
from firmware.common.storage import enrolment
from firmware.common.ui.flow import Flow
from firmware.common.ui.menu import fingerprint
from firmware.common.wire import packet
from firmware.common.wire.limits import CODE_DIGITS_MAX

_WHEEL = "0123456789="
_NONCE_BYTES = 8
_NAME_BYTES = 16


async def pin_root(app: Flow, root_public: bytes) -> bool:
    """Ties the board to the bank with this root key; only a factory reset changes it."""
    digits = fingerprint(root_public)
    lines = ["", digits[:9], digits[10:], "", "of its root key"]
    if not await app.dialog.confirm("TRUST BANK?", lines):
        return False
    app.device.news.pin(root_public)
    app.device.log("BANK PINNED", digits)
    return True


async def enrol_by_code(app: Flow, account: str, name: str, wallet: str) -> bool:
    """Has the bank's one-time code typed, and journals the ENROL that proves it is known."""
    news = app.device.news
    if not await app.dialog.confirm("ENROL?", ["account", account]):
        return False
    code = await type_code(app)
    if not code:
        return False
    keys, root = app.device.store.keys, app.device.board.root
    data = make_enrolment(
        news.realm8,
        keys.signing,
        code.encode(),
        app.role,
        keys.signing_public,
        keys.ecdh_public,
        crypto.random_bytes(_NONCE_BYTES),
        late.call("firmware.common.crypto.measuring", "firmware_hash"),
        label.to_bytes(_cut(name or account), _NAME_BYTES),
    )
    identity = {"account": account, "name": name, "wallet": wallet}
    enrolment.keep(root, data, keys.ecdh, packet.pack(identity))
    app.device.log("ENROLLING", account)
    words = late.call(
        "firmware.common.payment.words", "key_words", keys.signing_public, keys.ecdh_public
    )
    app.dialog.announce("SAME WORDS?", words.split())
    return True


async def type_code(app: Flow) -> str:
    """The digits that were typed, "" for CANCEL; typed as an amount is (see `Dialog.amount`)."""
    code = ""
    at = 0
    while True:
        app.dialog.show("CODE?", ["", "  " + code, "", "  [%s]" % _WHEEL[at]], "OK  NEXT  CANCEL")
        pressed = await app.dialog.press()
        if pressed == "next":
            at = (at + 1) % len(_WHEEL)
        elif pressed == "cancel":
            if not code:
                return ""
            code = code[:-1]
        elif _WHEEL[at] == "=":
            if code:
                return code
        elif len(code) < CODE_DIGITS_MAX:
            code += _WHEEL[at]


def _cut(text: str) -> str:
    """As many whole characters as the certificate's field takes."""
    while len(text.encode()) > _NAME_BYTES:
        text = text[:-1]
    return text
