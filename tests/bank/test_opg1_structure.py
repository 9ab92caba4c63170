"""What is wrong with a batch as a whole settles nothing and has one reason."""

import uuid
from typing import Any

import pytest

from bank import limits
from firmware.common.wire.errors import (
    BAD_CERTIFICATE,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    CHAIN_BROKEN,
    FROZEN,
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    NOT_FOR_ME,
    TOO_LARGE,
)
from tests import opg1_builder as builder
from tests.bank.opg1_teller import DAY_S, SETTLED, Board, Opg1Teller, Purse, reason
from tests.bank.till import LAST, MORE, NO_HEAD, UPLOAD, Till, shop
from tests.opg1_builder import Key, sha256


@pytest.fixture
def ledger(purse: Purse, till: Till) -> Till:
    """Bert's, with two payments that nobody has uploaded."""
    return till.append(purse.pay(till.board, 1_00), purse.pay(till.board, 2_00))


def rows(opg1: Opg1Teller, action: str) -> list[dict[str, Any]]:
    return [row for row in opg1.look("/bank-logs")["logs"] if row["action"] == action]


def test_every_byte_of_a_box_counts(opg1: Opg1Teller, ledger: Till) -> None:
    box = opg1.seal(UPLOAD, ledger.board.device_id, ledger.message())
    for i in range(len(box)):
        spoilt = box[:i] + bytes([box[i] ^ 1 << i % 8]) + box[i + 1 :]
        response = opg1.post_bytes("settle-ledger", spoilt)
        assert reason(response) in (MALFORMED, CANNOT_OPEN), i
    assert opg1.balance("bert") == 0
    assert ledger.settle().verdicts == [SETTLED, SETTLED]


def test_every_byte_of_a_batch_counts(opg1: Opg1Teller, ledger: Till) -> None:
    """Sealed by whoever spoilt it: what the device signed is spoilt all the same."""
    message = ledger.message()
    found = set()
    for i in range(len(message)):
        spoilt = message[:i] + bytes([message[i] ^ 1 << i % 8]) + message[i + 1 :]
        found.add(reason(ledger.post(spoilt)))
    assert found == {MALFORMED, BAD_SIGNATURE, CHAIN_BROKEN, NOT_FOR_ME}
    assert (opg1.balance("bert"), rows(opg1, "refuse ledger")) == (0, [])
    assert ledger.settle().verdicts == [SETTLED, SETTLED]


@pytest.mark.parametrize("cut", [0, 1, 92, 93, 200, -1, -65])
def test_a_box_that_is_cut_short_is_refused(opg1: Opg1Teller, ledger: Till, cut: int) -> None:
    box = opg1.seal(UPLOAD, ledger.board.device_id, ledger.message())
    assert reason(opg1.post_bytes("settle-ledger", box[:cut])) in (MALFORMED, CANNOT_OPEN)


@pytest.mark.parametrize("cut", [0, 64, 161, 162, 163, 200, -1, -64])
def test_a_batch_that_is_cut_short_is_malformed(ledger: Till, cut: int) -> None:
    assert reason(ledger.post(ledger.message()[:cut])) == MALFORMED


def signed_anew(opg1: Opg1Teller, board: Board, message: bytes) -> bytes:
    return board.kd.sign(opg1.realm8, "UPLOAD", message)


def test_what_is_signed_and_makes_no_sense_is_malformed(opg1: Opg1Teller, ledger: Till) -> None:
    message = ledger.message()[:-64]
    spoilt = {
        "trailing byte": message + b"\0",
        "entry of another type": message[:98] + b"\x07" + message[99:],
        "entry of another length": message[:99] + b"\x00\x93" + message[101:],
        "entry cut off": message[:-1],
        "more entries than it says": message[:16] + b"\x00\x01" + message[18:],
    }
    for name, body in spoilt.items():
        assert reason(ledger.post(signed_anew(opg1, ledger.board, body))) == MALFORMED, name
    for values in ({"ver": 2}, {"kind": 0}, {"kind": 3}, {"n": 0}, {"n": 1}):
        assert reason(ledger.upload(**values)) == MALFORMED, values
    assert reason(ledger.upload(0, 0)) == MALFORMED


def test_a_batch_of_too_many_is_refused(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    till.append(*[purse.pay(till.board, 1)] * (limits.LEDGER_ENTRIES_MAX + 1))
    assert reason(till.upload()) == TOO_LARGE
    response = opg1.post_bytes("settle-ledger", bytes(limits.SEALED_BYTES_MAX + 1))
    assert (response.status_code, reason(response)) == (413, TOO_LARGE)


@pytest.mark.parametrize("kind", [MORE, LAST])
def test_both_kinds_are_settled(ledger: Till, kind: int) -> None:
    assert ledger.settle(kind=kind).verdicts == [SETTLED, SETTLED]


def test_another_type_of_message_is_refused(opg1: Opg1Teller, ledger: Till) -> None:
    for number in (0, 13, 15, 16, 255):
        box = opg1.seal(number, ledger.board.device_id, ledger.message())
        assert reason(opg1.post_bytes("settle-ledger", box)) == MALFORMED


def test_whose_box_it_is_must_be_whose_batch_it_is(opg1: Opg1Teller, ledger: Till) -> None:
    box = opg1.seal(UPLOAD, b"somebody", ledger.message())
    assert reason(opg1.post_bytes("settle-ledger", box)) == NOT_FOR_ME


def test_an_unknown_device_is_refused(opg1: Opg1Teller, purse: Purse) -> None:
    stranger = Till(opg1, Board("stranger"))
    stranger.append(purse.pay(stranger.board, 1_00))
    response = stranger.upload()
    assert (response.status_code, reason(response)) == (403, NOT_ENROLLED)


def test_a_device_without_a_certificate_is_refused(opg1: Opg1Teller, purse: Purse) -> None:
    """One that an operator enrolled by its keys, for the JSON forms."""
    board = Board("carl")
    opg1.operate("accounts", account_id="carl", name="carl")
    opg1.bank.database.run(
        lambda cursor: _enrol_without_certificate(cursor, board),
    )
    till = Till(opg1, board)
    assert reason(till.append(purse.pay(board, 1_00)).upload()) == NOT_ENROLLED


def _enrol_without_certificate(cursor: Any, board: Board) -> None:
    from bank import accounts

    accounts.enrol(cursor, board.account, board.kd.public, board.ed.public, "board")


def test_a_payers_device_uploads_nothing(opg1: Opg1Teller, purse: Purse) -> None:
    till = Till(opg1, opg1.board("carl", role="payer"))
    assert reason(till.append(purse.pay(till.board, 1_00)).upload()) == BAD_CERTIFICATE


def test_a_frozen_device_settles_nothing_until_it_is_unfrozen(
    opg1: Opg1Teller, ledger: Till
) -> None:
    where = {"account_id": "bert", "device_id": ledger.board.device_id.hex()}
    opg1.operate("freeze", **where)
    response = ledger.upload()
    assert (response.status_code, reason(response)) == (403, FROZEN)
    opg1.operate("unfreeze", **where)
    assert ledger.settle().verdicts == [SETTLED, SETTLED]


def test_a_certificate_that_ran_out_settles_what_was_received_before(
    opg1: Opg1Teller, anna: Board, ledger: Till
) -> None:
    opg1.now += 366 * DAY_S
    assert ledger.upload().status_code == 200


def test_a_batch_for_another_deployment_is_refused(opg1: Opg1Teller, ledger: Till) -> None:
    """Sealed to this bank, signed by an enrolled key, for the realm of a test deployment."""
    realm8, message = sha256(Key("another root").public)[:8], ledger.message()[:-64]
    assert reason(ledger.post(ledger.board.kd.sign(realm8, "UPLOAD", message))) == BAD_SIGNATURE
    box = builder.seal_box(
        Key("eph"), UPLOAD, ledger.board.device_id, realm8, opg1.eb, ledger.message()
    )
    assert reason(opg1.post_bytes("settle-ledger", box)) == CANNOT_OPEN
    assert opg1.balance("bert") == 0


def test_a_signature_with_a_high_s_is_refused(opg1: Opg1Teller, ledger: Till) -> None:
    message = ledger.message()[:-64]
    high = ledger.board.kd.sign(opg1.realm8, "UPLOAD", message, high_s=True)
    assert reason(ledger.post(high)) == BAD_SIGNATURE


@pytest.mark.parametrize(
    "values",
    [
        {"first": 1},
        {"first": 2},
        {"first": 2**32 - 1},
        {"gen": 1},
        {"gen": 65_535},
        {"prev_head": bytes(31) + b"\1"},
        {"head": bytes(31) + b"\1"},
        {"head": NO_HEAD},
    ],
)
def test_what_does_not_follow_the_banks_copy_is_refused(
    opg1: Opg1Teller, ledger: Till, values: dict[str, Any]
) -> None:
    response = ledger.upload(**values)
    assert (response.status_code, reason(response)) == (409, CHAIN_BROKEN)
    assert opg1.balance("bert") == 0


def test_a_gap_is_refused_and_later_filled(opg1: Opg1Teller, purse: Purse, ledger: Till) -> None:
    ledger.append(purse.pay(ledger.board, 3_00))
    ledger.settle(0, 1)
    response = ledger.upload(2)
    assert reason(response) == CHAIN_BROKEN
    assert response.get_json()["settled"] is False
    assert ledger.settle(1).verdicts == [SETTLED, SETTLED]


def test_an_enrolled_devices_refusal_is_in_the_log_and_junk_is_not(
    opg1: Opg1Teller, ledger: Till
) -> None:
    logged = ledger.upload(gen=1).get_json()["audit_log_ids"]
    junk = ledger.post(ledger.message()[:-1] + b"?").get_json()["audit_log_ids"]
    (row,) = rows(opg1, "refuse ledger")
    assert ([row["id"]], junk) == (logged, [])
    assert (row["account_id"], row["reason"]) == ("bert", CHAIN_BROKEN)
    assert row["actor"] == f"device {ledger.board.device_id.hex()}"


def fork(purse: Purse, ledger: Till) -> Till:
    """The same device from an old flash: it remembers one entry and goes on otherwise."""
    old = ledger.copy(1)
    return old.append(purse.pay(ledger.board, 5_00), purse.pay(ledger.board, 6_00))


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_forked_ledger_is_frozen_and_flagged(
    opg1: Opg1Teller, purse: Purse, ledger: Till, first: int
) -> None:
    ledger.settle()
    response = fork(purse, ledger).upload(first)
    assert (response.status_code, reason(response)) == (409, LEDGER_FORK)
    assert opg1.balance("bert") == 3_00
    (row,) = rows(opg1, "refuse ledger")
    assert (row["account_id"], row["reason"]) == ("bert", LEDGER_FORK)
    assert reason(ledger.upload()) == FROZEN


def test_after_a_fork_the_operator_opens_another_ledger(
    opg1: Opg1Teller, purse: Purse, ledger: Till
) -> None:
    ledger.settle()
    forked = fork(purse, ledger)
    forked.upload(1)
    where = {"account_id": "bert", "device_id": ledger.board.device_id.hex()}
    opened = [opg1.operate("ledgers", form="opg1", **where).get_json() for _ in range(2)]
    assert opened[0] == {"result": "created", "generation": 1}
    assert opened[1] == {"result": "exists", "generation": 1}
    assert reason(ledger.upload()) == FROZEN
    opg1.operate("unfreeze", **where)
    later = Till(opg1, ledger.board, gen=1)
    later.append(*(raw[11:] for raw in forked.entries))
    assert later.settle().verdicts == [1, SETTLED, SETTLED]
    assert opg1.balance("bert") == 3_00 + 11_00
    assert ledger.settle().verdicts == [SETTLED, SETTLED]  # what it said is answered still
    assert reason(forked.upload()) == CHAIN_BROKEN  # and what it never said does not freeze again
    ledger.append(purse.pay(ledger.board, 1_00))
    assert reason(ledger.upload(2)) == CHAIN_BROKEN
    assert later.settle().verdicts == [1, SETTLED, SETTLED]


def test_the_json_ledger_is_another(opg1: Opg1Teller, purse: Purse, ledger: Till) -> None:
    """A fork of one opens no generation of the other."""
    where = {"account_id": "bert", "device_id": ledger.board.device_id.hex()}
    assert opg1.operate("ledgers", form="paper", **where).status_code == 400
    ledger.settle()
    assert opg1.operate("ledgers", **where).get_json() == {"result": "exists", "generation": 0}
    assert opg1.operate("ledgers", form="opg1", **where).get_json()["generation"] == 1
    assert shop(opg1, "clara").append(purse.pay(Board("clara"), 1_00)).settle().net == 1_00


def test_a_transfer_has_the_id_of_what_it_moves(opg1: Opg1Teller, ledger: Till) -> None:
    """So that nobody can move it twice, whatever becomes of the bank's memory."""
    ledger.settle()
    hashes = sorted(sha256(raw[11:-64]) for raw in ledger.entries)
    (row,) = rows(opg1, "claim")
    assert row["subject"] == str(uuid.UUID(bytes=sha256(b"claim|" + b"".join(hashes))[:16]))
