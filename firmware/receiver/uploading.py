"""The till's way to a settlement: the console's `upload`, loaded when asked for.

    upload   -> body: sealed UPLOAD of the oldest entries that are not judged; b"": there are none

What an upload says is journalled before it leaves, and stays the same until it is answered (J6).
It never calls itself the last one: a payment that is taken before the answer comes would count as
taken with the revocations in it. Those are asked for when everything is judged.
"""

from struct import pack, unpack

from firmware.common import crypto, late
from firmware.common.wire import messages
from firmware.common.wire.errors import NOT_ENROLLED, Refused
from firmware.common.wire.limits import UPLOAD_ENTRIES_BOARD_MAX
from firmware.common.wire.signed import sign
from firmware.receiver.app import App

_BATCHING = "firmware.receiver.batching"
_KEEPING = "firmware.receiver.keeping"
_SEALED_BOX = "firmware.common.wire.sealed_box"
_UPLOAD = ">HIH8sII32s16s"  # as `keeping` has it


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Body: the sealed UPLOAD, empty where the bank has judged everything."""
    till, news = app.till, app.device.news
    left = till.count - till.judged
    if not left:
        return {"first": till.judged, "count": 0, "left": 0}, b""
    if not news.banks or not app.is_enrolled():
        raise Refused(NOT_ENROLLED, "this till has no certificate of the bank yet")
    fields = unpack(_UPLOAD, till.uploading)[:6] if till.uploading else _fields(app, left)
    batch, head = late.call(_BATCHING, "batch", till, fields)
    if not till.uploading:
        journalled = pack(_UPLOAD, *fields, head, crypto.sha256(batch)[:16])  # `batch_hash`
        late.call(_KEEPING, "upload", till, journalled)
    signed = sign(news.realm8, messages.UPLOAD, batch, app.device.store.keys.signing)
    bank, number = news.banks[-1].ecdh, messages.UPLOAD.number
    box = late.call(_SEALED_BOX, "seal_box", number, till.device, news.realm8, bank, signed)
    return {"first": fields[1], "count": fields[2], "left": left - fields[2]}, box


def _fields(app: App, left: int) -> tuple:
    """gen, first, n, nonce, t_lb and beacon of a new batch."""
    till, news = app.till, app.device.news
    n = min(left, UPLOAD_ENTRIES_BOARD_MAX)
    return till.gen, till.judged, n, crypto.random_bytes(8), news.t_lb(), news.beacon_seq
