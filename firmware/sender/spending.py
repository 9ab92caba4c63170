"""Of `keeping` what writes a payment: at hand in a tap before its user has confirmed it."""

from firmware.sender import keeping
from firmware.sender.wallet import Pending, Wallet


def add_signed(wallet: Wallet, dcert: bytes, preq: bytes, txn: bytes) -> Pending:
    """`keeping.add_signed`."""
    return keeping.add_signed(wallet, dcert, preq, txn)
