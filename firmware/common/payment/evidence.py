"""The evidence pack: that this payee took this payment, for whoever knows the root alone.

    pack = BKEY || DCERT || PURSE || PREQ || TXN || ACK            each signed: 1,014 bytes

A second BKEY follows the first (1,216 bytes) where two of the bank's keys signed certificate and
purse. It holds when the root signed the bank's key, that key the payee's certificate and the purse,
the payee the request and the receipt, the purse the payment, and all of them speak of one payment.
Times are not looked at: a signature stays one.
"""

from firmware.common.payment.answer import check_ack
from firmware.common.payment.asking import check_request, request_hash
from firmware.common.payment.certificate import PAYEE, check_bank_key, check_device, device_id
from firmware.common.payment.purse import check_purse
from firmware.common.payment.transaction import check_payment, read_payment, txn_hash
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import AMOUNT_DIFFERS, MALFORMED, NOT_FOR_ME, Refused
from firmware.common.wire.limits import BANK_KEYS_MAX
from firmware.common.wire.messages import ACK, BKEY, DCERT, PREQ, PURSE, TXN
from firmware.common.wire.signed import SIGNATURE_BYTES, parse_signed, realm

_PARTS = (DCERT, PURSE, PREQ, TXN, ACK)


def make_evidence(
    banks: bytes, device: bytes, purse: bytes, request: bytes, txn: bytes, ack: bytes
) -> bytes:
    """The pack of signed messages; `banks` is a BKEY, or two of them."""
    return b"".join((banks, device, purse, request, txn, ack))


def check_evidence(root_public: bytes, data: bytes) -> tuple[Record, ...]:
    """DCERT, PURSE, PREQ, TXN and ACK, all proven by the root's key. Raises `Refused`."""
    realm8 = realm(root_public)
    keys, parts = _split(data)
    device_data, purse_data, request_data, txn_data, ack_data = parts
    banks = [check_bank_key(root_public, key) for key in keys]
    device = check_device(realm8, banks, device_data, 0, PAYEE)
    purse = check_purse(realm8, banks, purse_data)
    said_on = parse_signed(PREQ, request_data).transcript
    request = check_request(realm8, device, request_data, said_on)
    txn = read_payment(txn_data)
    check_payment(realm8, purse, txn)
    if txn.payee != device_id(device.pub) or txn.req_hash != request_hash(request.raw):
        raise Refused(NOT_FOR_ME, "the payment is for another request")
    if txn.amount != request.amount or purse.cur != request.cur:
        raise Refused(AMOUNT_DIFFERS, "the payment is of another amount")
    ack = check_ack(realm8, device.pub, ack_data, txn.payee, txn_hash(txn))
    return device, purse, request, txn, ack


def _split(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The bank's keys, and the other parts."""
    size = BKEY.size + SIGNATURE_BYTES
    sizes = [layout.size + SIGNATURE_BYTES for layout in _PARTS]
    start = len(data) - sum(sizes)
    if start not in (size, BANK_KEYS_MAX * size):
        raise Refused(MALFORMED, "not as long as an evidence pack")
    keys = [data[i : i + size] for i in range(0, start, size)]
    parts = []
    for size in sizes:
        parts.append(data[start : start + size])
        start += size
    return keys, parts
