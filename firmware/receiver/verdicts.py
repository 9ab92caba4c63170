"""Applies the bank's receipt to the ledger; loaded when a host brings one."""

from firmware.common.payment.receipt import DUPLICATE, SETTLED, UNGUARANTEED, Receipt
from firmware.common.wire.errors import CHAIN_BROKEN, Refused
from firmware.receiver import book
from firmware.receiver.book import LedgerBook


def apply(ledger: LedgerBook, receipt: Receipt) -> None:
    """Marks entries as the bank judged them; a receipt of another ledger is refused whole."""
    marks = []
    entries = ledger.entries(receipt.first_index, len(receipt.verdicts))
    if len(entries) != len(receipt.verdicts):
        raise Refused(CHAIN_BROKEN, "the receipt speaks of entries that are not here")
    for (index, txn_hash, verdict, reason), (header, _) in zip(receipt.verdicts, entries):
        if header["index"] != index or header["hash"] != txn_hash:
            raise Refused(CHAIN_BROKEN, "the receipt speaks of another ledger")
        state = _state(verdict)
        if ledger.states[index] not in (book.SETTLED, state):
            marks.append((index, state, reason))
    if marks:
        ledger.mark(marks)


def _state(verdict: int) -> int:
    if verdict in (SETTLED, DUPLICATE):
        return book.SETTLED
    return book.UNPAID if verdict == UNGUARANTEED else book.REJECTED
