"""The payee's board: everything it is made of, wired together and started."""

import asyncio

from firmware.common.hardware.start import start
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.console import serve as serve_console
from firmware.receiver.app import App
from firmware.receiver.book import LedgerBook
from firmware.receiver.tap import serve as serve_tap


async def run() -> None:
    """For ever."""
    device = start()
    app = App(device, Dialog(device.board), LedgerBook(device.board.root))
    console = serve_console(app, "firmware.receiver.commands")
    await asyncio.gather(app.run(), console, serve_tap(app))


def main() -> None:
    """Runs until somebody breaks in with Ctrl-C."""
    asyncio.run(run())
