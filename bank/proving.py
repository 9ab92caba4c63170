"""Proofs from anybody, checked from public data alone.

    EQUIV   a purse and two payments of it that contradict: the purse is revoked, the proof kept
    ACK     a payee's word about its ledger that the ledger belies: the payee is frozen

Who brings a proof is not asked. What proves nothing is refused, and none of what came with it
counts.
"""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit, limits, revoking
from bank.authority import Office
from bank.queries import devices, enrolments, ledgers, proofs, purses
from bank.queries.enrolments import Certified
from bank.queries.ledgers import OPG1
from firmware.common.payment.proof import check_proof
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import LEDGER_FORK, MALFORMED, NOT_ENROLLED, TOO_LARGE, Refused
from firmware.common.wire.messages import ACK, EQUIV
from firmware.common.wire.signed import check_signature, parse_signed

CREATED = "created"  # what was not known before has been written down
EXISTS = "exists"
UNKNOWN = "unknown"  # the bank has nothing to compare it with
AGREES = "agrees"

_ANYBODY = "anybody"
_HEAD_BYTES = 3


def take(cursor: Cursor, office: Office, body: bytes) -> list[str]:
    """What each message of a bundle has brought. Raises `Refused` where one proves nothing."""
    messages = _messages(body)
    equivs = [
        check_proof(office.realm8, [office.bank], m) for n, m in messages if n == EQUIV.number
    ]
    checked = iter(equivs)
    results = []
    for number, message in messages:
        if number == EQUIV.number:
            results.append(_revoke(cursor, next(checked), EQUIV.read(message)))
        else:
            results.append(_take_ack(cursor, office, parse_signed(ACK, message)))
    return results


def find(cursor: Cursor, purse_id: bytes) -> bytes:
    """The EQUIV against a purse, "" where there is none."""
    return proofs.select_proof(cursor, purse_id) or b""


def _messages(body: bytes) -> list[tuple[int, bytes]]:
    """The messages of a bundle: type1 || len2 || message, repeated."""
    found, start = [], 0
    while start < len(body):
        number, end = body[start], start + _HEAD_BYTES
        length = int.from_bytes(body[start + 1 : end], "big")
        start = end + length
        if start > len(body) or number not in (EQUIV.number, ACK.number):
            raise Refused(MALFORMED, "not a bundle of proofs")
        found.append((number, body[end:start]))
    if not found:
        raise Refused(MALFORMED, "there is no proof in it")
    if len(found) > limits.PROOFS_MAX:
        raise Refused(TOO_LARGE, f"at most {limits.PROOFS_MAX} proofs at a time")
    return found


def _revoke(cursor: Cursor, purse: Record, proof: Record) -> str:
    owner = purses.select_owners(cursor, [purse.purse]).get(purse.purse)
    if owner is None or owner[1] != purse.signed:
        return UNKNOWN  # of a purse that this bank's books have never held
    key = (owner[0], purse.purse)
    locked = purses.select_purses(cursor, [key])[key]
    if proofs.select_proof(cursor, purse.purse):
        return EXISTS
    revoking.accuse(cursor, locked, proof.a, proof.b, _ANYBODY)
    return CREATED


def _take_ack(cursor: Cursor, office: Office, ack: Record) -> str:
    device = enrolments.select_certified(cursor, [ack.payee], lock=True).get(ack.payee)
    if device is None:
        raise Refused(NOT_ENROLLED, "the device that signed it has no certificate of this bank")
    check_signature(office.realm8, ack, device.signing_key)
    (result,) = compare(cursor, [(device, ack)])
    return result


def compare(cursor: Cursor, acks: list[tuple[Certified, Record]]) -> list[str]:
    """Whether each ACK agrees with the ledger that its payee has uploaded, as far as it goes.

    The signatures are right. A payee that one of them belies is frozen.
    """
    places = [(d.account_id, d.device_id, ack.gen, ack.index) for d, ack in acks]
    known = ledgers.select_hashes_at(cursor, places)
    return [
        _judge(cursor, device, ack, known.get(place))
        for (device, ack), place in zip(acks, places, strict=True)
    ]


def _judge(
    cursor: Cursor, device: Certified, ack: Record, stored: tuple[bytes, bytes] | None
) -> str:
    if stored is None:
        return UNKNOWN
    if stored == (ack.ledger_head, ack.txn_hash):
        return AGREES
    position = ledgers.select_position(
        cursor, device.account_id, device.device_id, lock=False, form=OPG1
    )
    if device.frozen or ack.gen < position.generation:
        return EXISTS  # the operator knows, or has opened another ledger since
    return CREATED if _flag(cursor, device, ack) else EXISTS


def _flag(cursor: Cursor, device: Certified, ack: Record) -> bool:
    """Freezes the device; false where the same receipt did so before."""
    row = audit.decision(
        device.account_id,
        _ANYBODY,
        "freeze",
        f"device {device.device_id.hex()}",
        LEDGER_FORK,
        detail="it acknowledged a payment that its ledger does not hold there",
        ack=ack.signed.hex(),
    )
    is_new = audit.write_new(cursor, row)
    if is_new:
        devices.update_device_frozen(cursor, device.account_id, device.device_id, True)
    return is_new
