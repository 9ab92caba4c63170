"""Ledgers go up and receipts come down, however often the bridge is cut short on its way."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bank import server
from firmware.common.wire.errors import BAD_SIGNATURE, NO_FUNDS, NOT_ENROLLED, NOT_FOR_ME, Refused
from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge, run
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.outbox import Outbox
from tests import builder
from tests.system.office import Office
from tests.system.people import Payee, Room


def envelope(payer: builder.Device, payee: Payee, amount: str) -> bytes:
    payment = builder.transaction(payer, payee.account, amount)
    return builder.text(builder.envelope(payment, payer, payee.code().decode())).encode()


class Shop:
    """A payee's board at the real bank, a payer with an account there, and the bridge's outbox."""

    def __init__(self, office: Office, room: Room, folder: Path, funds: str) -> None:
        self.office = office
        self.outbox = Outbox(folder)
        self.payer = builder.Device(office.new_name("payer"))
        office.open(self.payer.account, funds)
        signing, ecdh = (builder.jwk(key) for key in (self.payer.signing, self.payer.ecdh))
        office.enrol(self.payer.account, signing, ecdh)
        self.payee = room.payee(office.new_name("payee"), office.pinned)
        office.open(self.payee.account)

    def enrol(self) -> None:
        keys, code = self.payee.device.call("key")
        self.office.enrol(self.payee.account, keys["signing_key"], code.decode())

    def take(self, *amounts: str) -> None:
        """The payee's board takes payments, made and sealed by other means than a board's."""
        for amount in amounts:
            self.payee.take(envelope(self.payer, self.payee, amount))

    def bridge(self, url: str = "") -> Bridge:
        """A new one, as after a crash."""
        bank = BankClient(url or self.office.url)
        return Bridge(self.outbox, bank, lambda _line: None, lambda _seconds: None)

    def carry(self, url: str = "") -> Bridge:
        """One whole run."""
        bridge = self.bridge(url)
        run(bridge, [self.payee.device])
        return bridge

    def received(self) -> int:
        """What the payee has at the bank."""
        return self.office.balance(self.payee.account)

    def waits(self) -> tuple[int, int]:
        """How many batches are on their way to the bank, and back to the board."""
        return len(self.outbox.waiting("ledger")), len(self.outbox.waiting("answer"))


@pytest.fixture
def shop(office: Office, room: Room, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(office, room, tmp_path / "outbox", funds="100.00")
    shop.enrol()
    yield shop
    assert shop.office.violations() == {}


def test_settled_and_marked(shop: Shop) -> None:
    shop.take("12.5", "0.01")
    assert shop.payee.states() == ["unsettled", "unsettled"]
    bridge = shop.carry()
    assert bridge.report == {"collected": 2, "uploaded": 2, "applied": 2, "refused": 0}
    assert shop.payee.states() == ["settled", "settled"]
    assert shop.received() == 12_51
    assert shop.office.balance(shop.payer.account) == 100_00 - 12_51
    assert any(" RECEIPT " in line for line in shop.payee.log())
    again = shop.carry()
    assert set(again.report.values()) == {0}
    assert shop.received() == 12_51
    assert shop.waits() == (0, 0)


def test_the_bank_is_down(shop: Shop) -> None:
    shop.take("3")
    with pytest.raises(CommandError, match="cannot be reached") as caught:
        shop.carry(f"http://127.0.0.1:{server.free_port()}")
    assert caught.value.exit_code == NOT_REACHABLE
    assert shop.waits() == (1, 0)
    assert shop.payee.states() == ["unsettled"]
    run(shop.bridge(), [])  # without the board: what waits goes up
    assert shop.received() == 3_00
    assert shop.waits() == (0, 1)
    shop.carry()
    assert (shop.payee.states(), shop.received()) == (["settled"], 3_00)


def test_cut_short_after_each_step(shop: Shop) -> None:
    shop.take("3", "4")
    device = shop.bridge().collect(shop.payee.device)
    assert shop.bridge().collect(shop.payee.device) == device
    assert shop.waits() == (1, 0)
    shop.bridge().upload()
    shop.bridge().upload()
    assert shop.waits() == (0, 1)
    assert shop.received() == 7_00
    assert shop.payee.states() == ["unsettled", "unsettled"]
    shop.carry()
    assert (shop.payee.states(), shop.received()) == (["settled", "settled"], 7_00)
    assert shop.waits() == (0, 0)


def test_cut_short_before_the_answer_was_kept(shop: Shop) -> None:
    """The bank settled, nobody heard: the same ledger comes again and moves nothing."""
    shop.take("3")
    shop.bridge().collect(shop.payee.device)
    (batch,) = shop.outbox.waiting("ledger")
    BankClient(shop.office.url).post("/settle-ledger", shop.outbox.read(batch, "ledger"))
    assert shop.received() == 3_00
    bridge = shop.carry()
    assert (bridge.report["uploaded"], bridge.report["refused"]) == (1, 0)
    assert (shop.payee.states(), shop.received()) == (["settled"], 3_00)


def test_cut_short_before_the_answer_was_dropped(shop: Shop) -> None:
    """The board has its receipt, the outbox too: it is brought again and changes nothing."""
    shop.take("3")
    device = shop.bridge().collect(shop.payee.device)
    shop.bridge().upload()
    (batch,) = shop.outbox.waiting("answer")
    answer = shop.outbox.read(batch, "answer")
    shop.bridge().give_back(shop.payee.device, device)
    shop.outbox.put(batch, "answer", answer)
    shop.carry()
    assert (shop.payee.states(), shop.received()) == (["settled"], 3_00)
    assert shop.waits() == (0, 0)


def test_the_outbox_is_lost(shop: Shop, tmp_path: Path) -> None:
    """Another computer takes over: the board still has what it was not told of."""
    shop.take("3")
    shop.bridge().collect(shop.payee.device)
    shop.bridge().upload()
    shop.outbox = Outbox(tmp_path / "another")
    shop.carry()
    assert (shop.payee.states(), shop.received()) == (["settled"], 3_00)


def test_more_than_one_batch(shop: Shop) -> None:
    amounts = [f"{n}.0{n}" for n in range(1, 7)]
    shop.take(*amounts)
    bridge = shop.carry()
    assert bridge.report["uploaded"] == 6
    assert shop.payee.states() == ["settled"] * 6
    assert shop.received() == 21_21
    shop.take("0.1")
    assert shop.carry().report["uploaded"] == 1
    assert shop.payee.states() == ["settled"] * 7
    assert shop.received() == 21_31


def test_no_funds_until_there_are(shop: Shop) -> None:
    """It holds up nothing, and the ledger is brought again once the payer has the money."""
    shop.take("250", "50")
    bridge = shop.carry()
    assert [refusal["reason"] for refusal in bridge.refusals] == [NO_FUNDS]
    assert shop.payee.states() == ["unpaid", "settled"]
    assert shop.received() == 50_00
    shop.office.fund(shop.payer.account, "199.99")
    shop.carry()
    assert shop.payee.states() == ["unpaid", "settled"]
    shop.office.fund(shop.payer.account, "0.01")
    shop.carry()
    assert shop.payee.states() == ["settled", "settled"]
    assert shop.received() == 300_00
    assert shop.office.balance(shop.payer.account) == 0


def test_a_payer_whom_the_bank_does_not_know(shop: Shop) -> None:
    stranger, shop.payer = shop.payer, builder.Device("stranger")
    shop.take("1")
    shop.payer = stranger
    shop.take("2")
    bridge = shop.carry()
    assert [refusal["reason"] for refusal in bridge.refusals] == [NOT_ENROLLED]
    assert shop.payee.states() == ["rejected", "settled"]
    assert shop.received() == 2_00


def test_a_board_that_is_not_enrolled(office: Office, room: Room, tmp_path: Path) -> None:
    """Nothing of it settles until the operator enrols it; then it does."""
    shop = Shop(office, room, tmp_path / "outbox", funds="10.00")
    shop.take("1", "2")
    bridge = shop.carry()
    assert bridge.report["refused"] == 2
    (refusal,) = bridge.refusals
    assert refusal["reason"] == NOT_ENROLLED
    assert "enrol" in refusal["message"]
    assert (shop.payee.states(), shop.received()) == (["unsettled", "unsettled"], 0)
    shop.enrol()
    shop.carry()
    assert (shop.payee.states(), shop.received()) == (["settled", "settled"], 3_00)


def test_a_receipt_that_was_changed_or_is_anothers(shop: Shop, room: Room) -> None:
    shop.take("3")
    shop.bridge().collect(shop.payee.device)
    shop.bridge().upload()
    (batch,) = shop.outbox.waiting("answer")
    answer = json.loads(shop.outbox.read(batch, "answer"))
    receipt, signature = answer["receipt"].encode(), answer["receipt_signature"]
    other = room.payee(shop.office.new_name("other"), shop.office.pinned)
    other.take(envelope(shop.payer, other, "3"))

    for at in (0, len(receipt) // 2, len(receipt) - 1):
        changed = receipt[:at] + bytes((receipt[at] ^ 1,)) + receipt[at + 1 :]
        assert refusal(shop.payee, changed, signature) == BAD_SIGNATURE
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert refusal(shop.payee, receipt, flipped) == BAD_SIGNATURE
    assert refusal(other, receipt, signature) == NOT_FOR_ME
    assert shop.payee.states() == other.states() == ["unsettled"]
    shop.payee.call("apply", receipt, signature=signature)
    assert shop.payee.states() == ["settled"]


def test_a_worthless_receipt_holds_up_nothing(shop: Shop) -> None:
    """Somebody else answered for the bank: the board takes no receipt of his, then the bank's."""
    shop.take("3")
    shop.bridge().collect(shop.payee.device)
    shop.bridge().upload()
    (batch,) = shop.outbox.waiting("answer")
    answer = json.loads(shop.outbox.read(batch, "answer"))
    signature = answer["receipt_signature"]
    answer["receipt_signature"] = ("A" if signature[0] != "A" else "B") + signature[1:]
    shop.outbox.put(batch, "answer", json.dumps(answer).encode())
    bridge = shop.carry()
    assert [refusal["reason"] for refusal in bridge.refusals] == [BAD_SIGNATURE]
    assert (bridge.report["applied"], bridge.report["refused"]) == (1, 1)  # asked for again
    assert (shop.payee.states(), shop.received()) == (["settled"], 3_00)
    assert shop.waits() == (0, 0)


def test_what_the_bank_refuses_is_kept_aside(shop: Shop, tmp_path: Path) -> None:
    shop.take("3")
    bridge = shop.carry(f"{shop.office.url}/typo")
    assert bridge.report["refused"] == 1
    assert shop.waits() == (0, 0)
    (kept,) = (tmp_path / "outbox").glob("*.ledger.refused")
    assert b"encrypted_payload" in kept.read_bytes()
    shop.carry()
    assert (shop.payee.states(), shop.received()) == (["settled"], 3_00)


class NoBank(BaseHTTPRequestHandler):
    """What stands between a bridge and its bank may answer in JSON, too."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.end_headers()
        self.wfile.write(b'{"error": "forbidden"}')

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


def test_what_answers_is_not_the_bank(shop: Shop) -> None:
    shop.take("3")
    with ThreadingHTTPServer(("127.0.0.1", 0), NoBank) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        with pytest.raises(CommandError, match="not the bank") as caught:
            shop.carry(f"http://127.0.0.1:{proxy.server_port}")
        proxy.shutdown()
    assert caught.value.exit_code == NOT_REACHABLE
    assert shop.waits() == (1, 0)
    shop.carry()
    assert (shop.payee.states(), shop.received()) == (["settled"], 3_00)


def refusal(payee: Payee, receipt: bytes, signature: Any) -> int:
    """Why a board does not take a receipt."""
    with pytest.raises(Refused) as caught:
        payee.call("apply", receipt, signature=signature)
    return caught.value.reason
