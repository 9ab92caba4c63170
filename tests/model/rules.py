"""The rules that a variant may break, one switch each; all of them on is the protocol.

Boards: J1 to J7 are the write orders of the journals. Bank: what settlement rests on.
"""

from dataclasses import dataclass, field

from tests.model.state import OVER

ONE_RECORD, REQUEST_FIRST, ENTRY_FIRST = "one record", "request first", "entry first"


@dataclass(frozen=True)
class Rules:
    payer_journals_before_sending: bool = True  # J1
    payee_appends_before_ack: bool = True  # J2
    payee_journals_void_before_sending: bool = True  # J3
    payee_looks_up_before_appending: bool = True  # J4
    key_is_journalled_before_sync: bool = True  # J6
    payee_writes: str = ONE_RECORD  # J7
    payee_keeps_pair_rule: bool = True
    resume_alone_yields_no_void: bool = True
    accepted_answers_ack: bool = True
    cancelled_answers_void: bool = True

    claims_exclude: bool = True
    neighbours_are_free: bool = True
    duplicates_are_seen: bool = True
    void_comes_first: bool = True
    void_takes_at_most_the_balance: bool = True
    void_leaves_fund_alone: bool = True
    conflicts_are_covered: bool = True
    cover_takes_what_is_there: bool = True
    close_waits_for_grace: bool = True
    payers_copy_settles: bool = True
    verdicts_are_stored: bool = True
    refunds_are_bounded: bool = True
    lapses_at: int | None = OVER  # None: never
    returns_at: int = OVER
    ends_without_the_payer: bool = True
    one_purse_per_key: bool = True


@dataclass(frozen=True)
class Town:
    """Who is there. amounts: one request each; shops: the payee of each request."""

    name: str
    amounts: tuple[int, ...] = ()
    shops: tuple[int, ...] = ()
    allowance: int = 2
    bond: int = 0
    fund: int = 1
    till: int = 0  # units on each payee's account before anything happens
    guarantee: int = 0  # units of the fund that conflicts may draw on
    has_clone: bool = False
    closes: bool = False
    refunds: int = 0  # REFUNDs that a till appends for one payment
    withdraws: bool = False
    has_rogue_payee: bool = False  # signs a VOID for what it has accepted
    burns: bool = True  # a payee's board may be destroyed
    top_up: bool = False
    is_calm: bool = False  # fewer states, see docs/model.md
    rules: Rules = field(default_factory=Rules)

    def payee_of(self, request: int) -> int:
        return self.shops[request - 1]
