"""The payee's console commands: import an envelope, list and export the ledger, apply receipts."""

from firmware.common.wire.commands import Commands
from firmware.common.wire.errors import REQUEST_UNKNOWN, Refused
from firmware.common.wire.limits import LEDGER_BATCH_ENTRIES_MAX
from firmware.receiver.app import App
from firmware.receiver.book import STATES, acknowledgement

_PAGE = 8  # fits a message even when names have the most bytes
_EXPORT_BYTES_MAX = 3_200  # what base64 and the rest of an encrypted ledger leave of a message


def answer(app: App, message: bytes) -> bytes:
    """The packet that answers a host's packet."""
    return ReceiverCommands(app).answer(message)


class ReceiverCommands(Commands):
    """Beside those of every board."""

    role = "receiver"
    app: App

    def do_import(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Enters an envelope; answers what the payer's board takes as proof."""
        entry, new = self.app.take_envelope(body)
        told = {name: entry[name] for name in ("index", "head", "hash", "id", "from", "amount")}
        told["new"] = new
        return told, acknowledgement(entry)

    def do_total(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        book = self.app.book
        counts = dict.fromkeys(STATES, 0)
        for state in book.states:
            counts[STATES[state]] += 1
        return {
            "total": book.total_minor,
            "count": book.count,
            "head": book.head,
            "states": counts,
            "first_open": book.first_open(),
        }, b""

    def do_entries(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """A page of the ledger, oldest first."""
        book = self.app.book
        found = []
        for entry, _ in book.entries(int(header["first"]), _PAGE):
            told = {name: entry[name] for name in ("index", "id", "from", "amount", "hash", "head")}
            told["state"] = STATES[book.states[entry["index"]]]
            found.append(told)
        return {"entries": found, "count": book.count}, b""

    def do_export(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """The encrypted ledger for the bank, from an index on; a few entries at a time."""
        from firmware.common.interchange.ledger import entry_to_json, seal_ledger

        store = self.device.store
        bank = store.enrolled().bank_ecdh
        entries: list[str] = []
        room = _EXPORT_BYTES_MAX
        for entry, raw in self.app.book.entries(int(header["first"]), LEDGER_BATCH_ENTRIES_MAX):
            text = entry_to_json(entry["index"], raw.decode(), entry["head"])
            room -= len(text.encode()) + 1
            if entries and room < 0:
                break
            entries.append(text)
        if not entries:
            raise Refused(REQUEST_UNKNOWN, "the ledger has no entry of that index")
        text = seal_ledger(entries, store.keys.signing, store.keys.signing_public, bank)
        return {"count": len(entries)}, text.encode()

    def do_apply(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Marks entries by the bank's receipt (body), if the bank signed it for this board."""
        from firmware.common.interchange import base64
        from firmware.common.payment.receipt import open_receipt
        from firmware.receiver.verdicts import apply

        store = self.device.store
        signature = base64.decode(str(header["signature"]), 64)
        bank = store.enrolled().bank_signing
        receipt = open_receipt(body, signature, bank, store.keys.signing_public)
        apply(self.app.book, receipt)
        self.device.log("RECEIPT", "from entry %d" % receipt.first_index)
        return {}, b""
