"""Whether the payee takes a payment: what can be told before a signature is looked at.

The checks, cheap first, and the reason of each (numbers as in docs/protocol.md):

    1  it is for this payee, of the amount that was asked for        `check_payee`, `check_amount`
    2  the purse allows it, in the currency that was asked for       `check_claim`
    3  the purse has not surely expired                              `check_claim`
    4  neither revoked nor proven a cheat                            `check_standing`
    5  it contradicts nothing that is remembered of the purse        `compare`, `contradicts`
    6  it is within this till's caps                                 `check_caps`

7 and 8, the signatures of purse and payment, are the nouns' own. Only when they hold does a
contradiction (5) count: junk must block nobody.
"""

from firmware.common.payment.news import policy_of
from firmware.common.payment.purse import check_interval, check_time
from firmware.common.storage.news_reading import vouched
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    NOT_FOR_ME,
    OVER_LIMIT,
    PROVEN_CHEAT,
    REVOKED,
    SYNC_FIRST,
    Refused,
)
from firmware.receiver.seen import VOIDED, read_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware.receiver.till import Till

_DAY_S = 86_400


def check_payee(txn: Record, payee: bytes) -> None:
    """Raises `Refused(NOT_FOR_ME)`: another payee's money is nobody's business here."""
    if txn.payee != payee:
        raise Refused(NOT_FOR_ME, "it is for another payee")


def check_amount(txn: Record, asked_minor: int) -> None:
    """Raises `Refused(AMOUNT_DIFFERS)` unless the payment is of what was asked for."""
    if txn.amount != asked_minor:
        raise Refused(AMOUNT_DIFFERS, "another amount was asked for")


def check_claim(purse: Record, currency: int, ctr: int, cum: int, amount: int, t_lb: int) -> None:
    """Raises `Refused`: MALFORMED, OVER_LIMIT, AMOUNT_DIFFERS (also another currency), EXPIRED."""
    check_interval(purse, ctr, cum, amount)
    if purse.cur != currency:
        raise Refused(AMOUNT_DIFFERS, "another currency was asked for")
    check_time(purse, t_lb)


def check_standing(news: News, purse8: bytes) -> None:
    """Raises `Refused`: REVOKED or PROVEN_CHEAT, as far as this board has heard."""
    if purse8 in news.proven:
        raise Refused(PROVEN_CHEAT, "this purse was spent twice")
    if news.is_revoked(purse8):
        raise Refused(REVOKED, "the bank has revoked this purse")


def compare(
    rows: "Iterable[bytes]", judged: int, ctr: int, cum: int, amount: int, txn_hash: bytes = b""
) -> tuple[bytes, bytes, int]:
    """What is remembered of the purse against a payment: (its own row, a contradicting row, sum).

    A row is b"" where there is none. Without `txn_hash`, for what is only announced, its own row is
    the one of this counter and end. `sum`: minor units taken from the purse that the bank has not
    judged, which are those from index `judged` on.
    """
    own = rival = b""
    unjudged_minor = 0
    for row in rows:
        _, row_ctr, row_cum, row_amount, _, gen, index, _, _, _, row_hash = read_row(row)
        if gen != VOIDED and index >= judged:
            unjudged_minor += row_amount
        if row_hash == txn_hash or (not txn_hash and (row_ctr, row_cum) == (ctr, cum)):
            own = row
        elif contradicts(row_ctr, row_cum, row_amount, ctr, cum, amount):
            rival = row
    return own, rival, unjudged_minor


def contradicts(
    a_ctr: int, a_cum: int, a_amount: int, b_ctr: int, b_cum: int, b_amount: int
) -> bool:
    """The pair rule of `payment.transaction` for two payments that are not the same."""
    if a_ctr == b_ctr:
        return True
    return b_cum - b_amount < a_cum if a_ctr < b_ctr else a_cum - a_amount < b_cum


def check_caps(
    till: "Till", news: News, rx_cum: int, purse: Record, amount: int, unjudged_minor: int
) -> None:
    """Raises `Refused` where the bank would not stand for the payment.

    SYNC_FIRST: nothing was heard of the bank for too long, or more than `rx_cum` is unsettled. A
    beacon is heard once the revocations that it tells of are held: it may come without them.
    OVER_LIMIT: too much of one purse; `unjudged_minor` was taken from it since the last receipt.
    """
    beacon = news.beacon
    if beacon is None:
        raise Refused(SYNC_FIRST, "the bank was never heard of")
    policy = policy_of(beacon)
    seq, t = vouched(news)
    is_new = seq > till.beacon_seq  # nothing was taken since
    taps, taps_minor = (0, 0) if is_new else (till.taps, till.taps_minor)
    is_stale = (
        news.t_lb() > t + policy.stale_days * _DAY_S
        or taps >= policy.stale_taps
        or taps_minor + amount > policy.stale_minor
    )
    if is_stale or till.unsettled_minor + amount > rx_cum:
        raise Refused(SYNC_FIRST, "connect the till to a bridge")
    if (unjudged_minor + amount) * 100 > purse.allowance * policy.payee_pct:
        raise Refused(OVER_LIMIT, "too much of one purse before the next settlement")
