"""Puts together what an UPLOAD says; loaded for that alone, and bytes are all that it keeps."""

from firmware.common.payment.batch import batch_body, pack_entry
from firmware.receiver import entries
from firmware.receiver.keeping import ACCEPTED
from firmware.receiver.till import Till


def batch(till: Till, fields: tuple) -> tuple[bytes, bytes]:
    """The body of an UPLOAD, still to be signed, and the head after its last entry.

    `fields` are its gen, first, n, nonce, t_lb and beacon.
    """
    gen, first, n, nonce, t_lb, beacon = fields
    packed = []
    prev_head = head = entries.head_before(till, first)
    for index, kind, payload in entries.entries(till, first):
        if index >= first + n:
            break
        record = entries.txn(payload) if kind == ACCEPTED else entries.refund(payload)
        _, _, recv_t, rev_seq, _ = entries.fields(payload)
        packed.append(pack_entry(record, recv_t, rev_seq))
        head = entries.head(kind, payload)
    body = batch_body(
        packed,
        device=till.device,
        gen=gen,
        first=first,
        prev_head=prev_head,
        head=head,
        nonce=nonce,
        t_lb=t_lb,
        beacon=beacon,
    )
    return body, head
