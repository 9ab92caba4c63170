"""What must hold in every state. Each function says whether it does; its name is the breach's."""

from collections.abc import Callable, Iterator
from itertools import combinations

from tests.model import state as s
from tests.model.rules import Town
from tests.model.state import Payment, World

Invariant = Callable[[World, Town], bool]


def settled_at_most_once(world: World, town: Town) -> bool:
    paid = [row.payment for row in world.bank.rows if row.paid]
    return len(paid) == len(set(paid))


def never_settled_and_returned(world: World, town: Town) -> bool:
    """One row a payment: what is paid was not voided or lapsed as well."""
    paid = {row.payment for row in world.bank.rows if row.outcome in s.PAID}
    returned = (s.VOIDED, s.LAPSED, s.RETURNED)
    return not any(row.payment in paid for row in world.bank.rows if row.outcome in returned)


def settled_intervals_are_disjoint(world: World, town: Town) -> bool:
    settled = [row.payment for row in world.bank.rows if row.outcome == s.SETTLED]
    return not any(s.overlap(a, b) for a, b in combinations(set(settled), 2))


def a_receipt_implies_an_entry(world: World, town: Town) -> bool:
    """What the payee holds in RAM may still be written; what neither holds never will."""
    for payer in world.payers:
        for payment, status in payer.journal:
            if status == s.DELIVERED and not any(
                payment in receiver.ledger or payment == receiver.ram
                for receiver in world.receivers
            ):
                return False
    return True


def a_board_never_equivocates(world: World, town: Town) -> bool:
    signed = [(payment.maker, payment.ctr) for payment in world.air.txns]
    return len(signed) == len(set(signed))


def never_ack_and_void(world: World, town: Town) -> bool:
    return town.has_rogue_payee or not world.air.acks & world.air.voids


def no_request_is_paid_twice(world: World, town: Town) -> bool:
    requests = [payment.request for payment in set(_entered(world))]
    return len(requests) == len(set(requests))


def entered_at_most_once(world: World, town: Town) -> bool:
    entered = list(_entered(world))
    return len(entered) == len(set(entered))


def no_payee_holds_a_contradiction(world: World, town: Town) -> bool:
    for receiver in world.receivers:
        mine = {entry for entry in receiver.ledger if isinstance(entry, Payment)}
        if any(s.contradict(a, b) for a, b in combinations(mine, 2)):
            return False
    return True


def money_is_conserved(world: World, town: Town) -> bool:
    began = town.allowance + town.bond + town.fund + (2 if town.top_up else 0)
    began += town.till * len(world.bank.payees)
    return world.bank.total == began and min(world.bank.reserve, *world.bank.payees, 0) == 0


def in_time_is_paid(world: World, town: Town) -> bool:
    """While grace lasts, no entry of a payee is turned away; an honest purse's never conflicts."""
    if world.phase == s.OVER:
        return True
    good = {s.SETTLED, s.DUPLICATE}
    if town.has_clone:
        good |= {s.CONFLICT_COVERED, s.CONFLICT_UNPAID}
    if town.has_rogue_payee:
        good |= {s.VOIDED, s.RETURNED}
    for answer in world.bank.answers:
        entry = world.receivers[answer.payee].ledger[answer.number]
        if isinstance(entry, Payment) and answer.verdict not in good:
            return False
    return True


def a_conflict_leaves_proof(world: World, town: Town) -> bool:
    """Two signed payments at the bank that contradict each other, whoever asks."""
    rows = world.bank.rows
    if not any(r.outcome in (s.CONFLICT_COVERED, s.CONFLICT_UNPAID) for r in rows):
        return True
    return any(s.contradict(a.payment, b.payment) for a, b in combinations(rows, 2))


def a_cover_precedes_the_loss(world: World, town: Town) -> bool:
    """A payee bears a conflict only when reserve, bond and guarantee have given all they had."""
    bank = world.bank
    paid = sum(row.paid for row in bank.rows)
    drawn = town.allowance + town.bond + town.guarantee
    return paid >= drawn or not any(row.outcome == s.CONFLICT_UNPAID for row in bank.rows)


def one_verdict_for_an_entry(world: World, town: Town) -> bool:
    entries = [answer[:2] for answer in world.bank.answers]
    return len(entries) == len(set(entries))


def never_refunded_beyond_what_was_paid(world: World, town: Town) -> bool:
    for payment in {refund.payment for refund in world.bank.refunds}:
        given = sum(r.payment.amount for r in world.bank.refunds if r.payment == payment)
        if given > sum(row.paid for row in world.bank.rows if row.payment == payment):
            return False
    return True


def the_fund_pays_guarantees_only(world: World, town: Town) -> bool:
    return world.bank.fund >= town.fund - town.guarantee


def one_reserve_for_a_key_in_hand(world: World, town: Town) -> bool:
    held = {payer.new_key or payer.ram_key for payer in world.payers}
    purses = world.bank.purses
    return len(purses) == len(set(purses)) and set(purses) <= held


def _entered(world: World) -> Iterator[Payment]:
    for receiver in world.receivers:
        yield from (entry for entry in receiver.ledger if isinstance(entry, Payment))


INVARIANTS: tuple[Invariant, ...] = (
    settled_at_most_once,
    never_settled_and_returned,
    settled_intervals_are_disjoint,
    a_receipt_implies_an_entry,
    a_board_never_equivocates,
    never_ack_and_void,
    no_request_is_paid_twice,
    entered_at_most_once,
    no_payee_holds_a_contradiction,
    money_is_conserved,
    in_time_is_paid,
    a_conflict_leaves_proof,
    a_cover_precedes_the_loss,
    one_verdict_for_an_entry,
    never_refunded_beyond_what_was_paid,
    the_fund_pays_guarantees_only,
    one_reserve_for_a_key_in_hand,
)


def breach(world: World, town: Town) -> str:
    """The name of the first invariant that does not hold, or nothing."""
    return next((rule.__name__ for rule in INVARIANTS if not rule(world, town)), "")
