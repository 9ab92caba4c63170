"""The ledger of payments that came as files: ACCEPTED with their entries, and bank verdicts.

One record holds an entry and what its acknowledgement is made from (J7), and it is written before
anybody hears of it (J2). Entries are looked up before they are written (J4).
"""

from binascii import hexlify, unhexlify

from firmware.common import crypto
from firmware.common.payment.acknowledgement import acknowledge
from firmware.common.payment.ledger import GENESIS, link
from firmware.common.storage.appending import check_space
from firmware.common.storage.journal import Journal
from firmware.common.wire import packet
from firmware.common.wire.errors import REPLAY, Refused
from firmware.receiver.opened import Opened

_ACCEPTED = 2  # 1 was a request over the wire, before OPG1
_VERDICTS = 3

# What the bank said of an entry, by ledger index.
UNSETTLED = 0
SETTLED = 1
REJECTED = 2
UNPAID = 3  # no funds yet: uploaded again, judged again
STATES = ("unsettled", "settled", "rejected", "unpaid")


class LedgerBook:
    """The ledger: `count` entries ending in `head`, and `states` of each."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._journal = Journal(root + "/ledger")
        self.count = 0
        self.head = GENESIS
        self.total_minor = 0
        self.last_time_ms = 0
        self.states = bytearray()
        for _, kind, payload in self._journal.scan():
            header, _ = packet.unpack(payload)
            if kind == _ACCEPTED:
                self._take_entry(header)
            elif kind == _VERDICTS:
                self._take_verdicts(header)

    def find(self, payment: Opened) -> dict | None:
        """The header of the entry that holds this payment; None if it was not seen before.

        Raises `Refused(REPLAY)` when its id was used for another payment of this payer.
        """
        for _, _, payload in self._journal.scan(_ACCEPTED, _key(payment)):
            header, _ = packet.unpack(payload)
            if header["hash"] == payment.hash:
                return header
            if header["id"] == payment.txn_id and header["from"] == payment.from_id:
                raise Refused(REPLAY, "its id belongs to another payment of this payer")
        return None

    def append(self, payment: Opened, now_ms: int) -> dict:
        """Enters a payment: the commit point. Answers the entry's header."""
        check_space(self._root)
        header = {
            "index": self.count,
            "head": link(self.head, payment.hash),
            "hash": payment.hash,
            "id": payment.txn_id,
            "from": payment.from_id,
            "amount": payment.amount_minor,
            "request": "",
            "time": now_ms,
            "ack": hexlify(payment.ack_key).decode(),
        }
        data = packet.pack(header, payment.text.encode())
        self._journal.append(_ACCEPTED, _key(payment), data)
        self._take_entry(header)
        return header

    def entries(self, first: int, count: int) -> list[tuple[dict, bytes]]:
        """Header and transaction JSON of the entries from `first` on."""
        found = []
        if count and first < self.count:
            for _, _, payload in self._journal.scan(_ACCEPTED):
                header, body = packet.unpack(payload)
                if header["index"] >= first:
                    found.append((header, body))
                if len(found) == count:
                    break
        return found

    def mark(self, marks: list[tuple[int, int, int]]) -> None:
        """Journals what the bank said: (index, state, reason) for each entry."""
        header = {"marks": marks}
        self._journal.append(_VERDICTS, bytes(8), packet.pack(header))
        self._take_verdicts(header)

    def open_count(self) -> int:
        """How many entries the bank has not judged for good."""
        return sum([state in (UNSETTLED, UNPAID) for state in self.states])

    def first_open(self) -> int:
        """The lowest index the bank has not judged for good; `count` when there is none."""
        for index, state in enumerate(self.states):
            if state in (UNSETTLED, UNPAID):
                return index
        return self.count

    def _take_entry(self, header: dict) -> None:
        self.count = header["index"] + 1
        self.head = header["head"]
        self.total_minor += header["amount"]
        self.last_time_ms = header["time"]
        self.states.append(UNSETTLED)

    def _take_verdicts(self, header: dict) -> None:
        for index, state, _ in header["marks"]:
            self.states[index] = state


def acknowledgement(header: dict) -> bytes:
    """The proof for the payer of an entry: the same bytes whenever it is asked for."""
    return acknowledge(unhexlify(header["ack"]), header["hash"], header["index"], header["head"])


def _key(payment: Opened) -> bytes:
    return crypto.sha256((payment.from_id + payment.txn_id).encode())[:8]
