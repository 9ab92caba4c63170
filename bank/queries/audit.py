"""The log of decisions: rows are added and read, never changed."""

from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812


class AuditRow(NamedTuple):
    """One decision; `detail` is JSON text."""

    account_id: str
    audit_id: str
    actor: str
    action: str
    subject: str
    reason: int
    detail: str


def insert_audit_rows(cursor: Cursor, rows: list[AuditRow]) -> None:
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*rows, strict=True)))
    cursor.execute(
        """
        INSERT INTO audit_logs (account_id, audit_id, actor, action, subject, reason, detail)
        SELECT * FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::text[], %s::text[],
            %s::smallint[], %s::jsonb[])
        """,
        columns,
    )


def select_audit_rows(cursor: Cursor, limit: int, offset: int) -> list[tuple[Any, ...]]:
    """(audit_id, at, account_id, actor, action, subject, reason, detail), newest first."""
    cursor.execute(
        """
        SELECT audit_id::text, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            account_id, actor, action, subject, reason, detail
        FROM audit_logs
        ORDER BY at DESC, audit_id DESC
        LIMIT %s OFFSET %s
        """,
        (limit, offset),
    )
    return cursor.fetchall()
