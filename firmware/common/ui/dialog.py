"""Questions to the person who holds the board; every one can be left with CANCEL.

Three buttons: OK accepts, NEXT moves on, CANCEL goes back; money leaves only where OK is held.
Each coroutine draws, waits for presses and answers; nothing else on the board waits meanwhile.
"""

from firmware.common import late
from firmware.common.ui import canvas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.common.hardware.contract import Board

_POLL_MS = 10
_NEWS_MAX = 8  # the oldest is dropped: its payment stands in the ledger all the same
_ASKING = "firmware.common.ui.asking"


class Dialog:
    """The screen and the buttons; `wake` ends a wait that is only a resting screen."""

    def __init__(self, board: "Board") -> None:
        self._board = board
        self._wake = False
        self._news: list[tuple[str, list[str]]] = []
        self._screen: tuple[str, list[str], str] = ("", [], "")

    @property
    def title(self) -> str:
        """The title on the screen, for who looks from outside."""
        return self._screen[0]

    def show(self, title: str, lines: list[str], hints: str = "") -> None:
        """Draws and goes on."""
        self._screen = (title, lines, hints)
        canvas.draw(self._board.display, title, lines, hints)

    def announce(self, title: str, lines: list[str]) -> None:
        """Puts news over whatever question is open, until it is dismissed with OK."""
        self._news = self._news[1 - _NEWS_MAX :] + [(title, lines)]

    def wake(self, wake: bool = True) -> None:
        """Ends a resting screen: there is something else to do, or is no longer."""
        self._wake = wake

    async def press(self) -> str:
        """The next press: "ok", "next" or "cancel"; holding OK is pressing it."""
        while True:
            name = await self._press_or_wake(False)
            if name:
                return "ok" if name == "hold" else name

    async def rest(self, title: str, lines: list[str], hints: str) -> str:
        """As `press`, under a screen; "" when somebody called `wake`."""
        self.show(title, lines, hints)
        name = await self._press_or_wake(True)
        return "ok" if name == "hold" else name

    async def tell(self, title: str, lines: list[str]) -> None:
        """Stays until a button is pressed, or something else is to be done."""
        await self.rest(title, lines, "OK")

    async def _press_or_wake(self, may_wake: bool) -> str:
        while True:
            if self._news:
                await self._show_news()
            elif may_wake and self._wake:
                self._wake = False
                return ""
            name = self._board.buttons.read()
            if name:
                return name
            await self._board.clock.sleep_ms(_POLL_MS)

    async def _show_news(self) -> None:
        under = self._screen
        while self._news:
            title, lines = self._news.pop(0)
            self.show(title, lines, "OK")
            while self._board.buttons.read() not in ("ok", "hold"):
                await self._board.clock.sleep_ms(_POLL_MS)
        self.show(under[0], under[1], under[2])

    async def confirm(self, title: str, lines: list[str]) -> bool:
        """True for OK, False for CANCEL."""
        self.show(title, lines, "OK       CANCEL")
        while True:
            name = await self.press()
            if name != "next":
                return name == "ok"

    async def hold(
        self, title: str, lines: list[str], meanwhile: "Callable[[], None]", timeout_ms: int
    ) -> bool:
        """True when OK is held, False for CANCEL or when the time is over; a short OK is neither.

        `meanwhile` is called between two looks at the buttons; what it raises ends the question.
        """
        clock = self._board.clock
        until_ms = clock.ms() + timeout_ms
        self.show(title, lines, "HOLD OK   CANCEL")
        while clock.ms() < until_ms:
            meanwhile()
            name = self._board.buttons.read()
            if name in ("hold", "cancel"):
                return name == "hold"
            await clock.sleep_ms(_POLL_MS)
        return False

    async def choose(self, title: str, items: list[str]) -> int:
        """The index of the chosen item; -1 for CANCEL."""
        return await late.call(_ASKING, "choose", self, title, items)

    async def amount(self, title: str) -> int:
        """Minor units, typed digit by digit; 0 for CANCEL."""
        return await late.call(_ASKING, "amount", self, title)
