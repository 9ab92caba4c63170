"""Purses: their rows, which are locks, and who owns which."""

from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

Key = tuple[str, bytes]  # payer_account, purse_id

OPEN = "open"
CLOSED = "closed"
REVOKED = "revoked"
ENDED = "ended"


class Purse(NamedTuple):
    """A purse as it stands; `claimed_end` is where its last claimed interval ends."""

    payer_account: str
    purse_id: bytes
    device_id: bytes
    pub: bytes
    allowance_minor: int
    not_after: int
    grace_h: int
    signed: bytes
    claimed_minor: int
    claimed_end: int
    ctr_seen: int
    reserve_minor: int
    bond_minor: int
    state: str
    revoked_seq: int | None

    @property
    def key(self) -> Key:
        return self.payer_account, self.purse_id

    @property
    def deadline(self) -> int:
        """The last second at which a payment of it is settled."""
        return self.not_after + self.grace_h * 3_600


class NewPurse(NamedTuple):
    """A purse as it is written; its money is moved into it afterwards."""

    payer_account: str
    purse_id: bytes
    device_id: bytes
    pub: bytes
    allowance_minor: int
    tx_max_minor: int
    ctr_max: int
    cur: int
    issued: int
    not_after: int
    grace_h: int
    signed: bytes


_COLUMNS = """
    payer_account, purse_id, device_id, pub, allowance_minor, not_after, grace_h, signed,
    claimed_minor, coalesce(upper(claimed), 0), ctr_seen, reserve_minor, bond_minor, state,
    revoked_seq
    """


def select_purses(cursor: Cursor, keys: list[Key], lock: bool = True) -> dict[Key, Purse]:
    """Those of the purses that exist. With `lock` nobody else moves their money meanwhile.

    All who lock do it here, in one order, and before any wallet.
    """
    query = f"""
        SELECT {_COLUMNS} FROM purses
        WHERE (payer_account, purse_id) IN (SELECT * FROM unnest(%s::text[], %s::bytea[]))
        ORDER BY payer_account, purse_id
        """  # noqa: S608
    if lock:
        query += "FOR NO KEY UPDATE"
    cursor.execute(query, ([payer for payer, _ in keys], [purse for _, purse in keys]))
    found = map(_purse, cursor.fetchall())
    return {purse.key: purse for purse in found}


def select_owners(cursor: Cursor, purse_ids: list[bytes]) -> dict[bytes, tuple[str, bytes]]:
    """(payer_account, signed PURSE) of those of the purses that exist."""
    cursor.execute(
        """
        SELECT purse_id, payer_account, signed
        FROM purse_directory JOIN purses USING (payer_account, purse_id)
        WHERE purse_id = ANY(%s)
        """,
        (purse_ids,),
    )
    return {bytes(id8): (payer, bytes(signed)) for id8, payer, signed in cursor.fetchall()}


def select_purse_of_key(cursor: Cursor, pub: bytes) -> Purse | None:
    """The purse that was made for this key."""
    cursor.execute(
        f"""
        SELECT {_COLUMNS} FROM purses
        WHERE (payer_account, purse_id)
            = (SELECT payer_account, purse_id FROM purse_directory WHERE pub = %s)
        """,  # noqa: S608
        (pub,),
    )
    row = cursor.fetchone()
    return None if row is None else _purse(row)


def select_refusal(cursor: Cursor, account_id: str, pub: bytes) -> int | None:
    """Why no purse was given for this key, where that was decided."""
    cursor.execute(
        "SELECT reason FROM refused_keys WHERE payer_account = %s AND pub = %s", (account_id, pub)
    )
    row = cursor.fetchone()
    return None if row is None else row[0]


def insert_refusal(cursor: Cursor, account_id: str, pub: bytes, reason: int) -> None:
    """From now on no purse is given for this key; the first reason stays."""
    cursor.execute(
        """
        INSERT INTO refused_keys (payer_account, pub, reason) VALUES (%s, %s, %s)
        ON CONFLICT (payer_account, pub) DO NOTHING
        """,
        (account_id, pub, reason),
    )


def select_topped_up(
    cursor: Cursor, account_id: str, device_id: bytes, since: int, now: int
) -> tuple[int, int]:
    """(purses of the device that can still be spent from, allowances given it after `since`)."""
    cursor.execute(
        """
        SELECT count(*) FILTER (WHERE state = 'open' AND not_after > %s
                AND claimed_minor < allowance_minor),
            coalesce(sum(allowance_minor) FILTER (WHERE issued > %s), 0)::bigint
        FROM purses WHERE payer_account = %s AND device_id = %s
        """,
        (now, since, account_id, device_id),
    )
    (count, given) = cursor.fetchone() or (0, 0)
    return count, given


def select_count_since(cursor: Cursor, account_id: str, since: int) -> int:
    """How many purses all devices of an account were given after `since`."""
    cursor.execute(
        "SELECT count(*) FROM purses WHERE payer_account = %s AND issued > %s", (account_id, since)
    )
    (count,) = cursor.fetchone() or (0,)
    return count


def select_due(cursor: Cursor, before: int, count: int) -> list[Key]:
    """Purses that have to end: whose grace was over at that time, the oldest first."""
    cursor.execute(
        """
        SELECT payer_account, purse_id FROM purses
        WHERE state <> 'ended' AND not_after + grace_h * 3600 < %s
        ORDER BY not_after + grace_h * 3600, payer_account, purse_id LIMIT %s
        """,
        (before, count),
    )
    return [(payer, bytes(purse_id)) for payer, purse_id in cursor.fetchall()]


def select_open(cursor: Cursor, account_id: str, device_ids: list[bytes]) -> list[Key]:
    """The purses of an account's devices that are neither closed nor revoked nor ended."""
    cursor.execute(
        """
        SELECT payer_account, purse_id FROM purses
        WHERE payer_account = %s AND device_id = ANY(%s) AND state = 'open'
        """,
        (account_id, device_ids),
    )
    return [(payer, bytes(purse_id)) for payer, purse_id in cursor.fetchall()]


def insert_purse(cursor: Cursor, purse: NewPurse) -> None:
    cursor.execute(
        """
        WITH made AS (
            INSERT INTO purses (payer_account, purse_id, device_id, pub, allowance_minor,
                tx_max_minor, ctr_max, cur, issued, not_after, grace_h, signed,
                reserve_minor, bond_minor)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, 0)
            RETURNING purse_id, pub, payer_account
        )
        INSERT INTO purse_directory (purse_id, pub, payer_account) SELECT * FROM made
        """,
        purse,
    )


def update_state(cursor: Cursor, key: Key, state: str, revoked_seq: int | None) -> None:
    cursor.execute(
        """
        UPDATE purses SET state = %s, revoked_seq = %s
        WHERE payer_account = %s AND purse_id = %s
        """,
        (state, revoked_seq, *key),
    )


def insert_proof(cursor: Cursor, key: Key, equiv: bytes, brought_by: str) -> bool:
    """False where the purse was proven a cheat before."""
    cursor.execute(
        """
        INSERT INTO proofs (payer_account, purse_id, equiv, brought_by) VALUES (%s, %s, %s, %s)
        ON CONFLICT (payer_account, purse_id) DO NOTHING
        """,
        (*key, equiv, brought_by),
    )
    return cursor.rowcount == 1


def select_first_deliveries(
    cursor: Cursor, asked: list[tuple[str, bytes, int]]
) -> dict[tuple[str, bytes, int], tuple[int, int]]:
    """(generation, last_index) held when a device first got a revocation, where it has got it.

    `asked` and the keys are (payee's account, device_id, revocation's number).
    """
    cursor.execute(
        """
        SELECT DISTINCT ON (a.account_id, a.device_id, a.seq)
            a.account_id, a.device_id, a.seq, generation, last_index
        FROM unnest(%s::text[], %s::bytea[], %s::bigint[]) AS a (account_id, device_id, seq)
        JOIN deliveries AS d ON d.account_id = a.account_id AND d.device_id = a.device_id
            AND d.rev_seq >= a.seq
        ORDER BY a.account_id, a.device_id, a.seq, d.rev_seq
        """,
        tuple(map(list, zip(*asked, strict=True))),
    )
    return {
        (account, bytes(device), seq): (generation, last_index)
        for account, device, seq, generation, last_index in cursor.fetchall()
    }


def insert_delivery(
    cursor: Cursor,
    account_id: str,
    device_id: bytes,
    rev_seq: int,
    generation: int,
    last_index: int,
) -> None:
    """Keeps what the bank held when it first sent a device the revocations up to `rev_seq`."""
    cursor.execute(
        """
        INSERT INTO deliveries (account_id, device_id, rev_seq, generation, last_index)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (account_id, device_id, rev_seq) DO NOTHING
        """,
        (account_id, device_id, rev_seq, generation, last_index),
    )


def _purse(row: tuple[Any, ...]) -> Purse:
    return Purse._make(bytes(v) if isinstance(v, memoryview) else v for v in row)
