"""Proofs that anybody may read, and the ledger entries that acknowledgements tell of."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812


def select_proof(cursor: Cursor, purse_id: bytes) -> bytes | None:
    """The EQUIV against a purse."""
    cursor.execute(
        """
        SELECT equiv FROM purse_directory JOIN proofs USING (payer_account, purse_id)
        WHERE purse_id = %s
        """,
        (purse_id,),
    )
    row = cursor.fetchone()
    return None if row is None else bytes(row[0])
