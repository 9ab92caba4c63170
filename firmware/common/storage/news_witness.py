"""Hands out what the bank signed and this board heard, to be held against the bank."""

from struct import pack

from firmware.common.storage import files
from firmware.common.storage.news_reading import BANK_KEY_BYTES, BEACON_BYTES
from firmware.common.storage.news_store import News
from firmware.common.wire.errors import SYNC_FIRST, Refused
from firmware.common.wire.messages import BEACON, BKEY


def signed(news: News) -> bytes:
    """The bank's keys and its newest beacon as they were signed: type1 || len2 || message, each.

    Raises `Refused(SYNC_FIRST)` where the bank was never heard of.
    """
    beacon = files.read(news.folder + "/beacon")[:BEACON_BYTES]
    if not beacon:
        raise Refused(SYNC_FIRST, "the bank was never heard of")
    keys, told = files.read(news.folder + "/bank-keys"), b""
    for end in range(BANK_KEY_BYTES, len(keys) + 1, BANK_KEY_BYTES):
        told += pack(">BH", BKEY.number, BANK_KEY_BYTES) + keys[end - BANK_KEY_BYTES : end]
    return told + pack(">BH", BEACON.number, BEACON_BYTES) + beacon
