"""The rules of the journals, each dropped on purpose (J5 is about PINs, which are not there yet).

A payee's record that comes too late waits in RAM until the board is idle or writes another one.
"""

from firmware.common.wire.errors import ALREADY_PAID
from firmware.receiver.keeping import CLOSED
from tests.faults.points import ANNA, BERT, DORA, flash_of
from tests.faults.variants import Change, Variant

_PAYER = "firmware.sender.keeping"
_PAYER_TAP = "firmware.sender.tap"
_TILL = "firmware.receiver.keeping"
_ENTERING = "firmware.receiver.entering"
_TILL_TAP = "firmware.receiver.tap"
_TALK = "firmware.receiver.talk"

_ADD_SIGNED = '        signed = late.call(_SPENDING, "journal", app.wallet, *papers)\n'
_APPEND_ACCEPTED = "        _append(till, ACCEPTED, entry_key(till.gen, till.count), payload)\n"

_WRITTEN_LATE: tuple[Change, ...] = (
    (
        _TILL,
        "    journal = segments(till)\n    try:\n",
        "    for record in till.__dict__.pop('late', []):\n"
        "        journal = segments(till)\n"
        "        journal.append(*record)\n"
        "        till.place = journal.place\n"
        "    journal = segments(till)\n"
        "    try:\n",
    ),
    (
        _TILL_TAP,
        "    if till.unwritten:\n",
        "    for record in till.__dict__.pop('late', []):\n"
        "        journal = late.call(_KEEPING, 'segments', till)\n"
        "        journal.append(*record)\n"
        "        till.place = journal.place\n"
        "    if till.unwritten:\n",
    ),
)


def _late(kind: str, key: str, payload: str) -> str:
    return (
        f"    record = ({kind}, {key}, {payload})\n"
        "    till.__dict__.setdefault('late', []).append(record)\n"
        f"    _take(till, {kind}, {payload}, 0)\n"
    )


VARIANTS = (
    Variant(
        "J1",
        "the payer journals SIGNED after it has sent, not before",
        ("pay", flash_of(BERT)),
        (
            (
                _PAYER_TAP,
                _ADD_SIGNED,
                "        await self._channel.send(messages.TXN.number, txn)\n"
                "        await self._channel.flush()\n" + _ADD_SIGNED,
            ),
            (
                _PAYER_TAP,
                "        screens.sending(app.dialog, amount_of(signed))\n"
                "        await self._channel.send(messages.TXN.number, txn)\n",
                "        screens.sending(app.dialog, amount_of(signed))\n",
            ),
        ),
    ),
    Variant(
        "J2",
        "the payee says RECEIVED and acknowledges before it appends",
        ("pay", flash_of(ANNA)),
        (
            (
                _ENTERING,
                "    place = append_to_last(till.root + FOLDER, till.place, record)\n"
                "    if place is None:\n"
                '        return b""\n'
                "    till.place = place\n",
                "    record = (ACCEPTED, entry_key(till.gen, till.count), payload)\n"
                "    till.__dict__.setdefault('late', []).append(record)\n",
            ),
            *_WRITTEN_LATE,
        ),
    ),
    Variant(
        "J3",
        "the payee sends VOID before it journals that the request is closed",
        ("cancel", flash_of(DORA)),
        (
            (
                _TILL,
                "    _append(till, CLOSED, request.hash[:8], request.hash + bytes((reason,)))\n",
                _late("CLOSED", "request.hash[:8]", "request.hash + bytes((reason,))"),
            ),
            (
                _TILL,
                "    _append(till, VOIDED, crypto.sha256(txn[:-64])[:8], payload)\n",
                _late("VOIDED", "crypto.sha256(txn[:-64])[:8]", "payload"),
            ),
            *_WRITTEN_LATE,
        ),
    ),
    Variant(
        "J4",
        "the payee does not look a payment up before it answers",
        ("tap again", flash_of(BERT)),
        (
            (_TALK, "        if known:\n", "        if False:\n"),
            (_TALK, "in self.app.till.recent:", "in ():"),
        ),
    ),
    Variant(
        "J6",
        "the payer journals a new purse's key when the purse has come, not before it asks",
        ("sync bert", flash_of(BERT)),
        (
            (
                _PAYER,
                '    _append(wallet, NEWKEY, private[:8], private + pack(">I", amount_minor))\n',
                "    wallet.new_key, wallet.new_amount_minor = private, amount_minor\n",
            ),
            (
                _PAYER,
                "    _append(wallet, ANSWERED, bytes(8), statement)\n",
                "    if wallet.new_key:\n"
                '        key = wallet.new_key + pack(">I", wallet.new_amount_minor)\n'
                "        wallet.is_written = True\n"
                "        _append(wallet, NEWKEY, key[:8], key)\n"
                "    _append(wallet, ANSWERED, bytes(8), statement)\n",
            ),
            (
                _PAYER,
                "        wallet.new_key or _NO_KEY,\n",
                "        ('is_written' in wallet.__dict__ and wallet.new_key) or _NO_KEY,\n",
            ),
        ),
    ),
    Variant(
        "J7",
        "the entry is one record, and that its request is closed another",
        ("pay", flash_of(ANNA)),
        (
            (
                _ENTERING,
                "    remember_closed(till, crypto.sha256(core)[:16], ALREADY_PAID)\n",
                "",
            ),
            (
                _ENTERING,
                "    take_accepted(till, payload)\n    return till.recent[-1]\n",
                "    take_accepted(till, payload)\n"
                "    closed = request.hash + bytes((ALREADY_PAID,))\n"
                f"    record = encoded({CLOSED}, request.hash[:8], closed)\n"
                "    place = append_to_last(till.root + FOLDER, till.place, record)\n"
                "    till.place = place or till.place\n"
                "    remember_closed(till, request.hash, ALREADY_PAID)\n"
                "    return till.recent[-1]\n",
            ),
            (
                _TILL,
                _APPEND_ACCEPTED,
                _APPEND_ACCEPTED + "        _append(till, CLOSED, request.hash[:8],"
                f" request.hash + bytes(({ALREADY_PAID},)))\n",
            ),
        ),
    ),
)
