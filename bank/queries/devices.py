"""Devices, the directory that finds their account, and who may sign for whom."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812


def insert_device(
    cursor: Cursor,
    account_id: str,
    device_id: bytes,
    signing_key: bytes,
    ecdh_key: bytes,
    name: str,
) -> None:
    """Enrols a device, with the two ledgers that it may upload: of the JSON forms and of OPG1."""
    cursor.execute(
        """
        INSERT INTO devices (account_id, device_id, signing_key, ecdh_key, name)
        VALUES (%s, %s, %s, %s, %s)
        """,
        (account_id, device_id, signing_key, ecdh_key, name),
    )
    cursor.execute(
        "INSERT INTO device_directory (device_id, account_id) VALUES (%s, %s)",
        (device_id, account_id),
    )
    cursor.execute(
        """
        INSERT INTO ledgers (account_id, device_id, form)
        VALUES (%(account)s, %(device)s, 'json'), (%(account)s, %(device)s, 'opg1')
        """,
        {"account": account_id, "device": device_id},
    )


def select_device(cursor: Cursor, device_id: bytes) -> tuple[str, bytes, bytes, bool] | None:
    """(account_id, signing_key, ecdh_key, whether it or its account is frozen)."""
    cursor.execute(
        """
        SELECT account_id, signing_key, ecdh_key, devices.frozen OR accounts.frozen
        FROM device_directory
        JOIN devices USING (account_id, device_id)
        JOIN accounts USING (account_id)
        WHERE device_id = %s
        """,
        (device_id,),
    )
    row = cursor.fetchone()
    return None if row is None else (row[0], bytes(row[1]), bytes(row[2]), row[3])


def lock_devices(cursor: Cursor, device_ids: list[bytes]) -> None:
    """They are given no purse, settle nothing and are not frozen by anybody else meanwhile."""
    cursor.execute(
        """
        SELECT FROM device_directory JOIN devices AS d USING (account_id, device_id)
        WHERE device_id = ANY(%s) ORDER BY account_id, device_id FOR NO KEY UPDATE OF d
        """,
        (device_ids,),
    )


def select_signers(
    cursor: Cursor, signers: list[tuple[str, bytes]]
) -> dict[tuple[str, bytes], bool]:
    """Those of (account_id, signing_key) that are enrolled so, and whether they are frozen."""
    cursor.execute(
        """
        SELECT account_id, signing_key, devices.frozen OR accounts.frozen
        FROM unnest(%s::text[], %s::bytea[]) AS asked (account_id, signing_key)
        JOIN devices USING (account_id, signing_key)
        JOIN accounts USING (account_id)
        """,
        ([account for account, _ in signers], [key for _, key in signers]),
    )
    return {(account, bytes(key)): frozen for account, key, frozen in cursor.fetchall()}


def update_device_frozen(cursor: Cursor, account_id: str, device_id: bytes, frozen: bool) -> bool:
    """False where the account has no such device."""
    cursor.execute(
        "UPDATE devices SET frozen = %s WHERE account_id = %s AND device_id = %s",
        (frozen, account_id, device_id),
    )
    return cursor.rowcount == 1
