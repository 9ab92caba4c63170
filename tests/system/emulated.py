"""The same people with boards of the CPython emulator: one process, and time that costs nothing."""

from pathlib import Path
from typing import cast

from host_tools.demo import hands
from host_tools.demo.pocket_bank import PocketBank
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.cpython.board import Board
from host_tools.emulator.cpython.console import connect
from host_tools.emulator.cpython.filesystem import format_image
from host_tools.emulator.cpython.flash import Fault
from host_tools.emulator.cpython.world import Wire, World
from host_tools.emulator.display import Picture
from host_tools.emulator.wire import Wire as VirtualWire
from tests.system.people import PAYEE, PAYER, ROLES, Pair, Payee, Payer, Room

_FLASH_BYTES = 1 << 20
_LOOK_MS = 20


class EmulatedBoard:
    """As much of a `VirtualBoard` as people touch; looking at it lets its time pass."""

    def __init__(self, world: World, board: Board) -> None:
        self._world = world
        self.inside = board

    def press(self, button: str, hold_ms: int = 0) -> None:
        self.inside.buttons.press(button, hold_ms)

    def screen(self) -> Picture:
        self._world.run_for(_LOOK_MS)
        return self.inside.display.picture

    def power_on(self, fault: Fault | None = None) -> None:
        if not self.inside.powered:
            self.inside.power_on(fault)

    def power_off(self) -> None:
        self.inside.power_off()


class EmulatedRoom(Room):
    """Its boards start with the firmware on them: there is no flashing here."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, home)
        self._world = World()

    def _join(self, one: VirtualBoard, other: VirtualBoard) -> VirtualWire:
        return cast(VirtualWire, Wire(_inside(one).tap, _inside(other).tap))

    def pair(self) -> Pair:
        payer, payee = (
            self._meet(kind, account, *self._blank_board(ROLES[account], account))
            for kind, account in ((Payer, PAYER), (Payee, PAYEE))
        )
        assert isinstance(payer, Payer) and isinstance(payee, Payee)
        hands.ready(payer, payee, PocketBank())
        return Pair(payer, payee, self._join(payer.board, payee.board))

    def _blank_board(self, role: str, name: str) -> tuple[VirtualBoard, Device]:
        board = self._world.add(role, format_image(_FLASH_BYTES))
        board.power_on()
        return cast(VirtualBoard, EmulatedBoard(self._world, board)), connect(self._world, board)


def _inside(board: VirtualBoard) -> Board:
    return cast(EmulatedBoard, board).inside
