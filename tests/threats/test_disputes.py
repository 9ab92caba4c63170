"""Somebody denies what he signed: the payee a payment or its ledger, the bank its own log."""

import shutil
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import audit_chain
from firmware.common.payment import evidence, news
from firmware.common.storage import news_exchange
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import FROZEN, LEDGER_FORK, Refused
from tests import opg1_builder as builder
from tests.bank.opg1_teller import SETTLED, reason, unbundle
from tests.bank.till import ACK, BEACON, bundle
from tests.threats import boards
from tests.threats.boards import PAID, done, pay, wire
from tests.threats.street import Street
from tests.unit.forms import flipped
from tests.unit.helpers import refused

EVIDENCE_BYTES = 1_014
PARTS = {"BKEY": 202, "DCERT": 232, "PURSE": 160, "PREQ": 126, "TXN": 146, "ACK": 148}


def test_payee_denies(street: Street) -> None:
    """The payer's pack convinces whoever knows the root; every byte of it counts."""
    anna, bert = street.payer("anna", 300_00), street.payee("bert")
    wire(anna, bert)
    assert pay(anna, bert, 4_50) == PAID
    _, pack = done(anna, "evidence", id=anna.last_id)
    assert len(pack) == EVIDENCE_BYTES == sum(PARTS.values())
    device, _, request, txn, ack = evidence.check_evidence(street.bank.root, pack)
    assert (device.pub, txn.amount) == (bert.device.store.keys.signing_public, 4_50)
    assert (request.amount, ack.index) == (4_50, 0)
    for position in range(0, len(pack), 7):
        with pytest.raises(Refused):
            evidence.check_evidence(street.bank.root, flipped(pack, position, position % 8))
    with pytest.raises(Refused):
        evidence.check_evidence(builder.Key("another root").public, pack)


def test_payee_denies_and_a_stranger_checks(street: Street) -> None:
    """The same with nothing of the firmware: `cryptography` and the root key alone."""
    anna, bert = street.payer("anna", 300_00), street.payee("bert")
    wire(anna, bert)
    assert pay(anna, bert, 4_50) == PAID
    pack, parts = done(anna, "evidence", id=anna.last_id)[1], {}
    for name, size in PARTS.items():
        parts[name], pack = pack[:size], pack[size:]
    realm8 = builder.sha256(street.bank.root)[:8]
    bank = parts["BKEY"][2:66]
    device, purse = parts["DCERT"][2:66], parts["PURSE"][10:74]
    signers = {"BKEY": street.bank.root, "DCERT": bank, "PURSE": bank, "PREQ": device}
    signers |= {"TXN": purse, "ACK": device}
    for name, public in signers.items():
        builder.check_signature(public, realm8, name, parts[name])
    txn = parts["TXN"]
    assert txn[2:10] == parts["PURSE"][2:10]
    assert txn[22:30] == parts["PREQ"][2:10] == builder.sha256(device)[:8]
    assert txn[30:46] == builder.sha256(parts["PREQ"][:46])[:16]
    assert parts["ACK"][10:42] == builder.sha256(txn[:-64])
    assert int.from_bytes(txn[18:22]) == int.from_bytes(parts["PREQ"][18:22]) == 4_50


def test_payee_forks_its_ledger(street: Street) -> None:
    """A till on yesterday's flash takes a payment where the bank knows another."""
    anna, bert = street.payer("anna", 300_00), street.payee("bert")
    old = f"{street.folder}/old"
    shutil.copytree(boards.folder_of(bert), old)
    wire(anna, bert)
    assert pay(anna, bert, 4_50) == PAID
    assert street.settle(bert) == [SETTLED]
    bert = boards.payee(old, street.clock)
    wire(anna, bert)
    assert pay(anna, bert, 3_00) == PAID
    ack = _receipt(anna)
    told = street.bank.post_bytes("proofs", bundle((ACK, ack)))  # what a customer can do
    assert told.get_json()["results"] == ["created"]
    box = done(bert, "upload")[1]
    assert reason(street.bank.post_bytes("settle-ledger", box)) == FROZEN
    rows = [row for row in street.bank.look("/bank-logs")["logs"] if row["action"] == "freeze"]
    assert [(row["account_id"], row["reason"]) for row in rows] == [("bert", LEDGER_FORK)]
    assert rows[0]["detail"]["ack"] == ack.hex()
    assert street.bank.balance("bert") == 4_50


def _receipt(anna: Any) -> bytes:
    """The last ACK in the payer's pack."""
    return done(anna, "evidence", id=anna.last_id)[1][-PARTS["ACK"] :]


def test_audit_row_altered(street: Street, owner: Cursor) -> None:
    """Found by the check of the books, and by the hash that a board heard; made over, refused."""
    bert, bank = street.payee("bert"), street.bank.bank
    owner.execute("UPDATE audit_logs SET at = at - interval '1 hour'")
    street.bank.now += 600
    street.tell_news(bert)
    beacon = bert.device.news.beacon
    authority: Any = bank.office.authority

    witness = audit_chain.parse_witness(unbundle(done(bert, "witness")[1]))

    def broken() -> list[str]:
        found = bank.database.run(
            lambda cursor: audit_chain.verify(cursor, authority, beacon.audit_head, witness)
        )
        return found.broken

    assert beacon.audit_head != bytes(32)
    assert (street.bank.violations(), broken()) == ({}, [])
    owner.execute("SELECT subject FROM audit_logs WHERE action = 'enrol'")
    ((subject,),) = owner.fetchall()
    owner.execute("UPDATE audit_logs SET subject = 'somebody else' WHERE action = 'enrol'")
    assert "the audit log is as its checkpoints say" in street.bank.violations()
    assert broken()
    owner.execute("UPDATE audit_logs SET subject = %s WHERE action = 'enrol'", (subject,))
    again = made_over(street, beacon, builder.sha256(b"a log that was written anew"))
    owner.execute("UPDATE beacons SET signed = %s WHERE seq = %s", (again, beacon.seq))
    assert broken()[-1] == (
        f"the witness's beacon {beacon.seq}: the bank keeps another one, or none, of that number"
    )
    refused(LEDGER_FORK, news_exchange.take, bert.device.news, BEACON, again)
    assert bert.device.news.beacon.raw == beacon.raw


def made_over(street: Street, beacon: Record, audit_head: bytes) -> bytes:
    """The bank's own signature on the same BEACON with another head of its log."""
    office: Any = street.bank.bank.office
    told = (beacon.seq, beacon.t, beacon.rev_seq, beacon.policy, beacon.rev_root)
    return news.make_beacon(office.realm8, office.keys.signing_private, *told, audit_head)
