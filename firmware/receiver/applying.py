"""The console's `apply`: marks entries by the bank's receipt."""

from firmware.common.interchange import base64
from firmware.common.payment.receipt import open_receipt
from firmware.common.ui.refusing import release
from firmware.receiver.app import App
from firmware.receiver.book import LedgerBook
from firmware.receiver.verdicts import apply


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Takes a receipt (body) that the bank signed for this board; raises `Refused`."""
    store = app.device.store
    signature = base64.decode(str(header["signature"]), 64)
    bank = store.enrolled().bank_signing
    receipt = open_receipt(body, signature, bank, store.keys.signing_public)
    apply(LedgerBook(app.device.board.root), receipt)
    release(app)
    app.device.log("RECEIPT", "from entry %d" % receipt.first_index)
    return {}, b""
