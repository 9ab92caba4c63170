"""Hears what boards say to each other before it is sealed: payments, receipts and VOIDs.

Firmware in this process only; nothing is changed, and what is said may still be lost on the wire.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from firmware.common.wire.channel import Channel
from firmware.common.wire.codec import Record
from firmware.common.wire.messages import ACK, TXN, VOID
from firmware.common.wire.signed import parse_signed


class Ear:
    """`payments` by hash; `taken` and `voided` are the hashes that a payee answered so.

    `at_void` is called as a payee is about to say that it voided a payment.
    """

    def __init__(self) -> None:
        self.payments: dict[bytes, Record] = {}
        self.taken: set[bytes] = set()
        self.voided: set[bytes] = set()
        self.at_void: Callable[[], None] = lambda: None

    def hear(self, number: int, message: bytes) -> None:
        if number == TXN.number:
            txn = parse_signed(TXN, message)
            self.payments[sha256(txn.raw).digest()] = txn
        elif number == ACK.number:
            self.taken.add(parse_signed(ACK, message).txn_hash)
        elif number == VOID.number:
            self.voided.add(parse_signed(VOID, message).txn_hash)
            self.at_void()


@contextmanager
def listening(ear: Ear) -> Iterator[None]:
    """Every conversation within the block is heard."""
    said = Channel.send

    async def send(self: Any, kind: int, message: bytes) -> None:
        ear.hear(kind, message)
        await said(self, kind, message)

    Channel.send = send
    try:
        yield
    finally:
        Channel.send = said
