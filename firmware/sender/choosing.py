"""Which purse a payment is made from: of those that can, the one that ends first."""

from firmware.common.wire.codec import Record
from firmware.common.wire.errors import EXPIRED, NO_FUNDS, OVER_LIMIT, Refused
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.sender.wallet import Purse

# Of several purses the smallest reason counts: it is what the best of them lacks.
_LACKS = {
    OVER_LIMIT: "more than the bank allows at once",
    NO_FUNDS: "the purse holds less: sync and top up",
    EXPIRED: "the purse has expired: sync and top up",
}


def choose(purses: list[Purse], currency: int, amount_minor: int, t_lb: int) -> Purse:
    """The purse for a payment of `amount_minor`; raises `Refused` where there is none."""
    chosen: Purse | None = None
    reason = ends_s = 0
    for purse in purses:
        record = parse_signed(PURSE, purse.signed)
        if record.cur == currency:
            lack = _lack(purse, record, amount_minor, t_lb)
            if lack:
                reason = min(reason or lack, lack)
            elif chosen is None or record.not_after < ends_s:
                chosen, ends_s = purse, record.not_after
    if chosen is None:
        raise Refused(reason or NO_FUNDS, _LACKS.get(reason, "no purse in this currency"))
    return chosen


def _lack(purse: Purse, record: Record, amount_minor: int, t_lb: int) -> int:
    """The reason why this purse cannot pay that much; 0 if it can."""
    if record.not_after <= t_lb:
        return EXPIRED
    if purse.ctr >= record.ctr_max or purse.spent + amount_minor > record.allowance:
        return NO_FUNDS
    return OVER_LIMIT if amount_minor > record.tx_max else 0
