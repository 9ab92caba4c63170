"""The bank as a till sees it: it opens UPLOADs, checks them against what it knows, and answers."""

from firmware.common.payment import batch, certificate, settlement, transaction
from firmware.common.payment.refund import check_refund
from firmware.common.payment.verdicts import SETTLED
from firmware.common.wire import messages
from firmware.common.wire.sealed_box import Box, seal_box
from firmware.common.wire.signed import check_signature
from tests.unit import world
from tests.unit.forms import BANK, BANK_ECDH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Counter:
    """`entries` are those it has, in their order; `judge` gives the verdict on one."""

    def __init__(self, app: "Any") -> None:
        keys = app.device.store.keys
        self.public, self.ecdh = keys.signing_public, keys.ecdh_public
        self.device = certificate.device_id(self.public)
        self.entries: list = []
        self.head = bytes(32)
        self.purses: dict = {}
        self.upload: Any = None

    def judge(self, entry: "Any") -> int:
        return SETTLED

    def open(self, box: bytes) -> bytes:
        """The signed UPLOAD: it follows what the bank has, and every signature holds."""
        opened = Box(box)
        assert (opened.number, opened.sender) == (messages.UPLOAD.number, self.device)
        data = opened.open(world.REALM, BANK_ECDH.private, BANK_ECDH.public)
        upload, entries = batch.parse_batch(data, 16)
        check_signature(world.REALM, upload, self.public)
        assert upload.device == self.device
        known = self.entries[upload.first :]
        assert upload.first <= len(self.entries)
        assert known or upload.prev_head == self.head
        for entry, before in zip(entries, known):  # noqa: B905 - MicroPython
            assert entry.record == before.record
        for entry in entries[len(known) :]:
            self._check(entry)
            self.entries.append(entry)
        self.upload, self.head = upload, upload.head
        self.fresh = entries
        return data

    def receipt(self, **changes: "Any") -> bytes:
        """The signed SRCPT for the last upload."""
        verdicts = bytes([self.judge(entry) for entry in self.fresh])
        fields = {
            "device": self.device,
            "gen": self.upload.gen,
            "first": self.upload.first,
            "new_head": self.upload.head,
            "batch": batch.batch_hash(self.upload),
            "net": 0,
            "t": world.NOW + 50,
            "nonce": self.upload.nonce,
        }
        fields.update(changes)
        verdicts = fields.pop("verdicts", verdicts)
        key = fields.pop("key", BANK)
        return settlement.make_receipt(world.REALM, key.private, verdicts, **fields)

    def seal(self, receipt: bytes, sender: bytes = world.REALM) -> bytes:
        return seal_box(messages.SRCPT.number, sender, self.device, self.ecdh, receipt)

    def _check(self, entry: "Any") -> None:
        record = entry.record
        if record.layout is messages.REFUND:
            check_refund(world.REALM, self.public, record.signed, self.device)
        elif record.purse in self.purses:
            transaction.check_payment(world.REALM, self.purses[record.purse], record)
