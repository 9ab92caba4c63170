"""What must hold when everything has recovered: no money lost, none twice, all books agree.

A breach is (kind, text); how many there are of each kind but BROKEN stands in a run's last line.

    LOST         RECEIVED was shown, PAID was shown or a receipt was given, and there is no money
    DUPLICATED   something happened twice, or a payment was both taken and voided
    STUCK        something that was signed has no last word
    UNCONSERVED  the sums of the bank's books are not those of before
    BROKEN       anything else
"""

from collections import Counter
from collections.abc import Iterator

from firmware.common.payment import verdicts
from firmware.common.storage.news_store import News
from firmware.receiver import keeping
from host_tools.emulator.cpython import stand_ins
from host_tools.emulator.cpython.board import Board, Clock
from tests.faults.books import Books, Spend
from tests.faults.ear import Ear
from tests.faults.founding import FUNDED_MINOR
from tests.faults.points import PAYEES, PAYERS
from tests.faults.scenario import BY_FILE, FINAL, NEW_PURSE_MINOR, TAPS
from tests.faults.town import Person, Town

LOST, DUPLICATED, STUCK, UNCONSERVED = KINDS = "lost", "duplicated", "stuck", "unconserved"
BROKEN = "broken"

Breach = tuple[str, str]


def breaches(town: Town) -> list[Breach]:
    """Everything that does not hold."""
    books, ear = town.books, town.ear
    spends = books.spends()
    return [
        *_promises(town, ear, spends),
        *_twice(books, ear, spends),
        *_final(town, ear, spends),
        *_sums(books, spends),
        *((UNCONSERVED, f"bank: {text}") for text in books.violations()),
        *_boards(town, books),
        *((BROKEN, f"crash: {text}") for who in town.people.values() for text in who.crashes),
    ]


def _promises(town: Town, ear: Ear, spends: list[Spend]) -> Iterator[Breach]:
    """What a screen showed as done, or a payee gave a receipt for, is paid to the payee."""
    paid = {spend.txn_hash: spend for spend in spends if is_paid(spend)}
    for txn_hash in ear.taken - set(paid):
        yield LOST, f"{_amount(ear, txn_hash)} has a receipt and is not paid"
    minors = {spend.minor for spend in paid.values()}
    minors |= {minor for _, minor in town.books.files()}
    for who in town.people.values():
        for word in ("PAID", "RECEIVED"):
            for minor in sorted(_shown(who, word) - minors):
                yield LOST, f"{who.name} was shown {word} {minor}, and it is not paid"


def _twice(books: Books, ear: Ear, spends: list[Spend]) -> Iterator[Breach]:
    """Each purchase, request, file, refund and purse once; no payment is taken and voided."""
    paid = [spend for spend in spends if is_paid(spend)]
    counted = {
        "purchase": Counter(spend.minor for spend in paid),
        "request": Counter(spend.req_hash.hex() for spend in paid),
        "payment by file": Counter(minor for _, minor in books.files()),
        "entry": Counter({hash_.hex(): count for hash_, count in books.entries().items()}),
        "refund": Counter(books.refunds()),
    }
    for what, counts in counted.items():
        for which, count in counts.items():
            if count > 1:
                yield DUPLICATED, f"{what} {which} is there {count} times"
    for txn_hash in ear.taken & ear.voided:
        yield DUPLICATED, f"{_amount(ear, txn_hash)} was both taken and voided"
    for payer in PAYERS:
        count = sum(allowance == NEW_PURSE_MINOR for allowance, _ in books.purses(payer))
        if count > 1:
            yield DUPLICATED, f"{payer} asked for a purse and got {count}"


def _final(town: Town, ear: Ear, spends: list[Spend]) -> Iterator[Breach]:
    """Whatever was signed is settled, refunded, lapsed or refused, and every purse is over."""
    judged = {spend.txn_hash for spend in spends}
    ids: set[str] = set()
    for payer in town.payers:
        town.stage(payer)
        for row in payer.device.pages("payments"):
            ids.add(row["id"])
            if row["state"] not in FINAL:
                yield STUCK, f"{payer.name}'s payment of {row['amount']} stays {row['state']}"
        for row in payer.device.pages("json_payments"):
            if row["state"] != "delivered":
                yield STUCK, f"{payer.name}'s file of {row['amount']} stays {row['state']}"
    for txn_hash in ear.payments:
        if txn_hash not in judged and txn_hash.hex()[:32] not in ids:
            yield STUCK, f"{_amount(ear, txn_hash)} was signed, and nobody knows of it"
    for payer in PAYERS:
        for allowance, state in town.books.purses(payer):
            if state != "ended":
                yield STUCK, f"{payer}'s purse of {allowance} stays {state}"


def _sums(books: Books, spends: list[Spend]) -> Iterator[Breach]:
    """All that was funded is there, and each account has what was paid to it and by it."""
    balances = books.balances()
    total = sum(balances.values())
    if total != FUNDED_MINOR * len(PAYERS):
        yield UNCONSERVED, f"accounts, reserves, bonds and fund are {total} together"
    right: dict[str, int] = {}
    right |= dict.fromkeys(PAYERS, FUNDED_MINOR) | dict.fromkeys(PAYEES, 0)
    moves = [(_payer_of(s.minor), s.payee_account, s.minor) for s in spends if is_paid(s)]
    moves += [(BY_FILE.payer, BY_FILE.payee, minor) for _, minor in books.files()]
    moves += [(BY_FILE.payee, BY_FILE.payer, minor) for minor in books.refunds()]
    for payer, payee, minor in moves:
        right[payer] -= minor
        right[payee] += minor
    for account, minor in right.items():
        if balances[account] != minor:
            yield UNCONSERVED, f"{account} has {balances[account]} instead of {minor}"


def _boards(town: Town, books: Books) -> Iterator[Breach]:
    """What the payees' boards hold is what the bank holds, and no paid request is open."""
    for payee in town.payees:
        town.stage(payee)
        total = payee.device.call("total")[0]["guaranteed"]
        paid = sum(s.minor for s in books.spends() if s.payee_account == payee.name and is_paid(s))
        if total["judged"] != total["count"]:
            yield STUCK, f"{payee.name} has {total['count']} entries, {total['judged']} are judged"
        if total["paid_minor"] != paid:
            yield BROKEN, f"{payee.name}'s board counts {total['paid_minor']} paid, not {paid}"
        yield from _requests(payee, [s for s in books.spends() if is_paid(s)])


def _requests(payee: Person, paid: list[Spend]) -> Iterator[Breach]:
    """In the payee's journal of the evening a request is open, or it is paid; never both."""
    board = Board("receiver", bytearray(payee.evening), lambda: 0)
    board.mount()
    with stand_ins.running(board):
        till = keeping.start(board.root, News(board.root, Clock(lambda: 0)), bytes(8))
        still_open = {request.hash for request in till.requests}
    for spend in paid:
        if spend.req_hash in still_open:
            yield DUPLICATED, f"the request of {spend.minor} is paid and can be paid again"


def is_paid(spend: Spend) -> bool:
    """By the bank, to the payee, in full and without a doubt."""
    return spend.status == "paid" and spend.verdict == verdicts.SETTLED


def _payer_of(minor: int) -> str:
    return next(what.payer for what in TAPS if what.minor == minor)


def _amount(ear: Ear, txn_hash: bytes) -> str:
    txn = ear.payments.get(txn_hash)
    return f"a payment of {txn.amount}" if txn else f"payment {txn_hash.hex()[:8]}"


def _shown(who: Person, word: str) -> set[int]:
    """The amounts of the payments that ever stood under that word."""
    found = set()
    for lines in who.shown:
        if lines and lines[0] == word:
            found |= {_minor(line) for line in lines[1:] if "." in line}
    return found


def _minor(line: str) -> int:
    return int(line.split()[0].replace(".", ""))
