"""A board's USB cable, for the host tools in the same process."""

from host_tools.device import Device
from host_tools.emulator.cpython.board import Board, Port
from host_tools.emulator.cpython.world import PassOn, Wire, World, unchanged
from host_tools.errors import NOT_REACHABLE, CommandError


class Cable(Port):
    """The host's end; a board without power is a port that is gone."""

    def __init__(self, board: Board, pass_on: PassOn) -> None:
        super().__init__()
        self._board = board
        Wire(self, board.console, pass_on)

    def read(self) -> bytes:
        if not self._board.powered:
            raise CommandError(NOT_REACHABLE, f"the {self._board.role} has no power")
        return super().read()

    def close(self) -> None:
        self._board.console.far = lambda data: None


def connect(world: World, board: Board, pass_on: PassOn = unchanged) -> Device:
    """The board as the host tools know it; waiting for it lets the world's time pass."""
    return Device(board.role, Cable(board, pass_on), world)
