"""The bank's receipt for an uploaded ledger: a verdict per entry, signed.

    text      = {"type":"opg-json-receipt","receiver":r16,"ledger_hash":H,"first_index":n,
                 "verdicts":[[index,txn_hash,verdict,reason],...],"head":entry_hash,"time":seconds}
    signature = ECDSA P-256 by the bank over SHA-256(text), raw r||s

r16 = the first 16 hex digits of SHA-256(receiver's signing key x||y). What is signed is the
text as it travels, so nobody has to rebuild it.
"""

from binascii import hexlify

from firmware.common import crypto
from firmware.common.interchange import jsontext
from firmware.common.interchange.jsontext import items, members, string, text_member
from firmware.common.wire.errors import BAD_SIGNATURE, MALFORMED, NOT_FOR_ME, Refused

SETTLED = 0
DUPLICATE = 1
UNGUARANTEED = 9  # no funds, or a frozen payer; judged anew each time it comes
REFUSED = 13

_TYPE = "opg-json-receipt"


class Receipt:
    """`verdicts` holds (ledger index, transaction hash, verdict, reason)."""

    def __init__(
        self,
        ledger_hash: str,
        first_index: int,
        verdicts: list[tuple[int, str, int, int]],
        head: str,
        time: int,
    ) -> None:
        self.ledger_hash = ledger_hash
        self.first_index = first_index
        self.verdicts = verdicts
        self.head = head
        self.time = time


def make_receipt(private: bytes, receiver: bytes, receipt: Receipt) -> tuple[str, bytes]:
    """The text and the bank's signature, for the receiver with that 64-byte signing key."""
    verdicts = ",".join(
        '[%d,"%s",%d,%d]' % (index, txn_hash, verdict, reason)
        for index, txn_hash, verdict, reason in receipt.verdicts
    )
    text = (
        '{"type":"%s","receiver":"%s","ledger_hash":"%s","first_index":%d,'
        '"verdicts":[%s],"head":%s,"time":%d}'
        % (
            _TYPE,
            receiver_tag(receiver),
            receipt.ledger_hash,
            receipt.first_index,
            verdicts,
            jsontext.quote(receipt.head),
            receipt.time,
        )
    )
    return text, crypto.sign(private, crypto.sha256(text.encode()))


def open_receipt(text: bytes, signature: bytes, bank: bytes, receiver: bytes) -> Receipt:
    """The receipt, when the bank signed it for this receiver; else `Refused`."""
    if len(signature) != 64 or not crypto.verify(bank, crypto.sha256(text), signature):
        raise Refused(BAD_SIGNATURE, "the receipt is not signed by the bank this board knows")
    found = members(text)
    if text_member(found, "type") != _TYPE:
        raise Refused(MALFORMED, "not a receipt")
    if text_member(found, "receiver") != receiver_tag(receiver):
        raise Refused(NOT_FOR_ME, "the receipt is for another receiver")
    return Receipt(
        text_member(found, "ledger_hash"),
        _whole(found.get("first_index", b"")),
        [_verdict(item) for item in items(found.get("verdicts", b""), 4_096)],
        text_member(found, "head"),
        _whole(found.get("time", b"")),
    )


def receiver_tag(public: bytes) -> str:
    """16 hex digits that name a receiver's signing key."""
    return hexlify(crypto.sha256(public)).decode()[:16]


def _verdict(raw: bytes) -> tuple[int, str, int, int]:
    fields = items(raw, 4)
    if len(fields) != 4:
        raise Refused(MALFORMED, "a verdict has four fields")
    index, verdict, reason = (_whole(fields[i]) for i in (0, 2, 3))
    return index, string(fields[1]), verdict, reason


def _whole(raw: bytes) -> int:
    if not raw or len(raw) > 10 or any(c not in b"0123456789" for c in raw):
        raise Refused(MALFORMED, "a whole number was expected")
    return int(raw.decode())
