"""The payee's board: everything it is made of, wired together and started."""

from firmware.common.hardware.start import run_for_ever
from firmware.common.payment.certificate import device_id
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.wire import console
from firmware.receiver import tap
from firmware.receiver.app import App
from firmware.receiver.till import Till


def tasks(device: Device) -> list:
    """What runs side by side."""
    board, public = device.board, device.store.keys.signing_public
    till = Till(board.root, device.news, device_id(public))
    app = App(device, Dialog(board), till)
    return [app.run(), console.serve(app), tap.serve(app)]


def main() -> None:
    """Runs until somebody breaks in with Ctrl-C."""
    run_for_ever(tasks)
