"""Proofs from anybody: of purses spent twice, and of ledgers that were forked."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from bank import limits
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    FROZEN,
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    TOO_LARGE,
)
from tests.bank.opg1_teller import (
    CLOSING,
    COVERED,
    DUPLICATE,
    SETTLED,
    WITH_ACK,
    Board,
    Opg1Teller,
    Purse,
    reason,
    unbundle,
)
from tests.bank.till import (
    ACK,
    BEACON,
    EQUIV,
    Till,
    acknowledgement,
    bundle,
    check_equiv,
    entry,
    equiv,
    report,
    shop,
)
from tests.opg1_builder import Key


def post(opg1: Opg1Teller, *messages: tuple[int, bytes]) -> TestResponse:
    return opg1.post_bytes("proofs", bundle(*messages))


def results(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()["results"]


def read(opg1: Opg1Teller, purse: Purse) -> bytes:
    response = opg1.client.get(f"/proofs/{purse.id8.hex()}")
    assert response.status_code == 200
    ((number, proof),) = unbundle(response.get_data())
    assert number == EQUIV
    return proof


def is_revoked(opg1: Opg1Teller, purse: Purse) -> bool:
    news = unbundle(opg1.client.get("/news").get_data())
    return any(purse.id8 in data[16:-64] for number, data in news if number == 11)


def test_a_clone_is_proven_from_public_data(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    """Two shops, one counter: both are paid, the purse is revoked, and anybody can read why."""
    clara, clone = shop(opg1, "clara"), purse.clone()
    a, b = purse.pay(till.board, 10_00), clone.pay(clara.board, 20_00)
    assert till.append(a).settle().verdicts == [SETTLED]
    assert opg1.client.get(f"/proofs/{purse.id8.hex()}").status_code == 404
    assert clara.append(b).settle().verdicts == [COVERED]
    proof = read(opg1, purse)
    assert check_equiv(opg1, proof) == purse.id8
    assert proof == equiv(purse, a, b)
    assert is_revoked(opg1, purse)


def test_anybodys_proof_revokes_a_purse_once(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    clone = purse.clone()
    proof = equiv(purse, purse.pay(till.board, 1_00), clone.pay(till.board, 2_00))
    assert results(post(opg1, (EQUIV, proof), (EQUIV, proof))) == ["created", "exists"]
    assert results(post(opg1, (EQUIV, proof))) == ["exists"]
    assert (opg1.stored(purse).state, read(opg1, purse)) == ("revoked", proof)
    assert is_revoked(opg1, purse)
    other = equiv(purse, purse.pay(till.board, 3_00), clone.pay(till.board, 4_00))
    assert results(post(opg1, (EQUIV, other))) == ["exists"]
    assert read(opg1, purse) == proof


def test_a_payment_after_its_close_is_proof(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    clone, close = purse.clone(), purse.close()
    report(opg1, anna, purse, entry(CLOSING, close))
    proof = equiv(purse, close, clone.pay(till.board, 1_00))
    assert results(post(opg1, (EQUIV, proof))) == ["created"]
    assert opg1.stored(purse).state == "revoked"


def test_what_proves_nothing_revokes_nothing(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    clone = purse.clone()
    a, b = purse.pay(till.board, 1_00), clone.pay(till.board, 2_00)
    later = purse.pay(till.board, 1_00)
    good = equiv(purse, a, b)
    thief = Purse(opg1.realm8, Key("thief"), purse.signed)
    forged = equiv(purse, a, thief.pay(till.board, 9_00))
    own_key = Key("thief").sign(opg1.realm8, "PURSE", purse.signed[:-64])
    junk = {
        "honest": equiv(purse, a, later),
        "the same twice": equiv(purse, a, a),
        "another order": good[:160] + good[306:] + good[160:306],
        "forged payment": forged,
        "forged purse": own_key + good[160:],
        "short": good[:-1],
        "long": good + b"\0",
        "nothing": b"",
    }
    for name, proof in junk.items():
        assert reason(post(opg1, (EQUIV, proof))) in (MALFORMED, BAD_SIGNATURE), name
        assert reason(post(opg1, (EQUIV, good), (EQUIV, proof))) in (MALFORMED, BAD_SIGNATURE)
    assert opg1.stored(purse).state == "open"
    assert opg1.client.get(f"/proofs/{purse.id8.hex()}").status_code == 404


def test_every_byte_of_a_proof_counts(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    clone = purse.clone()
    good = equiv(purse, purse.pay(till.board, 1_00), clone.pay(till.board, 2_00))
    for i in range(len(good)):
        spoilt = good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1 :]
        response = post(opg1, (EQUIV, spoilt))
        assert reason(response) in (MALFORMED, BAD_SIGNATURE, 13), i
    assert opg1.stored(purse).state == "open"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x0c",
        b"\x0c\x01",
        b"\x0c\x00\x01",
        b"\x0c\xff\xff",
        b"\x0d\x00\x00",
        b"\x07\x00\x00",
        bytes(100),
    ],
)
def test_a_bundle_that_is_none_is_malformed(opg1: Opg1Teller, body: bytes) -> None:
    assert reason(opg1.post_bytes("proofs", body)) == MALFORMED


def test_proofs_are_bounded(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    ack = acknowledgement(till.append(purse.pay(till.board, 1)), 0, purse.pay(till.board, 1))
    many = [(ACK, ack)] * (limits.PROOFS_MAX + 1)
    assert reason(post(opg1, *many)) == TOO_LARGE
    assert post(opg1, *[(EQUIV, bytes(452))] * (limits.PROOFS_MAX + 1)).status_code == 413


@pytest.mark.parametrize("name", ["", "0", "x" * 16, "A" * 16, "0" * 15, "0" * 17])
def test_what_is_no_purses_id_is_refused(opg1: Opg1Teller, name: str) -> None:
    assert opg1.client.get(f"/proofs/{name}").status_code in (400, 404, 405)


def test_what_the_news_brings_is_no_proof(opg1: Opg1Teller) -> None:
    beacon = dict(unbundle(opg1.client.get("/news").get_data()))[BEACON]
    assert reason(post(opg1, (BEACON, beacon))) == MALFORMED


@pytest.fixture
def forked(purse: Purse, till: Till) -> tuple[Till, Till, bytes]:
    """What Bert uploaded, what he told a customer instead, and the payment of that customer."""
    till.append(purse.pay(till.board, 1_00), purse.pay(till.board, 2_00))
    other, txn = till.copy(1), purse.pay(till.board, 3_00)
    other.append(txn)
    till.settle()
    return till, other, txn


def test_a_customers_receipt_proves_a_fork(
    opg1: Opg1Teller, forked: tuple[Till, Till, bytes]
) -> None:
    till, other, txn = forked
    ack = acknowledgement(other, 1, txn)
    assert results(post(opg1, (ACK, ack), (ACK, ack))) == ["created", "exists"]
    assert reason(till.upload()) == FROZEN
    rows = [row for row in opg1.look("/bank-logs")["logs"] if row["action"] == "freeze"]
    assert [(row["account_id"], row["reason"]) for row in rows] == [("bert", LEDGER_FORK)]
    assert rows[0]["detail"]["ack"] == ack.hex()  # whoever doubts it can check it


def test_a_receipt_in_a_payers_report_proves_a_fork(
    opg1: Opg1Teller, anna: Board, purse: Purse, forked: tuple[Till, Till, bytes]
) -> None:
    """The payer is paid for nothing less: the payment settles; its payee is frozen, once."""
    till, other, txn = forked
    acked = entry(WITH_ACK, txn, acknowledgement(other, 1, txn))
    assert report(opg1, anna, purse, acked) == dict.fromkeys((1, 2, 3), SETTLED)
    assert reason(till.upload()) == FROZEN
    opg1.operate("unfreeze", account_id="bert", device_id=till.board.device_id.hex())
    report(opg1, anna, purse, acked)
    assert till.upload().status_code == 200
    rows = [row for row in opg1.look("/bank-logs")["logs"] if row["action"] == "freeze"]
    assert [row["reason"] for row in rows] == [LEDGER_FORK]


def test_an_honest_receipt_in_a_payers_report_freezes_nobody(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    txns = [purse.pay(till.board, 1_00) for _ in range(3)]
    till.append(*txns).settle(0, 2)
    acked = [entry(WITH_ACK, txn, acknowledgement(till, i, txn)) for i, txn in enumerate(txns)]
    assert report(opg1, anna, purse, *acked) == dict.fromkeys((1, 2, 3), SETTLED)
    assert till.settle(2).verdicts == [DUPLICATE]


def test_an_old_receipt_does_not_freeze_a_new_ledger(
    opg1: Opg1Teller, forked: tuple[Till, Till, bytes]
) -> None:
    till, other, txn = forked
    ack = acknowledgement(other, 1, txn)
    post(opg1, (ACK, ack))
    where = {"account_id": "bert", "device_id": till.board.device_id.hex()}
    opg1.operate("ledgers", form="opg1", **where)
    opg1.operate("unfreeze", **where)
    assert results(post(opg1, (ACK, ack))) == ["exists"]
    assert Till(opg1, till.board, 1).append(txn).settle().verdicts == [SETTLED]


def test_an_honest_receipt_proves_nothing(
    opg1: Opg1Teller, forked: tuple[Till, Till, bytes], purse: Purse
) -> None:
    till, _, _ = forked
    first, second = (raw[11:] for raw in till.entries)
    future = purse.pay(till.board, 4_00)
    till.append(future)
    acks = [acknowledgement(till, i, txn) for i, txn in enumerate((first, second, future))]
    assert results(post(opg1, *[(ACK, ack) for ack in acks])) == ["agrees", "agrees", "unknown"]
    assert till.settle().verdicts == [SETTLED] * 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"payee": b"somebody"}, NOT_ENROLLED),
        ({"ver": 2}, MALFORMED),
        ({"0": 1}, MALFORMED),
    ],
)
def test_a_receipt_that_the_payee_did_not_sign_is_refused(
    opg1: Opg1Teller, forked: tuple[Till, Till, bytes], values: dict[str, Any], expected: int
) -> None:
    till, other, txn = forked
    assert reason(post(opg1, (ACK, acknowledgement(other, 1, txn, **values)))) == expected
    forged = acknowledgement(other, 1, txn)[:-64]
    by_payer = Key("purse of anna").sign(opg1.realm8, "ACK", forged)
    assert reason(post(opg1, (ACK, by_payer))) == BAD_SIGNATURE
    assert till.settle().verdicts == [SETTLED, SETTLED]
