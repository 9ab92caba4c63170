"""People with boards: what they press, see, and find in their outbox or ledger afterwards."""

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any, TypeVar

from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.wire import Wire
from host_tools.errors import CommandError
from tests import builder
from tests.system import reading

TIMEOUT_S = 40.0

P = TypeVar("P", bound="Person")


@dataclass
class Person:
    """A board of one's own, and a computer at its USB port."""

    account: str
    board: VirtualBoard
    device: Device

    def call(self, do: str, body: bytes = b"", **header: Any) -> dict[str, Any]:
        return self.device.call(do, body, **header)[0]

    def ask(self, do: str, body: bytes = b"", **header: Any) -> str:
        """A question for the screen, answered with OK; what it came to."""
        self.call(do, body, **header)
        self.board.press("ok")
        return self.device.wait_for_outcome(TIMEOUT_S)[0]

    def outcome(self) -> dict[str, Any]:
        """Of the last question, once there is one."""
        until = monotonic() + TIMEOUT_S
        while True:
            found = self.call("outcome")
            if found["outcome"] or found["why"]:
                return found
            assert monotonic() < until, "no outcome in time"
            sleep(0.02)

    def sees(self) -> list[str]:
        """The lines on the display."""
        return reading.lines(self.board.screen())

    def wait_to_see(self, text: str) -> list[str]:
        until = monotonic() + TIMEOUT_S
        while not any(text in line for line in self.sees()):
            assert monotonic() < until, f"{text!r} is not on the screen: {self.sees()}"
            sleep(0.02)
        return self.sees()

    def code(self) -> bytes:
        """The connection code."""
        return self.device.call("key")[1]

    def log(self) -> list[str]:
        return self.device.call("log")[1].decode().splitlines()

    def restart(self) -> None:
        """Power off, if it is still on, and on again; the computer opens the port anew."""
        self.board.power_off()
        self.board.power_on()
        self.reconnect()

    def reconnect(self) -> None:
        self.device.close()
        self.device = Device(self.board.repl_port)
        self.greet()

    def greet(self, **header: Any) -> None:
        """Waits until the firmware answers: a computer with much to do starts a board slowly."""
        until = monotonic() + TIMEOUT_S
        while True:
            try:
                self.call("status", **header)
                return
            except CommandError:
                if monotonic() > until:
                    raise


class Payer(Person):
    def pay(self, account: str, amount_minor: int, by_wire: bool = True) -> dict[str, Any]:
        """Proposes and confirms a payment: outcome, why, id."""
        self.call("pay", to=account, amount=amount_minor, by_wire=by_wire)
        self.board.press("ok")
        return self.outcome()

    def tap_again(self) -> dict[str, Any]:
        self.call("tap_again")
        return self.outcome()

    def envelope(self, txn_id: str) -> bytes:
        return self.device.call("envelope", id=txn_id)[1]

    def payments(self) -> dict[str, str]:
        """The state of each payment by its id."""
        return {row["id"]: row["state"] for row in self.call("payments", first=0)["payments"]}


class Payee(Person):
    def take(self, envelope: bytes) -> tuple[dict[str, Any], bytes]:
        """Imports an envelope: the entry as the board tells it, and the proof for the payer."""
        return self.device.call("import", envelope)

    def entries(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            found = self.call("entries", first=len(rows))
            rows += found["entries"]
            if len(rows) >= found["count"]:
                return rows

    def states(self) -> list[str]:
        return [entry["state"] for entry in self.entries()]


class Pair:
    """A payer who knows the payee's code, the payee, and the wire between their boards."""

    def __init__(self, payer: Payer, payee: Payee, wire: Wire) -> None:
        self.payer, self.payee, self.wire = payer, payee, wire

    def pay(self, amount_minor: int = 1_25) -> dict[str, Any]:
        """By wire."""
        return self.payer.pay(self.payee.account, amount_minor)

    def by_file(self, amount_minor: int = 1_25) -> tuple[str, bytes]:
        """The id and envelope of a payment that went into a file."""
        made = self.payer.pay(self.payee.account, amount_minor, by_wire=False)
        return made["id"], self.payer.envelope(made["id"])


class Room:
    """Gives people new boards with copies of the `flashed` images; use as a context manager."""

    def __init__(self, flashed: Path, home: Path) -> None:
        self._flashed, self._home = flashed, home
        self._stack = ExitStack()
        self._people: list[Person] = []
        self.bank_ecdh = builder.new_key()  # of a bank that exists in this room only
        bank = {
            "ecdh": json.loads(builder.jwk(self.bank_ecdh)),
            "signing": json.loads(builder.jwk(builder.new_key())),
        }
        self._bank = json.dumps(bank)

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, *_: object) -> None:
        for person in self._people:
            person.device.close()
        self._stack.close()

    def payer(self, account: str, bank: str = "") -> Payer:
        """With a board that was enrolled with a bank's keys, else with those of the room's bank."""
        return self._enter(Payer, "sender", account, bank)

    def payee(self, account: str, bank: str = "") -> Payee:
        return self._enter(Payee, "receiver", account, bank)

    def pair(self, payer: str = "bert", payee: str = "anna") -> Pair:
        one, other = self.payer(payer), self.payee(payee)
        one.call("import_key", other.code(), account=payee)
        return Pair(one, other, self._join(one.board, other.board))

    def _join(self, one: VirtualBoard, other: VirtualBoard) -> Wire:
        return self._stack.enter_context(Wire(one.tap_port, other.tap_port))

    def _new_board(self, role: str, name: str) -> tuple[VirtualBoard, Device]:
        home = self._home / name
        home.mkdir(parents=True)
        shutil.copy(self._flashed / role / "flash.img", home)
        board = self._stack.enter_context(VirtualBoard(home))
        return board, Device(board.repl_port)

    def _enter(self, kind: type[P], role: str, account: str, bank: str) -> P:
        board, device = self._new_board(role, f"{account}-{len(self._people)}")
        person = kind(account, board, device)
        self._people.append(person)
        person.greet(time=int(time() * 1000))
        pinned = (bank or self._bank).encode()
        assert person.ask("enrol", pinned, account=account) == "DONE"
        return person
