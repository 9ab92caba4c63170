"""The operator's doors, behind a token: accounts, wallets, devices, funding, freezing.

Bodies are read by the strict JSON reader, so that an amount never becomes a float.
"""

from flask import Blueprint, Response, jsonify

from bank import accounts, limits, verify
from bank.web import current, json_body, operators_only, page
from firmware.common.interchange import jsontext, jwk, transaction
from firmware.common.payment import money
from firmware.common.wire.errors import MALFORMED, Refused

blueprint = Blueprint("operator", __name__, url_prefix="/operator")


@blueprint.get("/accounts")
@operators_only
def list_accounts() -> Response:
    """Accounts with their balances: ?limit=&offset="""
    limit, offset = page()
    rows = current().database.run(lambda cursor: accounts.page(cursor, limit, offset))
    return jsonify(accounts=rows, limit=limit, offset=offset)


@blueprint.post("/accounts")
@operators_only
def open_account() -> Response:
    """{"account_id", "name"}"""
    found = _members({"account_id", "name"})
    account_id, name = (jsontext.text_member(found, key) for key in ("account_id", "name"))
    return _done(
        current().database.run(lambda cursor: accounts.open_account(cursor, account_id, name))
    )


@blueprint.post("/wallets")
@operators_only
def open_wallet() -> Response:
    """{"account_id", "wallet_id"}"""
    found = _members({"account_id", "wallet_id"})
    account_id, wallet_id = (
        jsontext.text_member(found, key) for key in ("account_id", "wallet_id")
    )
    return _done(
        current().database.run(lambda cursor: accounts.open_wallet(cursor, account_id, wallet_id))
    )


@blueprint.post("/devices")
@operators_only
def enrol() -> Response:
    """{"account_id", "signing_key": JWK, "ecdh_key": JWK, "name"?}"""
    found = _members({"account_id", "signing_key", "ecdh_key", "name"})
    account_id = jsontext.text_member(found, "account_id")
    keys = device_keys(found)
    return _done(current().database.run(lambda cursor: accounts.enrol(cursor, account_id, *keys)))


@blueprint.post("/fund")
@operators_only
def fund() -> Response:
    """{"account_id", "amount": number, "wallet_id"?, "transfer_id"?: UUID}

    With a `transfer_id` of the caller's own the same request can be sent again.
    """
    found = _members({"account_id", "amount", "wallet_id", "transfer_id"})
    account_id = jsontext.text_member(found, "account_id")
    wallet_id = _optional(found, "wallet_id", verify.DEFAULT_WALLET)
    amount_minor = money.parse_amount(found.get("amount", b"").decode(errors="replace"))
    transfer_id = _optional(found, "transfer_id", transaction.new_id())
    result = current().database.run(
        lambda cursor: accounts.fund(cursor, account_id, wallet_id, amount_minor, transfer_id)
    )
    return jsonify(result=result, transfer_id=transfer_id)


@blueprint.post("/freeze", defaults={"frozen": True})
@blueprint.post("/unfreeze", defaults={"frozen": False})
@operators_only
def set_frozen(frozen: bool) -> Response:
    """{"account_id", "device_id"?}: the account, or only that device."""
    found = _members({"account_id", "device_id"})
    account_id = jsontext.text_member(found, "account_id")
    named = found.get("device_id", b"null") != b"null"
    device_id = jsontext.string(found["device_id"]) if named else None
    current().database.run(
        lambda cursor: accounts.set_frozen(cursor, account_id, frozen, device_id)
    )
    return jsonify(result="frozen" if frozen else "unfrozen")


@blueprint.post("/ledgers")
@operators_only
def open_generation() -> Response:
    """{"account_id", "device_id"}: a new ledger for a device whose old one is forked."""
    found = _members({"account_id", "device_id"})
    account_id, device_id = (
        jsontext.text_member(found, key) for key in ("account_id", "device_id")
    )
    result, generation = current().database.run(
        lambda cursor: accounts.open_generation(cursor, account_id, device_id)
    )
    return jsonify(result=result, generation=generation)


def device_keys(found: dict[str, bytes]) -> tuple[bytes, bytes, str]:
    """(signing_key, ecdh_key, name) of a device-keys form. Raises `Refused`."""
    return (
        jwk.member_key(found, "signing_key"),
        jwk.member_key(found, "ecdh_key"),
        _optional(found, "name", "board"),
    )


def _members(allowed: set[str]) -> dict[str, bytes]:
    found = jsontext.members(json_body(limits.OPERATOR_BODY_BYTES_MAX))
    for name in found:
        if name not in allowed:
            raise Refused(MALFORMED, f"known members are {', '.join(sorted(allowed))}")
    return found


def _optional(found: dict[str, bytes], name: str, default: str) -> str:
    return jsontext.string(found[name]) if found.get(name, b"null") != b"null" else default


def _done(result: str) -> Response:
    return jsonify(result=result)
