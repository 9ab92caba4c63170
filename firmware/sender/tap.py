"""The payer's side of a tap: resume what is pending for the payee, then pay what it asks for.

    S -> R  HELLO        R -> S  HELLO, DCERT, PREQ
    S -> R  RESUME       R -> S  ACK | VOID | VERDICT          for each payment pending for it
    S -> R  OFFER        R -> S  VERDICT                       while the user reads PREQ
    S -> R  TXN          R -> S  ACK | VOID | VERDICT          signed and journalled before (J1)
    S -> R  news, VERDICT        R -> S  news, VERDICT

Loaded for one tap and let go, as are the steps of it that need much code.
"""

from firmware.common import crypto, late
from firmware.common.payment.money import show_money
from firmware.common.wire import messages
from firmware.common.wire.channel import Channel
from firmware.common.wire.codec import Layout
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    MALFORMED,
    NOT_FOR_ME,
    REQUEST_UNKNOWN,
    SEND_THE_PAYMENT,
    Refused,
)
from firmware.common.wire.limits import NEWS_MESSAGES_MAX, REQUEST_TTL_MS_MAX
from firmware.common.wire.link import Link
from firmware.sender import screens
from firmware.sender.app import App
from firmware.sender.choosing import choose
from firmware.sender.keeping import DELIVERED, VOIDED
from firmware.sender.wallet import Pending, Purse

_KEEPING = "firmware.sender.keeping"
_PAYING = "firmware.sender.paying"
_SIGNING = "firmware.common.crypto.signing"
_SPENDING = "firmware.sender.spending"
_WORDS = "firmware.common.payment.words"
_NEWS = "firmware.common.storage.news_exchange"
_TELLING = "firmware.common.storage.news_telling"


async def tap(app: App, may_pay: bool, amount_minor: int) -> tuple[str, list[str]]:
    """One tap, and the screen of its outcome: PAID, CANCELLED or NOT CONFIRMED YET."""
    screens.connecting(app.dialog)
    channel = Channel(app.device.board, Link(), app.take_key())
    talk = Talk(app, channel)
    detail = ""
    try:
        await channel.connect(app.device.news.realm8)
        await talk.run(may_pay, amount_minor)
    except Refused as refused:
        talk.why = refused.reason
        detail = refused.detail
    channel.close()
    return late.call("firmware.sender.ending", "outcome", talk, detail, not may_pay)


class Talk:
    """One conversation. `ended` holds (payment, whether it is paid), `signed` what was signed
    on it, `why` the last reason that was given, `events` what is logged when nobody waits."""

    def __init__(self, app: App, channel: Channel) -> None:
        self.app = app
        self.payee = b""
        self.name = ""
        self.words = ""
        self.ended: list[tuple[Pending, bool]] = []
        self.events: list[tuple[str, Pending]] = []
        self.signed: Pending | None = None
        self.is_cancelled = False
        self.why = 0
        self._channel = channel
        self._resumed: list[bytes] = []

    async def run(self, may_pay: bool, expected_minor: int) -> None:
        """The whole of it; `expected_minor` is what a host knows of the request, or 0.

        Raises `Refused`; what was journalled by then stands in `ended` and `signed`.
        """
        await self._meet()
        for pending in self.app.wallet.pending[:]:
            if pending.payee == self.payee:
                await self._resume(pending)
        asks_anew = self._preq.amount and self._preq.req_nonce not in self._resumed
        if may_pay and (asks_anew or not self._resumed):
            await self._pay(expected_minor)
        elif not self._resumed:
            raise Refused(NOT_FOR_ME, "nothing is pending for " + self.name)
        if self.ended and not self.is_cancelled:
            await self._exchange_news()

    async def _meet(self) -> None:
        """Learns who is at the other end and what it asks for, all of it proven."""
        session = self._channel.session
        self.words = late.call(_WORDS, "tap_words", session.code)
        dcert = await self._expect(messages.DCERT)
        preq = await self._expect(messages.PREQ)
        news = self.app.device.news
        self._dcert, self._preq, self.name = late.call(
            "firmware.sender.meeting", "read_till", news, session.transcript, dcert, preq
        )
        self.payee = self._preq.payee

    async def _resume(self, pending: Pending) -> None:
        """Asks what became of a payment; sends the same bytes again where the payee wants them."""
        self._resumed.append(pending.nonce)
        screens.sending(self.app.dialog, amount_of(pending))
        resume = messages.RESUME.pack(req_nonce=pending.nonce, txn_hash=pending.hash)
        await self._channel.send(messages.RESUME.number, resume)
        if await self._take_answer(pending) != SEND_THE_PAYMENT:
            return
        purse = self.app.wallet.find(pending.purse)
        if purse is None:
            raise Refused(REQUEST_UNKNOWN, "the purse of that payment is gone")
        _, _, txn = late.call(_KEEPING, "papers", self.app.wallet, pending)
        await self._offer(purse, pending.ctr, pending.cum)
        await self._expect(messages.VERDICT)  # whatever it says: the payment is made
        await self._channel.send(messages.TXN.number, txn)
        await self._take_answer(pending)

    async def _pay(self, expected_minor: int) -> None:
        """Asks the user, signs, journals, sends."""
        app, preq = self.app, self._preq
        if not preq.amount:
            raise Refused(REQUEST_UNKNOWN, self.name + " asks for nothing")
        if expected_minor and preq.amount != expected_minor:
            raise Refused(AMOUNT_DIFFERS, self.name + " asks for another amount")
        purse = choose(app.usable_purses(), preq.cur, preq.amount, app.device.news.t_lb())
        for pending, is_paid in self.ended:
            told = screens.ended(is_paid, amount_of(pending), self.name, self.words)
            app.dialog.announce(told[0], told[1])  # over the question that comes next
        await self._offer(purse, purse.ctr + 1, purse.spent + preq.amount)
        body, digest = late.call(_PAYING, "unsigned", app.device.news, purse, preq)
        if not await self._is_confirmed():
            self.is_cancelled = True
            return
        txn = body + crypto.sign(purse.private, digest)
        papers = (self._dcert.signed, preq.signed, txn)
        signed = late.call(_SPENDING, "journal", app.wallet, *papers)
        self.signed = signed
        self.events.append(("SIGNED", signed))
        screens.sending(app.dialog, amount_of(signed))
        await self._channel.send(messages.TXN.number, txn)
        late.modules.clear()
        await self._take_answer(signed)

    async def _is_confirmed(self) -> bool:
        """Whether the user held OK and the payee would take the payment (else `Refused`)."""
        preq = self._preq
        verdicts: list[int] = []

        def look() -> None:
            found = self._channel.poll()
            if found:
                verdicts.append(self._accepted(_read(messages.VERDICT, found)))
                late.load(_SIGNING, _SPENDING)  # the user reads meanwhile

        timeout_ms = min(preq.ttl_s * 1_000, REQUEST_TTL_MS_MAX)
        amount = show_money(preq.amount, preq.cur)
        if not await screens.confirm(
            self.app.dialog, amount, self.name, self.words, look, timeout_ms
        ):
            return False
        if not verdicts:
            self._accepted(_read(messages.VERDICT, await self._channel.receive()))
        return True

    def _accepted(self, data: bytes) -> int:
        verdict = messages.VERDICT.read(data)
        if verdict.reason:
            raise Refused(verdict.reason, "")
        if verdict.req_nonce != self._preq.req_nonce:
            raise Refused(MALFORMED, "a verdict on another request")
        return 0

    async def _offer(self, purse: Purse, ctr: int, cum: int) -> None:
        """Shows the payee the purse, and what news this board has."""
        news = self.app.device.news
        offer = messages.OFFER.pack(
            flags=0,
            t_lb=news.t_lb(),
            rev_seq=news.rev_seq,
            beacon=news.beacon_seq,
            caps=0,
            ctr=ctr,
            cum=cum,
            purse=purse.signed,
        )
        await self._channel.send(messages.OFFER.number, offer)

    async def _take_answer(self, pending: Pending) -> int:
        """Journals ACK or VOID; the reason of a VERDICT, which changes nothing."""
        number, data = await self._channel.receive()
        if number == messages.VERDICT.number:
            self.why = messages.VERDICT.read(data).reason
            return self.why
        app = self.app
        is_paid = number == messages.ACK.number
        if not is_paid and number != messages.VOID.number:
            raise Refused(MALFORMED, "the payee speaks otherwise")
        _, preq, _ = late.call(_KEEPING, "papers", app.wallet, pending)
        news, public = app.device.news, self._dcert.pub
        late.call(
            "firmware.sender.confirming", "check_answer", news, public, pending, preq, is_paid, data
        )
        kind = DELIVERED if is_paid else VOIDED
        late.call(_KEEPING, "add_answer", app.wallet, kind, pending, data)
        self.events.append(("DELIVERED" if is_paid else "VOIDED", pending))
        self.ended.append((pending, is_paid))
        self.why = 0
        title, lines = screens.ended(is_paid, amount_of(pending), self.name, self.words)
        app.dialog.show(title, lines)  # at once, while the boards still exchange news
        if is_paid:
            app.device.board.beep()
        return 0

    async def _expect(self, layout: Layout) -> bytes:
        return _read(layout, await self._channel.receive())

    async def _exchange_news(self) -> None:
        """Whatever fails here loses nothing: the payment is done, and news comes again."""
        news = self.app.device.news
        try:
            for number, data in late.call(_TELLING, "messages_for", news, 0, self._preq.rev_seq):
                await self._channel.send(number, data)
            verdict = messages.VERDICT.pack(reason=0, req_nonce=self._preq.req_nonce, extra=0)
            await self._channel.send(messages.VERDICT.number, verdict)
            for _ in range(NEWS_MESSAGES_MAX):
                number, data = await self._channel.receive()
                if number == messages.VERDICT.number:
                    return
                late.call(_NEWS, "hear", news, number, data)
        except (Refused, MemoryError):
            return


def amount_of(pending: Pending) -> str:
    return show_money(pending.amount_minor, pending.currency)


def _read(layout: Layout, found: tuple[int, bytes]) -> bytes:
    """The message, when it is of this type; a VERDICT in its place is raised."""
    number, data = found
    if number == messages.VERDICT.number != layout.number:
        raise Refused(messages.VERDICT.read(data).reason, "")
    if number != layout.number:
        raise Refused(MALFORMED, "the payee speaks otherwise")
    return data
