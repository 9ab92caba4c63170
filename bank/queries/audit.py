"""The log of decisions: rows are added and read, never changed."""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812


class Filter(NamedTuple):
    """Which rows are looked for; None means all."""

    account_id: str | None = None
    action: str | None = None
    reason: int | None = None
    since: datetime | None = None


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
    """A row whose id is there already is the same decision, and stays as it is."""
    cursor.execute(
        """
        INSERT INTO audit_logs (account_id, audit_id, actor, action, subject, reason, detail)
        SELECT * FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::text[], %s::text[],
            %s::smallint[], %s::jsonb[])
        ON CONFLICT (account_id, audit_id) DO NOTHING
        """,
        columns,
    )


def select_audit_rows(
    cursor: Cursor, wanted: Filter, limit: int, offset: int
) -> list[tuple[Any, ...]]:
    """(audit_id, at, account_id, actor, action, subject, reason, detail), newest first."""
    cursor.execute(
        """
        SELECT audit_id::text, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            account_id, actor, action, subject, reason, detail
        FROM audit_logs
        WHERE (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
            AND (%(action)s::text IS NULL OR action = %(action)s)
            AND (%(reason)s::smallint IS NULL OR reason = %(reason)s)
            AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
        ORDER BY at DESC, audit_id DESC
        LIMIT %(limit)s OFFSET %(offset)s
        """,
        {**wanted._asdict(), "limit": limit, "offset": offset},
    )
    return cursor.fetchall()


def count_refusal(cursor: Cursor, reason: int) -> None:
    """One more today (UTC) for that reason."""
    cursor.execute(
        """
        INSERT INTO refusal_counts (day, reason, count) VALUES (current_date, %s, 1)
        ON CONFLICT (day, reason) DO UPDATE SET count = refusal_counts.count + 1
        """,
        (reason,),
    )


def select_refusal_counts(cursor: Cursor, limit: int, offset: int) -> list[tuple[str, int, int]]:
    """(day, reason, count), newest first."""
    cursor.execute(
        """
        SELECT day::text, reason, count FROM refusal_counts
        ORDER BY day DESC, reason
        LIMIT %s OFFSET %s
        """,
        (limit, offset),
    )
    return cursor.fetchall()


def insert_checkpoint(cursor: Cursor, lag_s: int, rows_max: int) -> bytes:
    """Extends the hash over rows older than `lag_s`, about `rows_max` of them; the newest hash.

    head_n = SHA-256(head_{n-1} || SHA-256 of each row, by time), head_0 = 32 zeros.
    """
    cursor.execute(
        """
        WITH before AS (
            SELECT * FROM (SELECT seq, until, head FROM audit_checkpoints
                UNION ALL SELECT 0, '-infinity', decode(repeat('00', 32), 'hex')) AS known
            ORDER BY seq DESC LIMIT 1
        ), edge AS (
            SELECT max(at) AS until FROM (SELECT a.at FROM audit_logs AS a, before
                WHERE a.at > before.until AND a.at < now() - make_interval(secs => %s)
                ORDER BY a.at LIMIT %s) AS first
        ), covered AS (
            SELECT count(*) AS row_count,
                string_agg(audit_hash(a), ''::bytea ORDER BY a.at, a.audit_id) AS hashes
            FROM audit_logs AS a, before, edge WHERE a.at > before.until AND a.at <= edge.until
        )
        INSERT INTO audit_checkpoints (seq, until, row_count, head)
        SELECT seq + 1, edge.until, row_count, sha256(head || hashes)
        FROM before, edge, covered WHERE edge.until IS NOT NULL
        """,
        (lag_s, rows_max),
    )
    cursor.execute("SELECT head FROM audit_checkpoints ORDER BY seq DESC LIMIT 1")
    (head,) = cursor.fetchone() or (bytes(32),)
    return bytes(head)
