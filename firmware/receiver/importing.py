"""The console's `import`: enters an envelope that came as a file."""

from firmware.receiver.app import App
from firmware.receiver.book import acknowledgement


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers what the payer's board takes as proof; raises `Refused`."""
    entry, new = app.take_envelope(body)
    told = {name: entry[name] for name in ("index", "head", "hash", "id", "from", "amount")}
    told["new"] = new
    return told, acknowledgement(entry)
