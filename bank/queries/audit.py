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


def insert_audit_rows(cursor: Cursor, rows: list[AuditRow]) -> int:
    """A row whose id is there already is the same decision, and stays; how many were not."""
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*rows, strict=True)))
    cursor.execute(
        """
        INSERT INTO audit_logs (account_id, audit_id, actor, action, subject, reason, detail)
        SELECT * FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::text[], %s::text[],
            %s::smallint[], %s::jsonb[])
        ON CONFLICT (account_id, audit_id) DO NOTHING
        """,
        columns,
    )
    return cursor.rowcount


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


class Checkpoint(NamedTuple):
    """The log's hash as far as `until`, as text."""

    seq: int
    until: str
    row_count: int
    head: bytes


def freeze_view(cursor: Cursor) -> None:
    """What follows in this transaction sees the database as it is now."""
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def select_checkpoints(cursor: Cursor) -> list[Checkpoint]:
    cursor.execute("SELECT seq, until::text, row_count, head FROM audit_checkpoints ORDER BY seq")
    return [
        Checkpoint(seq, until, row_count, bytes(head))
        for seq, until, row_count, head in cursor.fetchall()
    ]


def hash_rows(cursor: Cursor, before: bytes, since: str | None, until: str) -> tuple[int, bytes]:
    """(how many rows, the hash) of a checkpoint that covers what is newer than `since`."""
    cursor.execute(
        """
        SELECT count(*), sha256(%s || coalesce(
            string_agg(audit_hash(a), ''::bytea ORDER BY a.at, a.audit_id), ''::bytea))
        FROM audit_logs AS a WHERE a.at > coalesce(%s, '-infinity')::timestamptz AND a.at <= %s
        """,
        (before, since, until),
    )
    (count, head) = cursor.fetchone() or (0, before)
    return count, bytes(head)


def count_newer(cursor: Cursor) -> int:
    """Rows that no checkpoint covers yet."""
    cursor.execute(
        """
        SELECT count(*) FROM audit_logs
        WHERE at > coalesce((SELECT max(until) FROM audit_checkpoints), '-infinity')
        """
    )
    (count,) = cursor.fetchone() or (0,)
    return count


def select_beacon_heads(cursor: Cursor) -> list[tuple[int, bytes]]:
    """(seq, audit_head) of every beacon, from the first."""
    cursor.execute("SELECT seq, substring(signed FROM 65 FOR 32) FROM beacons ORDER BY seq")
    return [(seq, bytes(head)) for seq, head in cursor.fetchall()]
