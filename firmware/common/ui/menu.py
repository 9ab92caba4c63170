"""The menu both roles share and the questions it leads to; loaded when one is asked.

Each question answers True when the user agreed and it is done.
"""

from binascii import hexlify

from firmware.common import crypto
from firmware.common.storage import files
from firmware.common.storage.store import Identity
from firmware.common.ui.flow import Flow
from firmware.common.wire.errors import SYNC_FIRST, Refused


async def open_menu(app: Flow) -> bool:
    """Until CANCEL or the work is done."""
    chosen = await app.dialog.choose("MENU", ["Fingerprint", "New key pair", "Factory reset"])
    if chosen == 0:
        _show_fingerprint(app)
    elif chosen == 1:
        return await regenerate(app)
    elif chosen == 2:
        return await factory_reset(app, False)
    return chosen >= 0


async def regenerate(app: Flow) -> bool:
    """Makes a new ECDH pair, after telling what becomes unreadable."""
    lines = [
        "Envelopes sealed",
        "to the old code",
        "open no more.",
        "Hand out a new",
        "code afterwards.",
    ]
    if not await app.dialog.confirm("NEW KEY PAIR?", lines):
        return False
    store = app.device.store
    store.regenerate_ecdh()
    app.device.log("KEY REGENERATED", fingerprint(store.keys.ecdh_public))
    _show_fingerprint(app)
    return True


async def enrol(app: Flow, identity: Identity) -> bool:
    """Ties the board to an account and a bank."""
    lines = ["account", identity.account, "bank key", fingerprint(identity.bank_ecdh)[:9]]
    if not await app.dialog.confirm("ENROL?", lines):
        return False
    app.device.store.set_identity(identity)
    app.device.log("ENROLLED", identity.account)
    return True


async def factory_reset(app: Flow, lose_unsettled: bool) -> bool:
    """Forgets keys, ledger and everything else, and starts anew.

    While payments are unsettled it must be told twice: by `lose_unsettled` and on the screen;
    else `Refused(SYNC_FIRST)`.
    """
    count = app.unsettled()
    if count and not lose_unsettled:
        raise Refused(SYNC_FIRST, "%d payments are not settled" % count)
    if not await app.dialog.confirm("ERASE ALL?", ["Keys and ledger", "are gone for", "good."]):
        return False
    if count and not await app.dialog.confirm(
        "ARE YOU SURE?", ["%d payments" % count, "get lost."]
    ):
        return False
    files.discard_folder(app.device.board.root)
    app.device.board.restart(0)
    return True


def fingerprint(public: bytes) -> str:
    """Sixteen hex digits of SHA-256 of the key, in groups of four."""
    digits = hexlify(crypto.sha256(public)).decode()
    return " ".join([digits[i : i + 4] for i in range(0, 16, 4)])


def _show_fingerprint(app: Flow) -> None:
    """What two people compare to know that a connection code is this board's; stays until OK."""
    digits = fingerprint(app.device.store.keys.ecdh_public)
    app.dialog.announce("FINGERPRINT", ["", digits[:9], digits[10:], "", "of its ECDH key"])
