"""What must stay possible from every state: the goals are reached backwards along the steps.

A path may not lean on luck: it uses no fault, and where money must still be paid, no passing time.
"""

from collections.abc import Callable

from tests.model import state as s
from tests.model.explore import Space
from tests.model.rules import Town
from tests.model.state import Payment, World


def all_money_comes_to_rest(space: Space, town: Town) -> int | None:
    """Every payment ends at the bank, in the ledgers and in the payer's journal."""

    def is_goal(world: World) -> bool:
        return _is_at_rest(world) and (town.is_calm or _is_told(world))

    return _first_stuck(space, is_goal, lambda world: True, (s.WORK, s.TIME))


def the_purse_ends_without_the_boards(space: Space, town: Town) -> int | None:
    """Were every board and bridge lost now, the bank alone still comes to an end."""
    return _first_stuck(space, _is_ended, lambda world: True, (s.TIME,))


def what_was_accepted_can_be_paid(space: Space, town: Town) -> int | None:
    """While grace lasts: what a till can show, or a payer has the receipt for, still gets its
    verdict; and a payer with an unanswered payment still gets an answer from a payee alive."""
    return _first_stuck(space, _is_answered, lambda world: world.phase < s.OVER, (s.WORK,))


GOALS = (all_money_comes_to_rest, the_purse_ends_without_the_boards, what_was_accepted_can_be_paid)


def stuck(space: Space, town: Town) -> tuple[str, int] | None:
    """The first goal that some state has lost, and the nearest such state."""
    if town.top_up:
        return None
    for goal in GOALS:
        state = goal(space, town)
        if state is not None:
            return goal.__name__, state
    return None


def _first_stuck(
    space: Space,
    is_goal: Callable[[World], bool],
    is_meant: Callable[[World], bool],
    kinds: tuple[int, ...],
) -> int | None:
    can = bytearray(is_goal(world) for world in space.worlds)
    is_growing = True
    while is_growing:
        # Most steps lead to later states: going backwards, few rounds reach them all.
        is_growing = False
        for at in range(len(space.sources) - 1, -1, -1):
            source = space.sources[at]
            if not can[source] and can[space.targets[at]] and space.kinds[at] in kinds:
                can[source] = is_growing = True
    return next(
        (state for state, world in enumerate(space.worlds) if not can[state] and is_meant(world)),
        None,
    )


def _is_ended(world: World) -> bool:
    return world.bank.is_ended and not any(row.outcome == s.KNOWN for row in world.bank.rows)


def _is_told(world: World) -> bool:
    return all(pending.status in s.PAYER_FINAL for p in world.payers for pending in p.journal)


def _is_at_rest(world: World) -> bool:
    journalled = {pending.payment for payer in world.payers for pending in payer.journal}
    return (
        _is_ended(world)
        and journalled <= {row.payment for row in world.bank.rows}
        and all(p.ram is None for p in (*world.payers, *world.receivers))
        and all(
            world.bank.uploaded[place] == receiver.within_reach
            for place, receiver in enumerate(world.receivers)
        )
    )


def _is_answered(world: World) -> bool:
    judged = {row.payment for row in world.bank.rows if row.outcome != s.KNOWN}
    pending = [pending for payer in world.payers for pending in payer.journal]
    receipts = {payment for payment, status in pending if status == s.DELIVERED}
    unanswered = {payment.request for payment, status in pending if status == s.SIGNED}
    for receiver in world.receivers:
        reach = {e for e in receiver.ledger[: receiver.within_reach] if isinstance(e, Payment)}
        held = {entry for entry in receiver.ledger if isinstance(entry, Payment)}
        if not (reach | (held & receipts)) <= judged:
            return False
        if receiver.is_alive and any(number in unanswered for number, _ in receiver.requests):
            return False
    return True
