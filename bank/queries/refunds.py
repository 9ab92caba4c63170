"""Refunds that were paid, and what there is to refund."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

Payment = tuple[str, bytes]  # payer_account, txn_hash


def select_refund(cursor: Cursor, account_id: str, device_id: bytes, rctr: int) -> bytes | None:
    """The signed REFUND that a device's counter was used for."""
    cursor.execute(
        "SELECT signed FROM refunds WHERE account_id = %s AND device_id = %s AND rctr = %s",
        (account_id, device_id, rctr),
    )
    row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def insert_refund(
    cursor: Cursor,
    account_id: str,
    device_id: bytes,
    rctr: int,
    payment: Payment,
    amount_minor: int,
    to_purse: bytes,
    signed: bytes,
    transfer_id: str,
) -> None:
    cursor.execute(
        """
        INSERT INTO refunds (account_id, device_id, rctr, payer_account, txn_hash, amount_minor,
            to_purse, signed, transfer_id)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (account_id, device_id, rctr, *payment, amount_minor, to_purse, signed, transfer_id),
    )


def select_received(cursor: Cursor, payments: list[Payment]) -> dict[Payment, int]:
    """What payees got for these payments, from the reserve and as covers; a VOID took some back."""
    cursor.execute(
        """
        WITH asked AS (SELECT * FROM unnest(%s::text[], %s::bytea[]) AS a (payer_account, txn_hash))
        SELECT payer_account, txn_hash, sum(minor)::bigint
        FROM (SELECT payer_account, txn_hash, reserve_minor - returned_minor AS minor
                FROM spends JOIN asked USING (payer_account, txn_hash)
            UNION ALL SELECT payer_account, txn_hash, amount_minor
                FROM covers JOIN asked USING (payer_account, txn_hash)) AS received
        GROUP BY payer_account, txn_hash
        """,
        tuple(map(list, zip(*payments, strict=True))),
    )
    return {(payer, bytes(txn_hash)): minor for payer, txn_hash, minor in cursor.fetchall()}
