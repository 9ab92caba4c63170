"""Makes proof of a purse that was spent twice; loaded when one was."""

from firmware.common.payment.proof import make_proof
from firmware.common.storage.news_proofs import keep_proof
from firmware.common.wire.messages import PURSE, TXN
from firmware.common.wire.signed import parse_signed
from firmware.receiver.entries import signed_payment
from firmware.receiver.till import Till


def prove(till: Till, purse: bytes, txn: bytes, rival: bytes) -> None:
    """Keeps the proof that two payments, both verified, contradict; blocks the purse by it.

    Of a rival whose segment was dropped only the row is left: then the payment is refused, and
    proof is made where the bank has the other one.
    """
    other = signed_payment(till, rival)
    if other:
        a, b = parse_signed(TXN, other), parse_signed(TXN, txn)
        keep_proof(till.news, make_proof(parse_signed(PURSE, purse), a, b))
