"""The payer's board: everything it is made of, wired together and started."""

import asyncio

from firmware.common.hardware.start import start
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.console import serve
from firmware.sender.app import App
from firmware.sender.outbox import Outbox
from firmware.sender.payees import Payees


async def run() -> None:
    """For ever."""
    device = start()
    root = device.board.root
    app = App(device, Dialog(device.board), Outbox(root), Payees(root))
    await asyncio.gather(app.run(), serve(app, "firmware.sender.commands"))


def main() -> None:
    """Runs until somebody breaks in with Ctrl-C."""
    asyncio.run(run())
