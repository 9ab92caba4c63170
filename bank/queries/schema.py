"""Statements that set a database up: cluster, structure and who may work as the bank."""

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

_INIT_LOCK = 0x4F504731  # "OPG1": one initialisation at a time


def create_cluster(login: str, password: str, database: str) -> str:
    """What a new cluster of our own starts with, for PostgreSQL's single-user mode."""
    return f"CREATE ROLE {login} LOGIN PASSWORD '{password}';\nCREATE DATABASE {database};\n"


def lock_initialisation(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_advisory_lock(%s)", (_INIT_LOCK,))


def unlock_initialisation(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_advisory_unlock(%s)", (_INIT_LOCK,))


def select_version(cursor: Cursor) -> int | None:
    """The version of the schema, None where there is none."""
    cursor.execute("SELECT to_regclass('public.schema_version') IS NOT NULL")
    (exists,) = cursor.fetchone() or (False,)
    if not exists:
        return None
    cursor.execute("SELECT max(version) FROM schema_version")
    (version,) = cursor.fetchone() or (None,)
    return version


def upgrade_from_1(cursor: Cursor) -> None:
    """The table of schema 2, for a database that was made with schema 1."""
    cursor.execute(
        """
        BEGIN;
        CREATE TABLE refusal_counts (
            day    date     NOT NULL,
            reason smallint NOT NULL,
            count  bigint   NOT NULL,
            CONSTRAINT refusal_counts_pkey PRIMARY KEY (day, reason),
            CONSTRAINT refusal_counts_count_positive CHECK (count > 0)
        );
        GRANT SELECT, INSERT, UPDATE (count) ON refusal_counts TO opg_app;
        INSERT INTO schema_version (version) VALUES (2);
        COMMIT;
        """
    )


def grant_app_role(cursor: Cursor, login: str) -> None:
    """Lets a login work as the bank."""
    cursor.execute(sql.SQL("GRANT opg_app TO {}").format(sql.Identifier(login)))


def select_server(cursor: Cursor) -> str:
    cursor.execute("SELECT version()")
    (version,) = cursor.fetchone() or ("",)
    return version
