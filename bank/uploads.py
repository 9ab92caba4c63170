"""Settles a payee's batch: UPLOAD in, SRCPT and what is new out.

Structure is all or nothing: the box, the device, its signature, the encoding, the chain from the
head that the bank holds. Value is judged per entry, see `entries`. An entry that was judged before
keeps its verdict, whoever sends it again and however often.

Locks: the device, its ledger, then purses, then wallets.
"""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, entries, limits, news, refusals, sync
from bank.authority import Office
from bank.db import Database
from bank.entries import Placed, Verdict
from bank.news import Message
from bank.queries import ledgers, purses, refunds
from bank.queries import uploads as queries
from bank.queries.enrolments import Certified
from bank.queries.ledgers import OPG1, NewEntry, Position, StoredEntry
from bank.settle import LedgerRefused
from firmware.common.payment import ledger, verdicts
from firmware.common.payment.batch import LAST, Entry, batch_hash, parse_batch
from firmware.common.payment.certificate import PAYEE
from firmware.common.payment.settlement import make_receipt
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import CHAIN_BROKEN, FROZEN, LEDGER_FORK, Refused
from firmware.common.wire.messages import BEACON, BKEY, REVDELTA, SRCPT, UPLOAD
from firmware.common.wire.signed import parse_signed

_WHOLE = (verdicts.SETTLED, verdicts.CONFLICT_COVERED)  # the payee got the amount
_PART = (verdicts.CONFLICT_UNPAID, verdicts.RETURNED)  # it got, or kept, a part or nothing


class Outcome(NamedTuple):
    """The signed SRCPT; `rev_seq` is the last revocation that the payee is known to know.

    `is_all`: the payee said that this is all it has, and the bank holds no more either.
    """

    device: Certified
    upload: Record
    receipt: bytes
    rev_seq: int
    is_all: bool


def settle(database: Database, office: Office, body: bytes, now: int) -> list[Message]:
    """The messages that answer a sealed UPLOAD: its SRCPT, then news that it does not name.

    Raises `Refused`; `LedgerRefused` where an enrolled device signed what is refused.
    """
    data = b""
    try:
        sender8, data = office.open(UPLOAD.number, body)
        upload, batch = parse_batch(data, limits.LEDGER_ENTRIES_MAX)
        done = database.run(lambda cursor: _settle(cursor, office, sender8, upload, batch, now))
    except Refused as refused:
        if not refusals.is_decided(refused):
            raise
        ids = refusals.record(database, office, UPLOAD, "refuse ledger", data, refused)
        raise LedgerRefused(refused, ids) from None
    told = database.run(lambda cursor: _news(cursor, office, done, now))
    return [(SRCPT.number, done.receipt), *told]


def _settle(
    cursor: Cursor, office: Office, sender8: bytes, upload: Record, batch: list[Entry], now: int
) -> Outcome:
    # A certificate that has run out still settles what was received under it.
    device = sync.require_device(cursor, office, upload, sender8, PAYEE)
    if device.frozen:
        raise Refused(FROZEN, "the device or its account is frozen")
    account_id, device_id = device.account_id, device.device_id
    position = ledgers.select_position(cursor, account_id, device_id, lock=True, form=OPG1)
    placed = _place(upload, batch)
    known = _check_place(cursor, device, upload, placed, position)
    fresh = [item for item in placed if item.ledger_index not in known]
    judged = entries.judge(cursor, office, device, upload, fresh, now) if fresh else {}
    if fresh:
        _store(cursor, device, upload, fresh, judged)
    values = [
        judged[i].verdict if i in judged else known[i].verdict
        for i in range(upload.first, upload.first + upload.n)
    ]
    receipt = make_receipt(
        office.realm8,
        office.keys.signing_private,
        bytes(values),
        device=device_id,
        gen=upload.gen,
        first=upload.first,
        new_head=upload.head,
        batch=batch_hash(upload),
        net=_net(cursor, batch, values),
        t=now,
        nonce=upload.nonce,
    )
    last = max(position.last_index, upload.first + upload.n - 1)
    ends = upload.gen == position.generation and last == upload.first + upload.n - 1
    rev_seq = max(entry.rev_seq for entry in batch)
    return Outcome(device, upload, receipt, rev_seq, upload.kind == LAST and ends)


def _place(upload: Record, batch: list[Entry]) -> list[Placed]:
    placed, head = [], upload.prev_head
    for index, entry in enumerate(batch, upload.first):
        head = ledger.extend(head, entry.hash, upload.device, upload.gen)
        placed.append(Placed(index, head, entry))
    return placed


def _check_place(
    cursor: Cursor, device: Certified, upload: Record, placed: list[Placed], position: Position
) -> dict[int, StoredEntry]:
    """The entries that the bank holds already; the batch repeats or continues them.

    Raises `Refused`: CHAIN_BROKEN where it does not follow, LEDGER_FORK where it contradicts.
    """
    is_old = upload.gen < position.generation
    if upload.gen > position.generation or (not is_old and upload.first > position.last_index + 1):
        raise Refused(
            CHAIN_BROKEN,
            f"the bank's copy ends at {position.last_index} of ledger {position.generation}",
        )
    where = (device.account_id, device.device_id, upload.gen)
    last = upload.first + upload.n - 1
    known = ledgers.select_entries(cursor, *where, upload.first - 1, last, OPG1)
    if is_old:
        # Whatever else it says was replaced by a new ledger, which is not to be frozen for it.
        if any(known.get(it.ledger_index, _NOTHING).entry_hash != it.head for it in placed):
            raise Refused(CHAIN_BROKEN, f"ledger {position.generation} has begun since")
        return known
    before = known.pop(upload.first - 1).entry_hash if upload.first else ledger.NO_HEAD
    for item in placed:
        if item.ledger_index in known and known[item.ledger_index].entry_hash != item.head:
            raise Refused(LEDGER_FORK, f"entry {item.ledger_index} is not the one sent before")
    if upload.prev_head != before:
        reason = (
            LEDGER_FORK if upload.first and upload.prev_head != ledger.NO_HEAD else CHAIN_BROKEN
        )
        raise Refused(reason, f"entry {upload.first} does not follow the bank's copy")
    return known


_NOTHING = StoredEntry(b"", b"", None, 0, 0)


def _store(
    cursor: Cursor,
    device: Certified,
    upload: Record,
    fresh: list[Placed],
    judged: dict[int, Verdict],
) -> None:
    where = (device.account_id, device.device_id, upload.gen)
    rows = [
        NewEntry(
            item.ledger_index,
            item.head,
            item.entry.hash,
            None,
            judged[item.ledger_index].verdict,
            judged[item.ledger_index].reason,
            judged[item.ledger_index].payer_account or None,
        )
        for item in fresh
    ]
    ledgers.insert_entries(cursor, *where, rows, OPG1)
    ledgers.update_position(cursor, *where, fresh[-1].ledger_index, fresh[-1].head, OPG1)
    _log(cursor, device, upload, fresh, judged)


def _log(
    cursor: Cursor,
    device: Certified,
    upload: Record,
    fresh: list[Placed],
    judged: dict[int, Verdict],
) -> None:
    """A row for the batch, and one for each entry that is not simply settled."""
    account_id, actor, name = device.account_id, _actor(device), batch_hash(upload).hex()
    settled = sum(verdict.verdict == verdicts.SETTLED for verdict in judged.values())
    rows = [
        audit.decision(
            account_id,
            actor,
            "settle ledger",
            name,
            gen=upload.gen,
            first=fresh[0].ledger_index,
            entries=len(fresh),
            settled=settled,
        )
    ]
    for item in fresh:
        verdict = judged[item.ledger_index]
        if verdict.verdict != verdicts.SETTLED:
            rows.append(
                audit.decision(
                    account_id,
                    actor,
                    "judge entry",
                    item.entry.hash.hex(),
                    verdict.reason,
                    ledger_index=item.ledger_index,
                    verdict=verdict.verdict,
                    detail=verdict.detail,
                )
            )
    audit.write(cursor, rows)


def _net(cursor: Cursor, batch: list[Entry], values: list[int]) -> int:
    """What the batch's entries have brought so far, in minor units; the same each time it comes."""
    pairs = list(zip(batch, values, strict=True))
    net = sum(entries.amount(entry) for entry, value in pairs if value in _WHOLE)
    partly = [entry for entry, value in pairs if value in _PART]
    if partly:
        owners = entries.select_owners(cursor, partly)
        payments = sorted({(owners[e.record.purse][0], e.hash) for e in partly})
        net += sum(refunds.select_received(cursor, payments).values())
    return net


def _news(cursor: Cursor, office: Office, done: Outcome, now: int) -> list[Message]:
    """What is newer than the upload names; revocations only where nothing else is to be uploaded.

    What was sent is written down: what this ledger takes in later, it takes in knowing it.
    """
    found = news.messages(cursor, office, now, done.rev_seq)
    beacon = next(parse_signed(BEACON, data) for number, data in found if number == BEACON.number)
    dropped = set() if done.is_all else {REVDELTA.number}
    if beacon.seq <= done.upload.beacon:
        dropped |= {BEACON.number, BKEY.number}
    told = [(number, data) for number, data in found if number not in dropped]
    device, upload = done.device, done.upload
    if BEACON.number not in dropped:
        # The board's clock is past `now` once it has read the receipt.
        where = (device.account_id, device.device_id)
        queries.upsert_held(cursor, *where, beacon.seq, max(upload.t_lb, now))
    deltas = [data for number, data in told if number == REVDELTA.number]
    if deltas:
        until = parse_signed(REVDELTA, deltas[-1]).until
        last = upload.first + upload.n - 1
        purses.insert_delivery(cursor, device.account_id, device.device_id, until, upload.gen, last)
    return told


def _actor(device: Certified) -> str:
    return f"device {device.device_id.hex()}"
