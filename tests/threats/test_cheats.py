"""Who holds a payer's board, its keys or its flash tries to spend more than there is."""

import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from firmware.common.payment.transaction import txn_hash
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_SIGNATURE,
    EXPIRED,
    MALFORMED,
    NOT_FOR_ME,
    OVER_LIMIT,
    PROVEN_CHEAT,
    REQUEST_UNKNOWN,
    REVOKED,
    SEND_THE_PAYMENT,
    SYNC_FIRST,
)
from tests.bank.opg1_teller import COVERED, SETTLED, unbundle
from tests.bank.till import check_equiv
from tests.threats import boards
from tests.threats.boards import (
    CANCELLED,
    PAID,
    ask,
    done,
    outcome,
    pay,
    tap,
    wire,
)
from tests.threats.street import Street
from tests.unit import shop, world
from tests.unit.forms import Keys, flipped
from tests.unit.helpers import Seeded
from tests.unit.shop import ACK, VERDICT, VOID, Payer

BEACON, REVDELTA = world.messages.BEACON.number, world.messages.REVDELTA.number


def copied(street: Street, app: Any, name: str) -> Any:
    """A second board with the same flash."""
    folder = f"{street.folder}/{name}"
    shutil.copytree(boards.folder_of(app), folder)
    return boards.payer(folder, street.clock)


def purse_of(app: Any) -> Any:
    (told,) = done(app, "purses")[0]["purses"]
    return SimpleNamespace(id8=bytes.fromhex(told["purse"]))


def proof_of(street: Street, purse: Any) -> bytes:
    """What the bank tells anybody who asks why a purse is revoked."""
    ((_, proof),) = unbundle(street.bank.client.get(f"/proofs/{purse.id8.hex()}").get_data())
    return proof


def test_clone_pays_two_shops_with_one_ctr(street: Street) -> None:
    """Both shops are paid, the purse ends, and anybody can see why."""
    anna, bert, carl = street.payer("anna", 300_00), street.payee("bert"), street.payee("carl")
    purse, clone = purse_of(anna), copied(street, anna, "clone")
    for board, shop_of in ((anna, bert), (clone, carl)):
        wire(board, shop_of)
        assert pay(board, shop_of, 45_00) == PAID  # no shop can know of the other
    assert street.settle(bert) == [SETTLED]
    assert street.settle(carl) == [COVERED]
    assert (street.bank.balance("bert"), street.bank.balance("carl")) == (45_00, 45_00)
    assert street.bank.stored(purse).state == "revoked"
    assert check_equiv(street.bank, proof_of(street, purse)) == purse.id8
    street.tell_news(bert)
    wire(clone, bert)
    assert pay(clone, bert, 1_00) == CANCELLED
    assert clone.why == REVOKED


def test_clones_bring_beacons_without_the_revocations(tmp_path: Path) -> None:
    """What a till loses to revoked purses is stale_minor, 500.00, whatever beacons they bring."""
    bert = shop.shop(str(tmp_path))
    revoked = tuple(b"purse%03d" % number for number in range(12))

    def pay(number: int, *news: tuple[int, bytes]) -> tuple[int, Any]:
        who = Payer(bert, Keys(f"purse {number}"), purse8=b"purse%03d" % number)
        request = shop.ask(bert, 50_00)
        txn = who.txn(1, 50_00, 50_00, request)

        async def story() -> tuple[int, Any]:
            await who.meet()
            await who.offer(1, 50_00)
            answer = await who.say(world.messages.TXN, txn.signed)
            await who.news(*news)
            return answer

        return shop.tap(bert, story())

    for number in range(10):
        beacon = world.beacon(2 + number, world.NOW + number, revoked[: number + 1])
        assert pay(number, (BEACON, beacon))[0] == ACK
    assert bert.device.news.beacon_seq == 11 and bert.till.received_minor == 500_00
    assert pay(20) == (VERDICT, SYNC_FIRST)
    bert = shop.again(bert)
    assert pay(21, (BEACON, world.beacon(12, revoked=revoked))) == (VERDICT, SYNC_FIRST)
    assert pay(22, (REVDELTA, world.revocations(0, revoked[:11]))) == (VERDICT, SYNC_FIRST)
    assert pay(23, (REVDELTA, world.revocations(11, revoked[11:]))) == (VERDICT, SYNC_FIRST)
    assert pay(11) == (VERDICT, REVOKED)
    assert pay(24)[0] == ACK


def test_clone_spends_while_its_twin_closes(street: Street) -> None:
    """The shop is paid from what the twin gave back."""
    anna, bert = street.payer("anna", 300_00), street.payee("bert")
    purse, clone = purse_of(anna), copied(street, anna, "clone")
    done(anna, "close_purse", purse=purse.id8.hex())
    assert outcome(anna) == "DONE"
    street.sync(anna)
    wire(clone, bert)
    assert pay(clone, bert, 45_00) == PAID
    assert street.settle(bert) == [COVERED]
    assert street.bank.balance("bert") == 45_00
    assert street.bank.stored(purse).reserve_minor == 55_00
    assert check_equiv(street.bank, proof_of(street, purse)) == purse.id8


def test_restored_old_flash(street: Street) -> None:
    """The same payee refuses and has proof; elsewhere the bank has it, and the shop is paid."""
    anna, bert, carl = street.payer("anna", 300_00), street.payee("bert"), street.payee("carl")
    purse, old = purse_of(anna), copied(street, anna, "old")
    wire(anna, bert)
    assert pay(anna, bert, 10_00) == PAID
    wire(old, bert)
    assert pay(old, bert, 9_00) == CANCELLED
    assert old.why == PROVEN_CHEAT and bert.till.count == 1
    wire(old, carl)
    assert pay(old, carl, 8_00) == PAID
    assert street.settle(bert) == [SETTLED]
    assert street.settle(carl) == [COVERED]
    assert check_equiv(street.bank, proof_of(street, purse)) == purse.id8


def test_restored_old_flash_of_who_signs_on(tmp_path: Path) -> None:
    """A payment that contradicts one in this ledger: refused, and the proof is kept."""
    bert = shop.shop(str(tmp_path))
    payer = Payer(bert)
    shop.ask(bert)
    assert shop.pay(bert, payer, payer.txn(1, 4_50, 4_50))[0] == ACK
    shop.ask(bert, 2_00)
    assert shop.pay(bert, payer, payer.txn(1, 2_00, 2_00)) == (VERDICT, PROVEN_CHEAT)
    assert payer.purse.purse in bert.device.news.proven
    shop.ask(bert, 3_00)
    assert shop.pay(bert, payer, payer.txn(2, 7_50, 3_00)) == (VERDICT, PROVEN_CHEAT)
    assert bert.till.count == 1


def test_spend_beyond_allowance_or_tx_max(tmp_path: Path) -> None:
    """Whatever the purse's key signs, a till takes disjoint pieces, each of tx_max at most."""
    seeded = Seeded("beyond")
    count = 0
    for number in range(6):
        bert = shop.shop(f"{tmp_path}/{number}")
        payer = Payer(bert, allowance=20_00, tx_max=6_00)
        taken = []
        for _ in range(8):
            amount = 1 + seeded.below(8_00)
            cum = amount + seeded.below(22_00)
            request = shop.ask(bert, amount)
            txn = payer.txn(1 + seeded.below(9), cum, amount, request)
            if shop.pay(bert, payer, txn)[0] == ACK:
                taken.append((cum - amount, cum))
        assert all(end - start <= 6_00 and end <= 20_00 for start, end in taken)
        taken.sort()
        assert all(a[1] <= b[0] for a, b in pairwise(taken)), taken
        assert bert.till.received_minor == sum(end - start for start, end in taken) <= 10_00
        count += len(taken)
    assert 6 <= count < 48


def test_spend_beyond_tx_max_or_allowance_by_one(tmp_path: Path) -> None:
    bert = shop.shop(str(tmp_path))
    payer = Payer(bert, allowance=100_00, tx_max=4_50, ctr_max=2)
    for ctr, cum, amount, expected in (
        (1, 4_51, 4_51, (VERDICT, OVER_LIMIT)),
        (1, 100_01, 4_50, (VERDICT, OVER_LIMIT)),
        (3, 4_50, 4_50, (VERDICT, OVER_LIMIT)),
    ):
        shop.ask(bert, amount)
        assert shop.pay(bert, payer, payer.txn(ctr, cum, amount)) == expected
    shop.ask(bert, 4_50)
    assert shop.pay(bert, payer, payer.txn(2, 100_00, 4_50))[0] == ACK


def test_a_late_honest_payment_of_a_lower_counter_is_accepted(tmp_path: Path) -> None:
    bert = shop.shop(str(tmp_path))
    payer = Payer(bert)
    for ctr, cum, amount in ((3, 15_00, 5_00), (1, 4_50, 4_50), (2, 10_00, 5_50)):
        shop.ask(bert, amount)
        assert shop.pay(bert, payer, payer.txn(ctr, cum, amount))[0] == ACK
    assert (bert.till.count, bert.device.news.proven) == (3, [])


def test_junk_with_a_known_ctr_blocks_nobody(tmp_path: Path) -> None:
    """Who saw a purse and signs with a key of his own accuses nobody."""
    bert = shop.shop(str(tmp_path))
    honest, thief = Payer(bert), Payer(bert, shop.OTHER_PURSE)
    shop.ask(bert)
    assert shop.pay(bert, honest, honest.txn(1, 4_50, 4_50))[0] == ACK
    thief.purse = honest.purse
    shop.ask(bert, 2_00)
    junk = thief.txn(1, 2_00, 2_00)
    assert shop.pay(bert, thief, junk) == (VERDICT, BAD_SIGNATURE)
    assert bert.device.news.proven == []
    assert shop.pay(bert, honest, honest.txn(2, 6_50, 2_00))[0] == ACK


def test_forged_purse_every_field_fuzzed(tmp_path: Path) -> None:
    """Each byte of the PURSE in turn, in offer and payment; at the end the true one is taken."""
    bert = shop.shop(str(tmp_path))
    payer = Payer(bert)
    shop.ask(bert)
    true = payer.purse.signed
    txn = payer.txn(1, 4_50, 4_50)
    accepted: list[int] = []
    reasons = (BAD_SIGNATURE, MALFORMED, OVER_LIMIT, EXPIRED, AMOUNT_DIFFERS)

    async def story(positions: range) -> None:
        await payer.meet()
        for position in positions:
            forged: Any = SimpleNamespace(signed=flipped(true, position, position % 8))
            reason = await payer.offer(1, 4_50, forged)
            kind, answer = await payer.say(world.messages.TXN, txn.signed)
            if reason == 0 or kind != VERDICT:
                accepted.append(position)
            assert answer in reasons, (position, answer)

    for start in (0, 80):
        shop.tap(bert, story(range(start, start + 80)))
    assert accepted == [] and bert.till.count == 0
    assert shop.pay(bert, payer, txn)[0] == ACK


def test_txn_replayed_50_times(tmp_path: Path) -> None:
    """One entry and the same receipt, on one connection, on many, and after a restart."""
    bert = shop.shop(str(tmp_path))
    payer = Payer(bert)
    shop.ask(bert)
    txn = payer.txn(1, 4_50, 4_50)
    _, ack = shop.pay(bert, payer, txn)

    async def again(times: int) -> None:
        await payer.meet()
        for _ in range(times):
            kind, answer = await payer.say(world.messages.TXN, txn.signed)
            answers.add((kind, answer.signed))

    answers: set[tuple[int, bytes]] = set()
    shop.tap(bert, again(40))
    for _ in range(5):
        shop.tap(bert, again(1))
    shop.ask(bert, 4_50)  # another request is open meanwhile
    shop.tap(bert, again(1))
    payer.app = bert = shop.again(bert)
    for _ in range(4):
        shop.tap(bert, again(1))
    assert answers == {(ACK, ack.signed)}
    assert (bert.till.count, bert.till.received_minor) == (1, 4_50)
    assert len(boards.entered(bert)) == 1


def test_txn_to_another_payee(tmp_path: Path) -> None:
    """What was signed for one till is nothing to another, however like its request is."""
    bert, carl = (shop.shop(f"{tmp_path}/{name}") for name in ("bert", "carl"))
    payer = Payer(bert)
    shop.ask(bert)
    txn = payer.txn(1, 4_50, 4_50)
    payer.app = carl
    payer.board.clock = carl.device.board.clock
    shop.ask(carl)
    assert shop.pay(carl, payer, txn) == (VERDICT, NOT_FOR_ME)
    renamed = payer.txn(1, 4_50, 4_50, payee=carl.till.device, req_hash=txn.req_hash)
    assert shop.pay(carl, payer, renamed) == (VERDICT, REQUEST_UNKNOWN)
    assert carl.till.count == 0


def test_resume_of_a_cancelled_request_with_the_hash_of_a_paid_one(tmp_path: Path) -> None:
    """No VOID comes of it: neither by RESUME nor by the paid payment sent again."""
    bert = shop.shop(str(tmp_path))
    payer = Payer(bert)
    paid = shop.ask(bert)
    txn = payer.txn(1, 4_50, 4_50)
    assert shop.pay(bert, payer, txn)[0] == ACK
    cancelled = shop.ask(bert, 4_50)
    done(bert, "cancel_request")
    answers: list[tuple[int, Any]] = []

    async def story() -> None:
        await payer.meet()
        answers.append(await payer.resume(txn, cancelled.core[10:18]))
        await payer.offer(1, 4_50)
        answers.append(await payer.say(world.messages.TXN, txn.signed))
        answers.append(await payer.resume(txn, paid.core[10:18]))

    shop.tap(bert, story())
    (first, second, third) = answers
    assert first == (VERDICT, SEND_THE_PAYMENT)
    assert second[0] == third[0] == ACK != VOID
    assert second[1].txn_hash == txn_hash(txn) and second[1].signed == third[1].signed


def test_more_than_half_an_allowance_at_one_payee(tmp_path: Path) -> None:
    """What a till would bear alone is refused before the payer signs it."""
    anna, bert = boards.pair(tmp_path)
    ask(bert, 50_00)
    assert tap(anna, bert) == PAID
    ask(bert, 50_00)
    assert tap(anna, bert) == CANCELLED
    assert anna.why == OVER_LIMIT and anna.wallet.signed == 1
