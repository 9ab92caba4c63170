"""What each entry of a payee's batch is worth: a verdict per entry, and no entry holds up another.

    payment    checked here (purse, its signature and bounds, payee), then it claims its interval
    refund     checked here (the device's signature), then paid back

Locks: purses by key, all of the batch's at once, then wallets.
"""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import caution, claims, refunds
from bank.authority import Office
from bank.claims import Claim
from bank.queries import purses, spends
from bank.queries.enrolments import Certified
from bank.queries.purses import Key
from firmware.common.payment import verdicts
from firmware.common.payment.batch import Entry
from firmware.common.payment.refund import check_refund
from firmware.common.payment.transaction import check_payment, interval
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CANCELLED,
    EXPIRED,
    NOT_FOR_ME,
    OK,
    OVER_LIMIT,
    PROVEN_CHEAT,
    REVOKED,
    Refused,
)
from firmware.common.wire.messages import PURSE, TXN
from firmware.common.wire.signed import parse_signed

_REASONS = {
    verdicts.CONFLICT_UNPAID: PROVEN_CHEAT,
    verdicts.EXPIRED_LATE: EXPIRED,
    verdicts.REVOKED_BEFORE: REVOKED,
    verdicts.OVER_LIMIT: OVER_LIMIT,
    verdicts.VOIDED: CANCELLED,
    verdicts.LAPSED: EXPIRED,
    verdicts.RETURNED: CANCELLED,
}


class Placed(NamedTuple):
    """An entry and where it stands in its ledger; `head` is the hash just after it."""

    ledger_index: int
    head: bytes
    entry: Entry


class Verdict(NamedTuple):
    """What was decided about an entry; `payer_account` is "" where no purse was found."""

    verdict: int
    reason: int
    payer_account: str = ""
    detail: str = ""


Owners = dict[bytes, tuple[str, Record]]  # purse id -> payer_account, PURSE


def judge(
    cursor: Cursor,
    office: Office,
    device: Certified,
    upload: Record,
    placed: list[Placed],
    now: int,
) -> dict[int, Verdict]:
    """A verdict per entry, by index; what is to be paid is paid. `now` is the bank's clock."""
    owners = select_owners(cursor, [item.entry for item in placed])
    found: dict[int, Verdict] = {}
    payments, paybacks = [], []
    for item in placed:
        try:
            _check(office, device, owners, item.entry.record)
            (payments if _is_payment(item.entry) else paybacks).append(item)
        except Refused as refused:
            found[item.ledger_index] = _refusal(item, owners, refused)
    _lock(cursor, owners, payments, paybacks)
    taken = [(it.entry, owners[it.entry.record.purse][1]) for it in payments]
    careful = caution.weigh(cursor, device, upload, taken)
    asked = _claims(device, upload, owners, payments, careful)
    for item, judgement in zip(payments, claims.claim(cursor, asked, now), strict=True):
        reason = _REASONS.get(judgement.verdict, OK)
        found[item.ledger_index] = Verdict(judgement.verdict, reason, _payer(owners, item.entry))
    for item in paybacks:
        found[item.ledger_index] = _pay_back(cursor, device, owners, item)
    return found


def select_owners(cursor: Cursor, entries: list[Entry]) -> Owners:
    """Whose the entries' purses are, as far as they exist."""
    ids = sorted({_purse_id(entry) for entry in entries})
    found = purses.select_owners(cursor, ids)
    return {id8: (payer, parse_signed(PURSE, signed)) for id8, (payer, signed) in found.items()}


def amount(entry: Entry) -> int:
    """What the entry would bring its payee in minor units; a refund takes."""
    return entry.record.amount if _is_payment(entry) else -entry.record.amount


def _is_payment(entry: Entry) -> bool:
    return entry.record.layout.number == TXN.number


def _purse_id(entry: Entry) -> bytes:
    return entry.record.purse if _is_payment(entry) else entry.record.to_purse


def _payer(owners: Owners, entry: Entry) -> str:
    return owners[_purse_id(entry)][0]


def _check(office: Office, device: Certified, owners: Owners, record: Record) -> None:
    """Whether a payment or refund is what it says, the cheap checks first. Raises `Refused`."""
    if record.payee != device.device_id:
        raise Refused(NOT_FOR_ME, "it names another payee")
    if record.layout.number != TXN.number:
        check_refund(office.realm8, device.signing_key, record.signed, device.device_id)
        if record.to_purse not in owners:
            raise Refused(NOT_FOR_ME, "the purse to be refunded is none of this bank's")
        return
    if record.purse not in owners:
        raise Refused(BAD_SIGNATURE, "its purse is none of this bank's")
    check_payment(office.realm8, owners[record.purse][1], record)


def _refusal(item: Placed, owners: Owners, refused: Refused) -> Verdict:
    over = refused.reason == OVER_LIMIT
    known = owners.get(_purse_id(item.entry))
    payer = known[0] if known else ""
    verdict = verdicts.OVER_LIMIT if over else verdicts.BAD_SIG
    return Verdict(verdict, refused.reason, payer, refused.detail)


def _lock(cursor: Cursor, owners: Owners, payments: list[Placed], paybacks: list[Placed]) -> None:
    """All purses at once, so that nobody waits in a circle; also those whose payments go back."""
    keys = {_key(owners, item.entry) for item in (*payments, *paybacks)}
    refunded = [(_payer(owners, it.entry), it.entry.record.txn_hash) for it in paybacks]
    if refunded:
        keys |= {spend.key for spend in spends.select_of_hashes(cursor, refunded).values()}
    if keys:
        purses.select_purses(cursor, sorted(keys))


def _key(owners: Owners, entry: Entry) -> Key:
    return _payer(owners, entry), _purse_id(entry)


def _claims(
    device: Certified, upload: Record, owners: Owners, items: list[Placed], careful: list[bool]
) -> list[Claim]:
    """The payments as claims; one that was not taken with care bears a conflict itself."""
    asked = []
    for item, guaranteed in zip(items, careful, strict=True):
        entry, txn = item.entry, item.entry.record
        asked.append(
            Claim(
                *_key(owners, entry),
                txn.ctr,
                *interval(txn),
                entry.hash,
                txn.signed,
                device.account_id,
                device.device_id,
                entry.rev_seq,
                upload.gen,
                item.ledger_index,
                guaranteed,
            )
        )
    return asked


def _pay_back(cursor: Cursor, device: Certified, owners: Owners, item: Placed) -> Verdict:
    payer = _payer(owners, item.entry)
    try:
        key = _key(owners, item.entry)
        return Verdict(refunds.pay_back(cursor, device, item.entry.record, key), OK, payer)
    except Refused as refused:
        return Verdict(verdicts.OVER_LIMIT, refused.reason, payer, refused.detail)
