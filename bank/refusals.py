"""What stays of a message that is refused: a row of the log, or a number that goes up.

What an enrolled device signed is recorded, and the same refusal of the same message once. What
nobody known has signed is only counted, so that nobody makes the log grow by sending junk.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit
from bank.authority import Office
from bank.db import Database
from bank.queries import devices, enrolments
from bank.queries.enrolments import Certified
from bank.web import BodyTooLate, current
from firmware.common import crypto
from firmware.common.wire.codec import Layout
from firmware.common.wire.errors import BUSY, LEDGER_FORK, UNAVAILABLE, Refused
from firmware.common.wire.signed import check_signature, parse_signed

_NAME_BYTES = 16

P = ParamSpec("P")
R = TypeVar("R")


def is_decided(refused: Refused) -> bool:
    """Whether it says something about what was sent; else the same can be sent again."""
    return refused.reason not in (BUSY, UNAVAILABLE) and not isinstance(refused, BodyTooLate)


def record(
    database: Database,
    office: Office,
    layout: Layout,
    action: str,
    data: bytes,
    refused: Refused,
) -> list[str]:
    """The log's rows about a refused message; none where no enrolled device signed `data`.

    A device whose ledger is forked is frozen: that is a decision, and a row, each time.
    """
    return database.run(lambda cursor: _record(cursor, office, layout, action, data, refused))


def counted(view: Callable[P, R]) -> Callable[P, R]:
    """Counts what a view refuses, where no device answers for what is sent."""

    @wraps(view)
    def counting(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return view(*args, **kwargs)
        except Refused as refused:
            if is_decided(refused):
                reason = refused.reason
                current().database.run(lambda cursor: audit.count(cursor, reason))
            raise

    return counting


def _record(
    cursor: Cursor, office: Office, layout: Layout, action: str, data: bytes, refused: Refused
) -> list[str]:
    reason, device = refused.reason, _signer(cursor, office, layout, data)
    if device is None:
        audit.count(cursor, reason)
        return []
    name = crypto.sha256(parse_signed(layout, data).raw)[:_NAME_BYTES].hex()
    actor = f"device {device.device_id.hex()}"
    row = audit.decision(device.account_id, actor, action, name, reason, detail=refused.detail)
    freezes = reason == LEDGER_FORK and not device.frozen  # which an operator may have undone since
    if freezes:
        devices.update_device_frozen(cursor, device.account_id, device.device_id, True)
    return audit.write(cursor, [row if freezes else audit.once(row)])


def _signer(cursor: Cursor, office: Office, layout: Layout, data: bytes) -> Certified | None:
    """The enrolled device that signed a message of this layout, which names it as `device`."""
    try:
        message = parse_signed(layout, data)
        device = enrolments.select_certified(cursor, [message.device]).get(message.device)
        if device is not None:
            check_signature(office.realm8, message, device.signing_key)
        return device
    except Refused:
        return None
