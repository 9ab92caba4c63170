"""A bridge reads, spoils, swaps, repeats or makes up what it carries between board and bank."""

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from firmware.common.payment import certificate
from firmware.common.wire import packet
from firmware.common.wire.console import answer
from firmware.common.wire.errors import BAD_CERTIFICATE, BAD_CODE, BAD_SIGNATURE, NOT_FOR_ME
from tests import opg1_builder as builder
from tests.bank.opg1_teller import SETTLED, reason, unbundle
from tests.bank.till import bundle
from tests.threats import boards
from tests.threats.boards import PAID, done, pay, refusal, wire
from tests.threats.street import Street
from tests.unit import world
from tests.unit.forms import flipped

BKEY, BEACON, REVDELTA = 18, 10, 11
EVERY = 11  # bytes apart where what is sent to the bank is flipped


def test_bridge_flips_each_byte_swaps_or_replays_answers_of_an_upload(street: Street) -> None:
    anna, bert, carl = street.payer("anna", 300_00), street.payee("bert"), street.payee("carl")
    old: list[bytes] = []
    for number in range(2):
        for shop in (bert, carl):
            wire(anna, shop)
            assert pay(anna, shop, 1_00) == PAID
        box = done(bert, "upload")[1]
        for position in range(0, len(box), EVERY):
            refused = street.bank.post_bytes("settle-ledger", flipped(box, position, position % 8))
            assert refused.status_code in (400, 403), position
        receipt, _ = street.post(box)
        for position in range(len(receipt)):
            refusal(bert, "receipt", flipped(receipt, position, position % 8))
        for spoilt in [receipt[:-cut] for cut in (1, 64, len(receipt))] + old:
            refusal(bert, "receipt", spoilt)
        done(carl, "upload")
        assert refusal(carl, "receipt", receipt) == NOT_FOR_ME
        assert (bert.till.judged, carl.till.judged) == (number, 0)
        done(bert, "receipt", receipt)
        refusal(bert, "receipt", receipt)  # nothing waits for it any more
        old.append(receipt)
    assert (bert.till.judged, bert.till.paid_minor) == (2, 2_00)
    assert street.settle(carl) + street.settle(carl) == [SETTLED] * 2
    assert (street.bank.balance("bert"), street.bank.balance("carl")) == (2_00, 2_00)


def test_bridge_flips_each_byte_swaps_or_replays_answers_of_a_sync(street: Street) -> None:
    anna, eve, bert = (
        street.payer("anna", 300_00),
        street.payer("eve", 300_00),
        street.payee("bert"),
    )
    old = b""
    for board in (anna, eve, anna):
        wire(board, bert)
        assert pay(board, bert, 1_00) == PAID
        box = done(board, "sync")[1]
        for position in range(0, len(box), EVERY):
            refused = street.bank.post_bytes("sync", flipped(box, position, position % 8))
            assert refused.status_code in (400, 403), position
        (_, statement), *_ = unbundle(street.bank.post_bytes("sync", box).get_data())
        for position in range(len(statement)):
            refusal(board, "statement", flipped(statement, position, position % 8))
        if old:
            refusal(board, "statement", old)
        assert board.wallet.syncing
        done(board, "statement", statement)
        old = statement
    assert street.bank.balance("bert") == 3_00


def test_bridge_makes_up_news(street: Street) -> None:
    bert = street.payee("bert")
    before = bert.device.news.beacon.raw
    street.bank.now += 600
    news = dict(unbundle(street.bank.client.get("/news").get_data()))
    for kind in (BKEY, BEACON):
        for position in range(len(news[kind])):
            spoilt = bundle((kind, flipped(news[kind], position, position % 8)))
            assert done(bert, "news", spoilt)[0]["taken"] == 0
    assert bert.device.news.beacon.raw == before and len(bert.device.news.banks) == 1
    assert done(bert, "news", bundle(*news.items()))[0]["taken"] == 1


def test_keys_swapped_at_enrolment(street: Street) -> None:
    """The bridge cannot be the bank, use the code, or exchange keys or certificate."""
    bert, bank = boards.payee(f"{street.folder}/bert", street.clock), street.bank
    street.ask_to_join(bert, "bert")
    thief, now = builder.Key("thief"), bank.now
    own_bank = certificate.make_bank_key(
        thief.private, thief.public, thief.public, now, now + world.DAY
    )
    assert refusal(bert, "bkey", own_bank) == BAD_SIGNATURE
    box = done(bert, "enrol_message")[1]
    with pytest.raises(InvalidTag):  # it is sealed to the true bank's key
        builder.open_box(thief, bank.realm8, box[:9] + builder.sha256(thief.public)[:4] + box[13:])
    device = builder.sha256(thief.public)[:8]
    fields = {
        "kd": thief.public,
        "ed": builder.Key("ed").public,
        "nonce": bytes(8),
        "code_mac": bytes(16),
    }
    fields |= {"profile": 2, "fw_hash": bytes(32), "name": b"bert".ljust(16, b"\0")}
    forged = thief.sign(bank.realm8, "ENROL", builder.body("ENROL", **fields))
    assert reason(bank.post_bytes("enrol", bank.seal(17, device, forged))) == BAD_CODE
    assert street.send_enrolment(bert).status_code == 202
    (row,) = bank.look("/operator/enrolments")["enrolments"]
    assert row["words"] == done(bert, "status")[0]["words"]
    carl = street.payee("carl")
    other = Path(boards.folder_of(carl), "dcert").read_bytes()[:232]
    assert refusal(bert, "certificate", other) == BAD_CERTIFICATE
    assert done(bert, "status")[0]["enrolled"] == "pending"


def test_messages_of_a_test_deployment_replayed_at_a_live_one(street: Street) -> None:
    """The same board's keys, another realm: not one message of it changes anything here."""
    bert = street.payee("bert")
    keys, news = bert.device.store.keys, bert.device.news
    before = (news.beacon.raw, news.rev_seq, len(news.banks), news.t_lb())
    assert refusal(bert, "bkey", world.bank_key()) == BAD_SIGNATURE
    told = [(BEACON, world.beacon(999, world.NOW + world.DAY * 9_999)), (BKEY, world.bank_key())]
    told.append((REVDELTA, world.revocations(0, (b"revoked1",))))
    assert done(bert, "news", bundle(*told))[0]["taken"] == 0
    dcert = world.device(keys.signing_public, keys.ecdh_public, "bert")
    refusal(bert, "certificate", dcert)
    assert (news.beacon.raw, news.rev_seq, len(news.banks), news.t_lb()) == before


def test_anything_a_bridge_says_is_answered(street: Street) -> None:
    """Junk for every command that takes bytes: a refusal, and the board goes on."""
    anna, bert = street.payer("anna", 300_00), street.payee("bert")
    for app, names in ((anna, ("statement", "news", "bkey", "certificate")), (bert, ("receipt",))):
        for name in names:
            for junk in (b"", b"\0", bytes(100), b"\xff" * 300, base64.b64encode(bytes(90))):
                said, _ = packet.unpack(answer(app, packet.pack({"do": name}, junk)))
                assert said["ok"] is False or said.get("taken") == 0 or not junk, (name, said)
    wire(anna, bert)
    assert pay(anna, bert, 1_00) == PAID
