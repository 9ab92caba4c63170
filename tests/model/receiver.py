"""What a payee's board does, per request: OPEN, STALE, ACCEPTED, VOID.

TXN -> checked (RAM) -> one append: entry and ACCEPTED -> ACK. A request starts OPEN: one that is
not yet open is one that nobody has read. Its clock may lag: it accepts in every phase.
"""

from collections.abc import Iterator

from tests.model import state as s
from tests.model.rules import ENTRY_FIRST, REQUEST_FIRST, Town
from tests.model.state import Air, Payment, Receiver, Refund, Request, Step, World


def steps(world: World, town: Town) -> Iterator[Step]:
    for place, receiver in enumerate(world.receivers):
        if receiver.is_alive:
            for rule in _RULES:
                yield from rule(world, town, place, receiver)


def _take(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    """A TXN arrives: the same again is an ACK again, which changes nothing here."""
    if receiver.ram is not None or (town.is_calm and world.phase == s.OVER):
        return
    for payment in world.air.txns:
        request = _request(receiver, payment.request)
        if request is None or not _may_append(town, receiver, request, payment):
            continue
        after = _with(world, place, receiver._replace(ram=payment))
        what = "cashier accepts the stale" if request == s.STALE else "payee checks"
        if not town.rules.payee_appends_before_ack:
            after = _said(after, acks=world.air.acks | {payment})
            what += ", then sends ACK for"
        if town.is_calm:
            yield from _append(after, town, place, after.receivers[place])
            continue
        yield s.WORK, (what, payment), after


def _may_append(town: Town, receiver: Receiver, request: Request, payment: Payment) -> bool:
    if not town.rules.payee_looks_up_before_appending:
        return request.state != s.VOID.state
    if payment in receiver.ledger or request not in (s.OPEN, s.STALE):
        return False
    mine = (entry for entry in receiver.ledger if isinstance(entry, Payment))
    return not town.rules.payee_keeps_pair_rule or not any(s.contradict(payment, e) for e in mine)


def _append(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    payment = receiver.ram
    if payment is None:
        return
    accepted = _put(receiver, payment.request, Request(s.ACCEPTED, payment))
    is_accepted = accepted == receiver
    is_entered = payment in receiver.ledger and town.rules.payee_writes == ENTRY_FIRST
    if town.rules.payee_writes == REQUEST_FIRST and not is_accepted:
        yield s.WORK, ("payee journals ACCEPTED", payment), _with(world, place, accepted)
        return
    if town.rules.payee_writes == ENTRY_FIRST and not is_entered:
        entered = receiver._replace(ledger=(*receiver.ledger, payment))
        yield s.WORK, ("payee appends", payment), _with(world, place, entered)
        return
    ledger = receiver.ledger if is_entered else (*receiver.ledger, payment)
    after = _with(world, place, accepted._replace(ledger=ledger, ram=None))
    after = _said(after, acks=world.air.acks | {payment})
    yield s.WORK, ("payee appends, then sends ACK", payment), after


def _again(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    """What is ACCEPTED answers the same TXN with its ACK. It was sent before, unless half of the
    record is all there is."""
    for _, request in receiver.requests:
        payment = request.payment
        if payment is None or receiver.ram == payment:
            continue
        if payment in world.air.txns and payment not in world.air.acks:
            after = _said(world, acks=world.air.acks | {payment})
            yield s.WORK, ("payee sends the ACK again", payment), after


def _cancel(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    """The cashier cancels or refuses, or 24 hours pass; not amid an append."""
    journalled = town.rules.payee_journals_void_before_sending
    for number, request in receiver.requests:
        busy = receiver.ram is not None and receiver.ram.request == number
        if request in (s.OPEN, s.STALE) and not busy:
            void = s.VOID if journalled else s.VOID_IN_RAM
            after = _with(world, place, _put(receiver, number, void))
            yield s.WORK, ("cashier cancels request", number), after


def _void(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    """A full TXN for what was cancelled, or for what another payment has paid, gets its VOID."""
    for payment in world.air.txns:
        request = _request(receiver, payment.request)
        if request is None or payment in world.air.voids or receiver.ram == payment:
            continue
        if _refuses(town, receiver, request, payment):
            after = _said(world, voids=world.air.voids | {payment})
            yield s.WORK, ("payee sends VOID", payment), after


def _refuses(town: Town, receiver: Receiver, request: Request, payment: Payment) -> bool:
    if request.state == s.ACCEPTED:
        if request.payment == payment:
            return town.has_rogue_payee or not town.rules.accepted_answers_ack
        return payment not in receiver.ledger
    is_void = request in (s.VOID, s.VOID_IN_RAM)
    return is_void and town.rules.cancelled_answers_void and payment not in receiver.ledger


def _resume(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    """Anybody's RESUME names any request and any hash. The answer is an ACK that was sent before,
    or "send the TXN": nothing changes, unless a hash alone were voided."""
    if town.rules.resume_alone_yields_no_void:
        return
    for _, request in receiver.requests:
        for payment in world.air.txns - world.air.voids:
            if request == s.VOID:
                after = _said(world, voids=world.air.voids | {payment})
                yield (
                    s.WORK,
                    ("a cancelled request answers the mere hash with VOID:", payment),
                    after,
                )


def _refund(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    for entry in receiver.ledger:
        if not isinstance(entry, Payment):
            continue
        made = sum(isinstance(e, Refund) and e.payment == entry for e in receiver.ledger)
        if made < town.refunds:
            refund = Refund(entry, made + 1)
            after = _with(world, place, receiver._replace(ledger=(*receiver.ledger, refund)))
            yield s.WORK, ("payee appends a REFUND", refund), after


def _stale(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    for number, request in () if town.is_calm else receiver.requests:
        busy = receiver.ram is not None and receiver.ram.request == number
        if request == s.OPEN and not busy:
            after = _with(world, place, _put(receiver, number, s.STALE))
            yield s.WORK, ("the time of a request is over", number), after


def _crash(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    lost = () if town.is_calm else (s.OPEN, s.VOID_IN_RAM)
    requests = tuple((n, s.STALE if r in lost else r) for n, r in receiver.requests)
    after = receiver._replace(requests=requests, ram=None)
    if after != receiver:
        yield s.FAULT, ("payee loses power", place), _with(world, place, after)


def _burn(world: World, town: Town, place: int, receiver: Receiver) -> Iterator[Step]:
    """The board is gone; the bridge holds none, some or all of what the bank has not yet seen."""
    if not town.burns:
        return
    for held in range(world.bank.uploaded[place], len(receiver.ledger) + 1):
        gone = receiver._replace(ram=None, bridged=held)
        yield (
            s.FAULT,
            ("payee is destroyed, entries at the bridge:", held),
            _with(world, place, gone),
        )


def _request(receiver: Receiver, number: int) -> Request | None:
    return next((request for n, request in receiver.requests if n == number), None)


def _put(receiver: Receiver, number: int, request: Request) -> Receiver:
    requests = tuple((n, request if n == number else r) for n, r in receiver.requests)
    return receiver._replace(requests=requests)


def _said(
    world: World,
    acks: frozenset[Payment] | None = None,
    voids: frozenset[Payment] | None = None,
) -> World:
    air: Air = world.air
    air = air if acks is None else air._replace(acks=acks)
    air = air if voids is None else air._replace(voids=voids)
    return world._replace(air=air)


def _with(world: World, place: int, receiver: Receiver) -> World:
    receivers = (*world.receivers[:place], receiver, *world.receivers[place + 1 :])
    return world._replace(receivers=receivers)


_RULES = (_take, _append, _again, _cancel, _void, _resume, _refund, _stale, _crash, _burn)
