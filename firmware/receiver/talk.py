"""The payee's side of one tap, loaded when somebody connects and let go afterwards.

    R -> S  DCERT, PREQ                                         who this is and what it asks for
    S -> R  OFFER      R -> S  VERDICT                          checks 2-7, while the user reads
    S -> R  RESUME     R -> S  ACK | VERDICT 25                 what became of a payment
    S -> R  TXN        R -> S  ACK | VOID | VERDICT             checks 1-8, then one append (J2)
    S -> R  news, VERDICT 0      R -> S  news, VERDICT 0        and the tap is over

The payer says what comes next. What is refused is answered by a VERDICT and changes nothing.
"""

from binascii import hexlify

from firmware.common import crypto, late
from firmware.common.payment.answer import make_ack, make_void
from firmware.common.payment.asking import NO_REQUEST, make_core, make_request
from firmware.common.payment.purse import check_purse, check_time
from firmware.common.payment.transaction import check_payment, read_payment
from firmware.common.storage import enrolment
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    BUSY,
    MALFORMED,
    OK,
    PROVEN_CHEAT,
    REQUEST_UNKNOWN,
    SEND_THE_PAYMENT,
    Refused,
)
from firmware.common.wire.limits import KNOWN_PURSES_MAX, NEWS_MESSAGES_MAX, TAP_DECIDE_MS
from firmware.common.wire.signed import parse_signed
from firmware.receiver import accept
from firmware.receiver.seen import VOIDED, read_row
from firmware.receiver.till import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.wire.channel import Channel
    from firmware.receiver.app import App

_NEWS = "firmware.common.storage.news_exchange"
_PROVING = "firmware.receiver.proving"
_WORDS = "firmware.common.payment.words"
_CURRENCY_OF_NO_REQUEST = 0
_POLL_MS = 10
_SHOW_MS = 20  # RECEIVED is on the screen before this board is busy with signing


async def talk(app: "App", channel: "Channel") -> None:
    """One conversation with whoever has connected; ends by `Refused` where the payer leaves."""
    await channel.accept(app.device.news.realm8)
    await Talk(app, channel).run()


class Talk:
    """What was said so far: the request that was told, and the last offer."""

    def __init__(self, app: "App", channel: "Channel") -> None:
        self.app = app
        self.till = app.till
        self.news = app.device.news
        self._channel = channel
        self._key = app.device.store.keys.signing
        self._dcert = enrolment.certificate(app.device.board.root)
        self._device = messages.DCERT.read(self._dcert[: messages.DCERT.size])
        self._told: Request | None = None
        self._nonce = bytes(8)
        self._offer: Record | None = None

    async def run(self) -> None:
        """Until the payer has nothing more to say. Raises `Refused` where it leaves."""
        await self._introduce()
        heard = 0
        while heard <= NEWS_MESSAGES_MAX:
            number, data = await self._channel.receive()
            if number == messages.VERDICT.number:
                await self._tell_news()
                return
            if number in (messages.OFFER.number, messages.RESUME.number, messages.TXN.number):
                number, data = await self._answer(number, data)
                await self._channel.send(number, data)
            else:
                heard += 1
                late.call(_NEWS, "hear", self.news, number, data)

    async def _introduce(self) -> None:
        """Says who this is and what it asks for; without an open request that it asks nothing."""
        self._told = self.till.open
        if self._told:
            core = self._told.core
            self._nonce = self._told.preq.req_nonce
        else:
            core = self._empty_core()
        request = make_request(self.news.realm8, self._key, core, self._channel.session.transcript)
        await self._channel.send(messages.DCERT.number, self._dcert)
        await self._channel.send(messages.PREQ.number, request)

    def _empty_core(self) -> bytes:
        return make_core(
            flags=NO_REQUEST,
            payee=self.till.device,
            req_nonce=self._nonce,
            amount=0,
            cur=_CURRENCY_OF_NO_REQUEST,
            ttl_s=0,
            ref=bytes(12),
            t_lb=self.news.t_lb(),
            rev_seq=self.news.rev_seq,
        )

    async def _answer(self, number: int, data: bytes) -> tuple[int, bytes]:
        try:
            if number == messages.OFFER.number:
                return self._take_offer(data)
            if number == messages.RESUME.number:
                return self._take_resume(data)
            return await self._take_payment(data)
        except Refused as refused:
            self.app.device.log("REFUSED", "%d %s" % (refused.reason, refused.detail))
            return self._verdict(refused.reason)

    def _verdict(self, reason: int) -> tuple[int, bytes]:
        body = messages.VERDICT.pack(reason=reason, req_nonce=self._nonce, extra=0)
        return messages.VERDICT.number, body

    def _take_offer(self, data: bytes) -> tuple[int, bytes]:
        """Whether a payment of this interval for what was asked would be taken."""
        self._offer = offer = messages.OFFER.read(data)
        purse = _read_purse(offer.purse)
        asked = self._told.preq if self._told else None
        amount = asked.amount if asked else 0
        till = self.till
        own, rival, unjudged = accept.compare(
            till.rows(purse.purse), till.judged, offer.ctr, offer.cum, amount
        )
        if own or asked is None:  # a payment that was made before is on its way
            return self._verdict(OK)
        accept.check_claim(purse, asked.cur, offer.ctr, offer.cum, amount, self.news.t_lb())
        accept.check_standing(self.news, purse.purse)
        if rival:
            raise Refused(PROVEN_CHEAT, "that part of the purse was spent before")
        accept.check_caps(till, self.news, self._device, purse, amount, unjudged)
        self._check_purse(purse)
        return self._verdict(OK)

    def _check_purse(self, purse: Record) -> None:
        """Check 7: the bank signed the purse; what was looked at lately is not looked at again."""
        key = crypto.sha256(purse.signed)
        if key not in self.app.known_purses:
            check_purse(self.news.realm8, self.news.banks, purse.signed)
            self.app.known_purses = self.app.known_purses[1 - KNOWN_PURSES_MAX :] + [key]
            self.news.saw(purse.issued)

    def _take_resume(self, data: bytes) -> tuple[int, bytes]:
        """The ACK, where it is at hand; never a VOID: for that the whole payment must be seen."""
        resume = messages.RESUME.read(data)
        for row in self.till.recent:
            fields = read_row(row)
            if fields[5] != VOIDED and fields[8:] == (resume.req_nonce, fields[9], resume.txn_hash):
                return self._ack(row)
        return self._verdict(SEND_THE_PAYMENT)

    async def _take_payment(self, data: bytes) -> tuple[int, bytes]:
        """Takes a payment once, whoever sends it however often."""
        txn = read_payment(data)
        accept.check_payee(txn, self.till.device)
        known = self._known(txn)
        if known:
            return self._void_of(known, txn) if read_row(known)[5] == VOIDED else self._ack(known)
        request = self.till.request(txn.req_hash)
        if request and request.is_stale and not request.agreed:
            await self._ask_cashier(request)
            request = self.till.request(txn.req_hash)
        if request is None:
            return self._void(txn)
        accept.check_amount(txn, request.preq)
        purse = self._purse_of(txn)
        accept.check_claim(purse, request.preq.cur, txn.ctr, txn.cum, txn.amount, self.news.t_lb())
        accept.check_standing(self.news, purse.purse)
        rival, unjudged = self._compare(txn)
        if not rival:
            accept.check_caps(self.till, self.news, self._device, purse, txn.amount, unjudged)
        self._check_signatures(purse, txn, rival)
        row = self.till.accept(request, purse, txn)
        words = late.call(_WORDS, "tap_words", self._channel.session.code)
        self.app.received(request.preq, words)
        await self.app.device.board.clock.sleep_ms(_SHOW_MS)
        return self._ack(row)

    def _known(self, txn: Record) -> bytes:
        """The row of this very payment (J4)."""
        txn_hash = crypto.sha256(txn.raw)
        for row in self.till.rows(txn.purse):
            if row[-32:] == txn_hash:
                return row
        return b""

    def _compare(self, txn: Record) -> tuple[bytes, int]:
        rows = self.till.rows(txn.purse)
        _, rival, unjudged = accept.compare(
            rows, self.till.judged, txn.ctr, txn.cum, txn.amount, crypto.sha256(txn.raw)
        )
        return rival, unjudged

    def _purse_of(self, txn: Record) -> Record:
        """The purse that was offered before the payment; its signature is still to be checked."""
        purse = _read_purse(self._offer.purse) if self._offer else None
        if purse is None or purse.purse != txn.purse:
            raise Refused(MALFORMED, "its purse was not offered")
        return purse

    def _check_signatures(self, purse: Record, txn: Record, rival: bytes) -> None:
        """Checks 7 and 8; a contradiction counts only when both hold."""
        self._check_purse(purse)
        check_payment(self.news.realm8, purse, txn)
        if rival:
            late.call(_PROVING, "prove", self.till, self.news, purse, txn, rival)
            self.app.device.log("PROVEN CHEAT", hexlify(purse.purse).decode())
            raise Refused(PROVEN_CHEAT, "that part of the purse was spent before")

    async def _ask_cashier(self, request: Request) -> None:
        """Until the cashier has decided on a stale request; `Refused(BUSY)` if that takes long."""
        clock = self.app.device.board.clock
        until = clock.ms() + TAP_DECIDE_MS
        self.app.ask_late(request)
        while not request.agreed and self.till.request(request.hash):
            if clock.ms() > until:
                raise Refused(BUSY, "the cashier has not decided")
            if self._channel.poll() is not None:
                raise Refused(MALFORMED, "the payer does not wait")
            await clock.sleep_ms(_POLL_MS)

    def _void(self, txn: Record) -> tuple[int, bytes]:
        """A VOID for a proven payment of a request that never accepts again (J3)."""
        reason = self.till.closed_reason(txn.req_hash)
        if not reason:
            raise Refused(REQUEST_UNKNOWN, "no such request is remembered")
        purse = self._purse_of(txn)
        check_time(purse, self.news.t_lb())  # else it may stand in the ledger, and be forgotten
        self.till.check_room(purse.purse)
        self._check_signatures(purse, txn, self._compare(txn)[0])
        void = make_void(
            self.news.realm8,
            self._key,
            self.till.device,
            crypto.sha256(txn.raw),
            txn.req_hash,
            reason,
            self.news.t_lb(),
        )
        self.till.void(void[: messages.VOID.size], purse, txn)
        self.app.device.log("VOIDED", "%d" % reason)
        return messages.VOID.number, void

    def _void_of(self, row: bytes, txn: Record) -> tuple[int, bytes]:
        """The VOID of a row again, the same bytes."""
        fields = read_row(row)
        void = make_void(
            self.news.realm8,
            self._key,
            self.till.device,
            fields[10],
            txn.req_hash,
            fields[6],
            fields[7],
        )
        return messages.VOID.number, void

    def _ack(self, row: bytes) -> tuple[int, bytes]:
        """The ACK of a row, always the same bytes."""
        _, _, _, _, _, gen, index, t_lb, _, head, txn_hash = read_row(row)
        ack = make_ack(
            self.news.realm8, self._key, self.till.device, txn_hash, gen, index, head, t_lb
        )
        return messages.ACK.number, ack

    async def _tell_news(self) -> None:
        """What the payer has not heard, as far as it said what it has."""
        offer, news = self._offer, self.news
        beacon, rev_seq = (offer.beacon, offer.rev_seq) if offer else (0, news.rev_seq)
        for number, message in late.call(_NEWS, "messages_for", news, beacon, rev_seq):
            await self._channel.send(number, message)
        await self._channel.send(*self._verdict(OK))
        await self._channel.flush()


def _read_purse(signed: bytes) -> Record:
    return parse_signed(messages.PURSE, signed)
