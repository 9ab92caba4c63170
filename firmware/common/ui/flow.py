"""What both roles' apps share: rest until pressed, or do what a host asked the user to decide."""

from firmware.common import late
from firmware.common.storage.device import Device
from firmware.common.ui.canvas import wrap
from firmware.common.ui.dialog import Dialog
from firmware.common.wire.errors import BUSY, Refused

_MENU = "firmware.common.ui.menu"
_QUESTIONS = {
    "enrol_by_code": "firmware.common.ui.enrolment",
    "pin_root": "firmware.common.ui.enrolment",
}
_ENROLLING = "firmware.common.wire.enrolling"
_COMMANDS = {
    "pin_root": _ENROLLING,
    "bkey": _ENROLLING,
    "enrol_message": _ENROLLING,
    "certificate": _ENROLLING,
    "news": _ENROLLING,
}


class Flow:
    """One question at a time; `outcome` says what the last one that a host asked came to."""

    role = 0  # the bit of a certificate: PAYER or PAYEE
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
                if self.device.news.why:
                    late.call("firmware.common.ui.refusing", "keep", self)
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
        """Where the console finds what a command does; "" where it is a role's own matter."""
        return _COMMANDS.get(name, "")

    def unsettled(self) -> int:
        """How many payments would be lost with this board's memory."""
        raise NotImplementedError

    def question_module(self, question: str) -> str:
        """Where a question to the user stands."""
        return _QUESTIONS.get(question, _MENU)

    def may_revoke(self) -> bool:
        """Whether this board may learn of revocations now."""
        return True

    async def decide(self, question: str, *arguments: object) -> None:
        """Asks one of the questions that are loaded when asked; DONE if the user agreed."""
        done = await late.call(self.question_module(question), question, self, *arguments)
        self.outcome = self.DONE if done else self.CANCELLED


def name_of(reason: int) -> str:
    """What a reason is called; the names are loaded when one is shown."""
    return late.call("firmware.common.wire.reasons", "name", reason)
