"""How claims on a purse end without being paid: voided, closed, lapsed; and how a purse ends.

What is voided, closed or lapsed stays in the reserve until the purse ends: reserve, bond and all
that was not spent then return in one transfer, under the purse's lock.
"""

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, limits, revoking
from bank.claims import Claim, contradicts, repeated
from bank.queries import accounts, ledgers, purses, spends, transfers
from bank.queries.purses import CLOSED, ENDED, Key, Purse
from bank.queries.savepoint import savepoint
from bank.queries.spends import CONFLICT, LAPSED, PAID, RETURNED, VOIDED, NewSpend, Spend
from bank.queries.transfers import BOND, RELEASE, RESERVE, RETURN, WALLET, Leg
from bank.transfer_ids import transfer_id
from bank.verify import DEFAULT_WALLET
from firmware.common.payment import verdicts
from firmware.common.payment.sync import WITH_VOID
from firmware.common.payment.transaction import txn_hash
from firmware.common.wire.errors import CANCELLED, OK, REQUEST_CLOSED
from firmware.common.wire.messages import TXN
from firmware.common.wire.signed import parse_signed


def void(cursor: Cursor, claim: Claim, now: int) -> int:
    """The verdict of a payment whose payee signed a VOID; the caller checked both signatures.

    First: its interval is consumed unpaid, VOIDED. After it was settled: what the reserve paid
    moves back, as far as the payee's account holds it, and the payee is frozen: RETURNED. An
    interval that another payment consumed gives nothing back: CONFLICT_UNPAID.
    """
    purse = purses.select_purses(cursor, [claim.key])[claim.key]
    known = spends.select_of_purses(cursor, [claim.key])
    same = next((s for s in known if s.txn_hash == claim.txn_hash), None)
    if same is None:
        return _consume(cursor, purse, known, claim, VOIDED, now)
    if same.status == PAID:
        return _give_back(cursor, purse, same)
    if same.status == CONFLICT:
        _freeze(cursor, claim.payee_account, same)
    return repeated(same) if same.status == CONFLICT else same.verdict


def close(cursor: Cursor, claim: Claim, now: int) -> int:
    """SETTLED: the rest of the purse is consumed, and the purse revoked at once.

    `payee_account` of the claim is the payer's own. Where another payment took some of the rest,
    two boards have the purse's key: it is revoked all the same, and proven a cheat. Nothing is
    consumed then, CONFLICT_UNPAID; what nobody claims returns when the purse ends.
    """
    purse = purses.select_purses(cursor, [claim.key])[claim.key]
    known = spends.select_of_purses(cursor, [claim.key])
    same = next((s for s in known if s.txn_hash == claim.txn_hash), None)
    if same is not None:
        return same.verdict
    if purse.state == ENDED:
        return verdicts.EXPIRED_LATE
    purse = revoking.revoke_purse(cursor, purse, CLOSED, audit.BANK)
    return _consume(cursor, purse, known, claim, spends.CLOSED, now)


def end_due(cursor: Cursor, now: int) -> int:
    """Ends purses whose grace is over, some at a time; how many."""
    before = now - limits.END_SLACK_S  # who was in time may still wait for the purse's lock
    keys = purses.select_due(cursor, before, limits.ENDINGS_MAX)
    locked = purses.select_purses(cursor, keys) if keys else {}
    due = [p for p in locked.values() if p.state != ENDED and p.deadline < before]
    wallets = sorted({(purse.payer_account, DEFAULT_WALLET) for purse in due})
    accounts.select_balances(cursor, wallets, lock=True)
    for purse in due:
        _lapse(cursor, purse)
        _release(cursor, purse)
    return len(due)


def _consume(
    cursor: Cursor, purse: Purse, known: list[Spend], claim: Claim, status: str, now: int
) -> int:
    """Consumes an interval for which nobody is paid, if it is free."""
    verdict = {
        VOIDED: verdicts.VOIDED,
        spends.CLOSED: verdicts.SETTLED,
        LAPSED: verdicts.LAPSED,
    }[status]
    if purse.state == ENDED or (status != LAPSED and now > purse.deadline):
        return verdict  # everything has returned, or is about to
    row = NewSpend(
        *claim[:5],
        status,
        verdict,
        claim.txn_hash,
        claim.txn,
        claim.payee_account,
        claim.payee_device,
    )
    against = next((s for s in known if contradicts(s, claim)), None)
    try:
        with savepoint(cursor):
            spends.insert_spends(cursor, [row])
    except (errors.CheckViolation, errors.UniqueViolation):
        verdict = verdicts.CONFLICT_UNPAID
    if against is not None:
        revoking.accuse(cursor, purse, against.txn, claim.txn, audit.BANK)
    subject = claim.txn_hash.hex()
    reason = OK if verdict != verdicts.CONFLICT_UNPAID else REQUEST_CLOSED
    row = audit.decision(
        claim.payer_account, audit.BANK, status, subject, reason, purse=claim.purse_id.hex()
    )
    # Where nothing was written, the same may come again.
    audit.write(cursor, [audit.once(row) if verdict == verdicts.CONFLICT_UNPAID else row])
    return verdict


def _give_back(cursor: Cursor, purse: Purse, spend: Spend) -> int:
    payee = (spend.payee_account or "", DEFAULT_WALLET)
    wallets = sorted({payee, (purse.payer_account, DEFAULT_WALLET)})
    held = accounts.select_balances(cursor, wallets, lock=True)[payee]
    amount = min(held, max(spend.reserve_minor - spend.refunded_minor, 0))
    if amount:
        id_ = transfer_id(RETURN, spend.txn_hash)
        target = (purse.payer_account, RESERVE, purse.purse_id.hex())
        if purse.state == ENDED:
            target = (purse.payer_account, WALLET, DEFAULT_WALLET)
        legs = [Leg(payee[0], WALLET, DEFAULT_WALLET, -amount), Leg(*target, amount)]
        if legs[0][:3] != legs[1][:3]:
            transfers.insert_move(cursor, RETURN, payee[0], purse.payer_account, id_, legs)
            row = audit.decision(purse.payer_account, audit.BANK, "return", id_, OK, payee=payee[0])
            audit.write(cursor, [row])
    spends.update_verdict(cursor, spend, RETURNED, verdicts.RETURNED, amount)
    ledgers.update_settled(
        cursor, payee[0], spend.payee_device, spend.txn_hash, verdicts.RETURNED, CANCELLED
    )
    _freeze(cursor, payee[0], spend)
    return verdicts.RETURNED


def _freeze(cursor: Cursor, payee_account: str, spend: Spend) -> None:
    """A payee that signed both an acceptance and a VOID cheats, or runs on an old copy.

    The same two again, after an operator lifted the freeze, freeze nobody.
    """
    row = audit.decision(
        payee_account,
        audit.BANK,
        "freeze",
        payee_account,
        REQUEST_CLOSED,
        detail="it voided a payment that it had accepted",
        txn_hash=spend.txn_hash.hex(),
    )
    if audit.write_new(cursor, row):
        accounts.update_account_frozen(cursor, payee_account, True)


def _lapse(cursor: Cursor, purse: Purse) -> None:
    """What only the payer ever told of, and what waited for its payee, is nobody's any more."""
    known = spends.select_of_purses(cursor, [purse.key])
    seen = {spend.txn_hash for spend in known}
    for copy in spends.select_copies(cursor, purse.key):
        if copy.tag != WITH_VOID and copy.txn_hash not in seen:
            txn = parse_signed(TXN, copy.txn)
            claim = unpaid_claim(purse.key, txn.signed)
            _consume(cursor, purse, known, claim, LAPSED, purse.deadline)


def unpaid_claim(key: Key, signed_txn: bytes) -> Claim:
    """The claim of a payment that nobody is paid for."""
    txn = parse_signed(TXN, signed_txn)
    first, cum = txn.cum - txn.amount, txn.cum
    return Claim(*key, txn.ctr, first, cum, txn_hash(txn), signed_txn, key[0], txn.payee)


def _release(cursor: Cursor, purse: Purse) -> None:
    """Ends a locked purse: all that is left of it returns to its account at once."""
    left = purses.select_purses(cursor, [purse.key])[purse.key]
    total = left.reserve_minor + left.bond_minor
    subject = f"purse {purse.purse_id.hex()}"
    if total:
        hex_id, account_id = purse.purse_id.hex(), purse.payer_account
        legs = [Leg(account_id, WALLET, DEFAULT_WALLET, total)]
        if left.reserve_minor:
            legs.append(Leg(account_id, RESERVE, hex_id, -left.reserve_minor))
        if left.bond_minor:
            legs.append(Leg(account_id, BOND, hex_id, -left.bond_minor))
        subject = transfer_id(RELEASE, purse.purse_id)
        transfers.insert_move(cursor, RELEASE, account_id, account_id, subject, legs)
    purses.update_state(cursor, purse.key, ENDED, left.revoked_seq)
    row = audit.decision(
        purse.payer_account,
        audit.BANK,
        "end purse",
        subject,
        OK,
        purse=purse.purse_id.hex(),
        returned_minor=total,
    )
    audit.write(cursor, [row])
