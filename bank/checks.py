"""Proves the books: what must always be true, looked for in the database itself."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank.queries import checks as queries


def check(cursor: Cursor) -> dict[str, list[str]]:
    """Every invariant by name, each with what violates it: nothing, if the books are intact."""
    return {name: queries.select_violations(cursor, name) for name in queries.INVARIANTS}
