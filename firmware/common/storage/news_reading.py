"""What a board was told by its bank, read from flash when it is asked for (see `news_store`)."""

import os
from struct import unpack

from firmware.common.storage import files
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import DECLINED, Refused
from firmware.common.wire.messages import BEACON, BKEY
from firmware.common.wire.signed import parse_signed

BANK_KEY_BYTES = 202
BEACON_BYTES = 160
PROOF_BYTES = 452
_PIECE_BYTES = 512  # whole ids


def banks(news: News) -> list[Record]:
    keys = files.read(news.folder + "/bank-keys")
    ends = range(BANK_KEY_BYTES, len(keys) + 1, BANK_KEY_BYTES)
    return [parse_signed(BKEY, keys[end - BANK_KEY_BYTES : end]) for end in ends]


def beacon(news: News) -> Record | None:
    kept = files.read(news.folder + "/beacon")
    return parse_signed(BEACON, kept[:BEACON_BYTES]) if kept else None


def vouched(news: News) -> tuple[int, int]:
    """(seq, t) of the newest beacon whose revocations are held here: what is known is so old.

    Whoever brings a beacon may have kept back what it tells of. Zeros where none is vouched for.
    """
    kept = files.read(news.folder + "/beacon")
    is_held = int.from_bytes(kept[10:14], "big") <= news.rev_seq  # BEACON.rev_seq
    start = 2 if is_held else BEACON_BYTES
    seq, t = unpack(">II", kept[start : start + 8] or bytes(8))
    return seq, t


def proven(news: News) -> list[bytes]:
    path = news.folder + "/proofs"
    found: list[bytes] = []
    if files.exists(path):
        with open(path, "rb") as file:
            for i in range(os.stat(path)[6] // PROOF_BYTES):
                file.seek(i * PROOF_BYTES + 2)
                found.append(file.read(8))
    return found


def pin(news: News, root_public: bytes) -> None:
    if news.root not in (b"", root_public):
        raise Refused(DECLINED, "this board has another bank; only a factory reset changes it")
    if not news.root:
        files.replace(news.folder + "/root", root_public)
        news.set_root(root_public)


def is_revoked(news: News, id8: bytes) -> bool:
    left = news.rev_seq * 8
    with open(news.folder + "/revoked", "rb") as file:
        while left > 0:
            piece = file.read(min(left, _PIECE_BYTES))
            if not piece:
                raise OSError("the list of revocations is damaged")
            if _holds(piece, id8):
                return True
            left -= len(piece)
    return False


def _holds(ids: bytes, id8: bytes) -> bool:
    at = ids.find(id8)
    while at % 8 and at > 0:  # across two ids, by chance
        at = ids.find(id8, at + 1)
    return at >= 0
