"""Whatever comes as bytes: never 500, and money that is signed for ends where it belongs.

What a test did to the books is proved sound when it ends (`opg1`).
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from bank import limits
from firmware.common.wire import reasons
from tests import opg1_builder as builder
from tests.bank.conftest import FUNDS_MINOR
from tests.bank.opg1_teller import (
    COVERED,
    NONCE,
    SETTLED,
    Board,
    Opg1Teller,
    Purse,
    unbundle,
)
from tests.bank.till import NO_HEAD, SRCPT, UPLOAD, Till, shop
from tests.opg1_builder import Key, body, sha256

PATHS = ("settle-ledger", "proofs", "sync", "enrol")
numbers = st.sampled_from([0, 1, 2, 3, 50_00, 100_00, 2**31 - 1, 2**31, 2**32 - 1]) | st.integers(
    0, 2**32 - 1
)
ids = st.sampled_from([bytes(8), b"somebody", b"\xff" * 8]) | st.binary(min_size=8, max_size=8)


class Street:
    """Two shops, and for each example a payer of its own: what a board is given is bounded."""

    def __init__(self, opg1: Opg1Teller) -> None:
        self.opg1 = opg1
        self.shops = [shop(opg1, "bert"), shop(opg1, "clara")]
        self.examples = 0

    def open(self) -> None:
        """The shops have today's news; a till that has taken too much without is not covered."""
        self.opg1.now += limits.BEACON_AGE_S
        for till in self.shops:
            till.hear()

    def purse(self) -> Purse:
        self.examples += 1
        return self.opg1.top_up(self.opg1.board(f"payer {self.examples}", 1_000_00))


@pytest.fixture
def street(opg1: Opg1Teller) -> Street:
    return Street(opg1)


def check(response: TestResponse) -> int:
    """An answer in the bank's form; its status."""
    assert response.status_code < 500 or response.status_code == 503, response.get_data()
    if response.status_code >= 300:
        answer = response.get_json()
        assert answer["name"] == reasons.name(answer["reason"])
    return response.status_code


@given(path=st.sampled_from(PATHS), data=st.binary(max_size=600))
def test_any_bytes_are_answered(street: Street, path: str, data: bytes) -> None:
    assert check(street.opg1.post_bytes(path, data)) >= 400


@given(path=st.sampled_from(PATHS[:1] + PATHS[2:]), number=st.integers(0, 255), data=st.data())
def test_any_message_that_is_sealed_is_answered(
    street: Street, path: str, number: int, data: st.DataObject
) -> None:
    message = data.draw(st.binary(max_size=600))
    sender = data.draw(ids | st.just(street.shops[0].board.device_id))
    check(street.opg1.post_bytes(path, street.opg1.seal(number, sender, message)))


fields = st.fixed_dictionaries(
    {},
    optional={
        "ver": st.integers(0, 255),
        "kind": st.integers(0, 255),
        "device": ids,
        "gen": st.sampled_from([0, 1, 2**15, 2**16 - 1]),
        "first": numbers,
        "n": st.integers(0, 2**16 - 1),
        "prev_head": st.sampled_from([NO_HEAD, b"\1" * 32]),
        "head": st.sampled_from([NO_HEAD, b"\1" * 32]),
        "nonce": ids,
        "t_lb": numbers,
        "beacon": numbers,
    },
)
junk_entries = st.lists(st.binary(max_size=200), max_size=3)


@given(values=fields, entries=junk_entries, real=st.booleans())
def test_any_upload_that_is_signed_is_answered(
    street: Street, values: dict[str, Any], entries: list[bytes], real: bool
) -> None:
    till = street.shops[0].copy(0)
    before = street.opg1.balance("bert")
    till.entries, till.heads = (entries, [NO_HEAD] * len(entries)) if not real else ([], [])
    if real:
        till.append(street.purse().pay(Board("nobody"), 1_00))
    status = check(till.upload(**values))
    assert status in (200, 400, 403, 409, 413)
    assert street.opg1.balance("bert") == before
    start_anew(street)


def start_anew(street: Street) -> None:
    """What was signed may have forked the ledger: the operator gives the till another."""
    till = street.shops[0]
    where = {"account_id": "bert", "device_id": till.board.device_id.hex()}
    opened = street.opg1.operate("ledgers", form="opg1", **where).get_json()
    street.opg1.operate("unfreeze", **where)
    street.shops[0] = Till(street.opg1, till.board, opened["generation"])


payments = st.fixed_dictionaries(
    {},
    optional={
        "ver": st.integers(0, 255),
        "kind": st.integers(0, 3),
        "purse": ids,
        "ctr": numbers,
        "cum": numbers,
        "amount": numbers,
        "payee": ids,
        "t_lb": numbers,
    },
)
refunds = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.integers(0, 3),
        "payee": ids,
        "txn_hash": st.binary(min_size=32, max_size=32),
        "amount": numbers,
        "rctr": numbers,
        "to_purse": ids,
        "reason": numbers,
    },
)
known = st.fixed_dictionaries({}, optional={"rev_seq": numbers, "recv_t": numbers})


@given(
    txns=st.lists(st.tuples(payments, known), max_size=4),
    paybacks=st.lists(refunds, max_size=3),
    beacon=numbers,
)
def test_any_entries_that_are_signed_are_judged(
    street: Street, txns: list[Any], paybacks: list[dict[str, Any]], beacon: int
) -> None:
    purse, old = street.purse(), street.shops[0]
    till = Till(street.opg1, old.board, old.gen)
    good = purse.clone().pay(till.board, 1_00)
    till.append(good)
    for values, knowledge in txns:
        if values.get("ver", 1) == 1:
            till.append(purse.pay(till.board, 1_00, **values), **knowledge)
    for values in paybacks:
        till.refund(good, 50, purse, **{"rctr": street.examples, **values})
    receipt = till.settle(beacon=beacon)
    assert receipt.verdicts[0] == SETTLED
    assert all(verdict <= 12 for verdict in receipt.verdicts)
    assert till.settle(nonce=b"again...").verdicts == receipt.verdicts
    start_anew(street)


tap = st.tuples(st.booleans(), st.integers(1, 10_00), st.booleans())  # shop, amount, by the clone


@given(taps=st.lists(tap, min_size=1, max_size=8), order=st.randoms(use_true_random=False))
def test_honest_payments_are_settled_in_any_order_and_a_clones_are_covered(
    street: Street, taps: list[Any], order: Any
) -> None:
    """Whatever of it a clone made: every shop gets what it was shown, as the payer can pay."""
    street.open()
    purse = street.purse()
    clone, cheats = purse.clone(), any(by_clone for _, _, by_clone in taps)
    txns = []
    for second, amount, by_clone in taps:
        till = street.shops[second]
        txns.append((second, amount, (clone if by_clone else purse).pay(till.board, amount)))
    before = [street.opg1.balance(name) for name in ("bert", "clara")]
    order.shuffle(txns)
    for second, _, txn in txns:
        till = street.shops[second]
        first = len(till.entries)
        (verdict,) = till.append(txn, recv_t=street.opg1.now).settle(first).verdicts
        assert verdict in ((SETTLED, COVERED, 1) if cheats else (SETTLED,))
    gained = [street.opg1.balance(name) for name in ("bert", "clara")]
    due = [sum({txn[:-64]: a for s, a, txn in txns if s == shop}.values()) for shop in (0, 1)]
    assert [after - then for after, then in zip(gained, before, strict=True)] == due


@given(values=payments, sealed=st.booleans())
def test_any_bundle_of_proofs_is_answered(
    street: Street, values: dict[str, Any], sealed: bool
) -> None:
    opg1 = street.opg1
    purse = Purse(opg1.realm8, Key("somebody"), Key("bank").sign(opg1.realm8, "PURSE", bytes(96)))
    txns = [purse.pay(Board("anna"), 1_00, **values) for _ in range(2)]
    proof = body("EQUIV", purse=purse.signed, a=txns[0], b=txns[1])
    data = (b"\x0c\x01\xc4" + proof) if not sealed else opg1.seal(UPLOAD, NONCE, proof)
    assert check(opg1.post_bytes("proofs", data)) in (400, 413)


def test_the_answer_is_a_receipt_and_news(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    """The whole story once more by the independent builder alone."""
    txn = purse.pay(till.board, 1_00)
    response = till.append(txn).upload()
    (number, signed), *_ = unbundle(response.get_data())
    receipt = builder.check_signature(opg1.kb, opg1.realm8, "SRCPT", signed)
    assert (number, receipt[86:]) == (SRCPT, b"\x00")
    assert receipt[18:50] == bytes.fromhex(builder.chain("GENESIS", sha256(txn[:-64])))
    assert opg1.balance("anna") == FUNDS_MINOR - 110_00
