"""The console's `import`: enters an envelope that came as a file."""

from firmware.receiver.app import App
from firmware.receiver.book import acknowledgement
from firmware.receiver.filing import take_envelope


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers what the payer's board takes as proof; raises `Refused`."""
    entry, new = take_envelope(app, body)
    told = {name: entry[name] for name in ("index", "head", "hash", "id", "from", "amount")}
    told["new"] = new
    return told, acknowledgement(entry)
