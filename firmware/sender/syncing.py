"""The console's `sync`: what the bank has not heard of a purse, sealed to it.

The same SYNC is given out, whoever carried it away before, until the bank has answered it (J6).
What it says is put together by `reporting`, which is gone when it is signed and sealed.
"""

from binascii import hexlify

from firmware.common import crypto, late
from firmware.common.wire.errors import NOT_ENROLLED, Refused
from firmware.common.wire.messages import SYNC
from firmware.common.wire.signed import parse_signed, sign
from firmware.sender.app import App

_KEEPING = "firmware.sender.keeping"
_REPORTING = "firmware.sender.reporting"
_SEALED_BOX = "firmware.common.wire.sealed_box"
_NO_KEY = bytes(64)


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Body: the sealed SYNC, empty where there is nothing to say.

    With `again` true the bank is asked about everything that it has not judged.
    """
    news = app.device.news
    if not news.banks:
        raise Refused(NOT_ENROLLED, "the bank's key is missing")
    data = late.call(_KEEPING, "sync_of", app.wallet) or _new(app, header.get("again") is True)
    if not data:
        return {}, b""
    sync = parse_signed(SYNC, data)
    told = {"purse": hexlify(sync.purse).decode(), "entries": sync.n, "amount": sync.amount}
    box = late.call(
        _SEALED_BOX, "seal_box", SYNC.number, sync.device, news.realm8, news.banks[-1].ecdh, data
    )
    return told, box


def _new(app: App, again: bool) -> bytes:
    """A SYNC, journalled; b"" where there is nothing to say."""
    wallet, keys = app.wallet, app.device.store.keys
    device8 = crypto.sha256(keys.signing_public)[:8]  # `certificate.device_id`
    newpub = crypto.public_key(wallet.new_key) if wallet.new_key else _NO_KEY
    t_lb = app.device.news.t_lb()
    body = late.call(_REPORTING, "report", wallet, device8, newpub, t_lb, again)
    if not body:
        return b""
    data = sign(app.device.news.realm8, SYNC, body, keys.signing)
    late.call(_KEEPING, "add_sync", wallet, data)
    return data
