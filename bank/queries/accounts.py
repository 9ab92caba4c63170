"""Accounts and their wallets."""

from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812


def insert_account(cursor: Cursor, account_id: str, name: str) -> bool:
    """Opens a party's account with its default wallet; false where the id exists."""
    cursor.execute(
        """
        INSERT INTO accounts (account_id, kind, name) VALUES (%s, 'party', %s)
        ON CONFLICT (account_id) DO NOTHING
        """,
        (account_id, name),
    )
    return cursor.rowcount == 1


def select_account(cursor: Cursor, account_id: str) -> tuple[str, str, bool] | None:
    """(kind, name, frozen)."""
    cursor.execute("SELECT kind, name, frozen FROM accounts WHERE account_id = %s", (account_id,))
    return cursor.fetchone()  # pyright: ignore[reportReturnType]


def select_accounts(cursor: Cursor, limit: int, offset: int) -> list[tuple[Any, ...]]:
    """(account_id, kind, name, frozen, {wallet_id: balance_minor}, devices, reserved_minor,
    guarantee_minor).
    """
    cursor.execute(
        """
        SELECT account_id, kind, name, frozen,
            (SELECT jsonb_object_agg(wallet_id, balance_minor) FROM wallets
             WHERE wallets.account_id = accounts.account_id),
            (SELECT count(*) FROM devices WHERE devices.account_id = accounts.account_id),
            (SELECT coalesce(sum(reserve_minor + bond_minor), 0)::bigint FROM purses
             WHERE payer_account = accounts.account_id),
            guarantee_minor
        FROM accounts
        ORDER BY account_id
        LIMIT %s OFFSET %s
        """,
        (limit, offset),
    )
    return cursor.fetchall()


def update_account_frozen(cursor: Cursor, account_id: str, frozen: bool) -> None:
    cursor.execute("UPDATE accounts SET frozen = %s WHERE account_id = %s", (frozen, account_id))


def select_guarantee(cursor: Cursor, account_id: str) -> int:
    """What the fraud fund pays this payee at most."""
    cursor.execute("SELECT guarantee_minor FROM accounts WHERE account_id = %s", (account_id,))
    (guarantee_minor,) = cursor.fetchone() or (0,)
    return guarantee_minor


def update_guarantee(cursor: Cursor, account_id: str, more_minor: int) -> None:
    """Adds to it, or takes away what was used."""
    cursor.execute(
        "UPDATE accounts SET guarantee_minor = guarantee_minor + %s WHERE account_id = %s",
        (more_minor, account_id),
    )


def insert_wallet(cursor: Cursor, account_id: str, wallet_id: str) -> bool:
    """Opens a wallet of a party; false where it exists."""
    cursor.execute(
        """
        INSERT INTO wallets (account_id, wallet_id, kind) VALUES (%s, %s, 'party')
        ON CONFLICT (account_id, wallet_id) DO NOTHING
        """,
        (account_id, wallet_id),
    )
    return cursor.rowcount == 1


def select_balances(
    cursor: Cursor, wallets: list[tuple[str, str]], lock: bool
) -> dict[tuple[str, str], int]:
    """Balances by (account_id, wallet_id) of those wallets that exist.

    With `lock` they stay as they are until the transaction ends. All who lock do it here, in
    one order, so that nobody waits in a circle.
    """
    query = """
        SELECT account_id, wallet_id, balance_minor FROM wallets
        WHERE (account_id, wallet_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
        ORDER BY account_id, wallet_id
        """
    if lock:
        query += "FOR NO KEY UPDATE"
    cursor.execute(query, ([account for account, _ in wallets], [wallet for _, wallet in wallets]))
    return {(account, wallet): balance for account, wallet, balance in cursor.fetchall()}
