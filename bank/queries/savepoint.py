"""Work within a transaction that is undone alone when it fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import cursor as Cursor  # noqa: N812


@contextmanager
def savepoint(cursor: Cursor) -> Iterator[None]:
    """Undoes what was done in the block if it raises, and lets the error through."""
    cursor.execute("SAVEPOINT attempt")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK TO SAVEPOINT attempt")
        cursor.execute("RELEASE SAVEPOINT attempt")
        raise
    cursor.execute("RELEASE SAVEPOINT attempt")
