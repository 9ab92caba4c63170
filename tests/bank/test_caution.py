"""Who takes more than the policy or its certificate allows bears conflicts, over all its batches.

Every payment at Clara's is a conflict: another shop was paid from the same purse before. COVERED
says that she took it with care, UNPAID that she did not.
"""

import os
import random
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits, policy
from firmware.common.wire.errors import Refused
from firmware.common.wire.messages import BEACON as BEACON_LAYOUT
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.receiver import accept
from tests.bank.opg1_teller import COVERED, DAY_S, SETTLED, UNPAID, Opg1Teller, Purse, unbundle
from tests.bank.till import BEACON, Receipt, Till, shop


@pytest.fixture
def clone(opg1: Opg1Teller) -> Purse:
    return cloned(opg1, "")


def cloned(opg1: Opg1Teller, name: str) -> Purse:
    """Of a purse that Bert was paid from; what is paid twice, its payer can cover."""
    purse = opg1.top_up(opg1.board(f"anna{name}", 1_000_00))
    clone, bert = purse.clone(), shop(opg1, f"bert{name}")
    bert.append(purse.pay(bert.board, 50_00), purse.pay(bert.board, 50_00))
    assert bert.settle().verdicts == [SETTLED, SETTLED]
    return clone


def take(clara: Till, clone: Purse, taken_t: int, *amounts: int) -> None:
    for amount in amounts:
        clara.append(clone.pay(clara.board, amount), recv_t=taken_t)


def hear(clara: Till, receipt: Receipt) -> None:
    """Takes the beacon that came with an answer."""
    (clara.beacon,) = struct.unpack_from(">I", dict(receipt.news)[BEACON], 2)


@pytest.mark.parametrize(("taken_s", "verdict"), [(99, UNPAID), (101, COVERED)])
def test_what_is_unsettled_counts_over_batches(
    opg1: Opg1Teller, clone: Purse, monkeypatch: pytest.MonkeyPatch, taken_s: int, verdict: int
) -> None:
    """25.00 at most. The first batch was made after 100 s: what was taken before adds to it."""
    monkeypatch.setattr(policy, "RX_CUM_MINOR", 25_00)
    clara, began = shop(opg1, "clara"), opg1.now
    take(clara, clone, began + 40, 15_00, 10_00)
    take(clara, clone, began + taken_s, 1)
    assert clara.settle(0, 2, t_lb=began + 100).verdicts == [COVERED, COVERED]
    assert clara.settle(2, t_lb=began + 200).verdicts == [verdict]


@pytest.mark.parametrize(("taken_s", "verdict"), [(99, UNPAID), (101, COVERED)])
def test_what_was_taken_of_one_purse_counts_over_batches(
    opg1: Opg1Teller, clone: Purse, taken_s: int, verdict: int
) -> None:
    """Half of the 100.00 between two settlements; of another purse as much again."""
    clara, began, other = shop(opg1, "clara"), opg1.now, cloned(opg1, " two")
    take(clara, clone, began + 40, 30_00, 20_00)
    take(clara, other, began + 40, 50_00)
    take(clara, clone, began + taken_s, 1)
    assert clara.settle(0, 3, t_lb=began + 100).verdicts == [COVERED, COVERED, COVERED]
    assert clara.settle(3, t_lb=began + 200).verdicts == [verdict]


def test_more_than_half_of_one_purse_in_one_batch(opg1: Opg1Teller, clone: Purse) -> None:
    clara = shop(opg1, "clara")
    take(clara, clone, opg1.now, 49_99, 1, 1)
    assert clara.settle(t_lb=opg1.now).verdicts == [COVERED, COVERED, UNPAID]


@pytest.mark.parametrize(("bound", "value"), [("STALE_MINOR", 25_00), ("STALE_TAPS", 2)])
def test_what_was_taken_since_a_beacon_counts_over_batches(
    opg1: Opg1Teller, clone: Purse, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    """She reports three times and knows no newer beacon; with one she begins anew."""
    monkeypatch.setattr(policy, bound, value)
    clara, began = shop(opg1, "clara"), opg1.now
    take(clara, clone, began + 5, 10)
    assert clara.settle(0, t_lb=began + 10).verdicts == [COVERED]
    take(clara, clone, began + 20, 15_00, 10_00)
    assert clara.settle(1, t_lb=began + 30).verdicts == [COVERED, COVERED]
    take(clara, clone, began + 40, 1)
    assert clara.settle(3, t_lb=began + 50).verdicts == [UNPAID]
    opg1.now += limits.BEACON_AGE_S
    clara.hear()
    take(clara, clone, opg1.now + 1, 25_00)
    assert clara.settle(4, t_lb=opg1.now + 2).verdicts == [COVERED]


@pytest.mark.parametrize(("bound", "value"), [("STALE_MINOR", 25_00), ("STALE_TAPS", 2)])
def test_what_was_taken_since_the_last_visit_counts_over_the_batches_of_this_one(
    opg1: Opg1Teller, clone: Purse, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    """Each answer brings a newer beacon, but what is told after it was taken before."""
    monkeypatch.setattr(policy, bound, value)
    clara = shop(opg1, "clara")
    opg1.now += DAY_S
    take(clara, clone, opg1.now - 9, 10)
    hear(clara, clara.settle(0, t_lb=opg1.now))
    take(clara, clone, opg1.now + 20, 15_00, 10_00, 1)
    opg1.now += DAY_S
    first = clara.settle(1, 3, t_lb=opg1.now)
    assert first.verdicts == [COVERED, COVERED]
    hear(clara, first)
    assert clara.settle(3, t_lb=opg1.now + 1).verdicts == [UNPAID]
    take(clara, clone, opg1.now + 20, 15_00, 10_00)
    assert clara.settle(4, t_lb=opg1.now + 30).verdicts == [COVERED, COVERED]


def test_a_beacon_that_came_with_the_answer_makes_older_payments_no_fresher(
    opg1: Opg1Teller, clone: Purse
) -> None:
    clara = shop(opg1, "clara")
    opg1.now += policy.STALE_DAYS * DAY_S + 1
    take(clara, clone, opg1.now, 1_00, 1_00)
    first = clara.settle(0, 1, t_lb=opg1.now + 5)
    assert first.verdicts == [UNPAID]
    hear(clara, first)
    assert clara.settle(1, t_lb=opg1.now + 6).verdicts == [UNPAID]


def test_a_payment_stands_under_the_certificate_of_its_time(
    opg1: Opg1Teller, clone: Purse, owner: Cursor
) -> None:
    """A second one allows 10.00 together; what was taken before keeps to the first."""
    clara, began = shop(opg1, "clara"), opg1.now
    owner.execute(
        """
        INSERT INTO certificates (account_id, device_id, serial, roles, rx_limit_minor,
            rx_cum_minor, issued, not_after, signed)
        SELECT account_id, device_id, 2, roles, rx_limit_minor, 1000, issued + 100, not_after,
            signed
        FROM certificates WHERE account_id = 'clara'
        """
    )
    take(clara, clone, began + 99, 10_01)
    assert clara.settle(0, t_lb=began + 99).verdicts == [COVERED]
    take(clara, clone, began + 100, 10_00, 1)
    assert clara.settle(1, t_lb=began + 100).verdicts == [COVERED, UNPAID]


class Life:
    """A till over some days, by its own rules or none; what it was sent may be lost on the way.

    A beacon that was lost comes by no payer's board either: the bank believes that it arrived.
    """

    def __init__(self, opg1: Opg1Teller, seed: int, is_honest: bool) -> None:
        self.opg1, self.is_honest = opg1, is_honest
        self.dice = random.Random(seed)
        self.clone = cloned(opg1, f" {seed}")
        self.purse = parse_signed(PURSE, self.clone.signed)
        self.clara = shop(opg1, f"clara {seed}")
        self.till = SimpleNamespace(beacon_seq=0, taps=0, taps_minor=0, unsettled_minor=0)
        self.flash = TemporaryDirectory()
        self.t_lb = 0
        self.judged = 0
        self.upload: tuple[int, dict[str, Any]] | None = None
        self.lost: set[int] = set()
        self.verdicts: list[int] = []
        self.declined = 0
        self.beacons = [self.newest()]
        self.beacon = self.beacons[0]
        self.hear(self.beacon)

    def newest(self) -> bytes:
        return dict(unbundle(self.opg1.client.get("/news").get_data()))[BEACON]

    def hear(self, beacon: bytes) -> None:
        found = parse_signed(BEACON_LAYOUT, beacon)
        self.t_lb = max(self.t_lb, found.t)
        if found.seq >= parse_signed(BEACON_LAYOUT, self.beacon).seq:
            self.beacon, self.clara.beacon = beacon, found.seq
            Path(self.flash.name, "beacon").write_bytes(beacon)  # as `news_reading` finds it

    def pass_time(self) -> None:
        """The bank goes on; the till does too, unless it is switched off."""
        seconds = self.dice.choice((1, 30, 600, DAY_S // 3))
        self.opg1.now += seconds
        self.t_lb += self.dice.choice((0, seconds, seconds))

    def tap(self) -> None:
        amount = self.dice.randrange(1, 40)
        beacon = parse_signed(BEACON_LAYOUT, self.beacon)
        news: Any = SimpleNamespace(
            beacon=beacon, t_lb=lambda: self.t_lb, folder=self.flash.name, rev_seq=beacon.rev_seq
        )
        till: Any = self.till
        try:
            accept.check_caps(till, news, policy.RX_CUM_MINOR, self.purse, amount, 0)
        except Refused:
            self.declined += 1
            if self.is_honest:
                return
        if beacon.seq != till.beacon_seq:
            till.beacon_seq, till.taps, till.taps_minor = beacon.seq, 0, 0
        till.taps, till.taps_minor = till.taps + 1, till.taps_minor + amount
        till.unsettled_minor += amount
        take(self.clara, self.clone, self.t_lb, amount)

    def meet(self) -> None:
        """A payer's board that was at the bank a while ago, or a bridge that only has news."""
        self.beacons.append(self.newest())
        beacon = self.dice.choice(self.beacons)
        if parse_signed(BEACON_LAYOUT, beacon).seq not in self.lost:
            self.hear(beacon)

    def visit(self) -> None:
        """Some batches up, some answers down."""
        for _ in range(self.dice.randrange(1, 5)):
            left = len(self.clara.entries) - self.judged
            if not left:
                return
            if self.upload is None:
                end = self.judged + min(left, 3)
                self.upload = end, {"t_lb": self.t_lb, "beacon": self.clara.beacon}
            end, fields = self.upload
            receipt = self.clara.settle(self.judged, end, **fields)
            beacon = dict(receipt.news).get(BEACON)
            if self.dice.random() < 0.2:
                self.lost |= {parse_signed(BEACON_LAYOUT, beacon).seq} if beacon else set()
                return
            self.verdicts += receipt.verdicts
            self.t_lb = max(self.t_lb, receipt.t)
            amounts = [int.from_bytes(entry[29:33]) for entry in self.clara.entries]
            self.till.unsettled_minor -= sum(amounts[self.judged : end])
            self.judged, self.upload = end, None
            if beacon:
                self.beacons.append(beacon)
                self.hear(beacon)

    def run(self) -> None:
        for _ in range(80):
            what = self.dice.choice((self.tap, self.tap, self.tap, self.pass_time, self.visit))
            if self.dice.random() < 0.05:
                what = self.meet
            what()


@pytest.mark.parametrize("is_honest", [True, False])
def test_an_honest_till_is_never_blamed(
    opg1: Opg1Teller, monkeypatch: pytest.MonkeyPatch, is_honest: bool
) -> None:
    """It keeps to the rules that its board knows; one that does not is found out now and then."""
    monkeypatch.setattr(policy, "STALE_DAYS", 1)
    monkeypatch.setattr(policy, "STALE_TAPS", 6)
    monkeypatch.setattr(policy, "STALE_MINOR", 1_20)
    monkeypatch.setattr(policy, "RX_CUM_MINOR", 2_00)
    payments, declined, blamed = 0, 0, []
    for seed in range(int(os.environ.get("TILLS", "12"))):
        life = Life(opg1, seed, is_honest)
        life.run()
        assert set(life.verdicts) <= {COVERED, UNPAID}, seed
        payments, declined = payments + len(life.verdicts), declined + life.declined
        blamed += [seed] if UNPAID in life.verdicts else []
    assert payments and declined
    assert not blamed if is_honest else blamed
