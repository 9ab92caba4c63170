"""Claims intervals of purses for payments: the one place where a purse's money is promised.

A payment takes the interval [first, cum) of its purse and a counter. The plain case, counters
and intervals going up, is written for all claims at once. All others are judged one by one, each
by what PostgreSQL's constraints let in: an interval that overlaps a consumed one, or a counter
that is used, is a conflict. Whoever calls has checked signatures and the bounds of the purse.

Locks, in this order: (the caller's ledger), purses by key, wallets by key.
"""

from typing import NamedTuple

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, covers, revoking
from bank.covers import FUND, Payment
from bank.queries import accounts, purses, spends
from bank.queries.purses import ENDED, OPEN, Key, Purse
from bank.queries.savepoint import savepoint
from bank.queries.spends import CONFLICT, PAID, NewConflict, NewSpend, Spend
from bank.transfer_ids import transfer_id
from bank.verify import DEFAULT_WALLET
from firmware.common.payment import verdicts
from firmware.common.wire.errors import OK


class Claim(NamedTuple):
    """A payment that asks for its interval; `txn` are the 146 signed bytes.

    `rev_seq` is the newest revocation that the payee knew of when it accepted. `generation` and
    `ledger_index` say where in its ledger it stands, None for a payer's copy: that one does not say
    how the payee took it. Not `guaranteed` is a payment that the payee took against the policy, or
    after the bank had sent it the revocation: it bears a conflict itself.
    """

    payer_account: str
    purse_id: bytes
    ctr: int
    first_minor: int
    cum_minor: int
    txn_hash: bytes
    txn: bytes
    payee_account: str
    payee_device: bytes
    rev_seq: int = 0
    generation: int | None = None
    ledger_index: int | None = None
    guaranteed: bool = True

    @property
    def key(self) -> Key:
        return self.payer_account, self.purse_id

    @property
    def amount_minor(self) -> int:
        return self.cum_minor - self.first_minor


class Judgement(NamedTuple):
    """A verdict of `payment.verdicts`, and what the payee gets now: 0 for a repeated payment."""

    verdict: int
    paid_minor: int = 0


def claim(cursor: Cursor, claims: list[Claim], now: int) -> list[Judgement]:
    """A judgement per claim, in order; `now` is the bank's clock when they were received.

    Done again it changes nothing: a payment that was settled is a duplicate. A purse that is not
    there is the caller's mistake: KeyError.
    """
    if not claims:
        return []
    locked = purses.select_purses(cursor, sorted({claim.key for claim in claims}))
    known = spends.select_of_hashes(cursor, [(c.payer_account, c.txn_hash) for c in claims])
    plain = _plain(claims, locked, known, now)
    slow = [claim for claim in claims if claim.key not in plain]
    _lock_wallets(cursor, claims, slow)
    fast = [claim for claim in claims if claim.key in plain]
    if fast and not _insert_all(cursor, fast):
        slow, fast = claims, []
    judged = {id(claim): Judgement(verdicts.SETTLED, claim.amount_minor) for claim in fast}
    for key in sorted({claim.key for claim in slow}):
        of_purse = [claim for claim in slow if claim.key == key]
        judge = _Judge(cursor, locked[key], of_purse, now)
        judged |= {id(claim): judge.judge(claim) for claim in of_purse}
    return [judged[id(claim)] for claim in claims]


def _plain(
    claims: list[Claim],
    locked: dict[Key, Purse],
    known: dict[tuple[str, bytes], Spend],
    now: int,
) -> set[Key]:
    """The purses whose claims are beyond doubt: new, in time, in order, and covered."""
    doubtful = set()
    ends = {key: (purse.ctr_seen, purse.claimed_end, 0) for key, purse in locked.items()}
    for claim in sorted(claims, key=lambda claim: claim.ctr):
        purse = locked[claim.key]
        ctr, end, used = ends[claim.key]
        used += claim.amount_minor
        in_order = claim.ctr > ctr and claim.first_minor >= end
        within = claim.cum_minor <= purse.allowance_minor and used <= purse.reserve_minor
        is_new = (claim.payer_account, claim.txn_hash) not in known
        in_time = purse.state == OPEN and now <= purse.deadline
        if not (in_order and within and is_new and in_time):
            doubtful.add(claim.key)
        ends[claim.key] = (claim.ctr, claim.cum_minor, used)
    return set(locked) - doubtful


def _lock_wallets(cursor: Cursor, claims: list[Claim], slow: list[Claim]) -> None:
    wallets = {(claim.payee_account, DEFAULT_WALLET) for claim in claims}
    wallets |= {(claim.payer_account, DEFAULT_WALLET) for claim in slow}
    if slow:
        wallets.add(FUND)
    accounts.select_balances(cursor, sorted(wallets), lock=True)


def _insert_all(cursor: Cursor, claims: list[Claim]) -> bool:
    """Pays them at once; false, and nothing is done, where the constraints refuse any."""
    groups: dict[tuple[Key, str], list[Claim]] = {}
    for claim in claims:
        groups.setdefault((claim.key, claim.payee_account), []).append(claim)
    ids = {
        group: transfer_id("claim", *sorted(claim.txn_hash for claim in members))
        for group, members in groups.items()
    }
    rows = [_row(c, c.amount_minor, ids[c.key, c.payee_account]) for c in claims]
    try:
        with savepoint(cursor):
            spends.insert_spends(cursor, rows)
    except (errors.CheckViolation, errors.UniqueViolation):
        return False
    _log(cursor, {ids[group]: (group[1], group[0]) for group in groups})
    return True


def _row(claim: Claim, reserve_minor: int, id_: str | None, verdict: int = 0) -> NewSpend:
    return NewSpend(
        claim.payer_account,
        claim.purse_id,
        claim.ctr,
        claim.first_minor,
        claim.cum_minor,
        PAID,
        verdict,
        claim.txn_hash,
        claim.txn,
        claim.payee_account,
        claim.payee_device,
        reserve_minor,
        id_,
        claim.generation,
        claim.ledger_index,
    )


def _log(cursor: Cursor, transfers: dict[str, tuple[str, Key]]) -> None:
    rows = [
        audit.decision(payee, audit.BANK, "claim", id_, OK, payer=key[0], purse=key[1].hex())
        for id_, (payee, key) in transfers.items()
    ]
    audit.write(cursor, rows)


class _Judge:
    """Judges the claims of one locked purse, one after another."""

    def __init__(self, cursor: Cursor, purse: Purse, claims: list[Claim], now: int) -> None:
        self._cursor = cursor
        self._purse = purse
        self._now = now
        self._spends = spends.select_of_purses(cursor, [purse.key])
        self._delivered = _deliveries(cursor, purse, claims)

    def judge(self, claim: Claim) -> Judgement:
        """What becomes of one claim; later ones see it."""
        known = next((s for s in self._spends if s.txn_hash == claim.txn_hash), None)
        if known is not None:
            return Judgement(repeated(known))
        if self._purse.state == ENDED or self._now > self._purse.deadline:
            return Judgement(verdicts.EXPIRED_LATE)
        if self._knew_better(claim):
            return Judgement(verdicts.REVOKED_BEFORE)
        if self._was_told(claim):
            claim = claim._replace(guaranteed=False)
        if not 0 <= claim.first_minor < claim.cum_minor <= self._purse.allowance_minor:
            return Judgement(verdicts.OVER_LIMIT)
        against = next((s for s in self._spends if contradicts(s, claim)), None)
        waits = self._waits(claim)
        judgement, status = (Judgement(verdicts.PENDING), "") if waits else self._pay(claim)
        if against is not None:
            self._purse = revoking.accuse(
                self._cursor, self._purse, against.txn, claim.txn, audit.BANK
            )
        if not waits:
            self._remember(claim, status, judgement.verdict)
        return judgement

    def _waits(self, claim: Claim) -> bool:
        """Whether a payer's copy has to wait for the payee's own ledger.

        Of a conflict, or of a purse that is revoked, that alone says how and when it was taken.
        """
        if claim.generation is not None:
            return False
        revoked = self._purse.revoked_seq is not None
        return revoked or any(_clashes(spend, claim) for spend in self._spends)

    def _pay(self, claim: Claim) -> tuple[Judgement, str]:
        """Takes the interval and pays it; where it is taken already, covers it as a conflict."""
        payment = Payment(self._purse.key, claim.txn_hash, claim.payee_account)
        pockets = covers.pockets(self._cursor, payment)
        paid = min(pockets.reserve, claim.amount_minor)
        short = claim.amount_minor - paid
        left = pockets._replace(reserve=pockets.reserve - paid)
        planned = covers.plan(left, short) if claim.guaranteed else {}
        verdict = covers.verdict(short, planned)
        id_ = transfer_id("claim", claim.txn_hash) if paid else None
        try:
            with savepoint(self._cursor):
                spends.insert_spends(self._cursor, [_row(claim, paid, id_, verdict)])
        except (errors.CheckViolation, errors.UniqueViolation):
            return self._cover_conflict(claim, payment, pockets), CONFLICT
        if id_:
            _log(self._cursor, {id_: (claim.payee_account, claim.key)})
        covers.pay(self._cursor, payment, planned)
        return Judgement(verdict, paid + sum(planned.values())), PAID

    def _cover_conflict(self, claim: Claim, payment: Payment, pockets: covers.Pockets) -> Judgement:
        against = next(s for s in self._spends if _clashes(s, claim))
        planned = covers.plan(pockets, claim.amount_minor) if claim.guaranteed else {}
        verdict = covers.verdict(claim.amount_minor, planned)
        spends.insert_conflict(self._cursor, _conflict(claim, verdict, against.txn_hash))
        covers.pay(self._cursor, payment, planned)
        return Judgement(verdict, sum(planned.values()))

    def _knew_better(self, claim: Claim) -> bool:
        """Whether the payee accepted the payment although it knew that the purse was revoked."""
        seq = self._purse.revoked_seq
        return seq is not None and claim.rev_seq >= seq

    def _was_told(self, claim: Claim) -> bool:
        """Whether the bank had sent the payee the revocation before it took the payment.

        The answer may have been lost, so that is no reason to leave a free interval unpaid.
        """
        seq = self._purse.revoked_seq or 0
        held = self._delivered.get((claim.payee_account, claim.payee_device, seq))
        if held is None or claim.generation is None or claim.ledger_index is None:
            return False
        return (claim.generation, claim.ledger_index) > held

    def _remember(self, claim: Claim, status: str, verdict: int) -> None:
        self._spends.append(
            Spend(
                *claim[:5],
                status,
                verdict,
                claim.txn_hash,
                claim.txn,
                claim.payee_account,
                claim.payee_device,
                reserve_minor=0,
                returned_minor=0,
                refunded_minor=0,
                generation=claim.generation,
                ledger_index=claim.ledger_index,
            )
        )


def repeated(known: Spend) -> int:
    """The verdict of a payment that comes once more, by another route."""
    paid = known.verdict in (verdicts.SETTLED, verdicts.CONFLICT_COVERED)
    return verdicts.DUPLICATE if paid else known.verdict


def contradicts(known: Spend, claim: Claim) -> bool:
    """The pair rule: no honest board signs both."""
    if known.ctr == claim.ctr:
        return known.txn_hash != claim.txn_hash
    if known.ctr < claim.ctr:
        return claim.first_minor < known.cum_minor
    return known.first_minor < claim.cum_minor


def _clashes(known: Spend, claim: Claim) -> bool:
    """Whether a spend has the claim's counter, or part of its interval."""
    overlaps = known.first_minor < claim.cum_minor and claim.first_minor < known.cum_minor
    return known.status != CONFLICT and (known.ctr == claim.ctr or overlaps)


def _conflict(claim: Claim, verdict: int, against: bytes) -> NewConflict:
    return NewConflict(
        claim.payer_account,
        claim.txn_hash,
        claim.purse_id,
        claim.ctr,
        claim.first_minor,
        claim.cum_minor,
        verdict,
        claim.txn,
        claim.payee_account,
        claim.payee_device,
        against,
    )


def _deliveries(
    cursor: Cursor, purse: Purse, claims: list[Claim]
) -> dict[tuple[str, bytes, int], tuple[int, int]]:
    if purse.revoked_seq is None:
        return {}
    asked = {(c.payee_account, c.payee_device, purse.revoked_seq) for c in claims}
    return purses.select_first_deliveries(cursor, sorted(asked))
