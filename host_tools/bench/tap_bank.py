"""Runs on MicroPython: a bank that gives two boards all they need to pay each other, and no more.

Loaded for each answer and let go, so that the boards find their own memory as it was. Its keys are
fixed: each run does the same to the last bit.
"""

from firmware.common import crypto
from firmware.common.payment.certificate import (
    PAYEE,
    PAYER,
    check_bank_key,
    make_bank_key,
    make_device,
)
from firmware.common.payment.enrolment import check_enrolment
from firmware.common.payment.news import FIRST_ROOT, make_beacon
from firmware.common.payment.purse import make_purse
from firmware.common.payment.settlement import make_statement
from firmware.common.payment.sync import parse_sync
from firmware.common.wire.messages import BEACON, POLICY, STATEMENT
from firmware.common.wire.sealed_box import Box, seal_box
from firmware.common.wire.signed import realm

_ROOT, _SIGNING, _ECDH = (crypto.sha256(name) for name in (b"root", b"signing", b"ecdh"))
_NOW, _END = 1_795_359_666, 1_900_000_000
_EUR = 978


def root() -> bytes:
    return crypto.public_key(_ROOT)


def bank_key() -> bytes:
    """The signed BKEY."""
    return make_bank_key(
        _ROOT, crypto.public_key(_SIGNING), crypto.public_key(_ECDH), _NOW - 1, _END
    )


def certificate(enrolment: bytes) -> bytes:
    """The signed DCERT that answers a sealed ENROL, whatever its code."""
    asked = check_enrolment(realm(root()), _opened(enrolment))
    return make_device(
        realm(root()),
        check_bank_key(root(), bank_key()),
        _SIGNING,
        kind=PAYER | PAYEE,
        pub=asked.kd,
        ecdh=asked.ed,
        name=asked.name,
        issued=_NOW,
        not_after=_END,
        rx_limit=50_00,
        rx_cum=1_000_00,
        flags=0,
        serial=1,
    )


def news() -> bytes:
    """A bundle of one BEACON."""
    policy = POLICY.pack(
        stale_days=7,
        stale_taps=200,
        stale_minor=500_00,
        nopin_minor=10_00,
        nopin_run=5,
        nopin_total=30_00,
        payee_pct=50,
        purses=3,
    )
    beacon = make_beacon(realm(root()), _SIGNING, 1, _NOW, 0, policy, FIRST_ROOT, bytes(32))
    return bytes((BEACON.number,)) + len(beacon).to_bytes(2, "big") + beacon


def statement(report: bytes, ecdh: bytes) -> bytes:
    """The sealed STATEMENT that answers a sealed SYNC for a purse, to a device of that key."""
    sync, _ = parse_sync(_opened(report))
    realm8 = realm(root())
    purse = make_purse(
        realm8,
        check_bank_key(root(), bank_key()),
        _SIGNING,
        flags=0,
        purse=b"a purse.",
        pub=sync.newpub,
        allowance=sync.amount,
        tx_max=50_00,
        ctr_max=250,
        cur=_EUR,
        issued=_NOW,
        not_after=_END,
        grace_h=168,
    )
    signed = make_statement(
        realm8,
        _SIGNING,
        [],
        purse,
        device=sync.device,
        purse=sync.purse,
        nonce=sync.nonce,
        t=_NOW,
        balance=0,
    )
    return seal_box(STATEMENT.number, realm8, sync.device, ecdh, signed)


def _opened(sealed: bytes) -> bytes:
    return Box(sealed).open(realm(root()), _ECDH, crypto.public_key(_ECDH))
