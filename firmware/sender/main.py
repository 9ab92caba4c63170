"""The payer's board: everything it is made of, wired together and started."""

from firmware.common import late
from firmware.common.hardware.start import run_for_ever
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.console import serve
from firmware.sender.app import App


def tasks(device: Device) -> list:
    """What runs side by side."""
    board = device.board
    wallet = late.call("firmware.sender.keeping", "start", board.root)
    app = App(device, Dialog(board), wallet)
    return [app.run(), serve(app)]


def main() -> None:
    """Runs until somebody breaks in with Ctrl-C."""
    run_for_ever(tasks)
