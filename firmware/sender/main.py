"""The payer's board: everything it is made of, wired together and started."""

from firmware.common.hardware.start import run_for_ever
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.console import serve
from firmware.sender.app import App
from firmware.sender.outbox import Outbox
from firmware.sender.payees import Payees


def tasks(device: Device) -> list:
    """What runs side by side."""
    root = device.board.root
    app = App(device, Dialog(device.board), Outbox(root), Payees(root))
    return [app.run(), serve(app)]


def main() -> None:
    """Runs until somebody breaks in with Ctrl-C."""
    run_for_ever(tasks)
