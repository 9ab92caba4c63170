"""The payee's console commands, but those that need room for themselves (`App.command_module`)."""

from firmware.common.wire.commands import Commands
from firmware.receiver.app import App
from firmware.receiver.book import STATES

_PAGE = 8  # fits a message even when names have the most bytes


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    return ReceiverCommands(app).run(name, header, body)


class ReceiverCommands(Commands):
    """Beside those of every board."""

    role = "receiver"
    app: App

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
