"""Words that people compare on two screens: a list of 2,048, so 11 bits a word.

    key words = the first 44 bits of SHA-256(KD || ED)        four words, at enrolment
    tap words = the first 22 bits of a session's code         two words, while somebody pays

The list stays in flash: 8 bytes a word, filled up with spaces, read one at a time.
"""

import sys

from firmware.common import crypto

if sys.implementation.name == "micropython":
    _PATH = "firmware/common/payment/words.txt"  # a board starts in its root folder
else:
    _PATH = __file__[:-2] + "txt"

COUNT = 2_048
_BITS = 11
_RECORD_BYTES = 8


def key_words(kd: bytes, ed: bytes) -> str:
    """Four words for a device's two public keys: "lamp fish corn drum"."""
    return " ".join(_words(crypto.sha256(kd + ed), 4))


def tap_words(code: bytes) -> str:
    """Two words for the 8 bytes of a session's code: "lamp-fish"."""
    return "-".join(_words(code, 2))


def _words(data: bytes, count: int) -> list[str]:
    number = int.from_bytes(data[:8], "big")
    found = []
    with open(_PATH, "rb") as file:
        for i in range(1, count + 1):
            file.seek(_RECORD_BYTES * (number >> 64 - _BITS * i & COUNT - 1))
            found.append(file.read(_RECORD_BYTES).decode().rstrip())
    return found
