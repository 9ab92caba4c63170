"""Answers generated cases with the firmware's own code: differential.py FILE, on any interpreter.

FILE holds one case in JSON a line; for each, one line is printed: a record separator and the JSON
of what `answer` says. `test_differential.py` compares it with what `cryptography` says.
"""

import json
import sys
from binascii import hexlify, unhexlify

from firmware.common.crypto import aesgcm, kdf, p256


def answer(case: dict) -> dict:
    """All outputs of one case in hexadecimal; None where the own code refuses."""
    given = {name: unhexlify(value) for name, value in case.items()}
    private, key, nonce, aad = given["private"], given["key"], given["nonce"], given["aad"]
    length = 1 + given["length"][0]
    outputs = {
        "public": p256.public_key(private),
        "signature": p256.sign(private, given["digest"]),
        "shared": p256.agree(private, given["peer"]),
        "sealed": aesgcm.seal(key, nonce, given["plaintext"], aad),
        "okm": kdf.hkdf(given["secret"], given["salt"], given["info"], length),
    }
    answers: dict = {name: hexlify(value).decode() for name, value in outputs.items()}
    answers["verified"] = p256.verify(given["peer"], given["digest"], given["peer_signature"])
    try:
        unsealed = aesgcm.unseal(key, nonce, given["received"], aad)
        answers["unsealed"] = hexlify(unsealed).decode()
    except ValueError:
        answers["unsealed"] = None
    return answers


def main(path: str) -> None:
    with open(path) as file:
        for line in file:
            print("\n\x1e" + json.dumps(answer(json.loads(line))))


if __name__ == "__main__":
    main(sys.argv[1])
