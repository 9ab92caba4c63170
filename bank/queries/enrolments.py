"""One-time codes, the boards that asked with one, and the certificates they were given."""

from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank.queries import devices


class Code(NamedTuple):
    """A one-time code that may still be used."""

    account_id: str
    code_id: str
    sealed: bytes
    roles: int
    tries: int


class Enrolment(NamedTuple):
    """A board that asked; `enrol` is its signed message."""

    account_id: str
    device_id: bytes
    enrol: bytes
    state: str
    roles: int


class NewCertificate(NamedTuple):
    """A certificate as it is written."""

    account_id: str
    device_id: bytes
    serial: int
    roles: int
    rx_limit_minor: int
    rx_cum_minor: int
    issued: int
    not_after: int
    signed: bytes


class Certified(NamedTuple):
    """A device that takes part in OPG1, under its newest certificate."""

    account_id: str
    device_id: bytes
    signing_key: bytes
    ecdh_key: bytes
    roles: int
    not_after: int
    frozen: bool


def insert_code(
    cursor: Cursor, account_id: str, code_id: str, sealed: bytes, roles: int, expires: int
) -> None:
    cursor.execute(
        """
        INSERT INTO enrolment_codes (account_id, code_id, sealed, roles, expires)
        VALUES (%s, %s, %s, %s, %s)
        """,
        (account_id, code_id, sealed, roles, expires),
    )


def select_alive_codes(cursor: Cursor, now: int, tries_max: int) -> list[Code]:
    """Codes that are unused, in time and not guessed at too often; locked, in one order."""
    cursor.execute(
        """
        SELECT account_id, code_id::text, sealed, roles, tries FROM enrolment_codes
        WHERE used_by IS NULL AND expires > %s AND tries < %s
        ORDER BY account_id, code_id
        FOR NO KEY UPDATE
        """,
        (now, tries_max),
    )
    return [Code(*_plain(row)) for row in cursor.fetchall()]


def update_tries(cursor: Cursor, codes: list[Code], more: int) -> None:
    """Counts wrong attempts against the codes."""
    cursor.execute(
        """
        UPDATE enrolment_codes SET tries = tries + %s
        WHERE (account_id, code_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))
        """,
        (more, [code.account_id for code in codes], [code.code_id for code in codes]),
    )


def use_code(cursor: Cursor, code: Code, device_id: bytes) -> None:
    cursor.execute(
        "UPDATE enrolment_codes SET used_by = %s WHERE account_id = %s AND code_id = %s",
        (device_id, code.account_id, code.code_id),
    )


def insert_enrolment(cursor: Cursor, code: Code, device_id: bytes, enrol: bytes) -> None:
    cursor.execute(
        """
        INSERT INTO enrolments (account_id, device_id, code_id, enrol) VALUES (%s, %s, %s, %s)
        """,
        (code.account_id, device_id, code.code_id, enrol),
    )


def select_enrolment(cursor: Cursor, device_id: bytes, lock: bool = False) -> Enrolment | None:
    """The device's request, whichever account's code it had."""
    query = """
        SELECT e.account_id, device_id, enrol, state, roles
        FROM enrolments AS e JOIN enrolment_codes USING (account_id, code_id)
        WHERE device_id = %s
        """
    cursor.execute(query + ("FOR NO KEY UPDATE OF e" if lock else ""), (device_id,))
    row = cursor.fetchone()
    return None if row is None else Enrolment(*_plain(row))


def select_pending(cursor: Cursor, limit: int, offset: int) -> list[Enrolment]:
    """Those that wait for the operator, the oldest first."""
    cursor.execute(
        """
        SELECT e.account_id, device_id, enrol, state, roles
        FROM enrolments AS e JOIN enrolment_codes USING (account_id, code_id)
        WHERE state = 'pending' ORDER BY asked_at, device_id LIMIT %s OFFSET %s
        """,
        (limit, offset),
    )
    return [Enrolment(*_plain(row)) for row in cursor.fetchall()]


def update_enrolment(cursor: Cursor, enrolment: Enrolment, state: str) -> None:
    cursor.execute(
        """
        UPDATE enrolments SET state = %s, decided_at = now()
        WHERE account_id = %s AND device_id = %s
        """,
        (state, enrolment.account_id, enrolment.device_id),
    )


def insert_certificate(cursor: Cursor, certificate: NewCertificate) -> None:
    cursor.execute(
        """
        INSERT INTO certificates (account_id, device_id, serial, roles, rx_limit_minor,
            rx_cum_minor, issued, not_after, signed)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        certificate,
    )


def select_certificate(cursor: Cursor, account_id: str, device_id: bytes) -> bytes | None:
    """The newest signed DCERT of a device."""
    cursor.execute(
        """
        SELECT signed FROM certificates WHERE account_id = %s AND device_id = %s
        ORDER BY serial DESC LIMIT 1
        """,
        (account_id, device_id),
    )
    row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def is_certificate(cursor: Cursor, device: Certified, signed: bytes) -> bool:
    """Whether the device was ever given that one."""
    cursor.execute(
        "SELECT 1 FROM certificates WHERE account_id = %s AND device_id = %s AND signed = %s",
        (device.account_id, device.device_id, signed),
    )
    return cursor.fetchone() is not None


def select_certified_ids(cursor: Cursor, account_id: str) -> list[bytes]:
    """An account's devices that were ever given a certificate."""
    cursor.execute(
        "SELECT DISTINCT device_id FROM certificates WHERE account_id = %s ORDER BY device_id",
        (account_id,),
    )
    return [bytes(device_id) for (device_id,) in cursor.fetchall()]


def select_certified(
    cursor: Cursor, device_ids: list[bytes], lock: bool = False
) -> dict[bytes, Certified]:
    """Those of the devices that have a certificate.

    With `lock` they, and whether their accounts are frozen, are read once their rows are locked.
    """
    if lock:
        devices.lock_devices(cursor, device_ids)
    query = """
        SELECT d.account_id, d.device_id, signing_key, ecdh_key, c.roles, c.not_after,
            d.frozen OR accounts.frozen
        FROM device_directory JOIN devices AS d USING (account_id, device_id)
        JOIN accounts USING (account_id)
        JOIN certificates AS c ON c.account_id = d.account_id AND c.device_id = d.device_id
            AND serial = (SELECT max(serial) FROM certificates AS other
                WHERE other.account_id = d.account_id AND other.device_id = d.device_id)
        WHERE d.device_id = ANY(%s) ORDER BY d.account_id, d.device_id
        """
    cursor.execute(query, (device_ids,))
    found = [Certified(*_plain(row)) for row in cursor.fetchall()]
    return {device.device_id: device for device in found}


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
