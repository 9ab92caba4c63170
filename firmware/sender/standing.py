"""How each payment stands with the bank, read from everything that the journal still holds.

    state of a payment = the tag that it has in a SYNC now, and whether the bank has judged it

Two bytes a payment: a purse has some hundreds, and a board little RAM.
"""

from struct import unpack

from firmware.common.payment.settlement import statement_verdicts
from firmware.common.payment.sync import ALONE, CLOSING, WITH_ACK, WITH_VOID, parse_sync
from firmware.common.payment.verdicts import PENDING
from firmware.common.wire.codec import Record
from firmware.common.wire.messages import STATEMENT, TXN
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.keeping import split_signed
from firmware.sender.wallet import Purse, Wallet

JUDGED = 0x80


class Standing:
    """`now` and `told` hold, by counter, a payment's tag (| JUDGED) and the tag the bank knows."""

    def __init__(self, purse: Purse) -> None:
        self.purse = purse
        self.now = bytearray(purse.ctr + 1)
        self.told = bytearray(purse.ctr + 1)

    def open(self, again: bool = True) -> list[int]:
        """The counters of payments that the bank has not judged, lowest first.

        Unless `again`, only those of which it was not told as much as is known now.
        """
        return [
            ctr
            for ctr, tag in enumerate(self.now)
            if 0 < tag < JUDGED and (again or self.told[ctr] != tag)
        ]


def standings(wallet: Wallet) -> list[Standing]:
    """One for each purse."""
    found = [Standing(purse) for purse in wallet.purses]
    by_purse = {standing.purse.id: standing for standing in found}
    asked: list[tuple[bytes, int, int]] = []
    for _, kind, payload in keeping.records(wallet):
        if kind == keeping.SYNCING:
            asked = _asked(payload)
        elif kind == keeping.ANSWERED:
            statement = parse_signed(STATEMENT, payload)
            for purse, ctr, tag in asked:
                if purse in by_purse:
                    by_purse[purse].told[ctr] = tag
            if statement.purse in by_purse:
                _judge(by_purse[statement.purse], statement)
        else:
            purse, ctr, tag = _tag(kind, payload)
            if purse in by_purse:
                now = by_purse[purse].now
                now[ctr] = tag | now[ctr] & JUDGED
    return found


def payment_of(kind: int, payload: bytes) -> Record:
    """The TXN of a SIGNED or CLOSING record."""
    return parse_signed(TXN, split_signed(payload)[2] if kind == keeping.SIGNED else payload)


def _tag(kind: int, payload: bytes) -> tuple[bytes, int, int]:
    if kind in (keeping.SIGNED, keeping.CLOSING):
        txn = payment_of(kind, payload)
        return txn.purse, txn.ctr, ALONE if kind == keeping.SIGNED else CLOSING
    if kind in (keeping.DELIVERED, keeping.VOIDED):
        ctr = unpack(">I", payload[8:12])[0]
        return payload[:8], ctr, WITH_ACK if kind == keeping.DELIVERED else WITH_VOID
    return b"", 0, 0


def _asked(payload: bytes) -> list[tuple[bytes, int, int]]:
    sync, entries = parse_sync(payload)
    return [(sync.purse, entry.txn.ctr, entry.tag) for entry in entries]


def _judge(standing: Standing, statement: Record) -> None:
    for ctr, verdict in statement_verdicts(statement):
        if verdict != PENDING and ctr < len(standing.now):
            standing.now[ctr] |= JUDGED
