"""A bank without books, for who needs boards that can pay each other and nothing else.

It gives every board a certificate and every wish a purse, on the real bank's terms. Nothing is
written down, and nothing is settled.
"""

import json
import time
from typing import Any

from bank import policy
from firmware.common import crypto
from firmware.common.interchange import base64, jwk
from firmware.common.payment.certificate import (
    PAYEE,
    PAYER,
    check_bank_key,
    device_id,
    make_bank_key,
    make_device,
)
from firmware.common.payment.enrolment import check_enrolment
from firmware.common.payment.news import FIRST_ROOT, make_beacon
from firmware.common.payment.purse import make_purse
from firmware.common.payment.settlement import make_statement
from firmware.common.payment.sync import parse_sync
from firmware.common.wire.messages import BEACON, BKEY, STATEMENT
from firmware.common.wire.sealed_box import Box, seal_box
from firmware.common.wire.signed import realm
from host_tools import bundle

_DAY_S = 86_400
_YEAR_S = 365 * _DAY_S


class PocketBank:
    """As much of a `BankClient` as `Enrolment` and a payer's `sync` need.

    `ecdh`: the key pair that is sealed to, if somebody else is to open that too. `now`: Unix
    seconds at which everything is issued.
    """

    def __init__(self, ecdh: tuple[bytes, bytes] | None = None, now: int | None = None) -> None:
        root_private, self._root = crypto.generate_key()
        self._private, public = crypto.generate_key()
        self._ecdh_private, self._ecdh = ecdh or crypto.generate_key()
        self._now = int(time.time()) if now is None else now
        self._realm8 = realm(self._root)
        self._bkey = make_bank_key(
            root_private, public, self._ecdh, self._now, self._now + 2 * _YEAR_S
        )
        self._bank = check_bank_key(self._root, self._bkey)
        self._public = public
        self._device_keys: dict[bytes, bytes] = {}

    def public_keys(self) -> dict[str, Any]:
        return {
            "root_public_key": self._root.hex(),
            "bkey": base64.encode(self._bkey),
            "public_key": json.loads(jwk.jwk_from_public(self._ecdh)),
            "signing_key": json.loads(jwk.jwk_from_public(self._public)),
        }

    def get(self, path: str) -> dict[str, Any]:
        return {"enrolments": []}

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        return {}

    def enrol(self, enrolment: bytes) -> bytes:
        """A certificate for whoever asks, whatever the code."""
        asked = check_enrolment(self._realm8, self._opened(enrolment))
        self._device_keys[device_id(asked.kd)] = asked.ed
        return make_device(
            self._realm8,
            self._bank,
            self._private,
            kind=PAYER | PAYEE,
            pub=asked.kd,
            ecdh=asked.ed,
            name=asked.name,
            issued=self._now,
            not_after=self._now + _YEAR_S,
            rx_limit=policy.RX_LIMIT_MINOR,
            rx_cum=policy.RX_CUM_MINOR,
            flags=0,
            serial=1,
        )

    def sync(self, report: bytes, known: int) -> bytes:
        """A purse for a payer that asks for one; nothing else is looked at."""
        sync, _ = parse_sync(self._opened(report))
        statement = make_statement(
            self._realm8,
            self._private,
            [],
            self._purse(sync.newpub, sync.amount) if sync.amount else b"",
            device=sync.device,
            purse=sync.purse,
            nonce=sync.nonce,
            t=self._now,
            balance=0,
        )
        recipient = self._device_keys[sync.device]
        sealed = seal_box(STATEMENT.number, self._realm8, sync.device, recipient, statement)
        return bundle.join([(STATEMENT.number, sealed)])

    def news(self, known: int) -> bytes:
        beacon = make_beacon(
            self._realm8, self._private, 1, self._now, 0, policy.packed(), FIRST_ROOT, bytes(32)
        )
        return bundle.join([(BKEY.number, self._bkey), (BEACON.number, beacon)])

    def _purse(self, public: bytes, amount_minor: int) -> bytes:
        return make_purse(
            self._realm8,
            self._bank,
            self._private,
            flags=0,
            purse=crypto.random_bytes(8),
            pub=public,
            allowance=amount_minor,
            tx_max=policy.TX_MAX_MINOR,
            ctr_max=policy.CTR_MAX,
            cur=policy.CURRENCY,
            issued=self._now,
            not_after=self._now + policy.PURSE_DAYS * _DAY_S,
            grace_h=policy.GRACE_H,
        )

    def _opened(self, sealed: bytes) -> bytes:
        return Box(sealed).open(self._realm8, self._ecdh_private, self._ecdh)
