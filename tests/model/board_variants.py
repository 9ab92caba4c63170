"""The boards' rules, broken one at a time."""

from tests.model import configurations as towns
from tests.model import invariants as must
from tests.model import liveness as can
from tests.model.rules import ENTRY_FIRST, REQUEST_FIRST
from tests.model.variants import Variant

BOARD_VARIANTS = (
    Variant(
        "J1",
        "the payer sends before it journals SIGNED",
        {"payer_journals_before_sending": False},
        towns.ONE_SHOP,
        must.a_board_never_equivocates,
    ),
    Variant(
        "J2",
        "the payee acknowledges before it appends",
        {"payee_appends_before_ack": False},
        towns.ONE_SHOP,
        must.a_receipt_implies_an_entry,
    ),
    Variant(
        "J3",
        "the payee sends VOID before it journals it",
        {"payee_journals_void_before_sending": False},
        towns.ONE_SHOP,
        must.never_ack_and_void,
    ),
    Variant(
        "J4",
        "the payee looks nothing up before it appends",
        {"payee_looks_up_before_appending": False},
        towns.ONE_SHOP,
        must.entered_at_most_once,
    ),
    Variant(
        "J6",
        "the payer sends the key of a new purse before it journals it",
        {"key_is_journalled_before_sync": False},
        towns.TOP_UP,
        must.one_reserve_for_a_key_in_hand,
    ),
    Variant(
        "J7",
        "the request is one record, its entry the next",
        {"payee_writes": REQUEST_FIRST},
        towns.ONE_SHOP,
        must.a_receipt_implies_an_entry,
    ),
    Variant(
        "J7",
        "the entry is one record, its request the next",
        {"payee_writes": ENTRY_FIRST},
        towns.CLONE_ONE_SHOP,
        must.no_request_is_paid_twice,
    ),
    Variant(
        "pair rule",
        "the payee takes a payment that contradicts one it holds",
        {"payee_keeps_pair_rule": False},
        towns.CLONE_ONE_SHOP,
        must.no_payee_holds_a_contradiction,
    ),
    Variant(
        "RESUME",
        "a hash alone is voided where the request was cancelled",
        {"resume_alone_yields_no_void": False},
        towns.ONE_SHOP,
        must.never_ack_and_void,
    ),
    Variant(
        "ACCEPTED",
        "an accepted request answers its payment with VOID",
        {"accepted_answers_ack": False},
        towns.ONE_SHOP,
        must.never_ack_and_void,
    ),
    Variant(
        "VOID",
        "a cancelled request gives no answer",
        {"cancelled_answers_void": False},
        towns.ONE_SHOP,
        can.what_was_accepted_can_be_paid,
    ),
)
