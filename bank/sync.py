"""A payer's device reports about one purse, and may ask for another: SYNC in, STATEMENT out.

Structure is all or nothing: the box, the device, its signature, the purse. Value is judged per
payment: one that is wrong holds up no other. A purse that is not given holds up none either: the
STATEMENT then comes without one, so that the board is done with what it asked, and a VERDICT beside
it says why to whoever carries it. Sent again, it changes nothing more.

A frozen device, or one whose certificate has run out, may still report what it has paid.

    alone      PENDING until the payee brings it, LAPSED once the purse has ended
    with ACK   settled as if the payee had brought it; a payee whose ledger belies it is frozen.
               A conflict, or of a purse that is revoked: as alone, the payee's ledger decides
    with VOID  VOIDED, or RETURNED where it was settled before
    closing    the rest is given back, the purse revoked at once

Locks: the device, then purses, then wallets.
"""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import claims, endings, limits, proving, topup, verify
from bank.authority import Office
from bank.claims import Claim
from bank.queries import accounts, enrolments, purses, spends
from bank.queries.enrolments import Certified
from bank.queries.purses import ENDED, Purse
from bank.queries.spends import CONFLICT, Copy
from firmware.common.payment import verdicts
from firmware.common.payment.answer import check_ack, check_void
from firmware.common.payment.certificate import PAYER
from firmware.common.payment.settlement import make_statement
from firmware.common.payment.sync import ALONE, CLOSING, WITH_ACK, WITH_VOID, Entry, parse_sync
from firmware.common.payment.transaction import check_close, check_payment, interval, txn_hash
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    BAD_CERTIFICATE,
    MALFORMED,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OK,
    OVER_LIMIT,
    Refused,
)
from firmware.common.wire.messages import PURSE, VERDICT
from firmware.common.wire.signed import check_signature, parse_signed

_NO_PURSE = bytes(8)


class Answer(NamedTuple):
    """The signed STATEMENT and for whom; a VERDICT where a purse was asked for and none came."""

    device: Certified
    statement: bytes
    verdict: bytes


def answer(cursor: Cursor, office: Office, sender8: bytes, data: bytes, now: int) -> Answer:
    """Does what a SYNC asks. Raises `Refused` for what is wrong with the whole of it."""
    sync, entries = parse_sync(data)
    device = require_device(cursor, office, sync, sender8, PAYER)
    purse = _purse(cursor, device, sync)
    judged = _judge(cursor, office, purse, entries, now) if purse else {}
    new_purse, reason = _top_up(cursor, office, device, sync, now)
    wallet = (device.account_id, verify.DEFAULT_WALLET)
    statement = make_statement(
        office.realm8,
        office.keys.signing_private,
        sorted(judged.items()),
        new_purse,
        device=device.device_id,
        purse=sync.purse,
        nonce=sync.nonce,
        t=now,
        balance=accounts.select_balances(cursor, [wallet], lock=False)[wallet],
    )
    verdict = VERDICT.pack(reason=reason, req_nonce=sync.nonce, extra=0) if reason else b""
    return Answer(device, statement, verdict)


def require_device(
    cursor: Cursor, office: Office, message: Record, sender8: bytes, role: int
) -> Certified:
    """The device that signed a message and has that role; locked. Raises `Refused`."""
    if sender8 != message.device:
        raise Refused(NOT_FOR_ME, "it was sealed by another device than signed it")
    device = enrolments.select_certified(cursor, [message.device], lock=True).get(message.device)
    if device is None:
        raise Refused(NOT_ENROLLED, "the device has no certificate of this bank")
    check_signature(office.realm8, message, device.signing_key)
    if not device.roles & role:
        raise Refused(BAD_CERTIFICATE, "the device has another role")
    return device


def _purse(cursor: Cursor, device: Certified, sync: Record) -> Purse | None:
    """The locked purse that the report is about; None in a first report, which has none."""
    if sync.purse == _NO_PURSE:
        if sync.n:
            raise Refused(MALFORMED, "payments of no purse")
        return None
    key = (device.account_id, sync.purse)
    purse = purses.select_purses(cursor, [key]).get(key)
    if purse is None or purse.device_id != device.device_id:
        raise Refused(NOT_FOR_ME, "the device has no such purse")
    return purse


def _judge(
    cursor: Cursor, office: Office, purse: Purse, entries: list[Entry], now: int
) -> dict[int, int]:
    """Verdict by counter: of the entries, and of what else the bank knows of the purse."""
    record = parse_signed(PURSE, purse.signed)
    payees = enrolments.select_certified(cursor, sorted({e.txn.payee for e in entries}))
    bad, good = {}, []
    for entry in entries:
        verdict = _check(office, record, entry, payees.get(entry.txn.payee))
        if verdict == verdicts.SETTLED:
            good.append(entry)
        else:
            bad[entry.txn.ctr] = verdict
    _keep(cursor, purse, good)
    acked = [entry for entry in good if entry.tag == WITH_ACK]
    proving.compare(cursor, [(payees[e.txn.payee], e.answer) for e in acked if e.answer])
    done = _claim(cursor, purse, acked, payees, now)
    for entry in good:
        if entry.tag == WITH_VOID:
            claim = _claim_of(purse, entry, payees[entry.txn.payee].account_id)
            done[claim.txn_hash] = endings.void(cursor, claim, now)
        elif entry.tag == CLOSING:
            claim = endings.unpaid_claim(purse.key, entry.txn.signed)
            done[claim.txn_hash] = endings.close(cursor, claim, now)
    return bad | _statement(cursor, purse, good, done, now)


def _check(office: Office, purse: Record, entry: Entry, payee: Certified | None) -> int:
    """SETTLED for an entry whose signatures and bounds are right; else the verdict that says so."""
    txn, answer_ = entry.txn, entry.answer
    try:
        if entry.tag == CLOSING:
            check_close(office.realm8, purse, txn)
            return verdicts.SETTLED if txn.ctr <= limits.COUNTER_MAX else verdicts.OVER_LIMIT
        check_payment(office.realm8, purse, txn)
        if answer_ is not None and payee is None:
            return verdicts.BAD_SIG
        if answer_ is not None and payee is not None:
            hash32 = txn_hash(txn)
            args = (office.realm8, payee.signing_key, answer_.signed, txn.payee, hash32)
            if entry.tag == WITH_ACK:
                check_ack(*args)
            else:
                check_void(*args, txn.req_hash)
    except Refused as refused:
        return verdicts.OVER_LIMIT if refused.reason == OVER_LIMIT else verdicts.BAD_SIG
    return verdicts.SETTLED


def _keep(cursor: Cursor, purse: Purse, entries: list[Entry]) -> None:
    copies = {
        (e.txn.ctr, txn_hash(e.txn)): Copy(
            e.txn.ctr,
            txn_hash(e.txn),
            e.tag,
            e.txn.signed,
            e.answer.signed if e.answer is not None else None,
        )
        for e in entries
        if e.tag != CLOSING
    }
    if copies:
        spends.upsert_copies(cursor, purse.key, list(copies.values()))


def _claim(
    cursor: Cursor, purse: Purse, entries: list[Entry], payees: dict[bytes, Certified], now: int
) -> dict[bytes, int]:
    asked = [_claim_of(purse, e, payees[e.txn.payee].account_id) for e in entries]
    judged = claims.claim(cursor, asked, now)
    return {claim.txn_hash: j.verdict for claim, j in zip(asked, judged, strict=True)}


def _claim_of(purse: Purse, entry: Entry, payee_account: str) -> Claim:
    txn = entry.txn
    first, cum = interval(txn)
    hash32 = txn_hash(txn)
    return Claim(*purse.key, txn.ctr, first, cum, hash32, txn.signed, payee_account, txn.payee)


def _statement(
    cursor: Cursor, purse: Purse, entries: list[Entry], done: dict[bytes, int], now: int
) -> dict[int, int]:
    """What is known of each payment stands before what was judged just now."""
    known = spends.select_of_purses(cursor, [purse.key])
    found = {spend.ctr: spend.verdict for spend in known if spend.status != CONFLICT}
    by_hash = {spend.txn_hash: spend.verdict for spend in known}
    over = purse.state == ENDED or now > purse.deadline
    for entry in entries:
        hash32 = txn_hash(entry.txn)
        waits = verdicts.LAPSED if over else verdicts.PENDING
        default = waits if entry.tag == ALONE else done.get(hash32, waits)
        found[entry.txn.ctr] = by_hash.get(hash32, default)
    return found


def _top_up(
    cursor: Cursor, office: Office, device: Certified, sync: Record, now: int
) -> tuple[bytes, int]:
    """The signed PURSE, or the reason why there is none where one was asked for."""
    if not sync.amount:
        return b"", OK
    try:
        return topup.top_up(cursor, office, device, sync.newpub, sync.amount, now), OK
    except Refused as refused:
        topup.refuse(cursor, device, sync.newpub, sync.amount, refused)
        return b"", refused.reason
