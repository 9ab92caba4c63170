"""What is paid where a purse cannot: from its reserve's rest, its bond, the payer, the fund.

Each source pays a payment once: covers_pkey. All payments of a purse together get no more of the
payer's account than its allowance, so that a copied purse does not cost all that he has.
"""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit
from bank.accounts import FUND
from bank.queries import accounts, purses, spends, transfers
from bank.queries.purses import Key
from bank.queries.transfers import BOND, COVER, RESERVE, WALLET, Leg
from bank.transfer_ids import transfer_id
from bank.verify import DEFAULT_WALLET
from firmware.common.payment import verdicts
from firmware.common.wire.errors import OK

Covers = dict[str, int]  # source -> minor units


class Payment(NamedTuple):
    """What is to be paid, and to whom."""

    purse: Key
    txn_hash: bytes
    payee_account: str


class Pockets(NamedTuple):
    """What each source could pay, in the order in which they are asked."""

    reserve: int
    bond: int
    account: int
    fund: int


def pockets(cursor: Cursor, payment: Payment) -> Pockets:
    """As they stand; the purse, the payer's wallet and the fund are locked by the caller."""
    purse = purses.select_purses(cursor, [payment.purse], lock=False)[payment.purse]
    payer = (purse.payer_account, DEFAULT_WALLET)
    found = accounts.select_balances(cursor, sorted({payer, FUND}), lock=False)
    guarantee = accounts.select_guarantee(cursor, payment.payee_account)
    own = 0
    if purse.payer_account != payment.payee_account:  # nobody covers himself from his own account
        left = purse.allowance_minor - spends.select_account_covers(cursor, purse.key)
        own = max(min(found.get(payer, 0), left), 0)
    return Pockets(purse.reserve_minor, purse.bond_minor, own, min(guarantee, found[FUND]))


def plan(left: Pockets, due_minor: int) -> Covers:
    """How much each source pays of what is due; a source that pays nothing is left out."""
    planned = {}
    for source, available in left._asdict().items():
        part = min(available, due_minor)
        if part > 0:
            planned[source] = part
            due_minor -= part
    return planned


def verdict(due_minor: int, planned: Covers) -> int:
    """SETTLED where nothing was due beyond the purse itself."""
    if due_minor == 0:
        return verdicts.SETTLED
    covered = sum(planned.values()) == due_minor
    return verdicts.CONFLICT_COVERED if covered else verdicts.CONFLICT_UNPAID


def pay(cursor: Cursor, payment: Payment, planned: Covers) -> None:
    """Moves what was planned to the payee."""
    for source, amount_minor in planned.items():
        _pay(cursor, payment, source, amount_minor)


def _pay(cursor: Cursor, payment: Payment, source: str, amount_minor: int) -> None:
    payer_account, purse_id = payment.purse
    payee = payment.payee_account
    id_ = transfer_id("cover", source.encode(), payment.txn_hash)
    origin = {
        "reserve": (payer_account, RESERVE, purse_id.hex()),
        "bond": (payer_account, BOND, purse_id.hex()),
        "account": (payer_account, WALLET, DEFAULT_WALLET),
        "fund": (FUND[0], WALLET, FUND[1]),
    }[source]
    legs = [Leg(*origin, -amount_minor), Leg(payee, WALLET, DEFAULT_WALLET, amount_minor)]
    transfers.insert_move(cursor, COVER, origin[0], payee, id_, legs)
    spends.insert_cover(cursor, payer_account, payment.txn_hash, source, amount_minor, payee, id_)
    if source == "fund":
        accounts.update_guarantee(cursor, payee, -amount_minor)
    row = audit.decision(
        payee,
        audit.BANK,
        "cover",
        id_,
        OK,
        payer=payer_account,
        purse=purse_id.hex(),
        source=source,
        amount_minor=amount_minor,
    )
    audit.write(cursor, [row])
