"""Money back: a payee's REFUND moves a part of what a payment brought it to the payer.

It goes into the reserve of the payer's purse that the REFUND names: there it stands for whatever
else that purse still owes, and returns to the payer's account when the purse ends. Where it has
ended, the money goes to the account at once. Never more than was received, and each of a device's
counters once.
"""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit
from bank.queries import accounts, purses, refunds, spends, transfers
from bank.queries.enrolments import Certified
from bank.queries.purses import ENDED, Key
from bank.queries.spends import PAID, Spend
from bank.queries.transfers import REFUND, RESERVE, WALLET, Leg
from bank.transfer_ids import transfer_id
from bank.verify import DEFAULT_WALLET
from firmware.common.payment import verdicts
from firmware.common.payment.refund import refund_hash
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    NO_FUNDS,
    NOT_FOR_ME,
    OK,
    OVER_LIMIT,
    REPLAY,
    REQUEST_UNKNOWN,
    Refused,
)
from firmware.common.wire.messages import REFUND as LAYOUT
from firmware.common.wire.signed import parse_signed


def pay_back(cursor: Cursor, device: Certified, refund: Record, to: Key) -> int:
    """SETTLED, or DUPLICATE for the same refund again; `to` is the locked purse that it names.

    The caller checked that the device signed it. Raises `Refused` where it cannot be paid.
    """
    account_id = device.account_id
    known = refunds.select_refund(cursor, account_id, device.device_id, refund.rctr)
    if known is not None:
        if parse_signed(LAYOUT, known).raw == refund.raw:
            return verdicts.DUPLICATE
        raise Refused(REPLAY, "its counter was used for another refund")
    payment = (to[0], refund.txn_hash)
    spend = spends.select_of_hashes(cursor, [payment]).get(payment)
    if spend is None or spend.payee_account != account_id:
        raise Refused(REQUEST_UNKNOWN, "this payee was not paid by that payer")
    if spend.payer_account == account_id:
        raise Refused(NOT_FOR_ME, "payer and payee are the same")
    received = refunds.select_received(cursor, [payment]).get(payment, 0)
    if spend.status != PAID or refund.amount > received - spend.refunded_minor:
        raise Refused(OVER_LIMIT, "more than was received and not given back yet")
    wallet = (account_id, DEFAULT_WALLET)
    if accounts.select_balances(cursor, [wallet], lock=True)[wallet] < refund.amount:
        raise Refused(NO_FUNDS, "the payee's account does not hold it")
    _move(cursor, device, refund, spend, to)
    return verdicts.SETTLED


def _move(cursor: Cursor, device: Certified, refund: Record, spend: Spend, to: Key) -> None:
    payer, purse_id = to
    target = (payer, RESERVE, purse_id.hex())
    if purses.select_purses(cursor, [to])[to].state == ENDED:
        target = (payer, WALLET, DEFAULT_WALLET)
    id_ = transfer_id(REFUND, refund_hash(refund))
    source = (device.account_id, WALLET, DEFAULT_WALLET)
    legs = [Leg(*source, -refund.amount), Leg(*target, refund.amount)]
    transfers.insert_move(cursor, REFUND, device.account_id, payer, id_, legs)
    spends.update_refunded(cursor, payer, spend.purse_id, spend.ctr, refund.amount)
    refunds.insert_refund(
        cursor,
        device.account_id,
        device.device_id,
        refund.rctr,
        (payer, refund.txn_hash),
        refund.amount,
        purse_id,
        refund.signed,
        id_,
    )
    actor = f"device {device.device_id.hex()}"
    row = audit.decision(
        payer, actor, "refund", id_, OK, payee=device.account_id, amount_minor=refund.amount
    )
    audit.write(cursor, [row])
