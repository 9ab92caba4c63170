"""How a town begins: boards enrolled as people do it, purses topped up, codes exchanged.

A `Deed` is the town as every trial finds it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from firmware.common.interchange import base64
from host_tools import bundle, routes
from host_tools.bridge import Bridge, run
from host_tools.device import Device
from host_tools.emulator.cpython.console import connect
from host_tools.emulator.cpython.filesystem import format_image
from host_tools.emulator.cpython.world import World
from host_tools.outbox import Outbox
from host_tools.seeded import seeded
from tests.faults.books import Books
from tests.faults.injectors import Events
from tests.faults.points import PAYEES, PAYERS, Plan
from tests.faults.workshop import outbox_folder, small_memories

FLASH_BYTES = 1 << 20
FUNDED_MINOR = 100_00  # of a payer
PURSE_MINOR = 40_00
DECISION_S = 60
_BKEY_BYTES = 202
_WHEEL = "0123456789="

Press = Callable[[str], None]  # a button of a board, and the time that it takes


@dataclass(frozen=True)
class Deed:
    """By name: the flash of every board on the evening before, and what the bank calls it."""

    images: dict[str, bytes]
    device_ids: dict[str, str]


def enrol(books: Books, device: Device, press: Press, account: str) -> None:
    """Ties a new board to an account of the bank; a payer gets money."""
    client = books.client()
    books.tell("accounts", account_id=account, name=account)
    if account in PAYERS:
        books.tell("fund", account_id=account, amount=FUNDED_MINOR // 100)
    known = client.public_keys()
    device.status()
    device.call("pin_root", root=known["root_public_key"])
    press("ok")
    _agreed(device)
    device.call("bkey", base64.decode(known["bkey"], _BKEY_BYTES))
    code = books.tell("codes", account_id=account, role="both")["code"]
    device.call("enrol", account=account)
    press("ok")
    for button in typed(code):
        press(button)
    _agreed(device)
    press("ok")
    request = device.call("enrol_message")[1]
    client.enrol(request)
    status = device.status()
    books.tell("confirm", device_id=status["device"], words=status["words"])
    device.call("certificate", client.enrol(request))
    routes.give_news(device, bundle.split(client.news(0)))


def top_up(device: Device, press: Press, amount_minor: int) -> None:
    """Asks for a purse; the next bridge brings it."""
    device.call("top_up", amount=amount_minor)
    press("ok")
    _agreed(device)


def typed(digits: str) -> list[str]:
    """The presses that type digits on a board's wheel, and end it."""
    at, presses = 0, []
    for digit in digits + "=":
        wanted = _WHEEL.index(digit)
        presses += ["next"] * ((wanted - at) % len(_WHEEL)) + ["ok"]
        at = wanted
    return presses


def found(books: Books) -> Deed:
    """New boards for everybody, enrolled; the bank's books begin with them."""
    with seeded(0), small_memories(), outbox_folder() as folder:
        world = World()
        books.watch(Events(Plan(-1)), lambda: world.now_ms)
        devices: dict[str, Device] = {}
        for name in (*PAYERS, *PAYEES):
            board = world.add("sender" if name in PAYERS else "receiver", format_image(FLASH_BYTES))
            board.power_on()
            devices[name] = connect(world, board)

            def press(button: str, board=board) -> None:
                board.buttons.press(button)
                world.run_for(100)

            enrol(books, devices[name], press, name)
            if name in PAYERS:
                top_up(devices[name], press, PURSE_MINOR)
                bridge = Bridge(
                    Outbox(folder), books.client(), lambda line: None, world.sleep, world.time
                )
                run(bridge, [devices[name]])
        for payee in PAYEES:
            code = devices[payee].call("key")[1]
            for payer in PAYERS:
                devices[payer].call("import_key", code, account=payee)
        ids = {name: device.status()["device"] for name, device in devices.items()}
        for board in world.boards:
            board.power_off()
        books.keep()
        images = [bytes(board.image) for board in world.boards]
        return Deed(dict(zip(devices, images, strict=True)), ids)


def _agreed(device: Device) -> None:
    if device.wait_for_outcome(DECISION_S) != ("DONE", 0):
        raise RuntimeError(f"{device.port}: the user did not agree")
