"""A board that another process runs, reached through its control socket.

One connection carries one request and one answer, each a line of JSON:
{"verb": "press", "button": "ok", "hold_ms": 60} -> {"answer": null} or {"error": "what and why"}.
"""

import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host_tools.emulator.board import HOLD_MS
from host_tools.emulator.circuit import Fault
from host_tools.emulator.display import Picture

LINE_BYTES_MAX = 262_144  # the events of a long day
STATE_FILE = "board.json"

_ANSWER_S = 15.0


class BoardGone(Exception):
    """Nobody answers at the control socket."""


class BoardRefused(Exception):
    """The board answered with an error."""


@dataclass(frozen=True)
class RunningBoard:
    """What the board's home says about it, and the verbs of its control socket."""

    name: str
    repl: str
    tap: str
    heap: str
    pid: int
    control: str

    @classmethod
    def of(cls, home: Path) -> "RunningBoard | None":
        """The board running in this home, or None; what a crash left behind counts as none."""
        try:
            board = cls(**json.loads((home / STATE_FILE).read_text()))
            board.status()
        except (FileNotFoundError, BoardGone):
            return None
        return board

    def save(self, home: Path) -> None:
        written = home / f"{STATE_FILE}.new"
        written.write_text(json.dumps(asdict(self)))
        written.rename(home / STATE_FILE)

    def status(self) -> dict[str, Any]:
        return self._ask("status")

    def press(self, button: str, hold_ms: int = HOLD_MS) -> None:
        self._ask("press", button=button, hold_ms=hold_ms)

    def screen(self) -> Picture:
        return Picture(bytes.fromhex(self._ask("screen")))

    def events(self) -> list[tuple[float, str]]:
        return [(moment_s, event) for moment_s, event in self._ask("events")]

    def power_on(self, fault: Fault | None = None) -> None:
        self._ask("power_on", fault=fault)

    def power_off(self) -> None:
        self._ask("power_off")

    def reset(self) -> None:
        self._ask("reset")

    def stop(self) -> None:
        """Ask the process to end; its state file is gone before it answers."""
        self._ask("stop")

    def _ask(self, verb: str, **arguments: Any) -> Any:
        request = json.dumps({"verb": verb} | arguments).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ANSWER_S)
                connection.connect(self.control)
                connection.sendall(request)
                answer = read_line(connection)
        except OSError as error:
            raise BoardGone(f"board {self.name} does not answer: {error}") from error
        if "error" in answer:
            raise BoardRefused(answer["error"])
        return answer["answer"]


def read_line(connection: socket.socket) -> dict[str, Any]:
    """One JSON object, as sent by the other side; raises OSError where there is none."""
    with connection.makefile("rb") as lines:
        line = lines.readline(LINE_BYTES_MAX)
    if not line.endswith(b"\n"):
        raise ConnectionError("the line ends early or is too long")
    return json.loads(line)
