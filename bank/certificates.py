"""The certificates of the boards: the first when a board is enrolled, the next before one ends.

A board's keys and roles stay, and what it may take never shrinks: payments are judged, and proven,
by what stood in a certificate. Whoever shows a certificate of a board is told the newest one, which
its payers see at every tap: nobody is let in by asking, and nobody who was frozen is.
"""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, policy, verify
from bank.authority import Office
from bank.queries import enrolments
from bank.queries.enrolments import NewCertificate
from firmware.common.payment.certificate import RENEWAL_DAYS, make_device
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import EXPIRED, FROZEN, NOT_ENROLLED, OK, Refused
from firmware.common.wire.messages import DCERT
from firmware.common.wire.signed import parse_signed


class Holder(NamedTuple):
    """Who a certificate is for: `roles` as bits, keys x||y, 16 bytes of name, minor units."""

    account_id: str
    roles: int
    pub: bytes
    ecdh: bytes
    name: bytes
    rx_limit: int
    rx_cum: int


def issue(cursor: Cursor, office: Office, holder: Holder, serial: int, now: int) -> bytes:
    """A new certificate, kept. Raises `Refused` where the bank's own key has expired."""
    not_after = _end(office, now)
    if not_after <= now:
        raise Refused(EXPIRED, "the bank's own key has expired: have the root sign a new one")
    signed = make_device(
        office.realm8,
        office.bank,
        office.keys.signing_private,
        kind=holder.roles,
        pub=holder.pub,
        ecdh=holder.ecdh,
        name=holder.name,
        issued=now,
        not_after=not_after,
        rx_limit=holder.rx_limit,
        rx_cum=holder.rx_cum,
        flags=0,
        serial=serial,
    )
    row = NewCertificate(
        holder.account_id,
        verify.device_id(holder.pub),
        serial,
        holder.roles,
        holder.rx_limit,
        holder.rx_cum,
        now,
        not_after,
        signed,
    )
    enrolments.insert_certificate(cursor, row)
    return signed


def renew(cursor: Cursor, office: Office, data: bytes, now: int) -> bytes:
    """The newest DCERT of the board whose DCERT `data` is; made now where the newest one ends soon.

    One that cannot be lengthened, since the bank's key ends with it, is told as long as it holds.
    Raises `Refused`: MALFORMED, NOT_ENROLLED, FROZEN; EXPIRED where the bank's key has ended.
    """
    device_id = verify.device_id(parse_signed(DCERT, data).pub)
    device = enrolments.select_certified(cursor, [device_id], lock=True).get(device_id)
    if device is None or not enrolments.is_certificate(cursor, device, data):
        raise Refused(NOT_ENROLLED, "this bank has made no such certificate")
    if device.frozen:
        raise Refused(FROZEN, "the device or its account is frozen")
    newest = enrolments.select_certificate(cursor, device.account_id, device_id) or data
    record = parse_signed(DCERT, newest)
    if not _is_due(office, record, now):
        return newest
    holder = Holder(
        device.account_id,
        record.kind,
        record.pub,
        record.ecdh,
        record.name,
        max(record.rx_limit, policy.RX_LIMIT_MINOR),
        max(record.rx_cum, policy.RX_CUM_MINOR),
    )
    signed = issue(cursor, office, holder, record.serial + 1, now)
    actor, subject = f"device {device_id.hex()}", f"certificate {record.serial + 1}"
    audit.write(
        cursor, [audit.decision(device.account_id, actor, "renew certificate", subject, OK)]
    )
    return signed


def _end(office: Office, now: int) -> int:
    """Nothing outlives the bank's key."""
    return min(now + policy.CERTIFICATE_DAYS * policy.DAY_S, office.bank.not_after)


def _is_due(office: Office, newest: Record, now: int) -> bool:
    """Whether it has ended, or ends soon and a new one would last longer."""
    soon = newest.not_after - RENEWAL_DAYS * policy.DAY_S <= now
    is_longer = _end(office, now) >= newest.not_after + policy.DAY_S
    return newest.not_after <= now or (soon and is_longer)
