"""The record of every decision: who decided what about whom, and why; never a secret."""

import json
from datetime import UTC, datetime
from uuid import UUID

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits
from bank.queries import audit as queries
from bank.queries.audit import AuditRow, Filter
from firmware.common import crypto
from firmware.common.interchange.transaction import new_id
from firmware.common.payment.identifier import identifier
from firmware.common.wire import reasons
from firmware.common.wire.errors import MALFORMED, Refused

OPERATOR = "operator"
BANK = "bank"
ACTIONS = (  # all that stand in the log
    *("open account", "open wallet", "enrol", "fund", "freeze", "unfreeze", "open ledger"),
    *("fill fraud fund", "set guarantee", "revoke device"),
    *("make code", "wrong code", "ask to enrol", "decline device", "renew certificate"),
    *("settle ledger", "refuse ledger", "settled", "duplicate", "unguaranteed", "refused"),
    *("judge entry", "claim", "cover", "refund", "return", "voided", "lapsed", "closed"),
    *("top up", "refuse top up", "refuse report", "close purse", "revoke purse", "end purse"),
)


def decision(
    account_id: str, actor: str, action: str, subject: str, reason: int = 0, **detail: object
) -> AuditRow:
    """One row, with an id of its own; `account_id` is '' where no account is concerned.

    An action that is not in ACTIONS, so that nobody could look for it, is a mistake: KeyError.
    """
    if action not in ACTIONS:
        raise KeyError(action)
    text = json.dumps(detail, ensure_ascii=False)
    return AuditRow(account_id, new_id(), actor, action, subject, reason, text)


def once(row: AuditRow) -> AuditRow:
    """The same row with an id made of what it says: told again, it is in the log already."""
    digest = crypto.sha256(json.dumps(row._replace(audit_id="")).encode())
    return row._replace(audit_id=str(UUID(bytes=digest[:16])))


def write(cursor: Cursor, rows: list[AuditRow]) -> list[str]:
    """Adds the rows to the log; their ids."""
    queries.insert_audit_rows(cursor, rows)
    return [row.audit_id for row in rows]


def write_new(cursor: Cursor, row: AuditRow) -> bool:
    """Adds what was never decided before; false where the log holds the same already."""
    return queries.insert_audit_rows(cursor, [once(row)]) == 1


def checkpoint(cursor: Cursor) -> bytes:
    """The hash of the log, extended by the rows that are old enough to be all there."""
    return queries.insert_checkpoint(cursor, limits.AUDIT_LAG_S, limits.AUDIT_ROWS_MAX)


def count(cursor: Cursor, reason: int) -> None:
    """Something was refused that nobody known has signed: a number goes up, no row is added."""
    queries.count_refusal(cursor, reason)


def counts(cursor: Cursor, limit: int, offset: int) -> list[dict[str, object]]:
    """How much of that was refused, by day and reason, newest first."""
    rows = queries.select_refusal_counts(cursor, limit, offset)
    return [
        {"day": day, "reason": reason, "name": reasons.name(reason), "count": number}
        for day, reason, number in rows
    ]


def wanted(
    account_id: str | None, action: str | None, reason: str | None, since: str | None
) -> Filter:
    """What to look for, as people write it; None means all. Raises `Refused` MALFORMED.

    A reason is its number or its name. `since` is a date or a time in the form of ISO 8601; it is
    UTC where it does not say.
    """
    if account_id:
        identifier(account_id)
    if action is not None and action not in ACTIONS:
        raise Refused(MALFORMED, f"an action is one of: {', '.join(ACTIONS)}")
    return Filter(account_id, action, _reason(reason), _time(since))


def page(cursor: Cursor, wanted: Filter, limit: int, offset: int) -> list[dict[str, object]]:
    """Rows as they are shown, newest first."""
    names = ("id", "at", "account_id", "actor", "action", "subject", "reason", "detail")
    rows = queries.select_audit_rows(cursor, wanted, limit, offset)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _reason(text: str | None) -> int | None:
    if text is None:
        return None
    for number in range(limits.REASONS_MAX):
        if text in (str(number), reasons.name(number)):
            return number
    raise Refused(MALFORMED, f"a reason is a name, or a number below {limits.REASONS_MAX}")


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(MALFORMED, "a time is written 2026-01-31 or 2026-01-31T12:00:00") from None
