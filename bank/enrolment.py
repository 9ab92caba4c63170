"""How a board joins an account: a one-time code, four words compared by people, a certificate.

The operator makes a code, which is typed on the board; the board sends its keys with a MAC under
the code; the operator compares the words of those keys with the board's screen; then the board
gets its certificate, and the same one whenever it asks again with the same message.

A board does not say whose code it has, so each live code is tried, and a wrong attempt counts
against all of them: 5 wrong ones end every live code, and the operator makes new ones.
"""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import accounts, audit, certificates, limits, policy, verify
from bank.authority import Office
from bank.certificates import Holder
from bank.queries import devices, enrolments
from bank.queries.accounts import select_account
from bank.queries.enrolments import Code, Enrolment
from firmware.common import crypto
from firmware.common.interchange.transaction import new_id
from firmware.common.payment import label
from firmware.common.payment.enrolment import check_code, check_enrolment
from firmware.common.payment.words import key_words
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    BAD_CODE,
    DECLINED,
    FROZEN,
    MALFORMED,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OK,
    OVER_LIMIT,
    REPLAY,
    Refused,
)
from firmware.common.wire.messages import ENROL
from firmware.common.wire.signed import parse_signed

PENDING = "pending"
CONFIRMED = "confirmed"
DECLINED_BY_OPERATOR = "refused"
_NONCE_BYTES = 12


def issue_code(cursor: Cursor, code_key: bytes, account_id: str, roles: int, now: int) -> str:
    """A new one-time code for the account; a code it had before is dead from now on."""
    accounts.require_party(cursor, account_id)
    alive = enrolments.select_alive_codes(cursor, now, limits.CODE_TRIES_MAX)
    earlier = [code for code in alive if code.account_id == account_id]
    if earlier:
        enrolments.update_tries(cursor, earlier, limits.CODE_TRIES_MAX)
    if len(alive) - len(earlier) >= limits.CODES_ALIVE_MAX:
        raise Refused(OVER_LIMIT, "too many codes wait for their boards")
    in_use = {open_code(code_key, code) for code in alive}
    code = _new_code()
    while code.encode() in in_use:
        code = _new_code()
    code_id, nonce = new_id(), crypto.random_bytes(_NONCE_BYTES)
    sealed = nonce + crypto.seal(code_key, nonce, code.encode(), code_id.encode())
    expires = now + limits.CODE_LIFE_S
    enrolments.insert_code(cursor, account_id, code_id, sealed, roles, expires)
    row = audit.decision(account_id, audit.OPERATOR, "make code", code_id, OK)
    audit.write(cursor, [row])
    return code


def open_code(code_key: bytes, code: Code) -> bytes:
    """The digits. Raises ValueError where the code was sealed with another key."""
    nonce, sealed = code.sealed[:_NONCE_BYTES], code.sealed[_NONCE_BYTES:]
    return crypto.unseal(code_key, nonce, sealed, code.code_id.encode())


def ask(
    cursor: Cursor, office: Office, code_key: bytes, sender8: bytes, data: bytes, now: int
) -> bytes | Refused:
    """What a board's ENROL gets: its signed DCERT, or nothing while the operator has not decided.

    A refusal is returned, not raised: that somebody guessed has to be written down all the same.
    """
    enrolment = check_enrolment(office.realm8, data)
    device_id = verify.device_id(enrolment.kd)
    if sender8 != device_id:
        raise Refused(NOT_FOR_ME, "it was sealed by another device than signed it")
    # Locked first: whoever sent the same message at the same time is seen afterwards.
    alive = enrolments.select_alive_codes(cursor, now, limits.CODE_TRIES_MAX)
    known = enrolments.select_enrolment(cursor, device_id)
    if known is not None:
        return _again(cursor, known, data)
    found = devices.select_device(cursor, device_id)
    code = _find_code(code_key, enrolment, alive)
    if code is None:
        _count_wrong(cursor, alive, device_id)
        return Refused(BAD_CODE, "no live code fits: have the operator make a new one")
    if found is not None and found[:3] != (code.account_id, enrolment.kd, enrolment.ed):
        return Refused(REPLAY, "the device is enrolled already, otherwise than asked now")
    enrolments.use_code(cursor, code, device_id)
    enrolments.insert_enrolment(cursor, code, device_id, data)
    row = audit.decision(
        code.account_id, f"device {device_id.hex()}", "ask to enrol", code.code_id, OK
    )
    audit.write(cursor, [row])
    return b""


def confirm(cursor: Cursor, office: Office, device: str, words: str, now: int) -> str:
    """Makes the device one of the account, and its certificate: CREATED or EXISTS.

    `words` are those the operator has read from the board's screen. Raises `Refused`.
    """
    known = _require_enrolment(cursor, device)
    enrolment = parse_signed(ENROL, known.enrol)
    if " ".join(words.lower().split()) != key_words(enrolment.kd, enrolment.ed):
        raise Refused(DECLINED, "those are not the words of this device's keys")
    if known.state != PENDING:
        if known.state == CONFIRMED:
            return accounts.EXISTS
        raise Refused(DECLINED, "this device was refused; it asks anew with new keys")
    account = select_account(cursor, known.account_id)
    if account is None or account[2]:
        raise Refused(FROZEN, "the account is frozen")
    name = label.to_text(enrolment.name) or known.account_id
    if devices.select_device(cursor, known.device_id) is None:
        devices.insert_device(
            cursor, known.account_id, known.device_id, enrolment.kd, enrolment.ed, name
        )
    holder = Holder(
        known.account_id,
        known.roles,
        enrolment.kd,
        enrolment.ed,
        enrolment.name,
        policy.RX_LIMIT_MINOR,
        policy.RX_CUM_MINOR,
    )
    certificates.issue(cursor, office, holder, 1, now)
    enrolments.update_enrolment(cursor, known, CONFIRMED)
    _log(cursor, known, "enrol", name=name, firmware=enrolment.fw_hash.hex())
    return accounts.CREATED


def decline(cursor: Cursor, device: str) -> None:
    """The words differ, or nobody knows the board: it gets no certificate. Raises `Refused`."""
    known = _require_enrolment(cursor, device)
    if known.state == CONFIRMED:
        raise Refused(MALFORMED, "the device is enrolled; freeze it instead")
    if known.state == PENDING:
        enrolments.update_enrolment(cursor, known, DECLINED_BY_OPERATOR)
        _log(cursor, known, "decline device")


def pending(cursor: Cursor, limit: int, offset: int) -> list[dict[str, str]]:
    """The boards that wait, with the words that their screens must show, and what they say they
    run (see `opg verify`)."""
    rows = []
    for known in enrolments.select_pending(cursor, limit, offset):
        enrolment = parse_signed(ENROL, known.enrol)
        rows.append(
            {
                "account_id": known.account_id,
                "device_id": known.device_id.hex(),
                "name": label.to_text(enrolment.name),
                "firmware": enrolment.fw_hash.hex(),
                "words": key_words(enrolment.kd, enrolment.ed),
            }
        )
    return rows


def _again(cursor: Cursor, known: Enrolment, data: bytes) -> bytes | Refused:
    # Without the signature, which may be made anew.
    if parse_signed(ENROL, known.enrol).raw != parse_signed(ENROL, data).raw:
        return Refused(REPLAY, "this device has asked before, otherwise; reset it for new keys")
    if known.state == DECLINED_BY_OPERATOR:
        return Refused(DECLINED, "the operator refused the device; reset it for new keys")
    return enrolments.select_certificate(cursor, known.account_id, known.device_id) or b""


def _find_code(code_key: bytes, enrolment: Record, alive: list[Code]) -> Code | None:
    """The live code that the board was given; all are looked at."""
    found = None
    for code in alive:
        try:
            check_code(enrolment, open_code(code_key, code))
        except (Refused, ValueError):
            continue
        found = code
    return found


def _count_wrong(cursor: Cursor, alive: list[Code], device_id: bytes) -> None:
    """A row at most five times for each code that the operator makes: then it is dead."""
    if alive:
        enrolments.update_tries(cursor, alive, 1)
        actor = f"device {device_id.hex()}"
        count = f"{max(code.tries for code in alive) + 1} of {limits.CODE_TRIES_MAX}"
        audit.write(cursor, [audit.decision("", actor, "wrong code", count, BAD_CODE)])


def _require_enrolment(cursor: Cursor, device: str) -> Enrolment:
    known = enrolments.select_enrolment(cursor, accounts.parse_device_id(device), lock=True)
    if known is None:
        raise Refused(NOT_ENROLLED, f"no device {device} has asked with a right code")
    return known


def _log(cursor: Cursor, known: Enrolment, action: str, **detail: object) -> None:
    subject = f"device {known.device_id.hex()}"
    row = audit.decision(known.account_id, audit.OPERATOR, action, subject, OK, **detail)
    audit.write(cursor, [row])


def _new_code() -> str:
    number = int.from_bytes(crypto.random_bytes(16), "big") % 10**limits.CODE_DIGITS
    return f"{number:0{limits.CODE_DIGITS}d}"
