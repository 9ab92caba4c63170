"""How far each device's ledgers were read, and what was decided about each of their entries.

A device has two, each with a head of its own: `form` JSON or OPG1.
"""

from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

JSON = "json"
OPG1 = "opg1"


class StoredEntry(NamedTuple):
    """An entry that was judged before."""

    entry_hash: bytes
    txn_hash: bytes
    txn_id: str | None
    verdict: int
    reason: int


class NewEntry(NamedTuple):
    """An entry as it is written, column by column."""

    ledger_index: int
    entry_hash: bytes
    txn_hash: bytes
    txn_id: str | None
    verdict: int
    reason: int
    payer_account: str | None = None  # of OPG1: whose purse it was


class Position(NamedTuple):
    """How far the bank has read a ledger; before the first entry -1 and no head."""

    generation: int
    last_index: int
    head: bytes | None


def select_position(
    cursor: Cursor, account_id: str, device_id: bytes, lock: bool, form: str = JSON
) -> Position:
    """The device's ledger of that form; with `lock` nobody else settles it meanwhile."""
    query = """
        SELECT generation, last_index, head FROM ledgers
        WHERE account_id = %s AND device_id = %s AND form = %s
        ORDER BY generation DESC LIMIT 1
        """
    if lock:
        query += "FOR NO KEY UPDATE"
    cursor.execute(query, (account_id, device_id, form))
    (generation, last_index, head) = cursor.fetchone() or (0, -1, None)
    return Position(generation, last_index, None if head is None else bytes(head))


def insert_generation(
    cursor: Cursor, account_id: str, device_id: bytes, generation: int, form: str = JSON
) -> bool:
    """Begins a further ledger of a device; false where it was begun already."""
    cursor.execute(
        """
        INSERT INTO ledgers (account_id, device_id, generation, form) VALUES (%s, %s, %s, %s)
        ON CONFLICT (account_id, device_id, form, generation) DO NOTHING
        """,
        (account_id, device_id, generation, form),
    )
    return cursor.rowcount == 1


def select_entries(
    cursor: Cursor,
    account_id: str,
    device_id: bytes,
    generation: int,
    first: int,
    last: int,
    form: str = JSON,
) -> dict[int, StoredEntry]:
    """What is known of the entries from `first` to `last`, by index."""
    cursor.execute(
        """
        SELECT ledger_index, entry_hash, txn_hash, txn_id::text, verdict, reason
        FROM ledger_entries
        WHERE account_id = %s AND device_id = %s AND generation = %s AND form = %s
            AND ledger_index BETWEEN %s AND %s
        """,
        (account_id, device_id, generation, form, first, last),
    )
    return {
        index: StoredEntry(bytes(entry_hash), bytes(txn_hash), txn_id, verdict, reason)
        for index, entry_hash, txn_hash, txn_id, verdict, reason in cursor.fetchall()
    }


def select_hashes_at(
    cursor: Cursor, places: list[tuple[str, bytes, int, int]]
) -> dict[tuple[str, bytes, int, int], tuple[bytes, bytes]]:
    """(entry_hash, txn_hash) by (account, device, generation, index) of OPG1 ledgers."""
    if not places:
        return {}
    cursor.execute(
        """
        SELECT account_id, device_id, generation, ledger_index, entry_hash, txn_hash
        FROM unnest(%s::text[], %s::bytea[], %s::int[], %s::bigint[])
            AS asked (account_id, device_id, generation, ledger_index)
        JOIN ledger_entries AS e USING (account_id, device_id, generation, ledger_index)
        WHERE e.form = 'opg1'
        """,
        tuple(map(list, zip(*places, strict=True))),
    )
    return {
        (account, bytes(device), generation, index): (bytes(entry_hash), bytes(txn_hash))
        for account, device, generation, index, entry_hash, txn_hash in cursor.fetchall()
    }


def insert_entries(
    cursor: Cursor,
    account_id: str,
    device_id: bytes,
    generation: int,
    entries: list[NewEntry],
    form: str = JSON,
) -> None:
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*entries, strict=True)))
    cursor.execute(
        """
        INSERT INTO ledger_entries (account_id, device_id, generation, form,
            ledger_index, entry_hash, txn_hash, txn_id, verdict, reason, payer_account)
        SELECT %s, %s, %s, %s, *
        FROM unnest(%s::int[], %s::bytea[], %s::bytea[], %s::uuid[], %s::smallint[],
            %s::smallint[], %s::text[])
        """,
        (account_id, device_id, generation, form, *columns),
    )


def update_verdicts(
    cursor: Cursor,
    account_id: str,
    device_id: bytes,
    generation: int,
    verdicts: list[tuple[int, int, int]],
    form: str = JSON,
) -> None:
    """Writes (index, verdict, reason) of entries that were judged anew."""
    indices, values, reasons = map(list, zip(*verdicts, strict=True))
    cursor.execute(
        """
        UPDATE ledger_entries
        SET verdict = anew.verdict, reason = anew.reason, judged_at = now()
        FROM unnest(%s::int[], %s::smallint[], %s::smallint[])
            AS anew (ledger_index, verdict, reason)
        WHERE account_id = %s AND device_id = %s AND generation = %s AND form = %s
            AND ledger_entries.ledger_index = anew.ledger_index
        """,
        (indices, values, reasons, account_id, device_id, generation, form),
    )


def update_settled(
    cursor: Cursor, account_id: str, device_id: bytes, txn_hash: bytes, verdict: int, reason: int
) -> None:
    """Another verdict for every entry of a device's OPG1 ledgers that holds a settled payment."""
    cursor.execute(
        """
        UPDATE ledger_entries SET verdict = %s, reason = %s, judged_at = now()
        WHERE account_id = %s AND device_id = %s AND form = 'opg1' AND txn_hash = %s
            AND verdict IN (0, 1, 2, 3)
        """,
        (verdict, reason, account_id, device_id, txn_hash),
    )


def update_position(
    cursor: Cursor,
    account_id: str,
    device_id: bytes,
    generation: int,
    index: int,
    head: bytes,
    form: str = JSON,
) -> None:
    cursor.execute(
        """
        UPDATE ledgers SET last_index = %s, head = %s
        WHERE account_id = %s AND device_id = %s AND generation = %s AND form = %s
        """,
        (index, head, account_id, device_id, generation, form),
    )
