"""The bank as a payer's board sees it: it opens SYNCs, checks them, and answers STATEMENTs."""

from firmware.common.payment import certificate, settlement, sync, transaction
from firmware.common.payment.answer import check_ack, check_void
from firmware.common.payment.verdicts import PENDING, SETTLED
from firmware.common.wire import messages, packet
from firmware.common.wire.console import answer
from firmware.common.wire.errors import Refused
from firmware.common.wire.sealed_box import Box, seal_box
from firmware.common.wire.signed import check_signature, parse_signed
from tests.unit import till as tills
from tests.unit import world
from tests.unit.beside import run, until
from tests.unit.fake_board import Board, Clock, join
from tests.unit.forms import BANK, BANK_ECDH
from tests.unit.till import Till, pay, payer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REALM = world.REALM


class Desk:
    """`syncs` are those it opened, as bytes; `judge` gives the verdict on an entry.

    It knows the purses it made, by id, and refuses what breaks the pair rule.
    """

    def __init__(self, app: "Any") -> None:
        self.public = app.device.store.keys.signing_public
        self.ecdh = app.device.store.keys.ecdh_public
        self.device = certificate.device_id(self.public)
        self.purses: dict = {}
        self.claims: dict = {}
        self.syncs: list = []
        self.tills: dict = {}  # payee id -> public key
        self.limits: dict = {}

    def judge(self, entry: "Any") -> int:
        return SETTLED if entry.answer else PENDING

    def answer(self, box: bytes, **changes: "Any") -> bytes:
        """The sealed STATEMENT for a sealed SYNC; `changes` are of its fields."""
        return self.seal(self.statement(self.open(box), **changes))

    def open(self, box: bytes) -> bytes:
        """The signed SYNC, all of it checked."""
        opened = Box(box)
        assert (opened.number, opened.sender) == (messages.SYNC.number, self.device)
        data = opened.open(REALM, BANK_ECDH.private, BANK_ECDH.public)
        found, entries = sync.parse_sync(data)
        check_signature(REALM, found, self.public)
        assert found.device == self.device
        for entry in entries:
            self._check(entry)
        self.syncs.append(data)
        return data

    def statement(self, data: bytes, new_purse: "bytes | None" = None, **changes: "Any") -> bytes:
        found, entries = sync.parse_sync(data)
        if new_purse is None:
            new_purse = self._purse(found) if found.amount else b""
        fields = {
            "device": self.device,
            "purse": found.purse,
            "nonce": found.nonce,
            "t": world.NOW + 60,
            "balance": 12_34,
        }
        fields.update(changes)
        verdicts = [(entry.txn.ctr, self.judge(entry)) for entry in entries]
        return settlement.make_statement(REALM, BANK.private, verdicts, new_purse, **fields)

    def seal(self, statement: bytes, number: int = messages.STATEMENT.number) -> bytes:
        return seal_box(number, REALM, self.device, self.ecdh, statement)

    def _purse(self, found: "Any") -> bytes:
        """One purse for a public key, however often it is asked for."""
        if found.newpub not in self.purses:
            key: Any = type("Key", (), {"public": found.newpub})
            name = b"bank%04d" % len(self.purses)
            limits = {"allowance": found.amount, "tx_max": min(50_00, found.amount)}
            limits.update(self.limits)
            self.purses[found.newpub] = world.purse_of(key, name, BANK, **limits).signed
        return self.purses[found.newpub]

    def _check(self, entry: "Any") -> None:
        txn = entry.txn
        made = [parse_signed(messages.PURSE, signed) for signed in self.purses.values()]
        of = [found for found in made if found.purse == txn.purse]
        if of:
            if entry.tag == sync.CLOSING:
                transaction.check_close(REALM, of[0], txn)
            else:
                transaction.check_payment(REALM, of[0], txn)
        for other in self.claims.values():
            if transaction.contradict(txn, other):
                raise Refused(0, "an honest board contradicted itself")
        self.claims[(txn.purse, txn.ctr)] = txn
        if entry.answer and txn.payee in self.tills:
            key, txn_hash = self.tills[txn.payee], transaction.txn_hash(txn)
            if entry.tag == sync.WITH_ACK:
                check_ack(REALM, key, entry.answer.signed, txn.payee, txn_hash)
            else:
                check_void(REALM, key, entry.answer.signed, txn.payee, txn_hash, txn.req_hash)


def ask(app, do, body: bytes = b"", **members) -> tuple:
    header = {"do": do}
    header.update(members)
    return packet.unpack(answer(app, packet.pack(header, body)))


def done(app, do, body: bytes = b"", **members) -> tuple:
    header, data = ask(app, do, body, **members)
    assert header["ok"], header
    return header, data


def declined(reason: int, app, do, body: bytes = b"", **members) -> None:
    header, _ = ask(app, do, body, **members)
    assert (header["ok"], header.get("reason")) == (False, reason), header


def agree(app, *presses: str) -> str:
    """Answers the question on the screen."""
    app.device.board.press(*(presses or ("ok",)))

    async def story() -> None:
        await until(app, lambda: bool(app.outcome))

    run(story(), app.run())
    return app.outcome


def topped_up(folder: str, amount_minor: int = 100_00) -> tuple:
    """A board that asked for a purse and got it; the bank that gave it; a till."""
    app = payer(folder + "/anna", Clock())
    desk = Desk(app)
    done(app, "top_up", amount=amount_minor)
    assert agree(app) == "DONE"
    told, box = done(app, "sync")
    assert (told["amount"], told["entries"]) == (amount_minor, 0)
    assert done(app, "statement", desk.answer(box))[0]["purse"] == b"bank0000".hex()
    board: tills.Any = Board("", app.device.board.clock)
    till = Till(board)
    desk.tills[till.fields()["payee"]] = till.keys.public
    join(app.device.board.tap, till.board.tap)
    return app, desk, till


def paid(app, till, amount_minor: int, number: int) -> None:
    till.amount_minor, till.nonce = amount_minor, b"req%05d" % number
    assert pay(app, till) == "PAID"


def report_all(app, desk: Desk, again: bool = False) -> None:
    while True:
        box = done(app, "sync", again=again)[1]
        if not box:
            return
        done(app, "statement", desk.answer(box))
