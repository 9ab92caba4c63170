"""The three things that travel between a board and the bank, each with its way there and back.

Files    a payee's JSON ledger        export -> ledger      -> answer     -> apply
Taps     a payee's ledger of taps     upload -> UPLOAD box  -> SRCPT      -> receipt, news
Reports  a payer's purses             sync   -> SYNC box    -> STATEMENT  -> statement, news

Beside a STATEMENT that brings no purse, though one was asked for, a VERDICT says why: not signed,
for people to read.
"""

import json
from collections.abc import Iterator
from typing import Any, Protocol

from firmware.common.payment import verdicts
from firmware.common.wire import reasons
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CANCELLED,
    EXPIRED,
    NO_FUNDS,
    OK,
    OVER_LIMIT,
    PROVEN_CHEAT,
    REPLAY,
    REQUEST_UNKNOWN,
    REVOKED,
    SYNC_FIRST,
    Refused,
)
from firmware.common.wire.limits import MESSAGE_BYTES_MAX
from firmware.common.wire.messages import SRCPT, VERDICT
from firmware.common.wire.signed import parse_signed
from host_tools import bundle
from host_tools.device import Device
from host_tools.outbox import Batch

SENDER, RECEIVER = "sender", "receiver"
_NEWS_BYTES_MAX = MESSAGE_BYTES_MAX - 512  # beside the header of a command
_KNOWN_ALREADY = (REPLAY, REQUEST_UNKNOWN)  # how a board calls an answer that it has
_ALL_REVOCATIONS = (
    2**32 - 1
)  # the bridge brings those itself, when a board is there to say how many

# What the bank says of an entry, in words, and the reason where it is not paid.
VERDICTS = {
    verdicts.SETTLED: ("settled", OK),
    verdicts.DUPLICATE: ("settled by another route", OK),
    verdicts.CONFLICT_COVERED: ("a conflict, covered", OK),
    verdicts.CONFLICT_UNPAID: ("a conflict, not covered", PROVEN_CHEAT),
    verdicts.EXPIRED_LATE: ("too late, the purse had ended", EXPIRED),
    verdicts.REVOKED_BEFORE: ("the purse was known to be revoked", REVOKED),
    verdicts.BAD_SIG: ("bad signature", BAD_SIGNATURE),
    verdicts.OVER_LIMIT: ("over the limit", OVER_LIMIT),
    verdicts.VOIDED: ("voided before", CANCELLED),
    verdicts.UNGUARANTEED: ("no funds yet", NO_FUNDS),
    verdicts.LAPSED: ("lapsed", EXPIRED),
    verdicts.RETURNED: ("given back", CANCELLED),
    verdicts.PENDING: ("pending", OK),
}
PAID = (verdicts.SETTLED, verdicts.DUPLICATE, verdicts.CONFLICT_COVERED)

# What a payer can do who gets no purse.
_ASK_AGAIN = {
    NO_FUNDS: "The account must hold allowance and bond: ask for less, or have the bank's operator "
    "fund it and ask again.",
    OVER_LIMIT: "Ask for less (1.00 at least), close a purse (opg close), or ask again tomorrow.",
    EXPIRED: "opg bridge renews the board's certificate; then ask again.",
}


class Bank(Protocol):
    """As much of a `BankClient` as is needed here."""

    def settle(self, ledger: bytes) -> dict[str, Any]: ...

    def settle_taps(self, upload: bytes) -> bytes: ...

    def sync(self, report: bytes, known: int) -> bytes: ...


class Syncing(Protocol):
    """Of a bank, what reports need."""

    def sync(self, report: bytes, known: int) -> bytes: ...


class Route(Protocol):
    """One kind of thing; `asks` and `answers` are its kinds of file in the outbox."""

    asks: str
    answers: str
    role: str
    one_at_a_time: bool  # the next is told only when this one is answered

    def collect(self, board: Device, device: str, asked: set[str]) -> Iterator[tuple[Batch, bytes]]:
        """What the board has for the bank. Raises `Refused` as the board does.

        `asked` holds the devices that were asked in this run about what the bank knows already.
        """
        ...

    def settle(self, bank: Bank, data: bytes) -> bytes:
        """The bank's answer to it. Raises `CommandError`."""
        ...

    def settled(self, answer: bytes) -> str:
        """What the answer says, in words."""
        ...

    def give(self, board: Device, answer: bytes) -> list[dict[str, Any]]:
        """Hands the answer to the board; what in it is not paid or given. Raises `Refused` as it
        does.

        An answer that the board has already changes nothing.
        """
        ...


class Files:
    """Payments in the JSON form."""

    asks, answers, role, one_at_a_time = "ledger", "answer", RECEIVER, False

    def collect(self, board: Device, device: str, asked: set[str]) -> Iterator[tuple[Batch, bytes]]:
        total, _ = board.call("total")
        first = total["first_open"]
        while first < total["count"]:
            header, ledger = board.call("export", first=first)
            yield Batch(device, first, header["count"]), ledger
            first += header["count"]

    def settle(self, bank: Bank, data: bytes) -> bytes:
        return json.dumps(bank.settle(data)).encode()

    def settled(self, answer: bytes) -> str:
        return f"the bank settled {len(json.loads(answer)['settled_transactions'])}"

    def give(self, board: Device, answer: bytes) -> list[dict[str, Any]]:
        found = json.loads(answer)
        board.call("apply", found["receipt"].encode(), signature=found["receipt_signature"])
        return [verdict for verdict in found["verdicts"] if verdict["reason"]]


class Taps:
    """Payments by tap, and refunds, of a payee."""

    asks, answers, role, one_at_a_time = "upload", "receipt", RECEIVER, True

    def collect(self, board: Device, device: str, asked: set[str]) -> Iterator[tuple[Batch, bytes]]:
        header, upload = board.call("upload")
        if upload:
            yield Batch(device, header["first"], header["count"]), upload

    def settle(self, bank: Bank, data: bytes) -> bytes:
        return bank.settle_taps(data)

    def settled(self, answer: bytes) -> str:
        receipt = parse_signed(SRCPT, bundle.split(answer)[0][1])
        return f"the bank settled {sum(verdict in PAID for verdict in receipt.tail)}"

    def give(self, board: Device, answer: bytes) -> list[dict[str, Any]]:
        (_, signed), *news = bundle.split(answer)
        _unless_known(board, "receipt", signed)
        give_news(board, news)
        receipt = parse_signed(SRCPT, signed)
        return [
            _unpaid(index, verdict)
            for index, verdict in enumerate(receipt.tail, receipt.first)
            if verdict not in PAID
        ]


class Reports:
    """What a payer's board says about a purse, and the purses that it asks for."""

    asks, answers, role, one_at_a_time = "sync", "statement", SENDER, True

    def collect(self, board: Device, device: str, asked: set[str]) -> Iterator[tuple[Batch, bytes]]:
        """A payment that the bank had not judged is asked about again, once in a run: the payee
        may have brought it since, or its purse have ended.
        """
        header, report = board.call("sync")
        if not report and device not in asked:
            asked.add(device)
            header, report = board.call("sync", again=True)
        if report:
            yield Batch(device, 0, header["entries"]), report

    def settle(self, bank: Syncing, data: bytes) -> bytes:
        return bank.sync(data, _ALL_REVOCATIONS)

    def settled(self, answer: bytes) -> str:
        why = _why_no_purse(bundle.split(answer))  # the rest is sealed to the board
        return f"the bank answered; no purse: {reasons.name(why)}" if why else "the bank answered"

    def give(self, board: Device, answer: bytes) -> list[dict[str, Any]]:
        (_, sealed), *others = bundle.split(answer)
        why = _why_no_purse(others)
        _unless_known(board, "statement", sealed, reason=why)
        give_news(board, [message for message in others if message[0] != VERDICT.number])
        return [_no_purse(why)] if why else []


ROUTES: tuple[Route, ...] = (Files(), Taps(), Reports())


def give_news(board: Device, news: list[bundle.Message]) -> None:
    """Hands the bank's news to a board; revocations wait until it has uploaded what it took."""
    for piece in bundle.pieces(news, _NEWS_BYTES_MAX):
        try:
            board.call("news", piece)
        except Refused as refused:
            if refused.reason != SYNC_FIRST:
                raise
            return


def _unpaid(index: int, verdict: int) -> dict[str, Any]:
    words, reason = VERDICTS[verdict]
    return {"index": index, "verdict": verdict, "reason": reason, "message": f"{index}: {words}"}


def _why_no_purse(answer: list[bundle.Message]) -> int:
    """The reason that stands beside a STATEMENT; OK where none does."""
    for number, data in answer:
        if number == VERDICT.number:
            return VERDICT.read(data).reason
    return OK


def _no_purse(reason: int) -> dict[str, Any]:
    advice = _ASK_AGAIN.get(reason) or reasons.advice(reason)
    return {
        "reason": reason,
        "message": f"the bank gave no purse: {reasons.name(reason)}. {advice}",
    }


def _unless_known(board: Device, do: str, body: bytes, **header: Any) -> None:
    try:
        board.call(do, body, **header)
    except Refused as refused:
        if refused.reason not in _KNOWN_ALREADY:
            raise
