"""People with boards: what they press, see, and find in their outbox or ledger afterwards."""

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from host_tools import finger
from host_tools.demo import hands
from host_tools.demo.hands import Hand
from host_tools.demo.pocket_bank import PocketBank
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.wire import Wire
from tests import builder
from tests.system import reading

TIMEOUT_S = 40.0
PAYER, PAYEE = hands.PAYER, hands.PAYEE
ROLES = hands.ROLES

P = TypeVar("P", bound="Person")


@dataclass
class Person(Hand):
    """A board of one's own, and a computer at its USB port."""

    def call(self, do: str, body: bytes = b"", **header: Any) -> dict[str, Any]:
        return self.device.call(do, body, **header)[0]

    def ask(self, do: str, body: bytes = b"", **header: Any) -> str:
        """A question for the screen, answered with OK; what it came to."""
        self.call(do, body, **header)
        self.board.press("ok")
        return self.device.wait_for_outcome(TIMEOUT_S)[0]

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


class Payer(Person):
    def tap(self, **header: Any) -> dict[str, Any]:
        """Pays what the payee asks for: outcome, why, id."""
        self.call("pay", **header)
        finger.answer(self.board, self.device, "PAY", finger.HOLD_MS)
        return self.outcome()

    def tap_again(self) -> dict[str, Any]:
        self.call("tap_again")
        return self.outcome()

    def pay_file(self, account: str, amount_minor: int) -> dict[str, Any]:
        """Proposes and confirms a payment in the JSON form: outcome, why, id."""
        return hands.propose_file(self, account, amount_minor)

    def envelope(self, txn_id: str) -> bytes:
        return self.device.call("envelope", id=txn_id)[1]

    def payments(self) -> dict[str, str]:
        """The state of each payment by tap by its id."""
        return {row["id"]: row["state"] for row in self.device.pages("payments")}

    def files(self) -> dict[str, str]:
        """The same of payments by file."""
        return {row["id"]: row["state"] for row in self.device.pages("json_payments")}


class Payee(Person):
    def charge(self, amount_minor: int) -> None:
        self.call("charge", amount=amount_minor)

    def take(self, envelope: bytes) -> tuple[dict[str, Any], bytes]:
        """Imports an envelope: the entry as the board tells it, and the proof for the payer."""
        return self.device.call("import", envelope)

    def entries(self) -> list[dict[str, Any]]:
        """Of the ledger of taps."""
        return self.device.pages("entries")

    def ids(self) -> list[str]:
        """What the payers call the payments of that ledger."""
        return [entry["hash"][:32] for entry in self.entries() if entry["kind"] == "payment"]

    def files(self) -> list[dict[str, Any]]:
        """Entries of the ledger of files."""
        return self.device.pages("json_entries")

    def states(self) -> list[str]:
        """What the bank said of each of those."""
        return [entry["state"] for entry in self.files()]


class Pair:
    """A payer with a purse of 100.00, who knows the payee's code, the payee, and their wire."""

    def __init__(self, payer: Payer, payee: Payee, wire: Wire) -> None:
        self.payer, self.payee, self.wire = payer, payee, wire

    def pay(self, amount_minor: int = 1_25) -> dict[str, Any]:
        """By tap."""
        self.payee.charge(amount_minor)
        return self.payer.tap()

    def by_file(self, amount_minor: int = 1_25) -> tuple[str, bytes]:
        """The id and envelope of a payment that went into a file."""
        return hands.by_file(self.payer, self.payee, amount_minor)


@cache
def ready_boards(flashed: Path) -> tuple[Path, PocketBank, Any]:
    """Images of the boards of a pair, made once: their folder, their bank, its ECDH key."""
    key = builder.new_key()
    private = key.private_numbers().private_value.to_bytes(32, "big")
    bank = PocketBank((private, builder.point(key)))
    folder = flashed / "ready"
    with ExitStack() as stack:
        people = []
        for account, role in ROLES.items():
            (folder / account).mkdir(parents=True)
            shutil.copy(flashed / role / "flash.img", folder / account)
            people.append(stack.enter_context(hands.holding(folder, account)))
        hands.ready(people[0], people[1], bank)
    return folder, bank, key


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

    def pair(self) -> Pair:
        """Of bert and anna, at a bank of the pocket."""
        folder, _, self.bank_ecdh = ready_boards(self._flashed)
        one = self._meet(Payer, PAYER, *self._new_board(folder / PAYER, PAYER))
        other = self._meet(Payee, PAYEE, *self._new_board(folder / PAYEE, PAYEE))
        return Pair(one, other, self._join(one.board, other.board))

    def strangers(self, payer: str, payee: str) -> Pair:
        """Whom no bank knows yet."""
        one = self.newcomer(payer)
        other = self._meet(Payee, payee, *self._blank_board("receiver", payee))
        return Pair(one, other, self._join(one.board, other.board))

    def newcomer(self, account: str) -> Payer:
        """The same without anybody to pay."""
        return self._meet(Payer, account, *self._blank_board("sender", account))

    def _join(self, one: VirtualBoard, other: VirtualBoard) -> Wire:
        return self._stack.enter_context(Wire(one.tap_port, other.tap_port))

    def _new_board(self, image: Path, name: str) -> tuple[VirtualBoard, Device]:
        home = self._home / name
        home.mkdir(parents=True)
        shutil.copy(image / "flash.img", home)
        board = self._stack.enter_context(VirtualBoard(home))
        return board, Device(board.repl_port)

    def _blank_board(self, role: str, name: str) -> tuple[VirtualBoard, Device]:
        """With the role's firmware and nothing else."""
        return self._new_board(self._flashed / role, name)

    def _meet(self, kind: type[P], account: str, board: VirtualBoard, device: Device) -> P:
        person = kind(account, board, device)
        self._people.append(person)
        person.greet()
        return person

    def _enter(self, kind: type[P], role: str, account: str, bank: str) -> P:
        """Enrolled for the JSON forms alone."""
        name = f"{account}-{len(self._people)}"
        person = self._meet(kind, account, *self._blank_board(role, name))
        pinned = (bank or self._bank).encode()
        assert person.ask("enrol", pinned, account=account) == "DONE"
        return person
