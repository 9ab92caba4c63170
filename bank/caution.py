"""Whether a payee took its payments as carefully as the policy and its certificate ask.

One that it did not is paid from a free interval all the same, and bears a conflict itself. A board
counts since its newest beacon, and so does the bank, over all its batches, as far as it knows:

    beacon     a board had none newer than what the first batch names that it made afterwards
    since      it has that beacon since the bank's answer brought it, else since it named it first
    unsettled  what stands in batches that it made afterwards was not judged yet; so for each purse

Where a beacon came from a payer's board, nobody knows when: then nothing is counted, so that an
honest till is not blamed. The times are the board's own.
"""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import policy
from bank.queries import news, uploads
from bank.queries.enrolments import Certified
from bank.queries.uploads import NewUpload, Terms
from firmware.common.payment.batch import Entry
from firmware.common.wire.codec import Record


def weigh(
    cursor: Cursor, device: Certified, upload: Record, taken: list[tuple[Entry, Record]]
) -> list[bool]:
    """Whether each payment of a batch was taken with care; and the batch is remembered.

    `taken`: the payments in the ledger's order, which the bank has not judged before, each with its
    PURSE. The ledger is locked by the caller.
    """
    where = (device.account_id, device.device_id)
    taken_t = max((entry.recv_t for entry, _ in taken), default=upload.t_lb)
    history = uploads.select_history(cursor, *where, upload.gen, upload.beacon, taken_t)
    certificates = uploads.select_terms(cursor, *where)
    stale_t = news.select_beacon_t(cursor, history.beacon) + policy.STALE_DAYS * policy.DAY_S
    taps, taps_minor, unsettled = history.taps, history.taps_minor, history.unsettled_minor
    of_purses = uploads.select_unsettled_of_purses(cursor, *where, upload.gen, taken_t)
    found = []
    for entry, purse in taken:
        amount = entry.record.amount
        unsettled += amount
        of_purse = of_purses[purse.purse] = of_purses.get(purse.purse, 0) + amount
        if history.held_t is not None and entry.recv_t > history.held_t:
            taps, taps_minor = taps + 1, taps_minor + amount
        terms = _terms(certificates, entry.recv_t)
        found.append(
            entry.recv_t <= stale_t
            and taps <= policy.STALE_TAPS
            and taps_minor <= policy.STALE_MINOR
            and entry.recv_t < min(purse.not_after, terms.not_after)
            and amount <= terms.rx_limit_minor
            and unsettled <= terms.rx_cum_minor
            and of_purse * 100 <= purse.allowance * policy.PAYEE_PERCENT
        )
    says = (upload.gen, upload.first + upload.n - 1, upload.t_lb, upload.beacon)
    counted = (unsettled - history.unsettled_minor, history.beacon, taps, taps_minor)
    uploads.insert_upload(cursor, NewUpload(*where, *says, *counted))
    uploads.insert_held(cursor, *where, upload.beacon, upload.t_lb)
    return found


def _terms(certificates: list[tuple[int, Terms]], recv_t: int) -> Terms:
    """Those of the certificate that the board had then; the first, where its clock was behind."""
    for issued, terms in certificates:
        if issued <= recv_t:
            return terms
    return certificates[-1][1]
