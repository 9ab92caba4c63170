"""A board's first message: its own keys, and proof that its holder knows the one-time code.

ENROL    = {profile, kd, ed, nonce, fw_hash, name, code_mac}, signed by KD, sealed to EB
code_mac = HMAC-SHA-256(code, KD || ED || nonce)[:16]
words    = 44 bits of SHA-256(KD || ED), shown on the board and to the operator
"""

from firmware.common import crypto
from firmware.common.payment import label
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import BAD_CODE, MALFORMED, Refused
from firmware.common.wire.messages import ENROL
from firmware.common.wire.signed import check_signature, parse_signed, sign


def make_enrolment(
    realm8: bytes,
    private: bytes,
    code: bytes,
    profile: int,
    kd: bytes,
    ed: bytes,
    nonce: bytes,
    fw_hash: bytes,
    name: bytes,
) -> bytes:
    """A signed ENROL; `code` is the one-time code as it was typed, in ASCII."""
    body = ENROL.pack(
        profile=profile,
        kd=kd,
        ed=ed,
        nonce=nonce,
        fw_hash=fw_hash,
        name=name,
        code_mac=_code_mac(code, kd, ed, nonce),
    )
    return sign(realm8, ENROL, body, private)


def check_enrolment(realm8: bytes, data: bytes) -> Record:
    """The ENROL that the device signed with the key in it; its code is `check_code`'s matter."""
    enrolment = parse_signed(ENROL, data)
    keys = enrolment.kd, enrolment.ed
    if keys[0] == keys[1] or not all(crypto.is_on_curve(key) for key in keys):
        raise Refused(MALFORMED, "the keys are not two points of the curve")
    label.to_text(enrolment.name)
    check_signature(realm8, enrolment, enrolment.kd)
    return enrolment


def check_code(enrolment: Record, code: bytes) -> None:
    """Raises `Refused(BAD_CODE)` unless the board was given this one-time code."""
    expected = _code_mac(code, enrolment.kd, enrolment.ed, enrolment.nonce)
    if not crypto.equal(expected, enrolment.code_mac):
        raise Refused(BAD_CODE, "another code was typed on the board")


def _code_mac(code: bytes, kd: bytes, ed: bytes, nonce: bytes) -> bytes:
    return crypto.hmac_sha256(code, kd + ed + nonce)[:16]
