"""A shop with two boards, each a MicroPython with its role's firmware as it is flashed.

Here are the wire between them, the time, the fingers and the computers at their USB ports. A task
is stepped when its pause is over and something is there for it (bytes, a press), or when there is
nothing for anybody and time passes. What each board was told is recorded, so that the same can be
told to it again where instructions are counted (see `tap_board` for the commands).
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Any

from host_tools import bundle, routes
from host_tools.bench.counting import command, environment
from host_tools.demo.pocket_bank import PocketBank
from host_tools.device import Device
from host_tools.errors import REFUSED, CommandError
from host_tools.seeded import seeded

HEAP = "116K"  # what leaves as much free after a start as a virtual board has
PROGRAM = "tap_program"
FRAME_FLAG = b"\x7e"
NOTHING = Struct("<IHHBB").pack(0, 0, 0, 0, 0)  # a command that comes to reading and answering it

_COMMAND = Struct("<IHHBB")
_RESULT = Struct("<BHHBIIIHHHH")
_PRESSES = ("", "ok", "next", "cancel", "hold")
_STEPS_MAX = 100_000
_OPENED = 1_767_225_600  # 1 Jan. 2026; the counts of two measurements are alike
_REST_TICK_MS = 100
_ALL = 7
_APP, _CONSOLE, _TAP = 0, 1, 2  # the places of the tasks; a payer's app taps itself


class Board:
    """One board's process. `counted` are as in `tap_program`."""

    def __init__(self, folder: Path, role: str) -> None:
        self._process = subprocess.Popen(
            command(PROGRAM, role, heap=HEAP),
            cwd=folder / role,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.recorded = bytearray()
        self.to_tap = self.to_console = self.from_tap = self.from_console = b""
        self.press = ""
        self.title = ""
        self.until = [0, 0, 0]
        self.counted = (0, 0, 0, 0)
        self.frames = self.bytes = self.steps = 0
        self._is_payer = role == "sender"

    def wanted(self) -> set[int]:
        """The tasks for which something is there."""
        found = {_APP} if self.press else set()
        found |= {_CONSOLE} if self.to_console else set()
        return found | ({_APP if self._is_payer else _TAP} if self.to_tap else set())

    def pauses(self) -> list[int]:
        return self.until[: 2 if self._is_payer else 3]

    def step(self, now_ms: int, tasks: set[int]) -> None:
        """Has the board step these tasks, with all that has arrived."""
        sizes = len(self.to_tap), len(self.to_console)
        mask = sum(1 << task for task in tasks)
        head = _COMMAND.pack(now_ms, *sizes, _PRESSES.index(self.press), mask)
        told = head + self.to_tap + self.to_console
        self.to_tap = self.to_console = b""
        self.press = ""
        self.recorded += told
        self.steps += 1
        self._tell(told)

    def _tell(self, told: bytes) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("both are pipes")
        stdin.write(told)
        stdin.flush()
        head = stdout.read(_RESULT.size)
        if len(head) < _RESULT.size or head[:1] != b"=":
            text = (head + stdout.read()).decode(errors="replace")
            raise CommandError(REFUSED, f"A measured board failed:\n{text}")
        _, tap, console, title, *rest = _RESULT.unpack(head)
        written = stdout.read(tap)
        self.from_tap += written
        self.bytes += tap
        self.frames += written.count(FRAME_FLAG)
        self.from_console += stdout.read(console)
        self.title = stdout.read(title).decode()
        self.until, self.counted = rest[:3], tuple(rest[3:])

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


class Computer:
    """What a `Device` asks of a port and of a clock: the board's console, and the shop's time."""

    def __init__(self, shop: "Shop", board: Board) -> None:
        self._shop, self._board = shop, board

    def read(self) -> bytes:
        data, self._board.from_console = self._board.from_console, b""
        return data

    def write(self, data: bytes) -> None:
        self._board.to_console += data

    def close(self) -> None:
        """Nothing was opened."""

    def time(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return self._shop.now_ms / 1000

    def sleep(self, seconds: float) -> None:
        self._shop.go_on()


class Shop:
    """Both boards, and whoever stands at them; use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = 1
        self.payer, self.payee = Board(folder, "sender"), Board(folder, "receiver")
        self.boards = {"payer": self.payer, "payee": self.payee}
        self.devices = {
            side: Device("", computer, computer)
            for side, computer in ((s, Computer(self, b)) for s, b in self.boards.items())
        }

    def __enter__(self) -> "Shop":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for board in self.boards.values():
            board.stop()

    def go_on(self) -> None:
        """One round: who has something to look at does, else time passes."""
        self._carry()
        ready = [(board.until[t], board) for board in self.boards.values() for t in board.wanted()]
        if ready:
            self.now_ms = max(self.now_ms, min(at for at, _ in ready))
        else:
            self._pass_time(1)
            return
        for board in self.boards.values():
            due = {task for task in board.wanted() if board.until[task] <= self.now_ms}
            if due:
                board.step(self.now_ms, due)

    def _carry(self) -> None:
        for giver, taker in ((self.payer, self.payee), (self.payee, self.payer)):
            taker.to_tap += giver.from_tap
            giver.from_tap = b""

    def _pass_time(self, least_ms: int) -> None:
        """Until the next pause is over, or this long."""
        pauses = [until for board in self.boards.values() for until in board.pauses()]
        self.now_ms = max(self.now_ms + least_ms, min(pauses))
        for board in self.boards.values():
            due = {task for task, at in enumerate(board.pauses()) if at <= self.now_ms}
            if due:
                board.step(self.now_ms, due)

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(_STEPS_MAX):
            if condition():
                return
            self.go_on()
        titles = [board.title for board in self.boards.values()]
        raise CommandError(REFUSED, f"The measured boards never came to that: {titles}")

    def settle(self) -> None:
        """Until the wire has been quiet for some pauses."""
        quiet = 0
        while quiet < 10:
            self._carry()
            quiet = 0 if self.payer.to_tap or self.payee.to_tap else quiet + 1
            self.go_on()

    def rest(self, ms: int = 1_500) -> None:
        """Lets the boards do what can wait."""
        end = self.now_ms + ms
        while self.now_ms < end:
            self._carry()
            if any(board.wanted() for board in self.boards.values()):
                self.go_on()
            else:
                self._pass_time(_REST_TICK_MS)

    def press(self, side: str, title: str, *presses: str) -> None:
        """Presses one after the other, once the board shows that title."""
        board = self.boards[side]
        self.until(lambda: board.title.startswith(title))
        for press in presses:
            board.press = press
            self.until(lambda: not board.press)

    # -- what happens in a shop ----------------------------------------------------------------

    def prepare(self) -> None:
        """Both boards ready for a tap, one having been made before; the same at every call."""
        with seeded(0):
            self._prepare(PocketBank(now=_OPENED))

    def _prepare(self, bank: PocketBank) -> None:
        self._enrol("payer", bank, "bert")
        self._enrol("payee", bank, "anna")
        payer = self.devices["payer"]
        payer.call("top_up", amount=100_00)
        self.press("payer", "TOP UP?", "ok")
        self.rest()
        reports = routes.Reports()
        for _, report in reports.collect(payer, "", set()):
            reports.give(payer, reports.settle(bank, report))
        self.ask_for_money()
        self.tap(lambda point: None)
        for board in self.boards.values():
            board.press = "ok"  # puts PAID and RECEIVED away
        self.rest()
        self.ask_for_money()

    def _enrol(self, side: str, bank: PocketBank, name: str) -> None:
        device, keys = self.devices[side], bank.public_keys()
        device.call("pin_root", root=keys["root_public_key"])
        self.press(side, "TRUST BANK?", "ok")
        news = bundle.split(bank.news(0))
        device.call("bkey", news[0][1])
        device.call("enrol", account=name, name=name)
        self.press(side, "ENROL?", "ok")
        self.press(side, "CODE?", "ok", *["next"] * 10, "ok")
        self.press(side, "SAME WORDS?", "ok")
        device.call("certificate", bank.enrol(device.call("enrol_message")[1]))
        routes.give_news(device, news)

    def ask_for_money(self, amount_minor: int = 4_50) -> None:
        self.devices["payee"].call("charge", amount=amount_minor)
        self.until(lambda: self.payer.title == "SENDER" and self.payee.title.startswith("ASKS"))
        self.rest()

    def tap(self, reached: Callable[[str], Any]) -> None:
        """The payer presses PAY and holds OK when asked; says when which point is reached."""
        reached("ready")
        self.press("payer", "SENDER", "ok")
        self.until(lambda: self.payer.title.startswith("PAY "))
        self.settle()  # the payee has said that it would take it
        reached("ok")
        self.press("payer", "PAY ", "hold")
        self.until(lambda: self.payee.title == "RECEIVED")
        reached("received")
        self.until(lambda: self.payer.title == "PAID")
        self.settle()  # the news has been told
        reached("paid")
