"""ECDSA and ECDH on P-256 in the firmware's own code, all in one for tests and measurements.

A private key is 32 bytes, a public key x||y and a signature r||s 64, a digest 32; all big-endian.
ValueError means that one of them has a bad length, is out of range or is not on the curve.
"""

from firmware.common.crypto.agreeing import agree
from firmware.common.crypto.signing import generate_key, public_key, sign
from firmware.common.crypto.verifying import verify

__all__ = ("agree", "generate_key", "public_key", "sign", "verify")
