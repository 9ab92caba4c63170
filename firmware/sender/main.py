"""The payer's board: everything it is made of, wired together and started."""

from firmware.common.hardware.start import run_for_ever
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.channel import Channel
from firmware.common.wire.console import serve
from firmware.common.wire.link import Link
from firmware.sender.app import App
from firmware.sender.wallet import Wallet


def tasks(device: Device) -> list:
    """What runs side by side."""
    board = device.board
    app = App(device, Dialog(board), Wallet(board.root), Channel(board, Link()))
    return [app.run(), serve(app)]


def main() -> None:
    """Runs until somebody breaks in with Ctrl-C."""
    run_for_ever(tasks)
