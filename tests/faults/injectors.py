"""How faults are brought about; each injector counts the events at its place as they happen.

An injector asks `events.strike(place)` at every event: what is planned for it, or "".
"""

import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank.db import Database
from host_tools import bridge, bundle, outbox, routes
from tests.faults.points import BANK, BRIDGE, Key, Plan, Point

_FRAME = re.compile(rb"~[^~]+~")
_BRIDGE_FILES = {module.__file__ for module in (bridge, bundle, outbox, routes)}

T = TypeVar("T")


class Killed(BaseException):
    """The process ends here; nothing in it may catch this."""


class Events:
    """Counts what happens in a phase, and knows what is to go wrong."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.phase = ""
        self.counts: dict[Key, int] = {}
        self.sizes: dict[Key, list[int]] = {}
        self.moments: dict[Key, list[int]] = {}
        self.hit: list[Point] = []
        self._planned = {(f.phase, f.place, f.number): f for f in plan.faults}
        self._now = 0
        self._lines: set[tuple[str, str, int]] = set()

    def is_new(self, file: str, line: int) -> bool:
        """Whether this line of a program has not run in this phase before."""
        place = (self.phase, file, line)
        is_new = place not in self._lines
        self._lines.add(place)
        return is_new

    def count(self, place: str) -> int:
        """One more event there; its number within the phase."""
        key = (self.phase, place)
        self._now += 1
        self.moments.setdefault(key, []).append(self._now)
        number = self.counts[key] = self.counts.get(key, 0) + 1
        return number

    def strike(self, place: str) -> str:
        """The kind of damage planned for this event; outside of a phase nothing is counted."""
        if not self.phase:
            return ""
        fault = self._planned.get((self.phase, place, self.count(place)))
        if fault is None:
            return ""
        self.hit.append(fault)
        return fault.kind

    def planned(self, place: str) -> list[Point]:
        return [f for f in self.plan.faults if (f.phase, f.place) == (self.phase, place)]


class Operations(list[int]):
    """A chip's list of what it wrote, in bytes; each operation is an event at its place."""

    def __init__(self, events: Events, place: str) -> None:
        super().__init__()
        self._events = events
        self._place = place

    def append(self, size: int) -> None:
        if self._events.phase:
            self._events.count(self._place)
            key = (self._events.phase, self._place)
            self._events.sizes.setdefault(key, []).append(size)
        super().append(size)


class BadWire:
    """A wire's `pass_on`: drops, repeats and delays frames, or is cut until it is mended.

    People may `pull` it, too.
    """

    def __init__(self, events: Events, place: str) -> None:
        self._events = events
        self._place = place
        self.mend()

    def mend(self) -> None:
        self.is_cut = False
        self._late = [b"", b""]

    def pull(self) -> None:
        self.is_cut = True

    def __call__(self, direction: int, data: bytes) -> bytes:
        return b"".join(self._frame(direction, frame) for frame in _FRAME.findall(data))

    def _frame(self, direction: int, frame: bytes) -> bytes:
        damage = self._events.strike(self._place)
        self.is_cut = self.is_cut or damage == "cut"
        if self.is_cut or damage == "drop":
            return b""
        if damage == "delay":
            self._late[direction] += frame
            return b""
        late, self._late[direction] = self._late[direction], b""
        return frame * (2 if damage == "repeat" else 1) + late


@contextmanager
def mortal_bridge(events: Events) -> Iterator[None]:
    """Each line of the bridge's program is an event when it first runs in a phase: a kill."""

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        is_new = event == "line" and events.is_new(frame.f_code.co_filename, frame.f_lineno)
        if is_new and events.strike(BRIDGE):
            raise Killed
        return on_line

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        return on_line if frame.f_code.co_filename in _BRIDGE_FILES else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(before)


class MortalDatabase(Database):
    """Each statement, each commit and each answer is an event: the bank dies, or is cut off."""

    events: Events

    def run(self, work: Callable[[Cursor], T]) -> T:
        def watched(cursor: Cursor) -> T:
            found = work(cursor)
            self._at_commit(cursor.connection)
            return found

        found = super().run(watched)
        if self.events.strike(BANK):
            raise Killed
        return found

    def _connect(self) -> Connection:
        connection = super()._connect()
        events = self.events

        class Watched(Cursor):
            def execute(self, query: Any, vars: Any = None) -> None:
                damage = events.strike(BANK)
                if damage == "kill":
                    raise Killed
                if damage:
                    _shut(connection, socket.SHUT_RDWR)
                return super().execute(query, vars)

        connection.cursor_factory = Watched
        return connection

    def _at_commit(self, connection: Connection) -> None:
        """The worst moment: the commit leaves, and nobody learns what came of it."""
        damage = self.events.strike(BANK)
        if damage == "kill":
            raise Killed
        if damage:
            _shut(connection, socket.SHUT_RD)


def _shut(connection: Connection, how: int) -> None:
    with socket.socket(fileno=socket.dup(connection.fileno())) as end:
        end.shutdown(how)
