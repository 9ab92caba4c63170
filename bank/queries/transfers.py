"""Money that moves: transfers, their postings and the balances, in one statement."""

from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

PAYMENT = "payment"
FUNDING = "funding"
TOPUP = "topup"
RELEASE = "release"
COVER = "cover"
RETURN = "return"
REFUND = "refund"

WALLET = ""  # pockets; of the other two the wallet_id is the purse's id as hex
RESERVE = "reserve"
BOND = "bond"


class Leg(NamedTuple):
    """What one pocket gains, or loses where it is negative."""

    account_id: str
    pocket: str
    wallet_id: str
    amount_minor: int


class Transfer(NamedTuple):
    """One movement; the last four say which ledger entry brought a payment."""

    payer_account: str
    payer_wallet: str
    payee_account: str
    payee_wallet: str
    transfer_id: str
    amount_minor: int
    txn_hash: bytes | None = None
    device_id: bytes | None = None
    generation: int | None = None
    ledger_index: int | None = None


class Known(NamedTuple):
    """What a transfer id of a payer was used for."""

    kind: str
    payee_account: str
    amount_minor: int
    txn_hash: bytes | None
    entry: tuple[bytes, int, int] | None  # device_id, generation, ledger_index


def insert_transfers(cursor: Cursor, kind: str, transfers: list[Transfer]) -> None:
    """Moves the money of all `transfers` between wallets that the caller has locked."""
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*transfers, strict=True)))
    cursor.execute(
        """
        WITH moved AS MATERIALIZED (
            SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[],
                %s::bigint[], %s::bytea[], %s::bytea[], %s::int[], %s::int[])
            AS t (payer, payer_wallet, payee, payee_wallet, id, amount, txn_hash, device, gen, idx)
        ), legs AS MATERIALIZED (
            SELECT payer AS account, payer_wallet AS wallet, payer, id, -amount AS amount FROM moved
            UNION ALL
            SELECT payee, payee_wallet, payer, id, amount FROM moved
        ), transferred AS (
            INSERT INTO transfers (payer_account, transfer_id, kind, payee_account, amount_minor,
                txn_hash, device_id, generation, ledger_index)
            SELECT payer, id, %s, payee, amount, txn_hash, device, gen, idx FROM moved
        ), posted AS (
            INSERT INTO postings (account_id, wallet_id, payer_account, transfer_id, amount_minor)
            SELECT account, wallet, payer, id, amount FROM legs
        )
        UPDATE wallets SET balance_minor = balance_minor + net.amount
        FROM (SELECT account, wallet, sum(amount)::bigint AS amount FROM legs GROUP BY 1, 2) AS net
        WHERE account_id = net.account AND wallet_id = net.wallet
        """,
        (*columns, kind),
    )


def insert_move(
    cursor: Cursor,
    kind: str,
    payer_account: str,
    payee_account: str,
    transfer_id: str,
    legs: list[Leg],
) -> None:
    """One transfer of several legs that add up to zero, between locked wallets and purses."""
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*legs, strict=True)))
    amount_minor = sum(leg.amount_minor for leg in legs if leg.amount_minor > 0)
    cursor.execute(
        """
        WITH legs AS MATERIALIZED (
            SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
            AS l (account, pocket, wallet, amount)
        ), transferred AS (
            INSERT INTO transfers (payer_account, transfer_id, kind, payee_account, amount_minor)
            VALUES (%s, %s, %s, %s, %s)
        ), posted AS (
            INSERT INTO postings (account_id, pocket, wallet_id, payer_account, transfer_id,
                amount_minor)
            SELECT account, pocket, wallet, %s, %s, amount FROM legs
        ), reserved AS (
            UPDATE purses SET reserve_minor = reserve_minor + net.reserve,
                bond_minor = bond_minor + net.bond
            FROM (SELECT account, wallet,
                    coalesce(sum(amount) FILTER (WHERE pocket = 'reserve'), 0)::bigint AS reserve,
                    coalesce(sum(amount) FILTER (WHERE pocket = 'bond'), 0)::bigint AS bond
                FROM legs WHERE pocket <> '' GROUP BY 1, 2) AS net
            WHERE payer_account = net.account AND purse_id = decode(net.wallet, 'hex')
        )
        UPDATE wallets SET balance_minor = balance_minor + legs.amount
        FROM legs WHERE pocket = '' AND account_id = legs.account AND wallet_id = legs.wallet
        """,
        (
            *columns,
            *(payer_account, transfer_id, kind, payee_account, amount_minor),
            *(payer_account, transfer_id),
        ),
    )


def select_transfers(cursor: Cursor, ids: list[tuple[str, str]]) -> dict[tuple[str, str], Known]:
    """Those of (payer_account, transfer_id) that exist."""
    cursor.execute(
        """
        SELECT payer_account, transfer_id::text, kind, payee_account, amount_minor,
            txn_hash, device_id, generation, ledger_index
        FROM transfers
        WHERE (payer_account, transfer_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))
        """,
        ([payer for payer, _ in ids], [transfer_id for _, transfer_id in ids]),
    )
    return {(row[0], row[1]): _known(row[2:]) for row in cursor.fetchall()}


def select_payee_wallet(cursor: Cursor, payer: str, transfer_id: str, payee: str) -> str | None:
    """The wallet that the money of a transfer went to; None where there is no such transfer."""
    cursor.execute(
        """
        SELECT wallet_id FROM postings
        WHERE account_id = %s AND payer_account = %s AND transfer_id = %s
        """,
        (payee, payer, transfer_id),
    )
    row = cursor.fetchone()
    return None if row is None else row[0]


def _known(row: tuple[Any, ...]) -> Known:
    kind, payee, amount_minor, txn_hash, device_id, generation, index = row
    if txn_hash is None:
        return Known(kind, payee, amount_minor, None, None)
    entry = (bytes(device_id), generation, index)
    return Known(kind, payee, amount_minor, bytes(txn_hash), entry)
