"""What must hold when everything has recovered: no money lost, none twice, all books agree.

A breach is (kind, text); the kinds LOST and DUPLICATED are counted in a run's last line.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations
from typing import Any, Protocol

from firmware.receiver.book import LedgerBook
from host_tools.device import Device
from host_tools.emulator.cpython import stand_ins
from host_tools.emulator.cpython.board import Board
from tests.faults.books import FUNDED_MINOR, Books
from tests.faults.scenario import AMOUNTS_MINOR

LOST, DUPLICATED, BROKEN = "lost", "duplicated", "broken"

Breach = tuple[str, str]


class Witness(Protocol):
    """A board when all is over, on whatever interpreter."""

    @property
    def account(self) -> str: ...

    @property
    def device(self) -> Device: ...

    @property
    def shown(self) -> list[list[str]]:
        """The lines of every screen there ever was."""
        ...

    @property
    def image(self) -> bytes: ...

    @property
    def crashes(self) -> list[str]: ...


def breaches(payer: Witness, payee: Witness, books: Books) -> list[Breach]:
    """Everything that does not hold."""
    entries = _pages(payee.device, "entries")
    payments = _pages(payer.device, "payments")
    settled = books.payments()
    shown = _shown(payer, "PAID") | _shown(payee, "RECEIVED")
    return [
        *_promises(shown, entries, settled),
        *_same_everywhere(entries, payments, settled),
        *_sums(payer, payee, books.balances(), entries, payments),
        *_chain(entries),
        *_requests(payee.image, len(entries)),
        *((BROKEN, f"bank: {text}") for text in books.violations()),
        *((BROKEN, f"crash: {text}") for board in (payer, payee) for text in board.crashes),
    ]


def _promises(
    shown: set[int], entries: list[Any], settled: list[tuple[str, int]]
) -> Iterator[Breach]:
    """What a screen showed as PAID or RECEIVED is in the ledger, and settled, exactly once."""
    in_ledger = Counter(entry["amount"] for entry in entries)
    at_bank = Counter(amount for _, amount in settled)
    for amount in sorted(shown):
        for where, count in (("the ledger", in_ledger[amount]), ("the bank", at_bank[amount])):
            if count == 0:
                yield LOST, f"{amount} was shown as done and is not in {where}"
    for where, counts in (("the ledger", in_ledger), ("the bank", at_bank)):
        for amount, count in counts.items():
            if count > 1:
                yield DUPLICATED, f"{amount} is {count} times in {where}"


def _same_everywhere(
    entries: list[Any], payments: list[Any], settled: list[tuple[str, int]]
) -> Iterator[Breach]:
    """Payer, payee and bank know the same payments, and nothing is open any more."""
    signed = {row["id"] for row in payments}
    entered = {entry["id"] for entry in entries}
    paid = {txn_id for txn_id, _ in settled}
    for txn_id in entered - signed:
        yield DUPLICATED, f"{txn_id} was taken, and its payer's board knows nothing of it"
    for txn_id in signed - entered:
        yield LOST, f"{txn_id} was signed and is not in the ledger"
    for txn_id in entered ^ paid:
        yield LOST, f"{txn_id} is in the ledger or settled, not both"
    for row in payments:
        if row["state"] != "delivered":
            yield LOST, f"{row['id']} stays {row['state']}"
    for entry in entries:
        if entry["state"] != "settled":
            yield LOST, f"entry {entry['index']} stays {entry['state']}"


def _sums(
    payer: Witness,
    payee: Witness,
    balances: dict[str, int],
    entries: list[Any],
    payments: list[Any],
) -> Iterator[Breach]:
    total = sum(entry["amount"] for entry in entries)
    expected = {
        "the payee's board": (payee.device.call("total")[0]["total"], total),
        "the payer's board": (sum(row["amount"] for row in payments), total),
        "the payee's account": (balances[payee.account], total),
        "the payer's account": (balances[payer.account], FUNDED_MINOR - total),
    }
    for where, (found, right) in expected.items():
        if found != right:
            yield BROKEN, f"{where}: {found} instead of {right}"


def _chain(entries: list[Any]) -> Iterator[Breach]:
    """The ledger's hashes, computed anew."""
    head = "GENESIS"
    for number, entry in enumerate(entries):
        head = sha256((head + entry["hash"]).encode()).hexdigest()
        if (entry["index"], entry["head"]) != (number, head):
            yield BROKEN, f"entry {entry['index']} does not continue the chain"


def _requests(image: bytes, count: int) -> Iterator[Breach]:
    """In the payee's journal a request is open, or stands in one entry; never both."""
    board = Board("receiver", bytearray(image), lambda: 0)
    board.mount()
    with stand_ins.running(board):
        book = LedgerBook(board.root)
        headers = [header for header, _ in book.entries(0, count)]
    requests = Counter(header["request"] for header in headers if header["request"])
    for request, times in requests.items():
        if times > 1:
            yield BROKEN, f"request {request} was paid {times} times"
        if book.request and book.request.request_id == request:
            yield BROKEN, f"request {request} is paid and still open"


def _pages(device: Device, what: str) -> list[Any]:
    """All the rows that a board hands out page by page."""
    found: list[Any] = []
    while True:
        page = device.call(what, first=len(found))[0]
        found += page[what]
        if len(found) >= page["count"]:
            return found


def _shown(person: Witness, word: str) -> set[int]:
    """The amounts of the payments that ever stood under that word, alone or as a sum."""
    sums = {lines[2] for lines in person.shown if lines and lines[0] == word}
    return {amount for text in sums for amount in _parts(int(text.replace(".", "")))}


def _parts(sum_minor: int) -> tuple[int, ...]:
    for count in range(1, len(AMOUNTS_MINOR) + 1):
        for amounts in combinations(AMOUNTS_MINOR, count):
            if sum(amounts) == sum_minor:
                return amounts
    return (sum_minor,)  # an amount that nobody paid: it will be missed everywhere
