"""What there is. A world is a tuple of tuples: two equal worlds are one state.

The air is what was ever sent. A message on it may arrive now, later, twice or never, in any order:
that is a link that loses, duplicates and reorders. Whatever was sent and does not arrive is as good
as not sent, so a message is on the air from the first step at which it may leave.
"""

from typing import NamedTuple

# The calendar: before not_after, before not_after + grace, later.
LIVE, EXPIRED, OVER = 0, 1, 2

# A payment in the payer's journal.
SIGNED, DELIVERED, VOIDED = "SIGNED", "DELIVERED", "VOIDED"
SETTLED, REFUNDED, LAPSED = "SETTLED", "REFUNDED", "LAPSED"
PAYER_FINAL = (SETTLED, REFUNDED, LAPSED)

# A payment at the bank. KNOWN: seen on the payer's copy alone, without a receipt.
KNOWN, CLOSED, RETURNED = "KNOWN", "CLOSED", "RETURNED"
CONFLICT_COVERED, CONFLICT_UNPAID = "CONFLICT_COVERED", "CONFLICT_UNPAID"
EXPIRED_LATE, DUPLICATE, OVER_LIMIT = "EXPIRED_LATE", "DUPLICATE", "OVER_LIMIT"
PAID = (SETTLED, CONFLICT_COVERED, CONFLICT_UNPAID)
CONSUMED = (SETTLED, VOIDED, LAPSED, CLOSED)

CLOSE_REQUEST = 0  # the request of a CLOSE, which pays nobody


class Payment(NamedTuple):
    """A signed TXN: it claims [low, high) of the purse. Two makers never sign the same bytes."""

    maker: int  # 0 the payer's board, 1 its clone
    ctr: int
    low: int
    high: int
    request: int

    @property
    def amount(self) -> int:
        return self.high - self.low


class Refund(NamedTuple):
    payment: Payment
    rctr: int


Entry = Payment | Refund


class Pending(NamedTuple):
    payment: Payment
    status: str


class Payer(NamedTuple):
    journal: tuple[Pending, ...] = ()
    ram: Payment | None = None  # signed, not yet journalled
    new_key: int = 0  # of a top-up, journalled; 0 none
    ram_key: int = 0  # of a top-up, in RAM alone


class Request(NamedTuple):
    state: str
    payment: Payment | None = None  # what was accepted for it


OPEN, STALE, VOID = Request("OPEN"), Request("STALE"), Request("VOID")
VOID_IN_RAM = Request("VOID, not journalled")
ACCEPTED = "ACCEPTED"
ALIVE = -1


class Receiver(NamedTuple):
    requests: tuple[tuple[int, Request], ...]
    ledger: tuple[Entry, ...] = ()
    ram: Payment | None = None  # checked, not yet appended
    bridged: int = ALIVE  # of a destroyed board: how many entries the bridge holds

    @property
    def is_alive(self) -> bool:
        return self.bridged == ALIVE

    @property
    def within_reach(self) -> int:
        """How many entries of the ledger can still come to the bank."""
        return len(self.ledger) if self.bridged == ALIVE else self.bridged


class Air(NamedTuple):
    txns: frozenset[Payment] = frozenset()
    acks: frozenset[Payment] = frozenset()
    voids: frozenset[Payment] = frozenset()
    keys: frozenset[int] = frozenset()  # SYNCs that ask for a top-up


class Row(NamedTuple):
    payment: Payment
    outcome: str
    paid: int  # units that the payee received for it


class Answer(NamedTuple):
    payee: int
    number: int  # its place in the ledger, from 0
    verdict: str


class Bank(NamedTuple):
    """Units of money, and why they lie where they lie. A payer's account counts as spent at once:
    covers never find anything there."""

    reserve: int
    bond: int
    fund: int
    payer: int
    payees: tuple[int, ...]
    elsewhere: int  # what payees have withdrawn
    uploaded: tuple[int, ...]  # per payee: entries judged
    rows: tuple[Row, ...] = ()
    answers: frozenset[Answer] = frozenset()
    refunds: tuple[Refund, ...] = ()
    purses: tuple[int, ...] = ()  # keys of top-ups; a key twice is two reserves
    is_ended: bool = False

    @property
    def total(self) -> int:
        boards = self.reserve + self.bond + len(self.purses)
        return boards + self.fund + self.payer + sum(self.payees) + self.elsewhere


class World(NamedTuple):
    phase: int
    payers: tuple[Payer, ...]
    receivers: tuple[Receiver, ...]
    air: Air
    bank: Bank


# Kinds of steps: people, boards and the bank at work; what breaks; what time does by itself.
WORK, FAULT, TIME = 0, 1, 2
Label = tuple[str, object]
Step = tuple[int, Label, World]


def contradict(a: Payment, b: Payment) -> bool:
    """The pair rule: no honest chain ever holds such a pair."""
    if a.ctr == b.ctr:
        return a != b
    first, second = (a, b) if a.ctr < b.ctr else (b, a)
    return second.low < first.high


def overlap(a: Payment, b: Payment) -> bool:
    return a.low < b.high and b.low < a.high
