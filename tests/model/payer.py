"""What a payer's board does. SESSION and ASK live in RAM and change nothing outside: left out.

sign (RAM) -> journal SIGNED -> on the air -> ACK: DELIVERED | VOID: VOIDED -> SYNC -> STATEMENT
Its clock may lag as long as it likes, so it may sign in every phase of the calendar.
"""

from collections.abc import Iterator

from tests.model import judging
from tests.model import state as s
from tests.model.rules import Town
from tests.model.state import Payer, Payment, Pending, Step, World

_STATEMENT = {
    s.SETTLED: s.SETTLED,
    s.CONFLICT_COVERED: s.SETTLED,
    s.CONFLICT_UNPAID: s.SETTLED,
    s.CLOSED: s.SETTLED,
    s.VOIDED: s.REFUNDED,
    s.RETURNED: s.REFUNDED,
    s.LAPSED: s.LAPSED,
    s.EXPIRED_LATE: s.LAPSED,
}


def steps(world: World, town: Town) -> Iterator[Step]:
    for place, payer in enumerate(world.payers):
        for rule in _RULES:
            yield from rule(world, town, place, payer)
    if town.has_clone and len(world.payers) == 1:
        copied = world.payers[0]._replace(ram=None)
        yield s.FAULT, ("the payer's flash is copied", ""), _with(world, 1, copied)


def _sign(world: World, town: Town, place: int, payer: Payer) -> Iterator[Step]:
    if payer.ram is not None or (town.is_calm and world.phase == s.OVER):
        return
    if place and not _original_has_signed(world):
        return
    journal = payer.journal
    low = journal[-1].payment.high if journal else 0
    seen = [pending.payment.request for pending in journal]
    if s.CLOSE_REQUEST in seen:
        return
    for request, amount in enumerate(town.amounts, 1):
        if request not in seen and low + amount <= town.allowance:
            payment = Payment(place, len(journal) + 1, low, low + amount, request)
            yield _signed(world, town, place, payer, payment)
    if town.closes and low < town.allowance:
        closing = Payment(place, len(journal) + 1, low, town.allowance, s.CLOSE_REQUEST)
        yield _signed(world, town, place, payer, closing)


def _original_has_signed(world: World) -> bool:
    """The two boards are twins: whichever journals first after the copy is called the original."""
    original, clone = world.payers
    common = sum(pending.payment.maker == 0 for pending in clone.journal)
    return len(original.journal) > common


def _signed(world: World, town: Town, place: int, payer: Payer, payment: Payment) -> Step:
    after, what = _with(world, place, payer._replace(ram=payment)), "payer signs"
    if not town.rules.payer_journals_before_sending:
        after, what = _sent(after, payment), "payer signs and sends"
    if town.is_calm:
        return next(_journal(after, town, place, after.payers[place]))
    return s.WORK, (what, payment), after


def _journal(world: World, town: Town, place: int, payer: Payer) -> Iterator[Step]:
    if payer.ram is None:
        return
    journal = (*payer.journal, Pending(payer.ram, s.SIGNED))
    after = _with(world, place, payer._replace(journal=journal, ram=None))
    yield s.WORK, ("payer journals SIGNED, then sends", payer.ram), _sent(after, payer.ram)


def _sent(world: World, payment: Payment) -> World:
    air = world.air
    return world._replace(air=air._replace(txns=air.txns | {payment}))


def _answered(world: World, town: Town, place: int, payer: Payer) -> Iterator[Step]:
    for at, (payment, status) in enumerate(payer.journal):
        if status != s.SIGNED:
            continue
        if payment in world.air.acks:
            after = _marked(world, place, at, s.DELIVERED)
            yield s.WORK, ("payer takes the ACK", payment), after
        if payment in world.air.voids:
            after = _marked(world, place, at, s.VOIDED)
            yield s.WORK, ("payer takes the VOID", payment), after


def _sync(world: World, town: Town, place: int, payer: Payer) -> Iterator[Step]:
    for payment, status in payer.journal:
        only_lapses = status == s.SIGNED and payment.request != s.CLOSE_REQUEST
        if status in s.PAYER_FINAL or (only_lapses and town.is_calm and world.phase < s.OVER):
            continue
        bank = judging.payers_copy(world.bank, payment, status, world.phase, town)
        if bank is not world.bank:
            yield s.WORK, ("SYNC, " + status, payment), world._replace(bank=bank)


def _statement(world: World, town: Town, place: int, payer: Payer) -> Iterator[Step]:
    """One STATEMENT speaks of every payment that the bank has judged."""
    outcomes = {row.payment: row.outcome for row in world.bank.rows}
    if town.is_calm:
        return
    journal = tuple(
        Pending(payment, _STATEMENT.get(outcomes.get(payment, ""), status))
        for payment, status in payer.journal
    )
    if journal != payer.journal:
        after = _with(world, place, payer._replace(journal=journal))
        yield s.WORK, ("STATEMENT", place), after


def _top_up(world: World, town: Town, place: int, payer: Payer) -> Iterator[Step]:
    if not town.top_up:
        return
    key = payer.new_key or payer.ram_key
    if not key:
        fresh = max(world.air.keys, default=0) + 1
        if fresh <= 2:  # two tries show all there is to see
            after = _with(world, place, payer._replace(ram_key=fresh))
            yield s.WORK, ("payer makes a key", fresh), after
    elif not payer.new_key:
        after = _with(world, place, payer._replace(new_key=key, ram_key=0))
        yield s.WORK, ("payer journals the key", key), after
    may_send = payer.new_key if town.rules.key_is_journalled_before_sync else key
    if may_send and may_send not in world.air.keys:
        air = world.air._replace(keys=world.air.keys | {may_send})
        yield s.WORK, ("SYNC asks for a purse", may_send), world._replace(air=air)


def _crash(world: World, town: Town, place: int, payer: Payer) -> Iterator[Step]:
    if payer.ram is not None or payer.ram_key:
        after = _with(world, place, payer._replace(ram=None, ram_key=0))
        yield s.FAULT, ("payer loses power", place), after


def _marked(world: World, place: int, at: int, status: str) -> World:
    payer = world.payers[place]
    pending = payer.journal[at]._replace(status=status)
    journal = (*payer.journal[:at], pending, *payer.journal[at + 1 :])
    return _with(world, place, payer._replace(journal=journal))


def _with(world: World, place: int, payer: Payer) -> World:
    payers = (*world.payers[:place], payer, *world.payers[place + 1 :])
    return world._replace(payers=payers)


_RULES = (_sign, _journal, _answered, _sync, _statement, _top_up, _crash)
