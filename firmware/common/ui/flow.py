"""What both roles' apps share: rest until pressed, or do what a host asked the user to decide."""

from firmware.common import late
from firmware.common.storage.device import Device
from firmware.common.ui.canvas import wrap
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.errors import BUSY, Refused

_MENU = "firmware.common.ui.menu"


class Flow:
    """One question at a time; `outcome` says what the last one that a host asked came to."""

    CANCELLED = "CANCELLED"
    DONE = "DONE"

    def __init__(self, device: Device, dialog: Dialog) -> None:
        self.device = device
        self.dialog = dialog
        self.outcome = ""
        self.why = 0
        self._asked: tuple | None = None

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                if self._asked:
                    question, arguments = self._asked
                    self._asked = None
                    self.dialog.wake(False)  # else what it tells would be gone at once
                    await question(*arguments)
                else:
                    await self.rest()
            except Refused as refused:
                self.why = refused.reason
                why = refused.detail or name_of(refused.reason)
                await self.dialog.tell("NOT POSSIBLE", wrap(why))

    async def rest(self) -> None:
        """The role's resting screen and what its buttons do."""
        raise NotImplementedError

    def ask(self, question: object, *arguments: object) -> None:
        """Lets a host put a question before the user; one at a time."""
        if self._asked:
            raise Refused(BUSY, "the board's screen shows another question")
        self._asked = (question, arguments)
        self.outcome = ""
        self.why = 0
        self.dialog.wake()

    def command_module(self, name: str) -> str:
        """Where the console finds what a command does (see `wire.console`)."""
        raise NotImplementedError

    def unsettled(self) -> int:
        """How many payments would be lost with this board's memory."""
        raise NotImplementedError

    async def decide(self, question: str, *arguments: object) -> None:
        """Asks one of the questions in `menu`; DONE if the user agreed."""
        done = await late.call(_MENU, question, self, *arguments)
        self.outcome = self.DONE if done else self.CANCELLED


def name_of(reason: int) -> str:
    """What a reason is called; the names are loaded when one is shown."""
    return late.call("firmware.common.wire.reasons", "name", reason)
