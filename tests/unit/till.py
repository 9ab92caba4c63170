"""A payer's board with purses, and a till that says what a test wants it to say."""

from firmware.common.payment import answer, asking, certificate, settlement, sync, transaction
from firmware.common.payment.purse import first_prev
from firmware.common.storage import enrolment, news_exchange
from firmware.common.storage.device import Device
from firmware.common.storage.store import Identity
from firmware.common.ui.dialog import Dialog
from firmware.common.wire import messages
from firmware.common.wire.channel import Channel
from firmware.common.wire.errors import REQUEST_UNKNOWN, SEND_THE_PAYMENT, Refused
from firmware.common.wire.link import Link
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.app import App
from tests.unit import world
from tests.unit.beside import run, until
from tests.unit.fake_board import Board, Clock, join
from tests.unit.forms import BANK, BANK_ECDH, Keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TILL, TILL_ED = Keys("till"), Keys("till's agreement")
OTHER_TILL, OTHER_TILL_ED = Keys("other till"), Keys("other till's agreement")
REALM = world.REALM
HEAD = b"\x07" * 32


def started(root: str, clock: "Clock | None" = None) -> Device:
    """A board that knows its bank and has its certificate."""
    device = Device(Board(root, clock))
    if not device.news.root:
        device.news.pin(world.ROOT.public)
        news_exchange.take(device.news, messages.BKEY.number, world.bank_key())
        news_exchange.take(device.news, messages.BEACON.number, world.beacon(1))
        keys = device.store.keys
        identity = Identity("anna", "Anna", "", BANK_ECDH.public, BANK.public)
        device.store.set_identity(identity)
        enrolment.keep(root, bytes(266), keys.ecdh, b"{}\n")
        dcert = world.device(keys.signing_public, keys.ecdh_public, "Anna")
        enrolment.finish(root, dcert, keys.ecdh)
    return device


def payer(root: str, clock: "Clock | None" = None) -> "Any":
    """The payer's app, as `main` puts it together."""
    device = started(root, clock)
    return App(device, Dialog(device.board), keeping.start(root))


def top_up(app: "Any", purse8: bytes = b"purse001", **changes: int) -> None:
    """One purse more, as a SYNC and its STATEMENT bring it."""
    keys = Keys("purse " + purse8.decode())
    me = certificate.device_id(app.device.store.keys.signing_public)
    keeping.add_key(app.wallet, keys.private, 100_00)
    asked = sync.make_sync(
        REALM,
        app.device.store.keys.signing,
        [],
        device=me,
        purse=bytes(8),
        ctr=0,
        cum=0,
        head=bytes(32),
        newpub=keys.public,
        amount=100_00,
        nonce=b"\x05" * 8,
        t_lb=world.NOW,
    )
    keeping.add_sync(app.wallet, asked)
    new_purse = world.purse_of(keys, purse8, BANK, **changes).signed
    keeping.add_statement(
        app.wallet,
        settlement.make_statement(
            REALM,
            BANK.private,
            [],
            new_purse,
            device=me,
            purse=bytes(8),
            nonce=b"\x05" * 8,
            t=world.NOW,
            balance=0,
        ),
    )


class Till:
    """Takes whatever is paid; a test changes its fields, or gives an answer of its own.

    `answers`: message number -> function of (number, body) that gives the replies. `heard` holds
    what the payer said, `taken` the payments by hash.
    """

    def __init__(self, board: Board, amount_minor: int = 4_50, nonce: bytes = b"request1") -> None:
        self.board = board
        self.keys, self.ed = TILL, TILL_ED
        self.changes: dict = {}  # of PREQ's fields
        self.core: Any = None
        self.dcert: Any = None
        self.amount_minor = amount_minor
        self.nonce = nonce
        self.answers: dict = {}
        self.heard: list = []
        self.taken: dict = {}
        self.transcript: Any = None
        self.words_of = b""
        self.spoil_preq: Any = None
        self.news: list = []

    def fields(self) -> dict:
        fields = {
            "flags": 0 if self.amount_minor else asking.NO_REQUEST,
            "payee": certificate.device_id(self.keys.public),
            "req_nonce": self.nonce,
            "amount": self.amount_minor,
            "cur": world.EUR,
            "ttl_s": 120,
            "ref": bytes(12),
            "t_lb": world.NOW,
            "rev_seq": 0,
        }
        fields.update(self.changes)
        return fields

    async def serve(self) -> None:
        """Every connection, for ever."""
        channel = Channel(self.board, Link())
        while True:
            try:
                await channel.accept(REALM)
                await self._talk(channel)
            except Refused:
                channel.close()

    async def _talk(self, channel: Channel) -> None:
        self.words_of = channel.session.code
        dcert = self.dcert or world.device(self.keys.public, self.ed.public)
        await channel.send(messages.DCERT.number, dcert)
        transcript = self.transcript or channel.session.transcript
        self.core = asking.make_core(**self.fields())
        preq = asking.make_request(REALM, self.keys.private, self.core, transcript)
        if self.spoil_preq:
            preq = self.spoil_preq(preq)
        await channel.send(messages.PREQ.number, preq)
        while True:
            number, body = await channel.receive(200_000)
            self.heard.append((number, body))
            replies = self.answers.get(number, self.reply)(number, body)
            if replies is None:
                channel.close()  # says nothing more, as after a power cut
                return
            for kind, reply in replies:
                await channel.send(kind, reply)

    def reply(self, number: int, body: bytes) -> "Any":
        """What an honest till answers."""
        if number == messages.OFFER.number:
            return [self.verdict(0)]
        if number == messages.TXN.number:
            txn = transaction.read_payment(body)
            self.taken[transaction.txn_hash(txn)] = txn
            return [self.ack(transaction.txn_hash(txn))]
        if number == messages.RESUME.number:
            found = self.taken.get(messages.RESUME.read(body).txn_hash)
            if found is None:
                return [self.verdict(SEND_THE_PAYMENT)]
            return [self.ack(transaction.txn_hash(found))]
        if number == messages.VERDICT.number:  # the payer has told its news
            replies = self.news[:]
            replies.append(self.verdict(0))
            return replies
        return []

    def verdict(self, reason: int, nonce: bytes = b"") -> tuple:
        body = messages.VERDICT.pack(reason=reason, req_nonce=nonce or self.nonce, extra=0)
        return messages.VERDICT.number, body

    def ack(self, txn_hash: bytes) -> tuple:
        payee = certificate.device_id(self.keys.public)
        made = answer.make_ack(REALM, self.keys.private, payee, txn_hash, 0, 0, HEAD, world.NOW)
        return messages.ACK.number, made

    def void(self, txn: "Any", reason: int = 15) -> tuple:
        payee = certificate.device_id(self.keys.public)
        made = answer.make_void(
            REALM,
            self.keys.private,
            payee,
            transaction.txn_hash(txn),
            txn.req_hash,
            reason,
            world.NOW,
        )
        return messages.VOID.number, made


def unknown(till: Till):
    """An answer to RESUME: no such request."""
    return lambda number, body: [till.verdict(REQUEST_UNKNOWN)]


def pair(folder: str, amount_minor: int = 4_50) -> "tuple[Any, Till]":
    """A payer with one purse, joined by a wire to a till that asks for this much."""
    app = payer(folder + "/anna", Clock())
    top_up(app)
    till = Till(Board("", app.device.board.clock), amount_minor)
    join(app.device.board.tap, till.board.tap)
    return app, till


def again(app: "Any", till: Till) -> "Any":
    """The payer's board after a power cut, on the same wire."""
    board = app.device.board
    found = payer(board.root, board.clock)
    join(found.device.board.tap, till.board.tap)
    return found


def outcome(app: "Any", till: Till, *presses: str) -> str:
    """Runs both until what was asked of the payer's board has an outcome."""
    board = app.device.board
    board.press(*presses)

    async def story() -> None:
        await until(app, lambda: bool(app.outcome))

    run(story(), app.run(), till.serve())
    return app.outcome


def pay(app: "Any", till: Till, *presses: str, amount_minor: int = 0) -> str:
    app.propose(amount_minor)
    return outcome(app, till, *(presses or ("hold",)))


def tap_again(app: "Any", till: Till) -> str:
    app.tap_again()
    return outcome(app, till)


def signed_by(till: Till) -> list:
    """The payments that the till was sent, in their order."""
    number = messages.TXN.number
    return [parse_signed(messages.TXN, body) for kind, body in till.heard if kind == number]


def purse_of(app: "Any") -> "Any":
    """The payer's first PURSE, read."""
    return parse_signed(messages.PURSE, app.wallet.purses[0].signed)


def first_hash(app: "Any") -> bytes:
    return first_prev(purse_of(app))


def screens(app: "Any") -> list:
    """Every title that was shown, repetitions left out."""
    found: list = []
    for screen in app.device.board.display.shown:
        if not found or found[-1] != screen[0]:
            found.append(screen[0])
    return found
