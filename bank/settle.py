"""Settles a ledger: verdicts become postings, all of it in one SQL transaction.

Locks, always in this order: the ledger's row (one settlement a ledger at a time), then the
wallets it touches, in their own order. Signatures are checked before any wallet is locked.
"""

from dataclasses import dataclass, field

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, refusals, verify
from bank.db import Database
from bank.queries import accounts, devices, ledgers, transfers
from bank.queries.audit import AuditRow
from bank.queries.ledgers import NewEntry, Position, StoredEntry
from bank.verify import Payee, Verdict
from firmware.common.interchange.ledger import LedgerBatch, LedgerEntry
from firmware.common.payment.receipt import DUPLICATE, REFUSED, SETTLED, UNGUARANTEED
from firmware.common.wire.errors import FROZEN, LEDGER_FORK, NOT_ENROLLED, Refused

_NAMES = {
    SETTLED: "settled",
    DUPLICATE: "duplicate",
    UNGUARANTEED: "unguaranteed",
    REFUSED: "refused",
}


class LedgerRefused(Refused):
    """A ledger refused as a whole, and the rows of the audit log that say so."""

    def __init__(self, refused: Refused, audit_log_ids: list[str]) -> None:
        super().__init__(refused.reason, refused.detail)
        self.audit_log_ids = audit_log_ids


@dataclass(frozen=True)
class Outcome:
    """A verdict per entry; `head` is the hash of the last entry the bank knows of the ledger."""

    verdicts: list[Verdict]
    head: str = ""
    audit_log_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Judged:
    payee: Payee
    position: Position
    known: dict[int, StoredEntry]
    open: list[LedgerEntry]
    anew: dict[int, Verdict]


def settle(database: Database, batch: LedgerBatch) -> Outcome:
    """Judges and pays; a ledger sent again is answered with what was decided before.

    Raises `LedgerRefused`, and `Refused` where the database cannot be used.
    """
    try:
        return database.run(lambda cursor: _settle(cursor, batch))
    except Refused as refused:
        raise refuse(database, refused, batch) from None


def check(database: Database, batch: LedgerBatch) -> Outcome:
    """The same verdicts, and nothing moves or is locked. Raises `Refused`."""

    def work(cursor: Cursor) -> Outcome:
        judged = _judge(cursor, batch, lock=False)
        return Outcome(_all_verdicts(batch, judged))

    return database.run(work)


def refuse(database: Database, refused: Refused, batch: LedgerBatch | None = None) -> Refused:
    """Records that a ledger is refused, and freezes a device whose ledger is forked.

    What no enrolled device signed is only counted, and the same refusal is recorded once: nobody
    makes the log grow by saying the same, or anything, again. Returns what to raise.
    """
    if not refusals.is_decided(refused):
        return refused
    ids = database.run(lambda cursor: _record_refusal(cursor, refused, batch))
    return LedgerRefused(refused, ids)


def _record_refusal(cursor: Cursor, refused: Refused, batch: LedgerBatch | None) -> list[str]:
    device_id = verify.device_id(batch.receiver_public_key) if batch else b""
    device = devices.select_device(cursor, device_id)
    if batch is None or device is None or device[1] != batch.receiver_public_key:
        audit.count(cursor, refused.reason)
        return []
    account_id, actor, reason = device[0], _actor(device_id), refused.reason
    row = audit.decision(
        account_id, actor, "refuse ledger", batch.hash, reason, detail=refused.detail
    )
    freezes = reason == LEDGER_FORK and not device[3]  # which an operator may have undone since
    if freezes:
        devices.update_device_frozen(cursor, account_id, device_id, True)
    return audit.write(cursor, [row if freezes else audit.once(row)])


def _settle(cursor: Cursor, batch: LedgerBatch) -> Outcome:
    judged = _judge(cursor, batch, lock=True)
    _pay(cursor, judged)
    _store(cursor, judged)
    verdicts = _all_verdicts(batch, judged)
    ids = audit.write(cursor, _audit_rows(batch, judged, verdicts))
    head = judged.position.head or b""
    is_longer = batch.entries[-1].ledger_index > judged.position.last_index
    return Outcome(verdicts, batch.entries[-1].hash if is_longer else head.hex(), ids)


def _judge(cursor: Cursor, batch: LedgerBatch, lock: bool) -> _Judged:
    account_id, device_id = _uploader(cursor, batch)
    position = ledgers.select_position(cursor, account_id, device_id, lock)
    payee = Payee(account_id, device_id, position.generation)
    known = _known_entries(cursor, payee, batch)
    verify.place(batch, payee, position, known)
    entries = [e for e in batch.entries if verify.is_open(known.get(e.ledger_index))]
    refusals = verify.check_signatures(entries)
    signed = [e for e in entries if e.ledger_index not in refusals]
    refusals |= verify.check_parties(signed, payee, _signers(cursor, signed))
    payable = [e for e in signed if e.ledger_index not in refusals]
    balances = _balances(cursor, payee, payable, lock)
    verdicts = verify.judge(entries, payee, refusals, balances, _transfers(cursor, payable))
    anew = {verdict.ledger_index: verdict for verdict in verdicts}
    return _Judged(payee, position, known, entries, anew)


def _uploader(cursor: Cursor, batch: LedgerBatch) -> tuple[str, bytes]:
    """(account_id, device_id) of the device that signed the ledger."""
    device_id = verify.device_id(batch.receiver_public_key)
    device = devices.select_device(cursor, device_id)
    if device is None or device[1] != batch.receiver_public_key:
        raise Refused(NOT_ENROLLED, "the device that signed the ledger is not enrolled")
    if device[3]:
        raise Refused(FROZEN, "the device that signed the ledger, or its account, is frozen")
    return device[0], device_id


def _known_entries(cursor: Cursor, payee: Payee, batch: LedgerBatch) -> dict[int, StoredEntry]:
    if not batch.entries:
        return {}
    first, last = batch.entries[0].ledger_index - 1, batch.entries[-1].ledger_index
    return ledgers.select_entries(
        cursor, payee.account_id, payee.device_id, payee.generation, first, last
    )


def _signers(cursor: Cursor, entries: list[LedgerEntry]) -> dict[tuple[str, bytes], bool]:
    payments = [verify.readable(entry) for entry in entries]
    signers = sorted({(payment.from_id, payment.sender_public_key) for payment in payments})
    return devices.select_signers(cursor, signers)


def _balances(
    cursor: Cursor, payee: Payee, entries: list[LedgerEntry], lock: bool
) -> dict[tuple[str, str], int]:
    if not entries:
        return {}
    wallets = {verify.wallet(verify.readable(entry)) for entry in entries}
    wallets.add((payee.account_id, verify.DEFAULT_WALLET))
    return accounts.select_balances(cursor, sorted(wallets), lock)


def _transfers(
    cursor: Cursor, entries: list[LedgerEntry]
) -> dict[tuple[str, str], transfers.Known]:
    payments = [verify.readable(entry) for entry in entries]
    return transfers.select_transfers(cursor, [(p.from_id, p.txn_id) for p in payments])


def _pay(cursor: Cursor, judged: _Judged) -> None:
    payments = [
        verify.transfer(entry, judged.payee)
        for entry in judged.open
        if judged.anew[entry.ledger_index].verdict == SETTLED
    ]
    if payments:
        transfers.insert_transfers(cursor, transfers.PAYMENT, payments)


def _store(cursor: Cursor, judged: _Judged) -> None:
    payee = judged.payee
    ledger = (payee.account_id, payee.device_id, payee.generation)
    new = [entry for entry in judged.open if entry.ledger_index not in judged.known]
    if new:
        rows = [_stored_form(entry, judged.anew[entry.ledger_index]) for entry in new]
        ledgers.insert_entries(cursor, *ledger, rows)
        ledgers.update_position(cursor, *ledger, rows[-1].ledger_index, rows[-1].entry_hash)
    changed = [(v.ledger_index, v.verdict, v.reason) for v in _changed(judged)]
    if changed:
        ledgers.update_verdicts(cursor, *ledger, changed)


def _changed(judged: _Judged) -> list[Verdict]:
    """Verdicts of known entries that are not what they were."""
    known = judged.known
    return [
        v
        for i, v in judged.anew.items()
        if i in known and (known[i].verdict, known[i].reason) != (v.verdict, v.reason)
    ]


def _stored_form(entry: LedgerEntry, verdict: Verdict) -> NewEntry:
    return NewEntry(
        entry.ledger_index,
        bytes.fromhex(entry.hash),
        bytes.fromhex(entry.txn_hash),
        verdict.txn_id or None,
        verdict.verdict,
        verdict.reason,
    )


def _all_verdicts(batch: LedgerBatch, judged: _Judged) -> list[Verdict]:
    """The verdict of every entry of the batch, whether taken now or before."""
    verdicts = []
    for entry in batch.entries:
        verdict = judged.anew.get(entry.ledger_index)
        if verdict is None:
            stored = judged.known[entry.ledger_index]
            verdict = Verdict(
                entry.ledger_index,
                stored.txn_id or "",
                stored.txn_hash.hex(),
                stored.verdict,
                stored.reason,
            )
        verdicts.append(verdict)
    return verdicts


def _audit_rows(batch: LedgerBatch, judged: _Judged, verdicts: list[Verdict]) -> list[AuditRow]:
    """One row for the ledger and one for each verdict that was not there before.

    A ledger that only repeats what was decided adds a row the first time it does so.
    """
    account_id, actor = judged.payee.account_id, _actor(judged.payee.device_id)
    counts = {
        name: sum(verdict.verdict == number for verdict in verdicts)
        for number, name in _NAMES.items()
    }
    first = batch.entries[0].ledger_index
    whole = audit.decision(account_id, actor, "settle ledger", batch.hash, first=first, **counts)
    fresh = [v for i, v in judged.anew.items() if i not in judged.known] + _changed(judged)
    rows = [whole if fresh else audit.once(whole)]
    for verdict in fresh:
        rows.append(
            audit.decision(
                account_id,
                actor,
                _NAMES[verdict.verdict],
                verdict.txn_id or verdict.txn_hash,
                verdict.reason,
                ledger_index=verdict.ledger_index,
                detail=verdict.detail,
            )
        )
    return rows


def _actor(device_id: bytes) -> str:
    return f"device {device_id.hex()}"
