"""A board joins an account: a one-time code, four words, one certificate; and how it does not."""

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import create_app, limits
from bank.config import Settings
from firmware.common.wire.errors import (
    BAD_CODE,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    DECLINED,
    FROZEN,
    MALFORMED,
    NOT_FOR_ME,
    REPLAY,
    UNAVAILABLE,
)
from tests import opg1_builder as builder
from tests.bank.conftest import EMPTY_BOOKS
from tests.bank.opg1_teller import Board, Opg1Teller, reason
from tests.bank.teller import Teller
from tests.bank.test_root import members, opg


@pytest.fixture
def anna(opg1: Opg1Teller) -> Board:
    opg1.operate("accounts", account_id="anna", name="Anna")
    return Board("anna")


def test_the_same_message_gets_the_same_certificate(opg1: Opg1Teller, anna: Board) -> None:
    code = opg1.code("anna", role="payee")
    pending = opg1.ask(anna, code)
    assert (pending.status_code, pending.get_json()["state"]) == (202, "pending")
    assert opg1.ask(anna, code).status_code == 202
    assert opg1.confirm(anna).get_json()["result"] == "created"
    first, again = opg1.ask(anna, code).get_data(), opg1.ask(anna, code).get_data()
    assert first == again
    message = builder.check_signature(opg1.kb, opg1.realm8, "DCERT", first)
    ver, kind, kd, ed, name, issued, not_after, *_ = struct.unpack(
        builder.MESSAGES["DCERT"][1], message
    )
    assert (ver, kind, kd, ed) == (1, 2, anna.kd.public, anna.ed.public)
    assert name.rstrip(b"\0") == b"anna"
    assert issued == opg1.now < not_after


def test_a_wrong_code_is_refused_and_five_end_the_right_one(opg1: Opg1Teller, anna: Board) -> None:
    code = opg1.code("anna")
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    for _ in range(limits.CODE_TRIES_MAX):
        assert reason(opg1.ask(anna, wrong)) == BAD_CODE
    assert reason(opg1.ask(anna, code)) == BAD_CODE
    assert opg1.ask(anna, opg1.code("anna")).status_code == 202


def test_four_wrong_codes_leave_the_right_one_alive(opg1: Opg1Teller, anna: Board) -> None:
    code = opg1.code("anna")
    for _ in range(limits.CODE_TRIES_MAX - 1):
        assert reason(opg1.ask(anna, "x")) == BAD_CODE
    assert opg1.ask(anna, code).status_code == 202


def test_a_code_lives_ten_minutes_and_is_used_once(opg1: Opg1Teller, anna: Board) -> None:
    old = opg1.code("anna")
    opg1.now += limits.CODE_LIFE_S
    assert reason(opg1.ask(anna, old)) == BAD_CODE
    code = opg1.code("anna")
    assert opg1.ask(anna, code).status_code == 202
    assert reason(opg1.ask(Board("anna", "second"), code)) == BAD_CODE


def test_a_new_code_replaces_the_one_before(opg1: Opg1Teller, anna: Board) -> None:
    old, new = opg1.code("anna"), opg1.code("anna")
    assert reason(opg1.ask(anna, old)) == BAD_CODE
    assert opg1.ask(anna, new).status_code == 202


def test_each_code_leads_to_its_own_account(opg1: Opg1Teller, anna: Board) -> None:
    opg1.operate("accounts", account_id="bert", name="Bert")
    codes = {account: opg1.code(account) for account in ("anna", "bert")}
    assert opg1.ask(Board("bert"), codes["bert"]).status_code == 202
    assert opg1.ask(anna, codes["anna"]).status_code == 202
    rows = opg1.look("/operator/enrolments")["enrolments"]
    assert {(r["account_id"], r["device_id"]) for r in rows} == {
        ("anna", anna.device_id.hex()),
        ("bert", Board("bert").device_id.hex()),
    }


def test_keys_swapped_on_the_way_are_refused(opg1: Opg1Teller, anna: Board) -> None:
    """Somebody between board and bank who puts in a key of his own does not know the code."""
    code, mallory = opg1.code("anna"), Board("mallory")
    mac = builder.code_mac(code.encode(), anna.kd.public, anna.ed.public, b"nonce--8")
    assert reason(opg1.ask(mallory, "", code_mac=mac)) == BAD_CODE
    assert reason(opg1.ask(anna, "", ed=mallory.ed.public, code_mac=mac)) == BAD_CODE
    swapped = {"kd": anna.ed.public, "ed": anna.kd.public, "code_mac": mac}
    assert reason(opg1.ask(anna, "", **swapped)) == BAD_SIGNATURE
    assert opg1.ask(anna, code).status_code == 202


def test_other_words_enrol_nobody(opg1: Opg1Teller, anna: Board) -> None:
    code = opg1.code("anna")
    opg1.ask(anna, code)
    words = opg1.words(anna).split()
    for wrong in (words[:3], [*words[:3], "zzz"], reversed(words), []):
        response = opg1.operate("confirm", device_id=anna.device_id.hex(), words=" ".join(wrong))
        assert reason(response) == DECLINED
    assert opg1.ask(anna, code).status_code == 202
    shouted = f"  {' '.join(words).upper()} "
    opg1.operate("confirm", device_id=anna.device_id.hex(), words=shouted)
    assert opg1.ask(anna, code).status_code == 200


def test_a_declined_device_stays_out(opg1: Opg1Teller, anna: Board) -> None:
    code = opg1.code("anna")
    opg1.ask(anna, code)
    words = opg1.words(anna)
    assert opg1.operate("decline", device_id=anna.device_id.hex()).status_code == 200
    assert reason(opg1.ask(anna, code)) == DECLINED
    response = opg1.operate("confirm", device_id=anna.device_id.hex(), words=words)
    assert reason(response) == DECLINED
    assert opg1.look("/operator/enrolments")["enrolments"] == []


def test_a_device_that_asked_cannot_ask_otherwise(opg1: Opg1Teller, anna: Board) -> None:
    code = opg1.code("anna")
    opg1.ask(anna, code)
    assert reason(opg1.ask(anna, opg1.code("anna"), nonce=b"another!")) == REPLAY
    opg1.confirm(anna)
    opg1.operate("accounts", account_id="bert", name="Bert")
    assert reason(opg1.ask(anna, opg1.code("bert"), nonce=b"another!")) == REPLAY


def test_twenty_at_once_use_a_code_once(opg1: Opg1Teller, anna: Board) -> None:
    code = opg1.code("anna")
    boards = [anna] * 10 + [Board("anna", str(n)) for n in range(4)]

    def ask(board: Board) -> int:
        data = opg1.seal(17, board.device_id, board.enrol(opg1.realm8, code))
        client = opg1.client.application.test_client()
        return client.post("/enrol", data=data, content_type="application/octet-stream").status_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, boards))
    rows = opg1.look("/operator/enrolments")["enrolments"]
    assert len(rows) == 1
    if rows[0]["device_id"] == anna.device_id.hex():
        assert answers == [202] * 10 + [400] * 4
    else:
        assert sorted(answers) == [202] + [400] * 13


def test_a_frozen_account_gets_no_board(opg1: Opg1Teller, anna: Board) -> None:
    opg1.ask(anna, opg1.code("anna"))
    opg1.operate("freeze", account_id="anna")
    assert reason(opg1.confirm(anna)) == FROZEN


def test_whoever_seals_is_whoever_signs(opg1: Opg1Teller, anna: Board) -> None:
    enrol = anna.enrol(opg1.realm8, opg1.code("anna"))
    box = opg1.seal(17, Board("mallory").device_id, enrol)
    assert reason(opg1.post_bytes("enrol", box)) == NOT_FOR_ME


def test_broken_boxes_are_refused(opg1: Opg1Teller, anna: Board) -> None:
    """Every byte matters, and none of it makes the bank fail."""
    box = opg1.seal(17, anna.device_id, anna.enrol(opg1.realm8, opg1.code("anna")))
    for place in range(0, len(box), 7):
        broken = bytearray(box)
        broken[place] ^= 1
        found = reason(opg1.post_bytes("enrol", bytes(broken)))
        assert found in (MALFORMED, CANNOT_OPEN), place
    for length in (0, 1, 92, 93, 120, len(box) - 1):
        assert reason(opg1.post_bytes("enrol", box[:length])) in (MALFORMED, CANNOT_OPEN)
    assert opg1.post_bytes("enrol", box + bytes(10_000)).status_code == 413
    wrong_type = opg1.client.post("/enrol", data=box, content_type="application/json")
    assert reason(wrong_type) == MALFORMED
    other_realm = builder.seal_box(builder.Key("e"), 17, anna.device_id, b"otherone", opg1.eb, b"x")
    assert reason(opg1.post_bytes("enrol", other_realm)) == CANNOT_OPEN


def test_a_copy_of_the_database_gives_no_code_away(
    opg1: Opg1Teller, anna: Board, owner: Cursor
) -> None:
    codes = [opg1.code("anna") for _ in range(3)]
    owner.execute(
        "SELECT e::text FROM enrolment_codes AS e UNION SELECT a::text FROM audit_logs AS a"
    )
    dump = " ".join(text for (text,) in owner.fetchall())
    owner.execute("SELECT sealed FROM enrolment_codes")
    sealed = b" ".join(bytes(row) for (row,) in owner.fetchall())
    for code in codes:
        assert code not in dump
        assert code.encode() not in sealed
        assert builder.sha256(code.encode()).hex() not in dump


def test_an_operator_lets_a_board_in_by_commands(
    opg1: Opg1Teller, anna: Board, settings: Settings
) -> None:
    """With the machine's own clock, as the commands have it."""
    code = members(opg(settings, "code", "anna", "--role", "payer", "--json"))["code"]
    assert opg1.ask(anna, code).status_code == 202
    (row,) = members(opg(settings, "waiting", "--json"))["waiting"]
    device = row["device_id"]
    assert (row["account_id"], device) == ("anna", anna.device_id.hex())
    listed = " ".join(opg(settings, "waiting").output.split())
    assert row["words"] in listed and f"{device} runs {row['firmware']}" in listed
    assert row["firmware"] == builder.sha256(b"firmware").hex()  # as the board says of itself
    done = opg(settings, "confirm", device, "--words", "not the right ones")
    assert (done.exit_code, "[reason 16]" in done.output) == (3, True)
    confirmed = members(opg(settings, "confirm", device, "--words", row["words"], "--json"))
    assert confirmed["result"] == "created"
    assert opg1.ask(anna, code).get_data()[1] == 1  # a payer
    done = opg(settings, "confirm", device, "--refuse")
    assert (done.exit_code, "[reason 1]" in done.output) == (3, True)
    assert members(opg(settings, "lapse", "--json")) == {"ended": 0}


def test_a_bank_without_a_root_serves_the_json_forms_alone(
    settings: Settings, tmp_path: Path, owner: Cursor
) -> None:
    app = create_app(replace(settings, key_dir=tmp_path / "keys"))
    owner.execute(EMPTY_BOOKS)
    teller = Teller(app)
    assert "bkey" not in teller.public_keys
    anna = teller.open("anna", 1_00)
    assert anna
    for method, path in (("post", "enrol"), ("post", "sync"), ("get", "news")):
        response = getattr(teller.client, method)(
            f"/{path}", data=bytes(100), content_type="application/octet-stream"
        )
        assert (response.status_code, response.get_json()["reason"]) == (503, UNAVAILABLE)
        assert "root" in response.get_json()["message"]
    teller.bank.database.close()
