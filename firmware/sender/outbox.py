"""The payer's journal: SIGNED before the first byte leaves (J1), DELIVERED once it is proved.

Whatever happens to link or power, the same journalled envelope is sent again.
"""

from binascii import unhexlify

from firmware.common import crypto
from firmware.common.payment.acknowledgement import acknowledge
from firmware.common.storage.appending import check_space
from firmware.common.storage.journal import Journal
from firmware.common.wire import packet
from firmware.common.wire.errors import BAD_SIGNATURE, REQUEST_UNKNOWN, Refused

_SIGNED = 1
_DELIVERED = 2


class Pending:
    """A signed payment whose payee has not confirmed it."""

    def __init__(self, header: dict, position: int) -> None:
        self.txn_hash: str = header["hash"]
        self.txn_id: str = header["id"]
        self.to_id: str = header["to"]
        self.amount_minor: int = header["amount"]
        self.position = position


class Outbox:
    """What this board has signed: `pending` oldest first, `last_hash` for the next payment."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._journal = Journal(root + "/outbox")
        self.pending: list[Pending] = []
        self.last_hash = ""
        self.last_time_ms = 0
        self.signed = 0
        self.delivered_minor = 0
        for position, kind, payload in self._journal.scan():
            header, _ = packet.unpack(payload)
            if kind == _SIGNED:
                self._take_signed(header, position)
            else:
                self._take_delivered(header)

    def add_signed(self, header: dict, envelope: bytes) -> Pending:
        """Journals a payment. `header`: hash, id, to, amount, time, ack (hex of its ack key)."""
        check_space(self._root)
        data = packet.pack(header, envelope)
        position = self._journal.append(_SIGNED, _key(header["hash"]), data)
        return self._take_signed(header, position)

    def add_delivered(self, pending: Pending, index: int, head: str) -> None:
        """Journals the payee's proof that the payment stands in its ledger."""
        header = {"hash": pending.txn_hash, "index": index, "head": head}
        self._journal.append(_DELIVERED, _key(pending.txn_hash), packet.pack(header))
        self._take_delivered(header)

    def find(self, txn_id: str) -> Pending:
        """The pending payment of that id; `Refused(REQUEST_UNKNOWN)` where there is none."""
        for pending in self.pending:
            if pending.txn_id == txn_id:
                return pending
        raise Refused(REQUEST_UNKNOWN, "no payment of that id is pending")

    def envelope(self, pending: Pending) -> bytes:
        """The bytes that were journalled, always the same."""
        return packet.unpack(self._journal.read(pending.position))[1]

    def check_proof(self, pending: Pending, index: int, head: str, proof: bytes) -> None:
        """Raises `Refused(BAD_SIGNATURE)` unless the payee itself made this acknowledgement."""
        header, _ = packet.unpack(self._journal.read(pending.position))
        expected = acknowledge(unhexlify(header["ack"]), pending.txn_hash, index, head)
        if not crypto.equal(expected, proof):
            raise Refused(BAD_SIGNATURE, "the acknowledgement is not the payee's")

    def history(self, first: int, count: int) -> list[dict]:
        """Payments by number, oldest first, each with whether it is pending."""
        found = []
        waiting = {pending.txn_hash for pending in self.pending}
        for number, (_, _, payload) in enumerate(self._journal.scan(_SIGNED)):
            if first <= number < first + count:
                header, _ = packet.unpack(payload)
                header.pop("ack")
                header["state"] = "pending" if header["hash"] in waiting else "delivered"
                found.append(header)
        return found

    def _take_signed(self, header: dict, position: int) -> Pending:
        pending = Pending(header, position)
        self.pending.append(pending)
        self.last_hash = pending.txn_hash
        self.last_time_ms = header["time"]
        self.signed += 1
        return pending

    def _take_delivered(self, header: dict) -> None:
        for pending in self.pending:
            if pending.txn_hash == header["hash"]:
                self.pending.remove(pending)
                self.delivered_minor += pending.amount_minor
                return


def _key(txn_hash: str) -> bytes:
    return unhexlify(txn_hash[:16])
