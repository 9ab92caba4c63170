"""The record of every decision: who decided what about whom, and why; never a secret."""

import json

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits
from bank.queries import audit as queries
from bank.queries.audit import AuditRow
from firmware.common.interchange.transaction import new_id

OPERATOR = "operator"
BANK = "bank"


def decision(
    account_id: str, actor: str, action: str, subject: str, reason: int = 0, **detail: object
) -> AuditRow:
    """One row, with an id of its own; `account_id` is '' where no account is concerned."""
    text = json.dumps(detail, ensure_ascii=False)
    return AuditRow(account_id, new_id(), actor, action, subject, reason, text)


def write(cursor: Cursor, rows: list[AuditRow]) -> list[str]:
    """Adds the rows to the log; their ids."""
    queries.insert_audit_rows(cursor, rows)
    return [row.audit_id for row in rows]


def checkpoint(cursor: Cursor) -> bytes:
    """The hash of the log, extended by the rows that are old enough to be all there."""
    return queries.insert_checkpoint(cursor, limits.AUDIT_LAG_S, limits.AUDIT_ROWS_MAX)


def page(cursor: Cursor, limit: int, offset: int) -> list[dict[str, object]]:
    """Rows as they are shown, newest first."""
    names = ("id", "at", "account_id", "actor", "action", "subject", "reason", "detail")
    rows = queries.select_audit_rows(cursor, limit, offset)
    return [dict(zip(names, row, strict=True)) for row in rows]
