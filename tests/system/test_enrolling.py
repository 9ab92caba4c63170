"""A board joins an account: by a code and four words, in one run or in many."""

import json
from collections.abc import Callable
from hashlib import sha256

import pytest

from firmware.common.wire.errors import BAD_CODE, DECLINED, Refused
from host_tools import flash
from host_tools.demo import hands
from host_tools.demo.pocket_bank import PocketBank
from host_tools.enrolling import Enrolment, Member
from host_tools.errors import CommandError
from host_tools.firmware_build import build
from host_tools.firmware_target import Target, compiler_mpy_version
from tests.system.office import Office
from tests.system.people import Payer, Person, Room


class Newcomer:
    """Somebody with a new board, and an account that waits for it."""

    def __init__(self, office: Office, room: Room) -> None:
        self.office = office
        self.payer = room.newcomer(office.new_name("bert"))
        self.account = self.payer.account
        office.open(self.account)
        self.said: list[str] = []

    def run(self, code: Callable[[], str] | None = None, is_operator: bool = False) -> dict:
        """One run, fingers typing the code."""
        make = code or (lambda: self.office.code(self.account))
        work = Enrolment(
            self.payer.device,
            self.office.client,
            self.said.append,
            self.payer.board,
            make,
            is_operator,
        )
        return work.run(Member(self.account))

    def confirm(self, words: str) -> None:
        body = {"device_id": self.payer.call("status")["device"], "words": words}
        self.office.client.post("/operator/confirm", json.dumps(body).encode())


@pytest.fixture
def newcomer(office: Office, room: Room) -> Newcomer:
    return Newcomer(office, room)


def never() -> str:
    raise AssertionError("nobody is to type a code now")


def test_the_operator_compares_the_words_on_the_screen(newcomer: Newcomer) -> None:
    """Until then the board waits, and says so; each further run only looks."""
    waiting = newcomer.run()
    words = waiting["words"]
    assert waiting["enrolled"] == "pending"
    assert len(words.split()) == 4
    assert words in " ".join(newcomer.said)
    newcomer.payer.restart()
    assert newcomer.run(never) == waiting
    with pytest.raises(CommandError) as caught:
        newcomer.confirm("upstairs cockpit giant dignity")
    assert caught.value.reason == DECLINED
    newcomer.confirm(words)
    done = newcomer.run(never)
    assert (done["enrolled"], done["account"]) == ("yes", newcomer.account)
    status = newcomer.payer.call("status")
    assert (status["enrolled"], status["words"]) == ("yes", "")
    assert status["beacon"] > 0  # it has heard the bank's news
    assert newcomer.run(never) == done


@pytest.mark.parametrize("room", ["micropython"], indirect=True)
def test_the_bank_hears_what_the_board_runs(newcomer: Newcomer) -> None:
    """What the operator is shown is what the same build gives, and what `opg verify` says."""
    newcomer.run()
    device = newcomer.payer.call("status")["device"]
    rows = newcomer.office.client.get("/operator/enrolments?limit=500")["enrolments"]
    (told,) = [row["firmware"] for row in rows if row["device_id"] == device]
    files = build("sender", Target("x64", 0, compiler_mpy_version()))
    total = sha256()
    for path in sorted(files, key=lambda path: path.split("/")):
        total.update(path.encode() + b"\0" + sha256(files[path]).digest())
    assert told == total.hexdigest()
    newcomer.payer.device.close()
    assert flash.verify(newcomer.payer.board.repl_port).firmware_hash == told
    newcomer.payer.reconnect()


def test_a_wrong_code_is_typed_again(newcomer: Newcomer) -> None:
    newcomer.office.code(newcomer.account)
    with pytest.raises(CommandError) as caught:
        newcomer.run(lambda: "1")
    assert caught.value.reason == BAD_CODE
    assert newcomer.run(is_operator=True)["enrolled"] == "yes"
    assert any("no use any more" in line for line in newcomer.said)


def test_cancelled_on_the_board(newcomer: Newcomer) -> None:
    payer = newcomer.payer
    payer.call("pin_root", root=newcomer.office.client.public_keys()["root_public_key"])
    assert "of its root key" in payer.wait_to_see("TRUST BANK?")
    payer.board.press("cancel")
    assert payer.device.wait_for_outcome(10)[0] == "CANCELLED"
    assert payer.call("status")["enrolled"] == ""
    assert newcomer.run(is_operator=True)["enrolled"] == "yes"


def test_another_bank_is_not_trusted(newcomer: Newcomer) -> None:
    """Once a root is pinned, only a factory reset changes it."""
    newcomer.run(is_operator=True)
    other = PocketBank()
    with pytest.raises(Refused) as caught:
        newcomer.payer.call("pin_root", root=other.public_keys()["root_public_key"])
    assert caught.value.reason == DECLINED


def test_another_account_is_not_joined(newcomer: Newcomer) -> None:
    newcomer.run(is_operator=True)
    payer = newcomer.payer
    other = Payer(newcomer.office.new_name("other"), payer.board, payer.device)
    newcomer.office.open(other.account)
    with pytest.raises(CommandError) as caught:
        hands.enrol(other, newcomer.office.client, never)
    assert caught.value.reason == DECLINED
    assert account_of(payer) == newcomer.account


def account_of(person: Person) -> str:
    return person.call("status")["account"]
