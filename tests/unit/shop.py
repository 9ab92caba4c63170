"""A payee's board as `main` puts it together, and a payer that says whatever a test wants."""

from firmware.common import crypto
from firmware.common.payment import asking, transaction
from firmware.common.payment.certificate import device_id
from firmware.common.payment.purse import first_prev
from firmware.common.storage import enrolment, news_exchange
from firmware.common.storage.device import Device
from firmware.common.storage.store import Identity
from firmware.common.ui.dialog import Dialog
from firmware.common.wire import messages
from firmware.common.wire.channel import Channel
from firmware.common.wire.codec import Record
from firmware.common.wire.link import Link
from firmware.receiver import charging, keeping, remembering
from firmware.receiver.app import App
from firmware.receiver.tap import serve
from tests.unit import world
from tests.unit.beside import run
from tests.unit.fake_board import Board, Clock, join
from tests.unit.forms import BANK, BANK_ECDH, Keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PURSE, OTHER_PURSE = Keys("purse"), Keys("other purse")
REALM = world.REALM
ACK, VOID, VERDICT = messages.ACK.number, messages.VOID.number, messages.VERDICT.number


def started(root: str, clock: "Clock | None" = None, is_enrolled: bool = True) -> Device:
    """A till's board that knows its bank, and has its certificate."""
    device = Device(Board(root, clock))
    if is_enrolled and not device.news.root:
        device.news.pin(world.ROOT.public)
        news_exchange.take(device.news, messages.BKEY.number, world.bank_key())
        news_exchange.take(device.news, messages.BEACON.number, world.beacon(1))
        keys = device.store.keys
        identity = Identity("bert", "Bert", "", BANK_ECDH.public, BANK.public)
        device.store.set_identity(identity)
        enrolment.keep(root, bytes(266), keys.ecdh, b"{}\n")
        dcert = world.device(keys.signing_public, keys.ecdh_public, "Bert")
        enrolment.finish(root, dcert, keys.ecdh)
    return device


def shop(root: str, clock: "Clock | None" = None, is_enrolled: bool = True) -> "Any":
    """The payee's app; on the same folder again it is the board after a power cut."""
    device = started(root, clock, is_enrolled)
    till = keeping.start(root, device.news, device_id(device.store.keys.signing_public))
    return App(device, Dialog(device.board), till)


def again(app: "Any") -> "Any":
    return shop(app.device.board.root, app.device.board.clock)


def ask(app: "Any", amount_minor: int = 4_50) -> "Any":
    """Opens a request."""
    charging.charge(app, amount_minor, "")
    return app.till.open


def enter(app: "Any", asked: "Any", payer: "Any", txn: Record) -> bytes:
    """The payment's row, entered without a tap."""
    return keeping.accept(app.till, asked, payer.purse.signed, txn.signed)


def closed(app: "Any", asked: "Any") -> int:
    """Why a request never accepts again."""
    return remembering.closed_reason(app.till, asked.hash)


def kept(app: "Any", asked: "Any") -> "Any":
    """The same request, as a till has it in mind after a restart."""
    return remembering.request(app.till, asked.hash)


class Payer:
    """One connection after the other; `said` is what the payee last told of itself."""

    def __init__(self, app: "Any", keys: Keys = PURSE, **purse: "Any") -> None:
        self.app = app
        self.clock = app.device.board.clock
        self.keys = keys
        self.purse = world.purse_of(keys, **purse)
        self.board = Board("", self.clock)
        self.channel = Channel(self.board, Link())
        self.preq: Any = None
        self.dcert: Any = None
        self.beacon, self.rev_seq = 0, 0

    def connect(self) -> None:
        join(self.board.tap, self.app.device.board.tap)

    async def meet(self) -> None:
        """Connects and hears who is there."""
        self.connect()
        await self.channel.connect(REALM)
        number, self.dcert = await self.channel.receive()
        assert number == messages.DCERT.number
        device = messages.DCERT.read(self.dcert[:-64])
        number, data = await self.channel.receive()
        assert number == messages.PREQ.number
        self.preq = asking.check_request(REALM, device, data, self.channel.session.transcript)

    async def say(self, layout: "Any", message: bytes) -> "tuple[int, Any]":
        """One message and its one answer: (number, Record), a VERDICT's reason in its place."""
        await self.channel.send(layout.number, message)
        number, data = await self.channel.receive()
        if number == VERDICT:
            return VERDICT, messages.VERDICT.read(data).reason
        found = messages.ACK if number == ACK else messages.VOID
        record = found.read(data[:-64])
        record.signature = data[-64:]
        return number, record

    def offered(self, ctr: int, cum: int, purse: "Record | None" = None) -> bytes:
        """An OFFER."""
        return messages.OFFER.pack(
            flags=0,
            t_lb=world.NOW,
            rev_seq=self.rev_seq,
            beacon=self.beacon,
            caps=0,
            ctr=ctr,
            cum=cum,
            purse=(purse or self.purse).signed,
        )

    async def offer(self, ctr: int, cum: int, purse: "Record | None" = None) -> int:
        """The reason of the VERDICT on an OFFER."""
        number, reason = await self.say(messages.OFFER, self.offered(ctr, cum, purse))
        assert number == VERDICT
        return reason

    async def resume(self, txn: Record, nonce: bytes) -> "tuple[int, Any]":
        body = messages.RESUME.pack(req_nonce=nonce, txn_hash=transaction.txn_hash(txn))
        return await self.say(messages.RESUME, body)

    def txn(
        self,
        ctr: int,
        cum: int,
        amount: int,
        request: "Any" = None,
        purse: "Record | None" = None,
        **changes: "Any",
    ) -> Record:
        """A payment for a request (the one that is open), signed with this payer's key."""
        purse = purse or self.purse
        request = request or self.app.till.open
        fields = {"prev": first_prev(purse)}
        fields.update(changes)
        payee = fields.pop("payee", self.app.till.device)
        req_hash = fields.pop("req_hash", request.hash if request else bytes(16))
        return world.pay(self.keys, purse, ctr, cum, amount, payee, req_hash, **fields)

    async def news(self, *told: "tuple[int, bytes]") -> list:
        """Ends the tap: tells news and hears the payee's, as (number, message)."""
        for number, message in told:
            await self.channel.send(number, message)
        verdict = messages.VERDICT.pack(reason=0, req_nonce=bytes(8), extra=0)
        await self.channel.send(VERDICT, verdict)
        heard = []
        while True:
            number, message = await self.channel.receive()
            if number == VERDICT:
                return heard
            heard.append((number, message))


def tap(app: "Any", story: "Any") -> "Any":
    """Runs a payer's story against a till that serves."""
    return run(story, serve(app))


async def _pay(payer: Payer, txn: Record) -> "tuple[int, Any]":
    await payer.meet()
    await payer.offer(txn.ctr, txn.cum)
    return await payer.say(messages.TXN, txn.signed)


def pay(app: "Any", payer: Payer, txn: Record) -> "tuple[int, Any]":
    """One tap with one payment: (ACK, Record), (VOID, Record) or (VERDICT, reason)."""
    return tap(app, _pay(payer, txn))


def paid(app: "Any", payer: Payer, count: int, amount_minor: int = 4_50, start: int = 0) -> list:
    """That many taps with a request and its payment each; the payments."""
    found = []
    for number in range(start, start + count):
        ask(app, amount_minor)
        txn = payer.txn(number + 1, (number + 1) * amount_minor, amount_minor)
        kind, _ = pay(app, payer, txn)
        assert kind == ACK, kind
        found.append(txn)
    return found


def txn_hash(txn: Record) -> bytes:
    return crypto.sha256(txn.raw)


def start(folder: str, **purse) -> tuple:
    """A till that asks for 4.50 and a payer with a purse."""
    app = shop(folder)
    ask(app)
    return app, Payer(app, **purse)


def reasons(app, payer, txn, purse=None) -> tuple:
    """Of the verdict on the OFFER and of that on the TXN which follows whatever it says."""

    async def story():
        await payer.meet()
        offered = await payer.offer(txn.ctr, txn.cum, purse)
        number, reason = await payer.say(messages.TXN, txn.signed)
        return offered, (0 if number == ACK else reason)

    return tap(app, story())


async def heard_by(payer: Payer):
    await payer.meet()
    return await payer.news()
