"""The payee's board: everything it is made of, wired together and started."""

from firmware.common import crypto, late
from firmware.common.hardware.start import run_for_ever
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.wire import console
from firmware.receiver import tap
from firmware.receiver.app import App


def tasks(device: Device) -> list:
    """What runs side by side."""
    board = device.board
    device8 = crypto.sha256(device.store.keys.signing_public)[:8]  # `certificate.device_id`
    till = late.call("firmware.receiver.keeping", "start", board.root, device.news, device8)
    app = App(device, Dialog(board), till)
    return [app.run(), console.serve(app), tap.serve(app)]


def main() -> None:
    """Runs until somebody breaks in with Ctrl-C."""
    run_for_ever(tasks)
