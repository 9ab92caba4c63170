"""The background process of one virtual board: `python -m host_tools.emulator.serve HOME`.

It ends by the verb `stop` or by SIGTERM, and takes the board's MicroPython with it.
"""

import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from host_tools.emulator.board import HEAP, VirtualBoard
from host_tools.emulator.control import STATE_FILE, RunningBoard, read_line

_REQUEST_S = 2.0
_TICK_S = 0.5
_SHORT_FOLDER = "/tmp"  # a socket's path has 108 bytes at most, and a home may lie deep


class Server:
    """Answers one request after the other until it is told to stop."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        _sweep(board.home / STATE_FILE)
        self._folder = Path(tempfile.mkdtemp(prefix="opg-", dir=_SHORT_FOLDER))
        self._verbs: dict[str, Callable[..., Any]] = {
            "status": board.status,
            "press": board.press,
            "screen": lambda: board.screen().buffer.hex(),
            "events": board.events,
            "power_on": lambda fault=None: board.power_on(tuple(fault) if fault else None),
            "power_off": board.power_off,
            "reset": board.reset,
            "stop": self.stop,
        }
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.settimeout(_TICK_S)
        self._listener.bind(str(self._folder / "control"))
        self._listener.listen()
        self._announced = self._stopping = False

    def run(self) -> None:
        self._announce()
        try:
            while not self._stopping:
                with suppress(TimeoutError):
                    connection, _ = self._listener.accept()
                    with connection, suppress(OSError):  # a client that left early
                        self._answer(connection)
        finally:
            self.stop()
            self._listener.close()
            shutil.rmtree(self._folder)

    def stop(self) -> None:
        """Who asks for this may start the board again as soon as it is answered."""
        if self._announced:
            self._announced = False
            (self._board.home / STATE_FILE).unlink()
        self._board.stop()
        self._stopping = True

    def stop_soon(self) -> None:
        self._stopping = True

    def _announce(self) -> None:
        board = self._board
        control = str(self._folder / "control")
        RunningBoard(
            name=board.home.name,
            repl=board.repl_port,
            tap=board.tap_port,
            heap=board.heap,
            pid=os.getpid(),
            control=control,
        ).save(board.home)
        self._announced = True

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_REQUEST_S)
        try:
            request = read_line(connection)
            answer = {"answer": self._verbs[request.pop("verb")](**request)}
        except (KeyError, TypeError, ValueError) as error:
            answer = {"error": f"not understood: {error}"}
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _sweep(state: Path) -> None:
    """Remove the socket of a process that was killed; the home is ours, so it is gone."""
    with suppress(OSError):
        control = Path(json.loads(state.read_text())["control"])
        control.unlink()
        control.parent.rmdir()


@click.command()
@click.argument("home", type=click.Path(path_type=Path))
@click.option("--heap", default=HEAP, show_default=True)
def main(home: Path, heap: str) -> None:
    """Run the virtual board of HOME until it is stopped."""
    with VirtualBoard(home, heap) as board:
        server = Server(board)
        signal.signal(signal.SIGTERM, lambda *_: server.stop_soon())
        server.run()


if __name__ == "__main__":
    main()
