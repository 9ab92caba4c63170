"""The console's `sync`: what the bank has not heard of a purse, sealed to it.

The same SYNC is given out, whoever carried it away before, until the bank has answered it (J6).
"""

from binascii import hexlify

from firmware.common import crypto
from firmware.common.payment.certificate import device_id
from firmware.common.payment.sync import CLOSING, NO_KEY, make_sync, pack_entry
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import NOT_ENROLLED, Refused
from firmware.common.wire.limits import SYNC_ENTRIES_BOARD_MAX
from firmware.common.wire.messages import ACK, SYNC, VOID
from firmware.common.wire.sealed_box import seal_box
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.app import App
from firmware.sender.standing import Standing, payment_of, standings
from firmware.sender.wallet import Wallet

_NONCE_BYTES = 8
_NO_PURSE = bytes(8)
_NO_HEAD = bytes(32)


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Body: the sealed SYNC, empty where there is nothing to say.

    With `again` true the bank is asked about everything that it has not judged.
    """
    news = app.device.news
    if not news.banks:
        raise Refused(NOT_ENROLLED, "the bank's key is missing")
    data = _sync(app, header.get("again") is True)
    if not data:
        return {}, b""
    sync = parse_signed(SYNC, data)
    told = {
        "purse": hexlify(sync.purse).decode(),
        "entries": sync.n,
        "amount": sync.amount,
    }
    sender = device_id(app.device.store.keys.signing_public)
    return told, seal_box(SYNC.number, sender, news.realm8, news.banks[-1].ecdh, data)


def _sync(app: App, again: bool) -> bytes:
    """The SYNC that waits for its answer, else a new one, journalled."""
    wallet = app.wallet
    waiting = keeping.sync_of(wallet)
    if waiting:
        return waiting
    standing = _to_tell(standings(wallet), again)
    if standing is None and not wallet.new_key:
        return b""
    counters = standing.open(again)[:SYNC_ENTRIES_BOARD_MAX] if standing else []
    entries = _entries(wallet, standing, counters) if standing else []
    purse = standing.purse if standing else None
    data = make_sync(
        app.device.news.realm8,
        app.device.store.keys.signing,
        [pack_entry(txn, answer) for txn, answer in entries],
        device=device_id(app.device.store.keys.signing_public),
        purse=purse.id if purse else _NO_PURSE,
        ctr=purse.ctr if purse else 0,
        cum=purse.spent if purse else 0,
        head=purse.prev if purse else _NO_HEAD,
        newpub=crypto.public_key(wallet.new_key) if wallet.new_key else NO_KEY,
        amount=wallet.new_amount_minor if wallet.new_key else 0,
        nonce=_nonce(standing, entries),
        t_lb=app.device.news.t_lb(),
    )
    keeping.add_sync(wallet, data)
    return data


def _to_tell(found: list[Standing], again: bool) -> Standing | None:
    for standing in found:
        if standing.open(again):
            return standing
    return None


def _entries(
    wallet: Wallet, standing: Standing, counters: list[int]
) -> list[tuple[Record, Record | None]]:
    """The payments with these counters, each with the payee's answer or None."""
    purse = standing.purse.id
    payments: dict[int, Record] = {}
    answers: dict[int, Record] = {}
    for _, kind, payload in keeping.records(wallet):
        if kind in (keeping.SIGNED, keeping.CLOSING):
            txn = payment_of(kind, payload)
            if txn.purse == purse and txn.ctr in counters:
                payments[txn.ctr] = txn
        elif kind in (keeping.DELIVERED, keeping.VOIDED) and payload[:8] == purse:
            ctr = int.from_bytes(payload[8:12], "big")
            if ctr in counters:
                layout = ACK if kind == keeping.DELIVERED else VOID
                answers[ctr] = parse_signed(layout, payload[12:])
    return [(payments[ctr], answers.get(ctr)) for ctr in counters]


def _nonce(standing: Standing | None, entries: list[tuple[Record, Record | None]]) -> bytes:
    """A fresh one; a CLOSE that the bank has not heard of names that of its SYNC."""
    for txn, _ in entries:
        if standing and standing.now[txn.ctr] == CLOSING and not standing.told[txn.ctr]:
            return txn.req_hash[:_NONCE_BYTES]
    return crypto.random_bytes(_NONCE_BYTES)
