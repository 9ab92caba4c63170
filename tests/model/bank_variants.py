"""The bank's rules, broken one at a time."""

from tests.model import configurations as towns
from tests.model import invariants as must
from tests.model import liveness as can
from tests.model.state import EXPIRED
from tests.model.variants import Variant

BANK_VARIANTS = (
    Variant(
        "claims",
        "overlapping claims are not excluded",
        {"claims_exclude": False},
        towns.CLONE_EVEN,
        must.settled_intervals_are_disjoint,
    ),
    Variant(
        "duplicates",
        "a payment that has come by the other route is judged anew",
        {"duplicates_are_seen": False},
        towns.ONE_SHOP,
        must.settled_at_most_once,
    ),
    Variant(
        "lapse",
        "what only the payer showed lapses at not_after",
        {"lapses_at": EXPIRED},
        towns.ONE_SHOP,
        must.in_time_is_paid,
    ),
    Variant(
        "lapse",
        "what only the payer showed never lapses",
        {"lapses_at": None},
        towns.ONE_SHOP,
        can.all_money_comes_to_rest,
    ),
    Variant(
        "return",
        "the reserve returns at not_after",
        {"returns_at": EXPIRED},
        towns.ONE_SHOP,
        must.in_time_is_paid,
    ),
    Variant(
        "CLOSE",
        "a CLOSE gives its part of the reserve back at once",
        {"close_waits_for_grace": False},
        towns.CLONE_CLOSE,
        must.a_cover_precedes_the_loss,
    ),
    Variant(
        "VOID first",
        "a claim after its VOID is paid",
        {"void_comes_first": False},
        towns.ROGUE,
        must.never_settled_and_returned,
    ),
    Variant(
        "VOID after",
        "the fund pays for what the payee has withdrawn",
        {"void_leaves_fund_alone": False},
        towns.ROGUE,
        must.the_fund_pays_guarantees_only,
    ),
    Variant(
        "covers",
        "a conflict is not covered",
        {"conflicts_are_covered": False},
        towns.CLONE,
        must.a_cover_precedes_the_loss,
    ),
    Variant(
        "covers",
        "a conflict is covered wholly or not at all",
        {"cover_takes_what_is_there": False},
        towns.CLONE_UNPAID,
        must.a_cover_precedes_the_loss,
    ),
    Variant(
        "either copy",
        "the payer's copy with its receipt settles nothing",
        {"payers_copy_settles": False},
        towns.ONE_SHOP,
        can.what_was_accepted_can_be_paid,
    ),
    Variant(
        "verdicts",
        "verdicts are not stored: an entry is judged each time it comes",
        {"verdicts_are_stored": False},
        towns.ONE_SHOP,
        must.one_verdict_for_an_entry,
    ),
    Variant(
        "REFUND",
        "a second REFUND of one payment is paid too",
        {"refunds_are_bounded": False},
        towns.REFUND_AND_CLOSE,
        must.never_refunded_beyond_what_was_paid,
    ),
    Variant(
        "UNIQUE (pub)",
        "the same key again reserves again",
        {"one_purse_per_key": False},
        towns.TOP_UP,
        must.one_reserve_for_a_key_in_hand,
    ),
    Variant(
        "claims",
        "an interval that only touches another is taken for a conflict",
        {"neighbours_are_free": False},
        towns.CLONE_EVEN,
        must.a_conflict_leaves_proof,
    ),
    Variant(
        "VOID after",
        "the payee's account pays what it no longer has",
        {"void_takes_at_most_the_balance": False},
        towns.ROGUE,
        must.money_is_conserved,
    ),
    Variant(
        "return",
        "the purse ends only when the payer has shown all it signed",
        {"ends_without_the_payer": False},
        towns.ONE_SHOP,
        can.the_purse_ends_without_the_boards,
    ),
)
