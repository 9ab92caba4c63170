"""The console's `statement`: the bank's answer to the SYNC, and what it lets the board forget."""

from binascii import hexlify

from firmware.common import crypto
from firmware.common.payment.certificate import device_id
from firmware.common.payment.money import show_amount
from firmware.common.payment.purse import check_purse
from firmware.common.payment.settlement import check_statement, statement_purse
from firmware.common.storage import enrolment
from firmware.common.ui.flow import name_of
from firmware.common.ui.refusing import release
from firmware.common.wire.errors import KEY_MISMATCH, NOT_FOR_ME, REPLAY, STORE_FULL, Refused
from firmware.common.wire.limits import PURSES_MAX
from firmware.common.wire.messages import DCERT, PURSE, STATEMENT, SYNC
from firmware.common.wire.sealed_box import Box
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.app import App
from firmware.sender.standing import Standing, payment_of, standings
from firmware.sender.wallet import Wallet

_HOUR_S = 3_600


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Takes the sealed STATEMENT; raises `Refused` unless it answers this board's SYNC.

    Where it brings no purse that was asked for, `reason` is why, as the host was told.
    """
    wallet, news = app.wallet, app.device.news
    data = _opened(app, body)
    asked = keeping.sync_of(wallet)
    if not asked:
        raise Refused(REPLAY, "the bank was not asked anything")
    sync = parse_signed(SYNC, asked)
    statement = check_statement(news.realm8, news.banks, data, sync.device, sync.purse, sync.nonce)
    new_purse = statement_purse(statement)
    if new_purse:
        purse = check_purse(news.realm8, news.banks, new_purse)
        if not purse.pub == sync.newpub == crypto.public_key(wallet.new_key):
            raise Refused(KEY_MISMATCH, "the purse is for another key")
        if wallet.find(purse.purse):
            raise Refused(REPLAY, "this board has that purse")
    keeping.add_statement(wallet, data)
    news.saw(statement.t)
    release(app)
    _tidy(app)
    app.device.log("STATEMENT", "%d payments judged" % statement.n)
    if sync.amount and not new_purse:
        _tell_refusal(app, sync.amount, header.get("reason"))
    app.dialog.wake()
    return {
        "balance": statement.balance,
        "judged": statement.n,
        "purse": hexlify(new_purse[2:10]).decode(),
    }, b""


def make_room(wallet: Wallet) -> None:
    """Drops the oldest purse that is spent to its end and judged; else `Refused(STORE_FULL)`.

    Its payments are proven by the bank's books then, no more by this board's evidence packs.
    """
    for standing in standings(wallet):
        purse = standing.purse
        if purse.spent >= parse_signed(PURSE, purse.signed).allowance and not standing.open():
            keeping.drop_purse(wallet, purse.id)
            return
    raise Refused(STORE_FULL, "%d purses are the most: close one and sync" % PURSES_MAX)


def _tell_refusal(app: App, amount_minor: int, reason: object) -> None:
    """The bank has signed that it gave nothing; why, only the host can have heard."""
    why = name_of(reason) if type(reason) is int and reason else "reason unknown"
    app.device.log("NO PURSE", why)
    app.dialog.announce("NO PURSE", ["", show_amount(amount_minor), "The bank says:", why])


def _opened(app: App, body: bytes) -> bytes:
    """What the bank sealed to this device's certified key."""
    root = app.device.board.root
    device = parse_signed(DCERT, enrolment.certificate(root))
    box = Box(body)
    if box.number != STATEMENT.number or box.sender != app.device.news.realm8:
        raise Refused(NOT_FOR_ME, "not a statement of this bank")
    return box.open(device_id(device.pub), enrolment.device_key(root), device.ecdh)


def _tidy(app: App) -> None:
    """Lets go of purses that are over, and of segments in which every payment is judged."""
    wallet = app.wallet
    found = standings(wallet)
    for standing in found:
        record = parse_signed(PURSE, standing.purse.signed)
        over_s = record.not_after + record.grace_h * _HOUR_S
        if over_s < app.device.news.t_lb() and not standing.open():
            wallet.purses.remove(standing.purse)
    keeping.drop_before(wallet, _first_needed(wallet, found))


def _first_needed(wallet: Wallet, found: list[Standing]) -> int:
    """The oldest segment with a payment that the bank has not judged."""
    waiting = {(s.purse.id, ctr) for s in found for ctr in s.open()}
    for segment, kind, payload in keeping.records(wallet):
        if kind in (keeping.SIGNED, keeping.CLOSING):
            txn = payment_of(kind, payload)
            if (txn.purse, txn.ctr) in waiting:
                return segment
    return keeping.segments(wallet).last
