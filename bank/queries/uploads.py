"""What the bank knows of a payee's board beside its ledger: what it took, under which beacon."""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812


class History(NamedTuple):
    """What the batches before one say about it, see `bank.caution`.

    `held_t` is since when, by its own clock, the board is known to have that beacon; None: it is
    not known to have it.
    """

    beacon: int
    held_t: int | None
    unsettled_minor: int
    taps: int
    taps_minor: int


class NewUpload(NamedTuple):
    """A batch as it is written; `t_lb` and `beacon_seq` are what it says itself."""

    account_id: str
    device_id: bytes
    generation: int
    last_index: int
    t_lb: int
    beacon_seq: int
    taken_minor: int
    under_seq: int
    taps: int
    taps_minor: int


class Terms(NamedTuple):
    """What a certificate allows its payee."""

    rx_limit_minor: int
    rx_cum_minor: int
    not_after: int


def select_history(
    cursor: Cursor, account_id: str, device_id: bytes, generation: int, beacon: int, taken_t: int
) -> History:
    """Of a batch that names `beacon` and whose newest entry was taken at `taken_t`.

    A batch that was made later than that names a beacon that is not older than the entry's, and was
    not judged yet when the entry was taken.
    """
    cursor.execute(
        """
        WITH before AS (
            SELECT * FROM uploads
            WHERE account_id = %(account)s AND device_id = %(device)s AND generation = %(gen)s
        ), later AS (
            SELECT least(%(beacon)s, min(beacon_seq)) AS under_seq,
                coalesce(sum(taken_minor), 0)::bigint AS unsettled_minor
            FROM before WHERE t_lb > %(taken_t)s
        ), last AS (
            SELECT under_seq, taps, taps_minor FROM before ORDER BY last_index DESC LIMIT 1
        )
        SELECT under_seq, held_t, unsettled_minor, coalesce(taps, 0), coalesce(taps_minor, 0)
        FROM later LEFT JOIN last USING (under_seq)
        LEFT JOIN held_beacons ON account_id = %(account)s AND device_id = %(device)s
            AND beacon_seq = under_seq
        """,
        {
            "account": account_id,
            "device": device_id,
            "gen": generation,
            "beacon": beacon,
            "taken_t": taken_t,
        },
    )
    return History._make(cursor.fetchone() or (beacon, None, 0, 0, 0))


def select_unsettled_of_purses(
    cursor: Cursor, account_id: str, device_id: bytes, generation: int, taken_t: int
) -> dict[bytes, int]:
    """What a board took of each purse and uploaded after that time: it was not judged yet then."""
    cursor.execute(
        """
        WITH later AS (
            SELECT payer_account, txn_hash FROM ledger_entries
            WHERE account_id = %(account)s AND device_id = %(device)s AND form = 'opg1'
                AND generation = %(gen)s AND ledger_index > coalesce((
                    SELECT max(last_index) FROM uploads
                    WHERE account_id = %(account)s AND device_id = %(device)s
                        AND generation = %(gen)s AND t_lb <= %(taken_t)s), -1)
        ), paid AS (
            SELECT purse_id, cum_minor - first_minor AS minor
            FROM later JOIN spends USING (payer_account, txn_hash)
            UNION ALL
            SELECT purse_id, cum_minor - first_minor
            FROM later JOIN conflicts USING (payer_account, txn_hash)
        )
        SELECT purse_id, sum(minor)::bigint FROM paid GROUP BY 1
        """,
        {"account": account_id, "device": device_id, "gen": generation, "taken_t": taken_t},
    )
    return {bytes(purse_id): minor for purse_id, minor in cursor.fetchall()}


def insert_upload(cursor: Cursor, upload: NewUpload) -> None:
    cursor.execute(
        """
        INSERT INTO uploads (account_id, device_id, generation, last_index, t_lb, beacon_seq,
            taken_minor, under_seq, taps, taps_minor)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        upload,
    )


def insert_held(
    cursor: Cursor, account_id: str, device_id: bytes, beacon_seq: int, held_t: int
) -> None:
    """That a board has named a beacon at that time; that it was sent it before stays."""
    cursor.execute(
        """
        INSERT INTO held_beacons (account_id, device_id, beacon_seq, held_t)
        VALUES (%s, %s, %s, %s)
        ON CONFLICT (account_id, device_id, beacon_seq) DO NOTHING
        """,
        (account_id, device_id, beacon_seq, held_t),
    )


def upsert_held(
    cursor: Cursor, account_id: str, device_id: bytes, beacon_seq: int, held_t: int
) -> None:
    """That a board was sent a beacon: for the last time, since what it asks again was lost."""
    cursor.execute(
        """
        INSERT INTO held_beacons AS known (account_id, device_id, beacon_seq, held_t)
        VALUES (%s, %s, %s, %s)
        ON CONFLICT (account_id, device_id, beacon_seq) DO UPDATE
            SET held_t = greatest(known.held_t, excluded.held_t)
        """,
        (account_id, device_id, beacon_seq, held_t),
    )


def select_terms(cursor: Cursor, account_id: str, device_id: bytes) -> list[tuple[int, Terms]]:
    """(issued, terms) of every certificate of a device, the newest first."""
    cursor.execute(
        """
        SELECT issued, rx_limit_minor, rx_cum_minor, not_after FROM certificates
        WHERE account_id = %s AND device_id = %s ORDER BY serial DESC
        """,
        (account_id, device_id),
    )
    return [(issued, Terms(*terms)) for issued, *terms in cursor.fetchall()]
