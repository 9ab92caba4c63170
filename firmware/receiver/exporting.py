"""The console's `export`: the encrypted ledger for the bank, a few entries at a time."""

from firmware.common import late
from firmware.common.interchange.ledger import entry_to_json
from firmware.common.wire.errors import REQUEST_UNKNOWN, Refused
from firmware.common.wire.limits import LEDGER_BATCH_ENTRIES_MAX
from firmware.receiver.app import App
from firmware.receiver.book import LedgerBook

_BYTES_MAX = 3_200  # what base64 and the rest of an encrypted ledger leave of a message
_LEDGER = "firmware.common.interchange.ledger"
_SEALED = "firmware.common.interchange.sealed"


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """The ledger from the index `first` on, in steps that are loaded for themselves."""
    first = int(header["first"])
    try:
        return _sealed(app, first, LEDGER_BATCH_ENTRIES_MAX)
    except MemoryError:  # the heap is in pieces: one entry needs smaller ones
        return _sealed(app, first, 1)


def _sealed(app: App, first: int, entries_max: int) -> tuple[dict, bytes]:
    store = app.device.store
    bank = store.enrolled().bank_ecdh
    entries = _entries(app, first, entries_max)
    count = len(entries)
    keys = store.keys
    plaintext = late.call(_LEDGER, "signed", entries, keys.signing, keys.signing_public)
    entries.clear()
    members, ephemeral, _ = late.call(_SEALED, "seal", plaintext, bank)
    plaintext = None
    return {"count": count}, late.call(_LEDGER, "write", members, ephemeral).encode()


def _entries(app: App, first: int, entries_max: int) -> list[str]:
    """The compact JSON of as many entries as fit a message; raises `Refused` where is none."""
    found: list[str] = []
    room = _BYTES_MAX
    for entry, raw in LedgerBook(app.device.board.root).entries(first, entries_max):
        text = entry_to_json(entry["index"], raw.decode(), entry["head"])
        room -= len(text.encode()) + 1
        if found and room < 0:
            break
        found.append(text)
    if not found:
        raise Refused(REQUEST_UNKNOWN, "the ledger has no entry of that index")
    return found
