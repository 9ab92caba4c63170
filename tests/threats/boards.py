"""A payer's and a payee's board as `main` puts them together, on one wire, and what people do."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from firmware.common.payment.certificate import PAYER
from firmware.common.wire import packet
from firmware.common.wire.console import answer
from firmware.common.wire.link import Link
from firmware.receiver.tap import serve
from tests.unit import roles, shop, till
from tests.unit.beside import run, until
from tests.unit.fake_board import Board, Clock, join

PAID, CANCELLED, NOT_CONFIRMED = "PAID", "CANCELLED", "NOT CONFIRMED YET"


def payer(folder: str, clock: Clock) -> Any:
    """A board of nobody's; on the same folder again it is the board after a power cut."""
    return roles.payer(folder, "", clock)


def payee(folder: str, clock: Clock) -> Any:
    return roles.payee(folder, "", clock)


def folder_of(app: Any) -> str:
    return app.device.board.root


def clock_of(app: Any) -> Clock:
    return app.device.board.clock


def wire(anna: Any, bert: Any) -> None:
    join(anna.device.board.tap, bert.device.board.tap)


def pair(folder: Path) -> tuple[Any, Any]:
    """Anna with a purse of 100.00 and Bert's till, of one made-up bank, on one wire."""
    clock = Clock()
    anna = till.payer(f"{folder}/anna", clock)
    till.top_up(anna)
    bert = shop.shop(f"{folder}/bert", clock)
    wire(anna, bert)
    return anna, bert


def restarted(app: Any) -> Any:
    """The same board after a power cut; the wire is to be joined again."""
    make = payer if app.role == PAYER else payee
    return make(folder_of(app), clock_of(app))


def ask(bert: Any, amount_minor: int) -> None:
    """The cashier types an amount."""
    done(bert, "charge", amount=amount_minor)


def tap(
    anna: Any, bert: Any, *others: Coroutine[Any, Any, None], presses: tuple[str, ...] = ("hold",)
) -> str:
    """Anna pays what Bert's till asks for; the outcome on her screen."""
    anna.propose(0)
    return outcome(anna, serve(bert), *others, presses=presses)


def tap_again(anna: Any, bert: Any, *others: Coroutine[Any, Any, None]) -> str:
    anna.tap_again()
    return outcome(anna, serve(bert), *others, presses=())


def pay(anna: Any, bert: Any, amount_minor: int) -> str:
    """Asked for and paid, in one tap."""
    ask(bert, amount_minor)
    return tap(anna, bert)


def outcome(
    app: Any, *others: Coroutine[Any, Any, None], presses: tuple[str, ...] = ("ok",)
) -> str:
    """Runs a board beside others until the question on its screen has its outcome."""
    app.device.board.press(*presses)

    async def story() -> None:
        await until(app, lambda: bool(app.outcome))

    run(story(), app.run(), *others)
    return app.outcome


def done(app: Any, do: str, body: bytes = b"", /, **members: Any) -> tuple[dict[str, Any], bytes]:
    """What a board answers a host that asks for something; it must not refuse."""
    header, data = packet.unpack(answer(app, packet.pack({"do": do, **members}, body)))
    assert header["ok"], header
    return header, data


def refusal(app: Any, do: str, body: bytes = b"", /, **members: Any) -> int:
    """The reason why a board refuses what a host asks for."""
    header, _ = packet.unpack(answer(app, packet.pack({"do": do, **members}, body)))
    assert not header["ok"], header
    return header["reason"]


def entered(bert: Any) -> list[dict[str, Any]]:
    """What a till's ledger holds, as its console tells it."""
    found: list[dict[str, Any]] = []
    while True:
        page = done(bert, "entries", first=len(found))[0]["entries"]
        if not page:
            return found
        found += page


def screens(app: Any) -> list[list[str]]:
    """Every screen that was ever on the glass."""
    return app.device.board.display.shown


class Relay:
    """Somebody on the wire between two boards, who takes whole messages of the link and gives on
    what `change(way, number, message)` makes of them: a list. Way 0 is from the payer.
    """

    def __init__(self, anna: Any, bert: Any, change: Callable[[int, int, bytes], Any]) -> None:
        clock = clock_of(anna)
        self.boards = [Board("", clock), Board("", clock)]
        join(anna.device.board.tap, self.boards[0].tap)
        join(self.boards[1].tap, bert.device.board.tap)
        self.links = [Link(), Link()]
        self.change = change
        self.counts = [0, 0]
        self.seen: list[tuple[int, bytes]] = []
        self.waiting: list[list[bytes]] = [[], []]

    async def run(self) -> None:
        """For ever."""
        clock = self.boards[0].clock
        connection = 0
        while True:
            for way in (0, 1):
                self.links[way].step(self.boards[way].tap, clock.ms())
            if self.links[0].connection != connection:
                connection = self.links[0].connection
                self.counts, self.waiting = [0, 0], [[], []]
                if connection:
                    self.links[1].connect(connection)
            for way in (0, 1):
                self._carry(way)
            await clock.sleep_ms(1)

    def _carry(self, way: int) -> None:
        """One message, if there is one, and what waits."""
        message = self.links[way].receive()
        if message is not None:
            self.seen.append((way, message))
            self.waiting[way] += self.change(way, self.counts[way], message)
            self.counts[way] += 1
        link = self.links[1 - way]
        if self.waiting[way] and link.state == 2 and link.is_idle():
            link.send(self.waiting[way].pop(0))
