"""The payee's side of one tap, loaded when somebody connects and let go afterwards.

    R -> S  DCERT, PREQ                                         who this is and what it asks for
    S -> R  OFFER      R -> S  VERDICT                          checks 2-7, while the user reads
    S -> R  RESUME     R -> S  ACK | VERDICT 25                 what became of a payment
    S -> R  TXN        R -> S  ACK | VOID | VERDICT             checks 1-8, then one append (J2)
    S -> R  news, VERDICT 0      R -> S  news, VERDICT 0        and the tap is over

The payer says what comes next. What is refused is answered by a VERDICT and changes nothing. Steps
that need much code are loaded for themselves: `checking`, `proving`, `keeping`, `answering`.
"""

from firmware.common import late
from firmware.common.storage import enrolment
from firmware.common.wire import messages
from firmware.common.wire.channel import Channel
from firmware.common.wire.errors import (
    BUSY,
    MALFORMED,
    OK,
    REQUEST_UNKNOWN,
    SEND_THE_PAYMENT,
    Refused,
)
from firmware.common.wire.limits import NEWS_MESSAGES_MAX, TAP_DECIDE_MS
from firmware.receiver.app import App
from firmware.receiver.till import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.wire.link import Link

_ANSWERING = "firmware.receiver.answering"
_CHECKING = "firmware.receiver.checking"
_KEEPING = "firmware.receiver.keeping"
_NEWS = "firmware.common.storage.news_exchange"
_TAKING = "firmware.receiver.taking"
_TELLING = "firmware.common.storage.news_telling"
_PROVING = "firmware.receiver.proving"
_REMEMBERING = "firmware.receiver.remembering"
_VERIFYING = "firmware.common.crypto.verifying"
_WORDS = "firmware.common.payment.words"
_VOIDED = b"\xff\xff"  # `seen.VOIDED` in a row
_POLL_MS = 10
_SHOW_MS = 20  # RECEIVED is on the screen before this board is busy with signing


async def talk(
    app: App, link: "Link", key: "tuple[bytearray, bytes] | None", connection: int
) -> None:
    """One conversation with whoever has connected; ends by `Refused` where the payer leaves."""
    channel = Channel(app.device.board, link, key, connection)
    try:
        await channel.accept(app.device.news.realm8)
        await Talk(app, channel).run()
    except Refused as refused:
        channel.close()
        app.device.log("TAP ENDED", "%d %s" % (refused.reason, refused.detail))


class Talk:
    """What was said so far: the request that was told, and the last OFFER."""

    def __init__(self, app: App, channel: Channel) -> None:
        self.app = app
        self._channel = channel
        self._told = app.till.open
        self._offer = b""
        self._words = ""
        self._waits = ""  # _TAKING: a good payment was announced; else an entry to be logged

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
                self._do_what_waits()
            else:
                heard += 1
                self._hear(number, data)

    def _do_what_waits(self) -> None:
        """Nobody waits for this board now: the payer's user reads, or the answer is on its way."""
        waits, self._waits = self._waits, ""
        if waits == _TAKING:
            self._words = late.call(_WORDS, "tap_words", self._channel.session.code)
            late.load(_TAKING, _VERIFYING)
        elif waits:
            self.app.device.log("ACCEPTED", waits)

    def _hear(self, number: int, data: bytes) -> None:
        try:
            late.call(_NEWS, "hear", self.app.device.news, number, data)
        except MemoryError:  # news comes again; what was received must stay on the screen
            self.app.device.log("NO ROOM FOR NEWS")

    async def _introduce(self) -> None:
        """Says who this is and what it asks for; without an open request that it asks nothing."""
        dcert = enrolment.certificate(self.app.device.board.root)
        await self._channel.send(messages.DCERT.number, dcert)
        core = self._told.core if self._told else b""
        transcript = self._channel.session.transcript
        request = late.call(_ANSWERING, "request", self.app, core, transcript)
        await self._channel.send(messages.PREQ.number, request)

    async def _answer(self, number: int, data: bytes) -> tuple[int, bytes]:
        try:
            if number == messages.OFFER.number:
                self._offer = data
                purse = late.call(_CHECKING, "check_offer", self.app, self._told, data)
                if purse:
                    late.call(_PROVING, "check_purse", self.app, purse)
                    self._waits = _TAKING
                return self._verdict(OK)
            if number == messages.RESUME.number:
                return self._resumed(data)
            return await self._take_payment(data)
        except Refused as refused:
            self.app.device.log("REFUSED", "%d %s" % (refused.reason, refused.detail))
            return self._verdict(refused.reason)

    def _verdict(self, reason: int) -> tuple[int, bytes]:
        nonce = self._told.core[10:18] if self._told else bytes(8)
        body = messages.VERDICT.pack(reason=reason, req_nonce=nonce, extra=0)
        return messages.VERDICT.number, body

    def _resumed(self, data: bytes) -> tuple[int, bytes]:
        """The ACK, where it is at hand; never a VOID: for that the whole payment must be seen."""
        resume = messages.RESUME.read(data)
        for row in self.app.till.recent:
            is_it = row[34:42] == resume.req_nonce and row[74:] == resume.txn_hash
            if is_it and row[24:26] != _VOIDED:
                return self._of_row(row)
        return self._verdict(SEND_THE_PAYMENT)

    def _of_row(self, row: bytes) -> tuple[int, bytes]:
        return late.call(_ANSWERING, "of_row", self.app, row)

    async def _take_payment(self, data: bytes) -> tuple[int, bytes]:
        """Takes a payment once, whoever sends it however often."""
        app, till, request = self.app, self.app.till, self._told
        purse = b""
        if _TAKING in late.modules:
            purse = late.call(_TAKING, "announced", app, request, self._offer, data)
        if request is None or not purse:
            known, req_hash = late.call(_CHECKING, "identify", app, data)
            if known:
                return self._of_row(known)
            request = late.call(_REMEMBERING, "request", till, req_hash)
            if request and request.is_stale and not request.agreed:
                await self._ask_cashier(request)
            if request is None or request not in till.requests:
                return self._void(data, req_hash)
            purse, rival = late.call(_CHECKING, "check_txn", app, request, self._offer, data)
            late.call(_PROVING, "check_signatures", app, purse, data, rival)
        row = late.call(_TAKING, "accept", till, request, purse, data)
        self._waits = "entry %d" % (till.count - 1)
        words = self._words or late.call(_WORDS, "tap_words", self._channel.session.code)
        late.modules.clear()
        app.received(request.amount_minor, request.currency, words)
        await app.device.board.clock.sleep_ms(_SHOW_MS)
        return self._of_row(row)

    async def _ask_cashier(self, request: Request) -> None:
        """Until the cashier has decided on a stale request; `Refused(BUSY)` if that takes long."""
        clock = self.app.device.board.clock
        until = clock.ms() + TAP_DECIDE_MS
        self.app.ask_late(request)
        while not request.agreed and request in self.app.till.requests:
            if clock.ms() > until:
                raise Refused(BUSY, "the cashier has not decided")
            if self._channel.poll() is not None:
                raise Refused(MALFORMED, "the payer does not wait")
            await clock.sleep_ms(_POLL_MS)

    def _void(self, data: bytes, req_hash: bytes) -> tuple[int, bytes]:
        """A VOID for a proven payment of a request that never accepts again (J3)."""
        app, till = self.app, self.app.till
        reason = late.call(_REMEMBERING, "closed_reason", till, req_hash)
        if not reason:
            raise Refused(REQUEST_UNKNOWN, "no such request is remembered")
        purse, rival = late.call(_CHECKING, "check_void", app, self._offer, data)
        late.call(_PROVING, "check_signatures", app, purse, data, rival)
        body = late.call(_ANSWERING, "void_body", app, data, req_hash, reason)
        late.call(_KEEPING, "void", till, body, purse, data)
        app.device.log("VOIDED", "%d" % reason)
        return self._of_row(till.recent[-1])

    async def _tell_news(self) -> None:
        """What the payer has not heard, as far as it said what it has."""
        news = self.app.device.news
        beacon, rev_seq = 0, news.rev_seq
        if self._offer:
            offer = messages.OFFER.read(self._offer)
            beacon, rev_seq = offer.beacon, offer.rev_seq
        try:
            for number, message in late.call(_TELLING, "messages_for", news, beacon, rev_seq):
                await self._channel.send(number, message)
        except MemoryError:  # as in `_hear`
            self.app.device.log("NO ROOM FOR NEWS")
        await self._channel.send(*self._verdict(OK))
        await self._channel.flush()
