"""What comes to the bank and when, and what the calendar does.

The bridge carries entries in the ledger's order, as late as it likes, and may carry any of them
again. A batch of n entries is n single ones with nothing in between.
"""

from collections.abc import Iterator

from tests.model import judging
from tests.model import state as s
from tests.model.rules import Town
from tests.model.state import Answer, Bank, Entry, Refund, Row, Step, World


def opened(town: Town) -> Bank:
    shops = max(town.shops, default=-1) + 1
    return Bank(
        reserve=town.allowance,
        bond=town.bond,
        fund=town.fund,
        payer=2 if town.top_up else 0,
        payees=(town.till,) * shops,
        elsewhere=0,
        uploaded=(0,) * shops,
    )


def steps(world: World, town: Town) -> Iterator[Step]:
    for rule in (_upload, _replay, _withdraw, _reserve, _calendar, _lapse, _end):
        yield from rule(world, town)


def _upload(world: World, town: Town) -> Iterator[Step]:
    for place, receiver in enumerate(world.receivers):
        index = world.bank.uploaded[place]
        if index < receiver.within_reach:
            entry = receiver.ledger[index]
            bank = _judged(world, town, place, index, entry)
            uploaded = world.bank.uploaded
            uploaded = (*uploaded[:place], index + 1, *uploaded[place + 1 :])
            after = world._replace(bank=bank._replace(uploaded=uploaded))
            yield s.WORK, ("bridge uploads", entry), after


def _replay(world: World, town: Town) -> Iterator[Step]:
    """An index judged before answers its stored verdict: nothing changes, unless it is judged."""
    if town.rules.verdicts_are_stored:
        return
    for place, receiver in enumerate(world.receivers):
        for index in range(world.bank.uploaded[place]):
            entry = receiver.ledger[index]
            bank = _judged(world, town, place, index, entry)
            yield s.WORK, ("bridge uploads again", entry), world._replace(bank=bank)


def _judged(world: World, town: Town, place: int, index: int, entry: Entry) -> Bank:
    if isinstance(entry, Refund):
        bank, verdict = judging.refund(world.bank, entry, town)
    else:
        bank, verdict = judging.claim(world.bank, entry, world.phase, town)
    return bank._replace(answers=bank.answers | {Answer(place, index, verdict)})


def _withdraw(world: World, town: Town) -> Iterator[Step]:
    if not town.withdraws:
        return
    bank = world.bank
    for payee, balance in enumerate(bank.payees):
        if balance:
            payees = (*bank.payees[:payee], 0, *bank.payees[payee + 1 :])
            after = bank._replace(payees=payees, elsewhere=bank.elsewhere + balance)
            yield s.FAULT, ("payee withdraws", balance), world._replace(bank=after)


def _reserve(world: World, town: Town) -> Iterator[Step]:
    """A top-up: one key, one purse, one unit of reserve; the answer may be lost on its way."""
    bank = world.bank
    for key in world.air.keys:
        if bank.payer and (key not in bank.purses or not town.rules.one_purse_per_key):
            after = bank._replace(payer=bank.payer - 1, purses=(*bank.purses, key))
            yield s.WORK, ("bank reserves for the key", key), world._replace(bank=after)


def _calendar(world: World, town: Town) -> Iterator[Step]:
    if world.phase < s.OVER and not town.top_up:
        phase = s.OVER if town.is_calm else world.phase + 1
        what = "not_after" if phase == s.EXPIRED else "not_after + grace"
        yield s.TIME, (what, "has passed"), world._replace(phase=phase)


def _lapse(world: World, town: Town) -> Iterator[Step]:
    if town.rules.lapses_at is None or world.phase < town.rules.lapses_at:
        return
    rows = world.bank.rows
    for row in rows:
        if row.outcome == s.KNOWN:
            lapsed = Row(row.payment, s.LAPSED, 0)
            kept = tuple(sorted(lapsed if other == row else other for other in rows))
            bank = world.bank._replace(rows=kept)
            yield s.TIME, ("bank lets lapse", row.payment), world._replace(bank=bank)


def _end(world: World, town: Town) -> Iterator[Step]:
    """One posting gives back all that nobody has earned."""
    bank = world.bank
    is_known = any(row.outcome == s.KNOWN for row in bank.rows)
    if not town.rules.ends_without_the_payer:
        shown = {row.payment for row in bank.rows}
        is_known |= any(p.payment not in shown for payer in world.payers for p in payer.journal)
    if bank.is_ended or is_known or world.phase < town.rules.returns_at or town.top_up:
        return
    payer = bank.payer + bank.reserve + bank.bond
    after = bank._replace(payer=payer, reserve=0, bond=0, is_ended=True)
    yield s.TIME, ("bank ends the purse", ""), world._replace(bank=after)
