"""What consumes a purse: spends, conflicts and their covers, and the payers' own copies."""

from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank.queries.purses import Key

PAID = "paid"
VOIDED = "voided"
LAPSED = "lapsed"
CLOSED = "closed"
RETURNED = "returned"
CONFLICT = "conflict"  # no spend: a payment that found its interval consumed


class NewSpend(NamedTuple):
    """A consumed interval as it is written, column by column."""

    payer_account: str
    purse_id: bytes
    ctr: int
    first_minor: int
    cum_minor: int
    status: str
    verdict: int
    txn_hash: bytes
    txn: bytes
    payee_account: str | None
    payee_device: bytes
    reserve_minor: int = 0
    transfer_id: str | None = None
    generation: int | None = None
    ledger_index: int | None = None


class Spend(NamedTuple):
    """A consumed interval, or (status 'conflict') a payment that found its own consumed."""

    payer_account: str
    purse_id: bytes
    ctr: int
    first_minor: int
    cum_minor: int
    status: str
    verdict: int
    txn_hash: bytes
    txn: bytes
    payee_account: str | None
    payee_device: bytes
    reserve_minor: int
    returned_minor: int
    refunded_minor: int
    generation: int | None
    ledger_index: int | None

    @property
    def key(self) -> Key:
        return self.payer_account, self.purse_id


class NewConflict(NamedTuple):
    """A payment whose interval or counter another one consumed."""

    payer_account: str
    txn_hash: bytes
    purse_id: bytes
    ctr: int
    first_minor: int
    cum_minor: int
    verdict: int
    txn: bytes
    payee_account: str
    payee_device: bytes
    against: bytes


class Copy(NamedTuple):
    """What a payer brought of its own payment; `tag` as in SYNC."""

    ctr: int
    txn_hash: bytes
    tag: int
    txn: bytes
    receipt: bytes | None


def insert_spends(cursor: Cursor, spends: list[NewSpend]) -> None:
    """Consumes intervals of locked purses and pays what comes from their reserves, all at once.

    An interval that overlaps a consumed one is refused by purses_claimed_once, a counter that is
    used by spends_pkey, more than the reserve holds by purses_reserve_not_negative.
    """
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*spends, strict=True)))
    cursor.execute(
        """
        WITH new AS MATERIALIZED (
            SELECT * FROM unnest(%s::text[], %s::bytea[], %s::int[], %s::bigint[], %s::bigint[],
                %s::text[], %s::smallint[], %s::bytea[], %s::bytea[], %s::text[], %s::bytea[],
                %s::bigint[], %s::uuid[], %s::int[], %s::int[])
            AS n (payer, purse, ctr, first_minor, cum_minor, status, verdict, txn_hash, txn, payee,
                payee_device, reserve_minor, transfer_id, gen, idx)
        ), moved AS MATERIALIZED (
            SELECT payer, purse, payee, transfer_id, sum(reserve_minor)::bigint AS amount
            FROM new WHERE reserve_minor > 0 GROUP BY 1, 2, 3, 4
        ), spent AS (
            INSERT INTO spends (payer_account, purse_id, ctr, first_minor, cum_minor, status,
                verdict, txn_hash, txn, payee_account, payee_device, reserve_minor, transfer_id,
                generation, ledger_index)
            SELECT * FROM new
        ), transferred AS (
            INSERT INTO transfers (payer_account, transfer_id, kind, payee_account, amount_minor)
            SELECT payer, transfer_id, 'claim', payee, amount FROM moved
        ), posted AS (
            INSERT INTO postings (account_id, pocket, wallet_id, payer_account, transfer_id,
                amount_minor)
            SELECT payer, 'reserve', encode(purse, 'hex'), payer, transfer_id, -amount FROM moved
            UNION ALL
            SELECT payee, '', '', payer, transfer_id, amount FROM moved
        ), claimed AS (
            UPDATE purses SET claimed = claimed + net.spans,
                claimed_minor = claimed_minor + net.minor,
                ctr_seen = greatest(ctr_seen, net.ctr),
                reserve_minor = purses.reserve_minor - net.reserve
            FROM (SELECT payer, purse, range_agg(int8range(first_minor, cum_minor)) AS spans,
                    sum(cum_minor - first_minor)::bigint AS minor, max(ctr) AS ctr,
                    sum(reserve_minor)::bigint AS reserve
                FROM new GROUP BY 1, 2) AS net
            WHERE payer_account = net.payer AND purse_id = net.purse
        )
        UPDATE wallets SET balance_minor = balance_minor + net.amount
        FROM (SELECT payee, sum(amount)::bigint AS amount FROM moved GROUP BY 1) AS net
        WHERE account_id = net.payee AND wallet_id = ''
        """,
        columns,
    )


_COLUMNS = """
    payer_account, purse_id, ctr, first_minor, cum_minor, status, verdict, txn_hash, txn,
    payee_account, payee_device, reserve_minor, returned_minor, refunded_minor, generation,
    ledger_index
    """
_OF_CONFLICTS = """
    payer_account, purse_id, ctr, first_minor, cum_minor, 'conflict', verdict, txn_hash, txn,
    payee_account, payee_device, 0, 0, 0, NULL, NULL
    """


def select_of_hashes(
    cursor: Cursor, hashes: list[tuple[str, bytes]]
) -> dict[tuple[str, bytes], Spend]:
    """What is known of payments, by (payer_account, txn_hash): spends and conflicts."""
    cursor.execute(
        f"""
        SELECT {_COLUMNS} FROM spends
        WHERE (payer_account, txn_hash) IN (SELECT * FROM unnest(%(payers)s::text[], %(h)s::bytea[]))
        UNION ALL
        SELECT {_OF_CONFLICTS} FROM conflicts
        WHERE (payer_account, txn_hash) IN (SELECT * FROM unnest(%(payers)s::text[], %(h)s::bytea[]))
        """,  # noqa: S608, E501
        {"payers": [payer for payer, _ in hashes], "h": [txn_hash for _, txn_hash in hashes]},
    )
    found = map(_spend, cursor.fetchall())
    return {(spend.payer_account, spend.txn_hash): spend for spend in found}


def select_of_purses(cursor: Cursor, keys: list[Key]) -> list[Spend]:
    """Every spend and conflict of these purses: the pair rule looks at all of them."""
    cursor.execute(
        f"""
        SELECT {_COLUMNS} FROM spends
        WHERE (payer_account, purse_id) IN (SELECT * FROM unnest(%(payers)s::text[], %(p)s::bytea[]))
        UNION ALL
        SELECT {_OF_CONFLICTS} FROM conflicts
        WHERE (payer_account, purse_id) IN (SELECT * FROM unnest(%(payers)s::text[], %(p)s::bytea[]))
        ORDER BY 3
        """,  # noqa: S608, E501
        {"payers": [payer for payer, _ in keys], "p": [purse for _, purse in keys]},
    )
    return list(map(_spend, cursor.fetchall()))


def insert_conflict(cursor: Cursor, conflict: NewConflict) -> None:
    cursor.execute(
        """
        INSERT INTO conflicts (payer_account, txn_hash, purse_id, ctr, first_minor, cum_minor,
            verdict, txn, payee_account, payee_device, against)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        conflict,
    )


def insert_cover(
    cursor: Cursor,
    payer_account: str,
    txn_hash: bytes,
    source: str,
    amount_minor: int,
    payee_account: str,
    transfer_id: str,
) -> None:
    cursor.execute(
        """
        INSERT INTO covers (payer_account, txn_hash, source, amount_minor, payee_account,
            transfer_id)
        VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (payer_account, txn_hash, source, amount_minor, payee_account, transfer_id),
    )


def select_account_covers(cursor: Cursor, key: Key) -> int:
    """What covers of a purse have taken from its payer's account so far."""
    cursor.execute(
        """
        SELECT coalesce(sum(amount_minor), 0)::bigint FROM covers
        WHERE payer_account = %(payer)s AND source = 'account' AND txn_hash IN (
            SELECT txn_hash FROM spends WHERE payer_account = %(payer)s AND purse_id = %(purse)s
            UNION ALL
            SELECT txn_hash FROM conflicts
            WHERE payer_account = %(payer)s AND purse_id = %(purse)s)
        """,
        {"payer": key[0], "purse": key[1]},
    )
    (taken,) = cursor.fetchone() or (0,)
    return taken


def update_verdict(cursor: Cursor, spend: Spend, status: str, verdict: int, returned: int) -> None:
    """What a VOID makes of a settled payment."""
    cursor.execute(
        """
        UPDATE spends SET status = %s, verdict = %s, returned_minor = returned_minor + %s
        WHERE payer_account = %s AND purse_id = %s AND ctr = %s
        """,
        (status, verdict, returned, spend.payer_account, spend.purse_id, spend.ctr),
    )


def update_refunded(
    cursor: Cursor, payer_account: str, purse_id: bytes, ctr: int, more_minor: int
) -> None:
    """Adds a refund; more than was paid is refused by spends_given_back_within."""
    cursor.execute(
        """
        UPDATE spends SET refunded_minor = refunded_minor + %s
        WHERE payer_account = %s AND purse_id = %s AND ctr = %s
        """,
        (more_minor, payer_account, purse_id, ctr),
    )


def upsert_copies(cursor: Cursor, key: Key, copies: list[Copy]) -> None:
    """Keeps what a payer brought; an answer that came later is added to what was alone."""
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*copies, strict=True)))
    cursor.execute(
        """
        INSERT INTO payer_copies AS known (payer_account, purse_id, ctr, txn_hash, tag, txn, receipt)
        SELECT %s, %s, *
        FROM unnest(%s::int[], %s::bytea[], %s::smallint[], %s::bytea[], %s::bytea[])
        ON CONFLICT (payer_account, purse_id, ctr, txn_hash) DO UPDATE
            SET tag = excluded.tag, receipt = excluded.receipt, brought_at = now()
            WHERE known.tag = 1 AND excluded.tag <> 1
        """,  # noqa: E501
        (*key, *columns),
    )


def select_copies(cursor: Cursor, key: Key) -> list[Copy]:
    """The payer's copies of a purse's payments, by counter."""
    cursor.execute(
        """
        SELECT ctr, txn_hash, tag, txn, receipt FROM payer_copies
        WHERE payer_account = %s AND purse_id = %s ORDER BY ctr, txn_hash
        """,
        key,
    )
    return [Copy(*_plain(row)) for row in cursor.fetchall()]


def _spend(row: tuple[Any, ...]) -> Spend:
    return Spend(*_plain(row))


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
