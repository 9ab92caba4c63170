"""A payer's and a payee's board, put together as `main` does, on fake hardware in one process."""

from firmware.common.interchange import transaction
from firmware.common.payment.certificate import device_id
from firmware.common.storage.device import Device
from firmware.common.storage.store import Identity
from firmware.common.ui.dialog import Dialog
from firmware.receiver import keeping
from firmware.receiver.app import App as ReceiverApp
from firmware.receiver.book import LedgerBook
from firmware.sender import keeping as sender_keeping
from firmware.sender.app import App as SenderApp
from firmware.sender.payees import Payee, Payees
from tests.unit import forms
from tests.unit.beside import run, until  # noqa: F401 - for who asks here
from tests.unit.fake_board import Board, Clock, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOW_MS = 1_795_359_666_904


def device(root: str, account: str, clock: Clock | None = None) -> Device:
    """A started board, enrolled for an account."""
    started = Device(Board(root, clock))
    if account and started.store.identity is None:
        identity = Identity(account, account, "", forms.BANK_ECDH.public, forms.BANK.public)
        started.store.set_identity(identity)
    return started


def payer(root: str, account: str = "anna", clock: Clock | None = None) -> "Any":
    started = device(root, account, clock)
    return SenderApp(started, Dialog(started.board), sender_keeping.start(root))


def payee(root: str, account: str = "bert", clock: Clock | None = None) -> "Any":
    started = device(root, account, clock)
    device8 = device_id(started.store.keys.signing_public)
    return ReceiverApp(started, Dialog(started.board), keeping.start(root, started.news, device8))


def book(app: ReceiverApp) -> LedgerBook:
    """A payee's ledger of files, read anew."""
    return LedgerBook(app.device.board.root)


def pair(folder: str) -> "tuple[Any, Any]":
    """A payer that knows the payee, joined by a wire; the clock has been told the time."""
    clock = Clock()
    anna, bert = payer(folder + "/anna", "anna", clock), payee(folder + "/bert", "bert", clock)
    for app in (anna, bert):
        app.device.advance_time(NOW_MS)
    join(anna.device.board.tap, bert.device.board.tap)
    introduce(anna, bert)
    return anna, bert


def introduce(anna: SenderApp, bert: ReceiverApp) -> None:
    account = bert.device.store.enrolled().account
    payees = Payees(anna.device.board.root)
    payees.add(Payee(account, bert.device.store.keys.ecdh_public))


class Paid:
    """What the receiver's journal gets of a payment, its acknowledgement key made up."""

    def __init__(self, form: dict) -> None:
        payment = transaction.parse(forms.text(form))
        self.hash = payment.hash
        self.txn_id = payment.txn_id
        self.from_id = payment.from_id
        self.to_id = payment.to_id
        self.amount_minor = payment.amount_minor
        self.text = transaction.to_json(payment)
        self.ack_key = bytes(range(32))


def opened(form: dict) -> "Any":
    return Paid(form)
