"""Boards, the wires between them and the one clock they share; its time costs nothing.

Everything happens in the caller's thread, in the same order in every run: `step` moves the
clock by a tick and lets each board run once. Where no byte has moved for a while, ticks are longer.
"""

from collections.abc import Callable

from host_tools.emulator.cpython.board import Board, Port

TICK_MS = 10
QUIET_TICK_MS = 50  # well below any of the link's timeouts
QUIET_AFTER_MS = 200
IDLE_TICK_MS = 250  # where somebody is in haste, and the link has nothing to send but again
IDLE_AFTER_MS = 1_500
START_MS = 1_780_000_000_000  # what a host's clock shows when the world begins: 2026

PassOn = Callable[[int, bytes], bytes]


def unchanged(direction: int, data: bytes) -> bytes:
    return data


class Wire:
    """Joins two ports; `pass_on(direction, data)` may change or swallow what passes."""

    def __init__(self, a: Port, b: Port, pass_on: PassOn = unchanged) -> None:
        self.pass_on = pass_on
        self._joined = True
        a.far = lambda data: self._carry(0, data, b)
        b.far = lambda data: self._carry(1, data, a)

    def cut(self) -> None:
        """What is sent from now on is lost."""
        self._joined = False

    def mend(self) -> None:
        self._joined = True

    def _carry(self, direction: int, data: bytes, end: Port) -> None:
        passed = self.pass_on(direction, data) if self._joined else b""
        if passed:
            end.take(passed)


class World:
    """Time and boards; also the clock of the host tools in it (`time`, `monotonic`, `sleep`).

    One in haste takes long steps where people or boards only wait.
    """

    def __init__(self, is_hasty: bool = False) -> None:
        self._idle_tick_ms = IDLE_TICK_MS if is_hasty else QUIET_TICK_MS
        self.now_ms = 0
        self.boards: list[Board] = []
        self._arrived = 0
        self._moved_at_ms = 0

    def add(self, role: str, image: bytearray) -> Board:
        """A board without power."""
        unique_id = len(self.boards).to_bytes(6, "big")
        board = Board(role, image, lambda: self.now_ms, unique_id)
        self.boards.append(board)
        return board

    def step(self) -> None:
        arrived = sum(board.console.arrived + board.tap.arrived for board in self.boards)
        if arrived != self._arrived:
            self._arrived, self._moved_at_ms = arrived, self.now_ms
        quiet_ms = self.now_ms - self._moved_at_ms
        self.now_ms += TICK_MS if quiet_ms <= QUIET_AFTER_MS else self._quiet_tick_ms(quiet_ms)
        for board in self.boards:
            board.step()

    def _quiet_tick_ms(self, quiet_ms: int) -> int:
        return self._idle_tick_ms if quiet_ms > IDLE_AFTER_MS else QUIET_TICK_MS

    def run_until(self, done: Callable[[], bool], timeout_ms: int) -> bool:
        """Lets time pass until `done`; False when it took longer than that."""
        until = self.now_ms + timeout_ms
        while not done():
            if self.now_ms >= until:
                return False
            self.step()
        return True

    def run_for(self, ms: int) -> None:
        self.run_until(lambda: False, ms)

    def time(self) -> float:
        return (START_MS + self.now_ms) / 1000

    def monotonic(self) -> float:
        return self.now_ms / 1000

    def sleep(self, seconds: float) -> None:
        self.run_for(int(seconds * 1000))
