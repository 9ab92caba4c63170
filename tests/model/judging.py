"""How the bank judges. Bank in, bank and verdict out; nothing here knows how a message came.

One row for every payment that it has judged; a row that is CONSUMED keeps others off its interval
and its counter. What is not free is a conflict: covered from the reserve, the bond and the fund up
to the guarantee, in this order.
"""

from tests.model import state as s
from tests.model.rules import Town
from tests.model.state import Bank, Payment, Refund, Row


def claim(bank: Bank, payment: Payment, phase: int, town: Town) -> tuple[Bank, str]:
    """The payee's ledger, or the payer's copy with the payee's receipt, asks for the money."""
    row = row_of(bank, payment)
    if row is not None and _stands(row, town):
        return bank, s.DUPLICATE if row.outcome == s.SETTLED else row.outcome
    if phase == s.OVER:
        return _recorded(bank, Row(payment, s.EXPIRED_LATE, 0)), s.EXPIRED_LATE
    if _is_free(bank, payment, town) and bank.reserve >= payment.amount:
        bank = _pay(bank._replace(reserve=bank.reserve - payment.amount), payment, town)
        return _recorded(bank, Row(payment, s.SETTLED, payment.amount)), s.SETTLED
    return _cover(bank, payment, town)


def payers_copy(bank: Bank, payment: Payment, status: str, phase: int, town: Town) -> Bank:
    """One entry of a SYNC: alone, with its ACK, with its VOID, or a CLOSE."""
    row = row_of(bank, payment)
    if payment.request == s.CLOSE_REQUEST:
        return bank if row else _close(bank, payment, phase, town)
    if status == s.DELIVERED and town.rules.payers_copy_settles:
        return claim(bank, payment, phase, town)[0]
    if status == s.VOIDED:
        return _void(bank, payment, row, town)
    if row is not None:
        return bank
    return _recorded(bank, Row(payment, s.LAPSED if phase == s.OVER else s.KNOWN, 0))


def refund(bank: Bank, asked: Refund, town: Town) -> tuple[Bank, str]:
    """The payee gives back what it was paid for a payment, and no more in all."""
    payment, payee = asked.payment, town.payee_of(asked.payment.request)
    paid = sum(row.paid for row in bank.rows if row.payment == payment)
    given = sum(done.payment.amount for done in bank.refunds if done.payment == payment)
    is_bounded = given + payment.amount <= paid or not town.rules.refunds_are_bounded
    if not is_bounded or bank.payees[payee] < payment.amount:
        return bank, s.OVER_LIMIT
    bank = _credit(bank, payee, -payment.amount)
    bank = bank._replace(payer=bank.payer + payment.amount, refunds=(*bank.refunds, asked))
    return bank, s.SETTLED


def row_of(bank: Bank, payment: Payment) -> Row | None:
    return next((row for row in bank.rows if row.payment == payment), None)


def _stands(row: Row, town: Town) -> bool:
    if row.outcome == s.SETTLED:
        return town.rules.duplicates_are_seen
    if row.outcome == s.VOIDED:
        return town.rules.void_comes_first
    return row.outcome != s.KNOWN


def _is_free(bank: Bank, payment: Payment, town: Town) -> bool:
    """Its interval and its counter."""
    taken = (row.payment for row in bank.rows if row.outcome in s.CONSUMED)
    touch = 0 if town.rules.neighbours_are_free else 1
    wide = payment._replace(low=payment.low - touch, high=payment.high + touch)
    return not town.rules.claims_exclude or not any(
        payment.ctr == other.ctr or s.overlap(wide, other) for other in taken
    )


def _cover(bank: Bank, payment: Payment, town: Town) -> tuple[Bank, str]:
    owed = payment.amount if town.rules.conflicts_are_covered else 0
    sources = {"reserve": bank.reserve, "bond": bank.bond}
    sources["fund"] = max(0, bank.fund - (town.fund - town.guarantee))
    if sum(sources.values()) < owed and not town.rules.cover_takes_what_is_there:
        owed = 0
    paid = 0
    for source, units in sources.items():
        taken = min(units, owed - paid)
        paid += taken
        bank = bank._replace(**{source: getattr(bank, source) - taken})
    bank = _credit(bank, town.payee_of(payment.request), paid)
    outcome = s.CONFLICT_COVERED if paid == payment.amount else s.CONFLICT_UNPAID
    return _recorded(bank, Row(payment, outcome, paid)), outcome


def _void(bank: Bank, payment: Payment, row: Row | None, town: Town) -> Bank:
    """Before a claim it stops the claim. After one, at most the payee's balance goes back."""
    if row is None or row.outcome == s.KNOWN:
        return _recorded(bank, Row(payment, s.VOIDED, 0))
    if row.outcome != s.SETTLED:
        return bank
    payee = town.payee_of(payment.request)
    at_most = town.rules.void_takes_at_most_the_balance
    moved = min(bank.payees[payee], row.paid) if at_most else row.paid
    bank = _back(_credit(bank, payee, -moved), moved)
    if not town.rules.void_leaves_fund_alone:
        bank = _back(bank._replace(fund=bank.fund - row.paid + moved), row.paid - moved)
    return _recorded(bank, Row(payment, s.RETURNED, row.paid - moved), instead_of=row)


def _close(bank: Bank, payment: Payment, phase: int, town: Town) -> Bank:
    """The purse's rest is taken out of use. Its money waits in the reserve for late shops."""
    if phase == s.OVER or not _is_free(bank, payment, town):
        return _recorded(bank, Row(payment, s.LAPSED if phase == s.OVER else s.VOIDED, 0))
    if not town.rules.close_waits_for_grace:
        rest = min(bank.reserve, payment.amount)
        bank = bank._replace(reserve=bank.reserve - rest, payer=bank.payer + rest)
    return _recorded(bank, Row(payment, s.CLOSED, 0))


def _pay(bank: Bank, payment: Payment, town: Town) -> Bank:
    return _credit(bank, town.payee_of(payment.request), payment.amount)


def _credit(bank: Bank, payee: int, units: int) -> Bank:
    payees = bank.payees
    payees = (*payees[:payee], payees[payee] + units, *payees[payee + 1 :])
    return bank._replace(payees=payees)


def _back(bank: Bank, units: int) -> Bank:
    """Into the reserve, or to the payer where the purse has ended."""
    if bank.is_ended:
        return bank._replace(payer=bank.payer + units)
    return bank._replace(reserve=bank.reserve + units)


def _recorded(bank: Bank, row: Row, instead_of: Row | None = None) -> Bank:
    """History is append-only, but for what was only KNOWN and what was given back."""
    known = Row(row.payment, s.KNOWN, 0)
    kept = [other for other in bank.rows if other not in (known, instead_of)]
    return bank._replace(rows=tuple(sorted([*kept, row])))
