"""What an operator does: open accounts and wallets, enrol devices, fund, freeze.

Each is done within the caller's transaction, and again changes nothing: the answer then says
that it exists. Every one leaves a row in the audit log.
"""

import unicodedata
from typing import Any
from uuid import UUID

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, limits, revoking, verify
from bank.queries import accounts, devices, enrolments, ledgers, transfers
from bank.queries.transfers import FUNDING, Transfer
from firmware.common.interchange.transaction import is_hex
from firmware.common.payment import money
from firmware.common.payment.identifier import identifier
from firmware.common.wire.errors import (
    MALFORMED,
    NOT_ENROLLED,
    OK,
    OVER_LIMIT,
    REPLAY,
    UNKNOWN_PAYEE,
    WRONG_WALLET,
    Refused,
)

BANK_ACCOUNT = "bank"  # the system account of schema.sql; funding is its debt
FUND = (BANK_ACCOUNT, "fund")  # its fraud fund
_ISSUED = (BANK_ACCOUNT, verify.DEFAULT_WALLET)
FORMS = (ledgers.JSON, ledgers.OPG1)  # of the two ledgers of a device
CREATED = "created"
EXISTS = "exists"


def open_account(cursor: Cursor, account_id: str, name: str) -> str:
    """CREATED, or EXISTS for the same account. Raises `Refused` where it is another's id."""
    identifier(account_id)
    _check_name(name)
    created = accounts.insert_account(cursor, account_id, name)
    if not created and accounts.select_account(cursor, account_id) not in (
        ("party", name, False),
        ("party", name, True),
    ):
        raise Refused(MALFORMED, f"the account {account_id} exists under another name")
    accounts.insert_wallet(cursor, account_id, verify.DEFAULT_WALLET)
    return _done(cursor, account_id, "open account", account_id, created, name=name)


def open_wallet(cursor: Cursor, account_id: str, wallet_id: str) -> str:
    """A further wallet of an account: CREATED or EXISTS."""
    identifier(wallet_id)
    require_party(cursor, account_id)
    created = accounts.insert_wallet(cursor, account_id, wallet_id)
    return _done(cursor, account_id, "open wallet", wallet_id, created)


def enrol(cursor: Cursor, account_id: str, signing_key: bytes, ecdh_key: bytes, name: str) -> str:
    """Makes a board's keys those of an account: CREATED or EXISTS.

    A device belongs to one account for good; another one's keys are refused.
    """
    _check_name(name)
    require_party(cursor, account_id)
    device_id = verify.device_id(signing_key)
    found = devices.select_device(cursor, device_id)
    if found is None:
        devices.insert_device(cursor, account_id, device_id, signing_key, ecdh_key, name)
    elif found[:3] != (account_id, signing_key, ecdh_key):
        raise Refused(MALFORMED, "this signing key is enrolled already, otherwise than asked now")
    subject = f"device {device_id.hex()}"
    return _done(cursor, account_id, "enrol", subject, found is None, name=name)


def fund(
    cursor: Cursor, account_id: str, wallet_id: str, amount_minor: int, transfer_id: str
) -> str:
    """Puts money into a wallet: CREATED, or EXISTS for the same `transfer_id` (a UUID).

    Raises `Refused` REPLAY where that id put another amount, or another wallet's money, there.
    """
    money.check_amount(amount_minor)
    _check_transfer_id(transfer_id)
    if wallet_id != verify.DEFAULT_WALLET:
        identifier(wallet_id)
    require_party(cursor, account_id)
    source, target = _ISSUED, (account_id, wallet_id)
    if target not in accounts.select_balances(cursor, sorted((source, target)), lock=True):
        raise Refused(WRONG_WALLET, f"the account {account_id} has no wallet {wallet_id!r}")
    known = transfers.select_transfers(cursor, [(BANK_ACCOUNT, transfer_id)])
    for transfer in known.values():
        paid = transfers.select_payee_wallet(cursor, BANK_ACCOUNT, transfer_id, account_id)
        if (paid, transfer.amount_minor) != (wallet_id, amount_minor):
            raise Refused(REPLAY, f"the transfer {transfer_id} is another one")
    if not known:
        transfers.insert_transfers(
            cursor, FUNDING, [Transfer(*source, *target, transfer_id, amount_minor)]
        )
    return _done(
        cursor, account_id, "fund", transfer_id, not known, amount=money.show_amount(amount_minor)
    )


def fill_fund(cursor: Cursor, amount_minor: int, transfer_id: str) -> str:
    """Puts money into the fraud fund, as `fund` does into a wallet: CREATED or EXISTS."""
    money.check_amount(amount_minor)
    _check_transfer_id(transfer_id)
    accounts.select_balances(cursor, sorted((_ISSUED, FUND)), lock=True)
    known = transfers.select_transfers(cursor, [(BANK_ACCOUNT, transfer_id)])
    for transfer in known.values():
        if (transfer.payee_account, transfer.amount_minor) != (BANK_ACCOUNT, amount_minor):
            raise Refused(REPLAY, f"the transfer {transfer_id} is another one")
    if not known:
        transfers.insert_transfers(
            cursor, FUNDING, [Transfer(*_ISSUED, *FUND, transfer_id, amount_minor)]
        )
    shown = money.show_amount(amount_minor)
    return _done(cursor, BANK_ACCOUNT, "fill fraud fund", transfer_id, not known, amount=shown)


def set_guarantee(cursor: Cursor, account_id: str, amount_minor: int) -> str:
    """What the fraud fund pays a payee at most from now on: CREATED, or EXISTS if it was that.

    0 is nothing. Each cover of the fund uses it up.
    """
    if amount_minor:
        money.check_amount(amount_minor)
    require_party(cursor, account_id)
    accounts.select_balances(cursor, [FUND], lock=True)  # under which covers use it up
    before = accounts.select_guarantee(cursor, account_id)
    accounts.update_guarantee(cursor, account_id, amount_minor - before)
    shown = money.show_amount(amount_minor)
    changed = amount_minor != before
    return _done(cursor, account_id, "set guarantee", account_id, changed, amount=shown)


def parse_guarantee(text: str) -> int:
    """Minor units from decimal text, which may be 0 here. Raises `Refused`."""
    return 0 if text in ("0", "0.0", "0.00") else money.parse_amount(text)


def set_frozen(cursor: Cursor, account_id: str, frozen: bool, device: str | None = None) -> None:
    """Freezes or unfreezes an account, or only the device of that id (16 hex digits).

    Whose board takes part in OPG1 is revoked in the news when frozen, with its purses: what boards
    have heard cannot be taken back, so that this outlasts the freeze.
    """
    require_party(cursor, account_id)
    certified = enrolments.select_certified_ids(cursor, account_id)
    if device is not None:
        certified = [device_id for device_id in certified if device_id == parse_device_id(device)]
    devices.lock_devices(cursor, certified)
    if device is None:
        accounts.update_account_frozen(cursor, account_id, frozen)
    elif not devices.update_device_frozen(cursor, account_id, parse_device_id(device), frozen):
        raise Refused(NOT_ENROLLED, f"the account {account_id} has no device {device}")
    subject = account_id if device is None else f"device {device}"
    _done(cursor, account_id, "freeze" if frozen else "unfreeze", subject)
    if frozen:
        revoking.revoke_devices(cursor, account_id, certified, audit.OPERATOR)


def open_generation(
    cursor: Cursor, account_id: str, device: str, form: str = ledgers.JSON
) -> tuple[str, int]:
    """Begins a new ledger for a device whose old one is forked: CREATED and its generation.

    A device has two ledgers, of the JSON forms and of OPG1; the other goes on. What the old
    one settled stays. EXISTS where the newest has no entry yet.
    """
    require_party(cursor, account_id)
    device_id = parse_device_id(device)
    found = devices.select_device(cursor, device_id)
    if found is None or found[0] != account_id:
        raise Refused(NOT_ENROLLED, f"the account {account_id} has no device {device}")
    if form not in FORMS:
        raise Refused(MALFORMED, f"a form is {' or '.join(FORMS)}")
    position = ledgers.select_position(cursor, account_id, device_id, lock=True, form=form)
    if position.last_index < 0:
        return EXISTS, position.generation
    generation = position.generation + 1
    if generation >= limits.GENERATIONS_MAX:
        raise Refused(OVER_LIMIT, "the device has had too many ledgers; enrol another device")
    created = ledgers.insert_generation(cursor, account_id, device_id, generation, form)
    subject, detail = f"device {device}", {"generation": str(generation), "form": form}
    result = _done(cursor, account_id, "open ledger", subject, created, **detail)
    return result, generation


def page(cursor: Cursor, limit: int, offset: int) -> list[dict[str, Any]]:
    """Accounts with their balances, what their purses hold besides, and guarantees, by id."""
    return [
        {
            "account_id": account_id,
            "kind": kind,
            "name": name,
            "frozen": frozen,
            "devices": device_count,
            "balance_minor": sum(wallets.values()),
            "reserved_minor": reserved,
            "guarantee_minor": guarantee,
            "wallets": wallets,
        }
        for account_id, kind, name, frozen, wallets, device_count, reserved, guarantee in (
            accounts.select_accounts(cursor, limit, offset)
        )
    ]


def _done(
    cursor: Cursor, account_id: str, action: str, subject: str, created: bool = True, **detail: str
) -> str:
    if created:
        row = audit.decision(account_id, audit.OPERATOR, action, subject, OK, **detail)
        audit.write(cursor, [row])
    return CREATED if created else EXISTS


def require_party(cursor: Cursor, account_id: str) -> None:
    identifier(account_id)
    account = accounts.select_account(cursor, account_id)
    if account is None or account[0] != "party":
        raise Refused(UNKNOWN_PAYEE, f"there is no account {account_id}")


def _check_name(name: str) -> None:
    controls = any(unicodedata.category(c) == "Cc" for c in name)
    if controls or not 0 < len(name.encode()) <= limits.NAME_BYTES_MAX:
        raise Refused(
            MALFORMED, f"a name has 1 to {limits.NAME_BYTES_MAX} bytes and no control characters"
        )


def _check_transfer_id(text: str) -> None:
    try:
        if str(UUID(text)) == text:
            return
    except ValueError:
        pass
    raise Refused(MALFORMED, "transfer_id is not a UUID in lower case")


def parse_device_id(text: str) -> bytes:
    if not is_hex(text, 16):
        raise Refused(MALFORMED, "a device's id is 16 hex digits in lower case")
    return bytes.fromhex(text)
