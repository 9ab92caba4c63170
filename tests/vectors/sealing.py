"""Seals and opens given cases with the firmware's own code: sealing.py FILE, on any interpreter.

FILE holds one case in JSON a line, made by `test_sealing.py`; for each that comes out otherwise one
line is printed, and at the end how many there were: a record separator and JSON each.
"""

import json
import sys
from binascii import unhexlify

from firmware.common.crypto import aesgcm

# Every alignment that data may have in memory; what stands for viper on CPython knows only one.
_SHIFTS = range(4) if sys.implementation.name == "micropython" else (0,)


def wrong(case: dict) -> str:
    """What of a case came out otherwise, "" where nothing did."""
    given = {name: unhexlify(value) for name, value in case.items()}
    key, nonce, aad = given["key"], given["nonce"], given["aad"]
    plaintext, sealed = given["plaintext"], given["sealed"]
    for shift in _SHIFTS:
        moved, moved_aad = _moved(plaintext, shift), _moved(aad, shift)
        if aesgcm.seal(key, nonce, moved, moved_aad) != sealed:
            return f"sealed, moved by {shift}"
        if aesgcm.unseal(key, nonce, _moved(sealed, shift), moved_aad) != plaintext:
            return f"unsealed, moved by {shift}"
    return ""


def _moved(data: bytes, shift: int) -> bytes:
    return memoryview(bytes(shift) + data)[shift:]  # type: ignore[return-value]


def main(path: str) -> None:
    number = 0
    with open(path) as file:
        for line in file:
            if found := wrong(json.loads(line)):
                print("\n\x1e" + json.dumps([number, found]))
            number += 1
    print("\n\x1e" + json.dumps(number))


if __name__ == "__main__":
    main(sys.argv[1])
