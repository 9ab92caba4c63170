"""The operator's doors, behind a token: accounts, wallets, devices, funding, freezing.

Bodies are read by the strict JSON reader, so that an amount never becomes a float.
"""

from flask import Blueprint, Response, jsonify

from bank import accounts, endings, enrolment, limits, verify
from bank.queries import ledgers
from bank.web import current, json_body, operators_only, page
from firmware.common.interchange import jsontext, jwk, transaction
from firmware.common.payment import money
from firmware.common.payment.certificate import PAYEE, PAYER
from firmware.common.wire.errors import MALFORMED, Refused

blueprint = Blueprint("operator", __name__, url_prefix="/operator")
ROLES = {"payer": PAYER, "payee": PAYEE, "both": PAYER | PAYEE}


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
    amount_minor = _amount(found)
    transfer_id = _optional(found, "transfer_id", transaction.new_id())
    result = current().database.run(
        lambda cursor: accounts.fund(cursor, account_id, wallet_id, amount_minor, transfer_id)
    )
    return jsonify(result=result, transfer_id=transfer_id)


@blueprint.post("/fraud-fund")
@operators_only
def fill_fund() -> Response:
    """{"amount": number, "transfer_id"?: UUID}: into the fraud fund, once for an id."""
    found = _members({"amount", "transfer_id"})
    amount_minor = _amount(found)
    transfer_id = _optional(found, "transfer_id", transaction.new_id())
    result = current().database.run(
        lambda cursor: accounts.fill_fund(cursor, amount_minor, transfer_id)
    )
    return jsonify(result=result, transfer_id=transfer_id)


@blueprint.post("/guarantee")
@operators_only
def set_guarantee() -> Response:
    """{"account_id", "amount": number}: what the fraud fund pays a payee at most; 0 is nothing."""
    found = _members({"account_id", "amount"})
    account_id = jsontext.text_member(found, "account_id")
    amount_minor = accounts.parse_guarantee(_text(found, "amount"))
    return _done(
        current().database.run(
            lambda cursor: accounts.set_guarantee(cursor, account_id, amount_minor)
        )
    )


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
    """{"account_id", "device_id", "form"?: json or opg1}: a new ledger where the old is forked."""
    found = _members({"account_id", "device_id", "form"})
    form = _optional(found, "form", ledgers.JSON)
    account_id, device_id = (
        jsontext.text_member(found, key) for key in ("account_id", "device_id")
    )
    result, generation = current().database.run(
        lambda cursor: accounts.open_generation(cursor, account_id, device_id, form)
    )
    return jsonify(result=result, generation=generation)


@blueprint.post("/codes")
@operators_only
def make_code() -> Response:
    """{"account_id", "role"?: payer, payee or both}: a one-time code for a board."""
    found = _members({"account_id", "role"})
    account_id = jsontext.text_member(found, "account_id")
    roles = ROLES.get(_optional(found, "role", "both"))
    if roles is None:
        raise Refused(MALFORMED, f"a role is {', '.join(ROLES)}")
    bank = current()
    code = bank.database.run(
        lambda cursor: enrolment.issue_code(cursor, bank.code_key, account_id, roles, bank.clock())
    )
    return jsonify(account_id=account_id, code=code)


@blueprint.get("/enrolments")
@operators_only
def list_enrolments() -> Response:
    """Boards that wait to be confirmed: ?limit=&offset="""
    limit, offset = page()
    rows = current().database.run(lambda cursor: enrolment.pending(cursor, limit, offset))
    return jsonify(enrolments=rows, limit=limit, offset=offset)


@blueprint.post("/confirm")
@operators_only
def confirm() -> Response:
    """{"device_id", "words"}: the four words as the board's own screen shows them."""
    found = _members({"device_id", "words"})
    device, words = (jsontext.text_member(found, key) for key in ("device_id", "words"))
    bank = current()
    office = bank.office
    return _done(
        bank.database.run(
            lambda cursor: enrolment.confirm(cursor, office, device, words, bank.clock())
        )
    )


@blueprint.post("/decline")
@operators_only
def decline() -> Response:
    """{"device_id"}: its words differ, or nobody knows it."""
    device = jsontext.text_member(_members({"device_id"}), "device_id")
    current().database.run(lambda cursor: enrolment.decline(cursor, device))
    return _done("refused")


@blueprint.post("/lapse")
@operators_only
def lapse() -> Response:
    """{}: ends purses whose grace is over, some at a time; again until it says 0."""
    _members(set())
    bank = current()
    ended = bank.database.run(lambda cursor: endings.end_due(cursor, bank.clock()))
    return jsonify(ended=ended)


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


def _amount(found: dict[str, bytes]) -> int:
    return money.parse_amount(_text(found, "amount"))


def _text(found: dict[str, bytes], name: str) -> str:
    """A member as it was written."""
    return found.get(name, b"").decode(errors="replace")


def _optional(found: dict[str, bytes], name: str, default: str) -> str:
    return jsontext.string(found[name]) if found.get(name, b"null") != b"null" else default


def _done(result: str) -> Response:
    return jsonify(result=result)
