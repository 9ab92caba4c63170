"""The menu both roles share and the questions about keys; loaded when one is asked."""

from binascii import hexlify

from firmware.common import crypto
from firmware.common.storage.device import Device
from firmware.common.storage.store import Identity
from firmware.common.ui.dialog import Dialog


async def open_menu(device: Device, dialog: Dialog) -> None:
    """Until CANCEL or the work is done."""
    chosen = await dialog.choose("MENU", ["Fingerprint", "New key pair"])
    if chosen == 0:
        await show_fingerprint(device, dialog)
    elif chosen == 1:
        await regenerate(device, dialog)


async def show_fingerprint(device: Device, dialog: Dialog) -> None:
    """What two people compare to know that a connection code is this board's."""
    digits = fingerprint(device.store.keys.ecdh_public)
    await dialog.tell("FINGERPRINT", ["", digits[:9], digits[10:], "", "of its ECDH key"])


async def regenerate(device: Device, dialog: Dialog) -> bool:
    """Makes a new ECDH pair, after telling what becomes unreadable; False when left."""
    lines = [
        "Envelopes sealed",
        "to the old code",
        "open no more.",
        "Hand out a new",
        "code afterwards.",
    ]
    if not await dialog.confirm("NEW KEY PAIR?", lines):
        return False
    device.store.regenerate_ecdh()
    device.log("KEY REGENERATED", fingerprint(device.store.keys.ecdh_public))
    await show_fingerprint(device, dialog)
    return True


async def enrol(device: Device, dialog: Dialog, identity: Identity) -> bool:
    """Ties the board to an account and a bank; False when left."""
    lines = ["account", identity.account, "bank key", fingerprint(identity.bank_ecdh)[:9]]
    if not await dialog.confirm("ENROL?", lines):
        return False
    device.store.set_identity(identity)
    device.log("ENROLLED", identity.account)
    return True


def fingerprint(public: bytes) -> str:
    """Sixteen hex digits of SHA-256 of the key, in groups of four."""
    digits = hexlify(crypto.sha256(public)).decode()
    return " ".join([digits[i : i + 4] for i in range(0, 16, 4)])
