"""Writes a transaction: two steps of `signing`, loaded for themselves."""

from firmware.common.interchange.transaction import Transaction, to_json


def hash_of(fields: tuple) -> str:
    """The hash of the transaction with these fields, in the order of `Transaction`."""
    return Transaction(*fields).hash


def signed_json(fields: tuple, signature: bytes, public: bytes) -> str:
    """The compact JSON of the same transaction, signed."""
    payment = Transaction(*fields)
    payment.signature = signature
    payment.sender_public_key = public
    return to_json(payment)
