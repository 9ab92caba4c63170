"""Gives a device a purse: allowance and bond are reserved, and the bank signs for the fresh key.

What was decided about a key stays: the report that asks is repeated until its answer arrives, and a
board that reads that it gets no purse forgets the key. A purse made for it later would be nobody's.
"""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, policy
from bank.authority import Office
from bank.queries import accounts, purses, transfers
from bank.queries.enrolments import Certified
from bank.queries.purses import OPEN, NewPurse, Purse
from bank.queries.transfers import BOND, RESERVE, TOPUP, WALLET, Leg
from bank.transfer_ids import transfer_id
from bank.verify import DEFAULT_WALLET
from firmware.common import crypto
from firmware.common.payment.purse import make_purse
from firmware.common.wire.errors import (
    EXPIRED,
    FROZEN,
    KEY_MISMATCH,
    NO_FUNDS,
    OK,
    OVER_LIMIT,
    Refused,
)

_ID_BYTES = 8


def top_up(
    cursor: Cursor, office: Office, device: Certified, pub: bytes, amount_minor: int, now: int
) -> bytes:
    """The signed PURSE of that key: the stored one where there is one, else a new one.

    The device's row is locked by the caller, and the wallet here, so that limits hold. Raises
    `Refused`, which `refuse` keeps: KEY_MISMATCH for another's key, FROZEN, EXPIRED, OVER_LIMIT,
    NO_FUNDS where allowance and bond do not both fit.
    """
    known = purses.select_purse_of_key(cursor, pub)
    if known is not None:
        return _stored(device, known)
    reason = purses.select_refusal(cursor, device.account_id, pub)
    if reason is not None:
        raise Refused(reason, "no purse was given for that key, and none will be")
    _check_device(device, now)
    wallet = (device.account_id, DEFAULT_WALLET)
    held = accounts.select_balances(cursor, [wallet], lock=True)[wallet]
    _check_limits(cursor, device, amount_minor, now)
    bond_minor = policy.bond_minor(amount_minor)
    if held < amount_minor + bond_minor:
        raise Refused(NO_FUNDS, "the account does not hold the allowance and its bond")
    purse = _new_purse(office, device, pub, amount_minor, now)
    purses.insert_purse(cursor, purse)
    _reserve(cursor, purse, bond_minor)
    return purse.signed


def refuse(
    cursor: Cursor, device: Certified, pub: bytes, amount_minor: int, refused: Refused
) -> None:
    """Keeps that no purse is given for that key."""
    purses.insert_refusal(cursor, device.account_id, pub, refused.reason)
    row = audit.decision(
        device.account_id,
        f"device {device.device_id.hex()}",
        "refuse top up",
        f"purse key {crypto.sha256(pub).hex()}",
        refused.reason,
        amount_minor=amount_minor,
    )
    audit.write(cursor, [audit.once(row)])


def _stored(device: Certified, known: Purse) -> bytes:
    if (known.payer_account, known.device_id) != (device.account_id, device.device_id):
        raise Refused(KEY_MISMATCH, "the new key is another device's")
    if device.frozen and known.state != OPEN:
        raise Refused(FROZEN, "the purse was revoked on its way to a board that is frozen")
    return known.signed


def _check_device(device: Certified, now: int) -> None:
    if device.frozen:
        raise Refused(FROZEN, "the device or its account is frozen")
    if device.not_after <= now:
        raise Refused(EXPIRED, "the device's certificate has expired")


def _check_limits(cursor: Cursor, device: Certified, amount_minor: int, now: int) -> None:
    if amount_minor > policy.ALLOWANCE_MAX_MINOR:
        raise Refused(OVER_LIMIT, "a purse is not given that much")
    if amount_minor < policy.ALLOWANCE_MIN_MINOR:
        raise Refused(OVER_LIMIT, "a purse is not given for so little; ask for more")
    since = now - policy.DAY_S
    if purses.select_count_since(cursor, device.account_id, since) >= policy.PURSES_DAY_MAX:
        raise Refused(OVER_LIMIT, "the account was given as many purses as it gets in a day")
    count, given = purses.select_topped_up(cursor, device.account_id, device.device_id, since, now)
    if count >= policy.PURSES_MAX:
        raise Refused(OVER_LIMIT, "the device has as many purses as it may; close one")
    if given + amount_minor > policy.TOPUP_DAY_MINOR_MAX:
        raise Refused(OVER_LIMIT, "the device was given as much as it gets in a day")


def _new_purse(
    office: Office, device: Certified, pub: bytes, amount_minor: int, now: int
) -> NewPurse:
    purse_id = crypto.random_bytes(_ID_BYTES)
    not_after = min(now + policy.PURSE_DAYS * policy.DAY_S, office.bank.not_after)
    if not_after <= now:
        raise Refused(EXPIRED, "the bank's own key has expired")
    tx_max = min(policy.TX_MAX_MINOR, amount_minor)
    signed = make_purse(
        office.realm8,
        office.bank,
        office.keys.signing_private,
        flags=0,
        purse=purse_id,
        pub=pub,
        allowance=amount_minor,
        tx_max=tx_max,
        ctr_max=policy.CTR_MAX,
        cur=policy.CURRENCY,
        issued=now,
        not_after=not_after,
        grace_h=policy.GRACE_H,
    )
    terms = (policy.CTR_MAX, policy.CURRENCY, now, not_after, policy.GRACE_H, signed)
    return NewPurse(
        device.account_id, purse_id, device.device_id, pub, amount_minor, tx_max, *terms
    )


def _reserve(cursor: Cursor, purse: NewPurse, bond_minor: int) -> None:
    account_id, hex_id = purse.payer_account, purse.purse_id.hex()
    total = purse.allowance_minor + bond_minor
    id_ = transfer_id(TOPUP, purse.purse_id)
    legs = [
        Leg(account_id, WALLET, DEFAULT_WALLET, -total),
        Leg(account_id, RESERVE, hex_id, purse.allowance_minor),
        Leg(account_id, BOND, hex_id, bond_minor),
    ]
    transfers.insert_move(cursor, TOPUP, account_id, account_id, id_, legs)
    row = audit.decision(
        account_id,
        f"device {purse.device_id.hex()}",
        "top up",
        id_,
        OK,
        purse=hex_id,
        allowance_minor=purse.allowance_minor,
        bond_minor=bond_minor,
    )
    audit.write(cursor, [row])
