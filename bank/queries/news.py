"""The public news: revocations in one chain, and beacons."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812


def select_last_revocation(cursor: Cursor) -> tuple[int, bytes] | None:
    """(seq, root)."""
    cursor.execute("SELECT seq, root FROM revocations ORDER BY seq DESC LIMIT 1")
    row = cursor.fetchone()
    return None if row is None else (row[0], bytes(row[1]))


def select_revocation(cursor: Cursor, id8: bytes) -> int | None:
    """Its number, None where the id is not revoked."""
    cursor.execute("SELECT seq FROM revocations WHERE id8 = %s", (id8,))
    row = cursor.fetchone()
    return None if row is None else row[0]


def insert_revocation(cursor: Cursor, seq: int, id8: bytes, root: bytes, account_id: str) -> None:
    """Fails where somebody else took the number meanwhile; the whole work is then done again."""
    cursor.execute(
        "INSERT INTO revocations (seq, id8, root, account_id) VALUES (%s, %s, %s, %s)",
        (seq, id8, root, account_id),
    )


def select_revoked_ids(cursor: Cursor, since: int, count: int) -> list[bytes]:
    """The ids with the numbers after `since`, in their order."""
    cursor.execute(
        "SELECT id8 FROM revocations WHERE seq > %s ORDER BY seq LIMIT %s", (since, count)
    )
    return [bytes(id8) for (id8,) in cursor.fetchall()]


def select_last_beacon(cursor: Cursor) -> tuple[int, int, int, bytes] | None:
    """(seq, t, rev_seq, signed)."""
    cursor.execute("SELECT seq, t, rev_seq, signed FROM beacons ORDER BY seq DESC LIMIT 1")
    row = cursor.fetchone()
    return None if row is None else (*row[:3], bytes(row[3]))


def select_beacon(cursor: Cursor, seq: int) -> bytes:
    """The signed beacon of that number; b"" where there is none."""
    cursor.execute("SELECT signed FROM beacons WHERE seq = %s", (seq,))
    (signed,) = cursor.fetchone() or (b"",)
    return bytes(signed)


def select_beacon_t(cursor: Cursor, seq: int) -> int:
    """When the beacon of that number was made, or the last one before it; 0 where none was."""
    cursor.execute("SELECT t FROM beacons WHERE seq <= %s ORDER BY seq DESC LIMIT 1", (seq,))
    (t,) = cursor.fetchone() or (0,)
    return t


def insert_beacon(cursor: Cursor, seq: int, t: int, rev_seq: int, signed: bytes) -> None:
    cursor.execute(
        "INSERT INTO beacons (seq, t, rev_seq, signed) VALUES (%s, %s, %s, %s)",
        (seq, t, rev_seq, signed),
    )


def select_newest_beacons(cursor: Cursor, count: int) -> list[tuple[int, int, bytes]]:
    """(seq, t, signed), the newest first."""
    cursor.execute("SELECT seq, t, signed FROM beacons ORDER BY seq DESC LIMIT %s", (count,))
    return [(seq, t, bytes(signed)) for seq, t, signed in cursor.fetchall()]
