"""Runs on MicroPython, where its instructions are counted: both boards of a tap in one process.

    program ready | ok | received | paid      goes that far in a tap and ends there
    program tally                             the whole of it; prints what was counted, as JSON

The boards run the firmware as `main` puts it together, each on a littlefs of its own, with a
wire of memory between their taps. A task is stepped when something is there for it: bytes, a
press, or the end of a pause that it is in; that nobody polls an idle port is all that differs. A
tap before the counted one has everything in place that a shop's day has.
"""

import json
import os
import sys

import framebuf  # type: ignore[import-not-found]
import vfs  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SECTOR = 4096
_SECTORS = 48
_ERASED = b"\xff" * _SECTOR
_AMOUNT = 4_50
_STEPS_MAX = 200_000
_ANSWER_MS = 4
_BANK = "tap_bank"


class Flash:
    """A chip in a file, so that it takes no heap; `operations` are programs and erases."""

    def __init__(self, path: str) -> None:
        self._image = open(path, "w+b")  # noqa: SIM115  open as long as the board is on
        for _ in range(_SECTORS):
            self._image.write(_ERASED)
        self.operations = 0

    def readblocks(self, sector: int, buffer: bytearray, offset: int = 0) -> None:
        self._image.seek(sector * _SECTOR + offset)
        self._image.readinto(buffer)  # type: ignore[attr-defined]

    def writeblocks(self, sector: int, buffer: bytes, offset: int = 0) -> None:
        self._image.seek(sector * _SECTOR + offset)
        self._image.write(buffer)
        self.operations += 1

    def ioctl(self, request: int, sector: int) -> int:
        if request == 4:
            return _SECTORS
        if request == 5:
            return _SECTOR
        if request == 6:
            self.operations += 1
        return 0


class Port:
    """One end of a wire; `frames` counts by their flags, two each."""

    def __init__(self) -> None:
        self.peer: Port = self
        self.arrived = b""
        self.bytes = self.flags = 0

    def read(self) -> bytes:
        data, self.arrived = self.arrived, b""
        return data

    def write(self, data: bytes) -> None:
        self.bytes += len(data)
        self.flags += data.count(b"\x7e")
        self.peer.arrived += data


class Clock:
    """Both boards' time; it passes only when everybody pauses."""

    now_ms = 0

    def ms(self) -> int:
        return self.now_ms

    def sleep_ms(self, ms: int) -> "Any":
        yield ms


class Buttons:
    def __init__(self) -> None:
        self.presses: list[str] = []

    def read(self) -> str:
        return self.presses.pop(0) if self.presses else ""


class Display:
    def __init__(self) -> None:
        self.buffer = framebuf.FrameBuffer(bytearray(1024), 128, 64, framebuf.MONO_VLSB)
        self.title = ""

    def show(self) -> None:
        """The glass is not part of this."""


class Board:
    """The hardware contract in memory, and its tasks: [coroutine, until when it pauses]."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.flash = Flash(name)
        vfs.VfsLfs2.mkfs(self.flash)
        vfs.mount(vfs.VfsLfs2(self.flash, mtime=False), "/" + name)  # else no two runs are alike
        self.root = "/" + name + "/data"
        self.unique_id = name.encode()
        self.clock = clock
        self.console, self.tap = Port(), Port()
        self.buttons, self.display = Buttons(), Display()
        self.tasks: list[list] = []
        self.signed = self.verified = 0
        self.host: Any = None

    def beep(self) -> None:
        """Nobody listens."""

    def restart(self, after_ms: int) -> None:
        raise RuntimeError("a board started anew")

    def news(self) -> int:
        """How much there is to look at."""
        return len(self.tap.arrived) + len(self.console.arrived) + len(self.buttons.presses)


class Bench:
    """Two boards on one wire, and the host that asks them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.payer, self.payee = Board("payer", self.clock), Board("payee", self.clock)
        self.payer.tap.peer, self.payee.tap.peer = self.payee.tap, self.payer.tap
        self.running = self.payer
        self._watch()
        self._start(self.payer, "sender")
        self._start(self.payee, "receiver")

    def _start(self, board: Board, role: str) -> None:
        from firmware.common.storage.device import Device

        self.running = board
        main = __import__("firmware." + role + ".main", None, None, ("tasks",))
        board.tasks = [[task, 0] for task in main.tasks(Device(board))]

    def _watch(self) -> None:
        """Sees who signs, who verifies, and what is drawn where."""
        from firmware.common import crypto
        from firmware.common.ui import canvas

        sign, verify, draw = crypto.sign, crypto.verify, canvas.draw

        def counted_sign(*arguments: "Any") -> "Any":
            self.running.signed += 1
            return sign(*arguments)

        def counted_verify(*arguments: "Any") -> "Any":
            self.running.verified += 1
            return verify(*arguments)

        def noted_draw(display: Display, title: str, *rest: "Any") -> None:
            display.title = title
            draw(display, title, *rest)

        crypto.sign, crypto.verify, canvas.draw = counted_sign, counted_verify, noted_draw

    def until(self, condition: "Any") -> None:
        """Steps the boards until something is so."""
        for _ in range(_STEPS_MAX):
            if condition():
                return
            looked = [self._look(board) for board in (self.payer, self.payee)]
            if not (condition() or any(looked)):
                self._pass_time()
        raise RuntimeError("it never came to that")

    def _look(self, board: Board) -> bool:
        """Steps a board that has something to look at; whether it did."""
        before = board.news()
        if before:
            self._step(board, True)
        return board.news() < before

    def settle(self) -> None:
        """Until each has answered what the other said."""
        for _ in range(2):  # a board may only have acknowledged when the wire is first quiet
            self.until(lambda: not (self.payer.tap.arrived or self.payee.tap.arrived))
            self.rest(_ANSWER_MS)

    def _step(self, board: Board, everybody: bool) -> None:
        self.running = board
        for task in board.tasks:
            if everybody or task[1] <= self.clock.now_ms:
                task[1] = self.clock.now_ms + task[0].send(None)

    def _pass_time(self) -> None:
        tasks = self.payer.tasks + self.payee.tasks
        self.clock.now_ms = max(self.clock.now_ms + 1, min([task[1] for task in tasks]))
        for board in (self.payer, self.payee):
            self._step(board, False)

    def shows(self, board: Board, title: str) -> None:
        self.until(lambda: board.display.title.startswith(title))

    def rest(self, ms: int = 1_500) -> None:
        """Lets the boards do what can wait."""
        end = self.clock.now_ms + ms
        self.until(lambda: self.clock.now_ms >= end)


class Host:
    """A computer at a board's USB port."""

    def __init__(self, bench: Bench, board: Board) -> None:
        from firmware.common.wire.link import Link

        self._bench, self._board = bench, board
        self._port, self._link = Port(), Link()
        self._port.peer, board.console.peer = board.console, self._port
        self._link.connect(1)
        board.host = self

    def ask(self, do: str, body: bytes = b"", **header: "Any") -> tuple[dict, bytes]:
        from firmware.common.wire import packet

        header["do"] = do
        self._wait(self._link.is_idle)
        self._link.send(packet.pack(header, body))
        answers: list[bytes] = []

        def has_answer() -> bool:
            answer = self._link.receive()
            if answer is not None:
                answers.append(answer)
            return bool(answers)

        self._wait(has_answer)
        self._wait(self._link.is_idle)
        found, data = packet.unpack(answers[0])
        if not found["ok"]:
            raise RuntimeError(do, found)
        return found, data

    def _wait(self, condition: "Any") -> None:
        def looked() -> bool:
            self._link.step(self._port, self._bench.clock.ms())
            return condition()

        self._bench.until(looked)


def bank(function: str, *arguments: bytes) -> "Any":
    from firmware.common import late

    return late.call(_BANK, function, *arguments)


def enrol(bench: Bench, board: Board, name: str) -> bytes:
    """Makes the board one of the bank's; its certificate."""
    host = Host(bench, board)
    host.ask("pin_root", root=bank("root").hex())
    answer(bench, board, "TRUST BANK?", "ok")
    host.ask("bkey", bank("bank_key"))
    host.ask("enrol", account=name, name=name)
    answer(bench, board, "ENROL?", "ok")
    answer(bench, board, "CODE?", "ok", *["next"] * 10, "ok")
    answer(bench, board, "SAME WORDS?", "ok")
    certificate = bank("certificate", host.ask("enrol_message")[1])
    host.ask("certificate", certificate)
    host.ask("news", bank("news"))
    return certificate


def answer(bench: Bench, board: Board, title: str, *presses: str) -> None:
    bench.shows(board, title)
    board.buttons.presses.extend(presses)
    bench.until(lambda: not board.buttons.presses)


def prepare() -> Bench:
    """Both boards ready for a tap, one having been made before."""
    bench = Bench()
    certificate = enrol(bench, bench.payer, "Bert")
    enrol(bench, bench.payee, "Bakery Anna")
    host = bench.payer.host
    host.ask("top_up", amount=100_00)
    answer(bench, bench.payer, "TOP UP?", "ok")
    host.ask("statement", bank("statement", host.ask("sync")[1], certificate[66:130]))
    ask_for_money(bench)
    tap(bench, "paid")
    for board in (bench.payer, bench.payee):
        board.buttons.presses.append("ok")  # puts PAID and RECEIVED away
    bench.rest()
    ask_for_money(bench)
    return bench


def ask_for_money(bench: Bench) -> None:
    bench.payee.host.ask("charge", amount=_AMOUNT)
    bench.shows(bench.payer, "SENDER")
    bench.shows(bench.payee, "ASKS")
    bench.rest()


def tap(bench: Bench, end: str) -> None:
    """The payer presses PAY, holds OK when asked; ends at `end`."""
    payer, payee = bench.payer, bench.payee
    if end == "ready":
        return
    payer.buttons.presses.append("ok")
    bench.shows(payer, "PAY ")
    bench.settle()  # the payee has said that it would take it
    if end == "ok":
        return
    payer.buttons.presses.append("hold")
    bench.shows(payee, "RECEIVED")
    if end == "received":
        return
    bench.shows(payer, "PAID")
    bench.settle()  # the news has been told


def tally(bench: Bench) -> dict:
    """What one tap comes to on either side."""
    before = counts(bench)
    tap(bench, "paid")
    after = counts(bench)
    found = {}
    for side in after:
        found[side] = {name: after[side][name] - before[side][name] for name in after[side]}
    return found


def counts(bench: Bench) -> dict:
    found = {}
    for side, board in (("payer", bench.payer), ("payee", bench.payee)):
        found[side] = {
            "frames": board.tap.flags // 2,
            "bytes": board.tap.bytes,
            "signed": board.signed,
            "verified": board.verified,
            "flash_ops": board.flash.operations,
        }
    return found


class _Os:
    """The module `os` with a random source that repeats."""


def make_repeatable() -> None:
    """To be done before anything imports `os` or starts a board by itself."""
    drawn = [0]

    def urandom(n: int) -> bytes:
        drawn[0] += 1
        return bytes([(i * 7 + drawn[0] * 13) & 0xFF for i in range(n)])

    for name in dir(os):
        setattr(_Os, name, getattr(os, name))
    _Os.urandom = urandom  # type: ignore[attr-defined]
    sys.modules["os"] = _Os  # type: ignore[assignment]


class _Start:
    """In the place of `hardware.start`, which needs a chip."""

    run_for_ever = None


def main(end: str) -> None:
    make_repeatable()
    sys.modules["firmware.common.hardware.start"] = _Start  # type: ignore[assignment]
    bench = prepare()
    if end == "tally":
        print(json.dumps(tally(bench)))
    else:
        tap(bench, end)


if __name__ == "tap_program":  # imported by the line of source that starts a measurement
    main(sys.argv[1])
