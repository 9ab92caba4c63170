"""The payer's journal: purses with their keys, and what was signed with them.

    NEWKEY     private32 || amount4                         before its public key is sent (J6)
    SIGNED     signed DCERT || signed PREQ || signed TXN    before TXN's first byte leaves (J1)
    DELIVERED  purse8 || ctr4 || signed ACK
    VOIDED     purse8 || ctr4 || signed VOID
    CLOSING    signed TXN of kind CLOSE                     before it is sent
    SYNCING    signed SYNC                                  before it is sent (J6)
    ANSWERED   signed STATEMENT                             verdicts, and perhaps a purse
    DROPPED    purse8                                       it is spent and judged to its end

SIGNED is written by what of this is loaded before its user has confirmed it, see `spending`.
Whatever happens to link or power, the same journalled payment is sent again, and no counter is
used twice. Loaded when there is something to write, and when a board starts; what is journalled
was checked before.
"""

from struct import pack, unpack

from firmware.common.payment.verdicts import PENDING
from firmware.common.storage.segments import CHECKPOINT, Segments
from firmware.sender.spending import (
    FOLDER,
    SIGNED,
    add_signed_at_once,
    hash_of,
    pending_of,
    spend,
    split_signed,
    take_signed,
)
from firmware.sender.wallet import Pending, Purse, Wallet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NEWKEY = 2
DELIVERED = 4
VOIDED = 5
CLOSING = 6
SYNCING = 7
ANSWERED = 8
DROPPED = 9

_SIGNATURE_BYTES = 64
_AMOUNT_OF_SYNC = 122  # where its `amount` stands
_HEAD = ">I32sIIIBB"
_HEAD_BYTES = 50
_PURSE_BYTES = 232
_NOWHERE = 0xFFFFFFFF
_NO_KEY = bytes(32)


def start(root: str) -> Wallet:
    """The wallet as power left it."""
    wallet = Wallet(root)
    journal = segments(wallet)
    wallet.place = journal.place
    for position, kind, payload in journal.scan():
        _take(wallet, journal, (journal.last, position), kind, payload)
    return wallet


def segments(wallet: Wallet) -> Segments:
    """The journal, opened where it was left."""
    return Segments(wallet.root + FOLDER, lambda: _checkpoint(wallet), wallet.place)


def add_key(wallet: Wallet, private: bytes, amount_minor: int) -> None:
    """Keeps the key of a purse to be asked for."""
    _append(wallet, NEWKEY, private[:8], private + pack(">I", amount_minor))


def add_signed(wallet: Wallet, dcert: bytes, preq: bytes, txn: bytes) -> Pending:
    """Journals a payment, with what proves whom it is for and why."""
    pending = add_signed_at_once(wallet, dcert, preq, txn)
    if pending:
        return pending
    _append(wallet, SIGNED, hash_of(txn)[:8], dcert + preq + txn)
    return wallet.pending[-1]


def add_answer(wallet: Wallet, kind: int, pending: Pending, answer: bytes) -> None:
    """Journals a checked ACK (DELIVERED) or VOID (VOIDED) for a pending payment."""
    payload = pending.purse + pack(">I", pending.ctr) + answer
    _append(wallet, kind, pending.hash[:8], payload)


def add_close(wallet: Wallet, txn: bytes) -> None:
    """Journals that the rest of a purse is given back: it pays nothing more."""
    _append(wallet, CLOSING, hash_of(txn)[:8], txn)


def add_sync(wallet: Wallet, sync: bytes) -> None:
    """Journals a SYNC: the same is sent until it is answered."""
    _append(wallet, SYNCING, bytes(8), sync)


def add_statement(wallet: Wallet, statement: bytes) -> None:
    """Journals the checked answer to the SYNC."""
    _append(wallet, ANSWERED, bytes(8), statement)


def drop_purse(wallet: Wallet, purse: bytes) -> None:
    """Gives the place of a purse to another, for good."""
    _append(wallet, DROPPED, purse, purse)


def drop_before(wallet: Wallet, segment: int) -> None:
    """Removes older segments, whose payments are all judged."""
    journal = segments(wallet)
    journal.drop_before(segment)
    wallet.place = journal.place


def papers(wallet: Wallet, pending: Pending) -> tuple[bytes, bytes, bytes]:
    """The journalled DCERT, PREQ and TXN, always the same bytes."""
    return split_signed(segments(wallet).read(pending.place[0], pending.place[1]))


def sync_of(wallet: Wallet) -> bytes:
    """The signed SYNC that waits for its answer; b"" where there is none."""
    if wallet.syncing is None:
        return b""
    return segments(wallet).read(wallet.syncing[0], wallet.syncing[1])


def records(wallet: Wallet, kind: int = 0, key: bytes = b"") -> "Iterator[tuple[int, int, bytes]]":
    """(segment, kind, payload) of everything that is kept, oldest first."""
    journal = segments(wallet)
    for segment in range(journal.first, journal.last + 1):
        for _, found, payload in journal.scan_segment(segment, kind, key):
            if found != CHECKPOINT:
                yield segment, found, payload


def _append(wallet: Wallet, kind: int, key: bytes, payload: bytes) -> None:
    journal = segments(wallet)
    place = journal.append(kind, key, payload)
    wallet.place = journal.place
    _take(wallet, journal, place, kind, payload)


def _take(
    wallet: Wallet, journal: Segments, place: tuple[int, int], kind: int, payload: bytes
) -> None:
    if kind == CHECKPOINT:
        _take_checkpoint(wallet, journal, payload)
    elif kind == NEWKEY:
        wallet.new_key, wallet.new_amount_minor = payload[:32], unpack(">I", payload[32:])[0]
    elif kind == SIGNED:
        take_signed(wallet, place, payload)
    elif kind in (DELIVERED, VOIDED):
        _end(wallet, payload[:8], unpack(">I", payload[8:12])[0])
    elif kind == CLOSING:
        spend(wallet, payload)
    elif kind == SYNCING:
        wallet.syncing = place
    elif kind == DROPPED:
        wallet.purses = [kept for kept in wallet.purses if kept.id != payload]
    else:
        _take_statement(wallet, journal, payload)


def _end(wallet: Wallet, purse: bytes, ctr: int) -> None:
    """What became of a payment is known."""
    wallet.pending = [kept for kept in wallet.pending if (kept.purse, kept.ctr) != (purse, ctr)]


def _take_statement(wallet: Wallet, journal: Segments, payload: bytes) -> None:
    end = 40 + 5 * unpack(">H", payload[38:40])[0]
    for at in range(40, end, 5):
        ctr, verdict = unpack(">IB", payload[at : at + 5])
        if verdict != PENDING:
            _end(wallet, payload[10:18], ctr)
    new_purse = payload[end:-_SIGNATURE_BYTES]
    if new_purse:
        wallet.purses.append(Purse(wallet.new_key, new_purse, 0, 0, hash_of(new_purse)))
    if new_purse or _asks_for_purse(wallet, journal):
        wallet.new_key = b""
    wallet.syncing = None


def _asks_for_purse(wallet: Wallet, journal: Segments) -> bool:
    if wallet.syncing is None:
        return False
    sync = journal.read(wallet.syncing[0], wallet.syncing[1])
    return sync[_AMOUNT_OF_SYNC : _AMOUNT_OF_SYNC + 4] != bytes(4)


def _checkpoint(wallet: Wallet) -> bytes:
    segment, position = wallet.syncing or (_NOWHERE, 0)
    data = pack(
        _HEAD,
        wallet.signed,
        wallet.new_key or _NO_KEY,
        wallet.new_amount_minor,
        segment,
        position,
        len(wallet.purses),
        len(wallet.pending),
    )
    for purse in wallet.purses:
        data += purse.private + purse.signed
        data += pack(">II32s", purse.ctr, purse.spent, purse.prev)
    for pending in wallet.pending:
        data += pack(">II", pending.place[0], pending.place[1])
    return data


def _take_checkpoint(wallet: Wallet, journal: Segments, data: bytes) -> None:
    wallet.signed, key, wallet.new_amount_minor, segment, position, purses, pending = unpack(
        _HEAD, data[:_HEAD_BYTES]
    )
    wallet.new_key = b"" if key == _NO_KEY else key
    # What stood in a segment that was dropped since is done with, as later records tell.
    first = journal.first
    wallet.syncing = (segment, position) if first <= segment != _NOWHERE else None
    end = _HEAD_BYTES + purses * _PURSE_BYTES
    for at in range(_HEAD_BYTES, end, _PURSE_BYTES):
        ctr, spent, prev = unpack(">II32s", data[at + 192 : at + 232])
        private, signed = data[at : at + 32], data[at + 32 : at + 192]
        wallet.purses.append(Purse(private, signed, ctr, spent, prev))
    for at in range(end, end + pending * 8, 8):
        place = unpack(">II", data[at : at + 8])
        if place[0] >= first:
            _, preq, txn = split_signed(journal.read(place[0], place[1]))
            wallet.pending.append(pending_of(place, preq, txn))
