"""OPG1 against an independent builder, byte for byte in both directions."""

from pathlib import Path

import pytest

from firmware.common import crypto
from firmware.common.payment import (
    answer,
    asking,
    batch,
    certificate,
    enrolment,
    evidence,
    ledger,
    news,
    proof,
    purse,
    refund,
    settlement,
    sync,
    transaction,
    words,
)
from firmware.common.wire import messages, sealed_box, session, signed
from firmware.common.wire.codec import Layout, Record
from tests import opg1_builder as builder
from tests import opg1_town as town
from tests.opg1_builder import MESSAGES, Key, body, sha256
from tests.opg1_town import CHECKED, REALM, Checked, layout


def test_every_message_of_the_table_is_declared_and_no_other() -> None:
    declared = {name: it for name, it in vars(messages).items() if isinstance(it, Layout)}
    assert set(declared) - {"POLICY"} == set(MESSAGES)
    for name, (number, _, fields) in MESSAGES.items():
        assert declared[name].name == name
        assert declared[name].number == number
        assert declared[name].size == builder.SIZES[name]
        assert declared[name].has_tail == (name in builder.TAILED)
        assert set(declared[name].places()) - {""} == set(fields.split())
    assert declared["POLICY"].size == 18


def values(name: str) -> dict[str, int | bytes]:
    """A value for each field, so that no two could be exchanged unseen."""
    _, form, names = MESSAGES[name]
    sizes = form.replace("s", "s ").replace("B", "B ").replace("H", "H ")
    sizes = sizes.replace("I", "I ").replace("q", "q ").lstrip(">").split()
    found: dict[str, int | bytes] = {}
    for i, (kind, field) in enumerate(zip(sizes, names.split(), strict=True)):
        if field not in ("ver", "0"):
            numbers = {"B": 200 + i, "H": 0xFE00 + i, "I": 0xFEDC0000 + i, "q": -(2**62) - i}
            found[field] = numbers[kind] if kind in numbers else bytes([i]) * int(kind[:-1])
    return found


@pytest.mark.parametrize("name", MESSAGES)
def test_each_message_is_the_same_bytes_on_both_sides(name: str) -> None:
    tail = b"tail" if name in builder.TAILED else b""
    fields = values(name)
    packed = layout(name).pack(tail, **fields)
    assert packed == body(name, tail, **fields)
    record = layout(name).read(packed)
    assert {field: getattr(record, field) for field in fields} == fields
    assert record.tail == tail
    assert record.raw == packed


@pytest.mark.parametrize("it", CHECKED, ids=lambda it: it.name)
def test_what_the_builder_signs_is_accepted(it: Checked) -> None:
    it.check(it.data)


def made_by_the_bank() -> dict[str, tuple[Key, bytes]]:
    """Each message as the firmware makes it of the town's fields, and who signed it."""
    bank, private = town.BANKS[0], town.BANK.private
    keys = (town.BANK.public, town.BANK_ECDH.public)
    statement = settlement.make_statement(
        REALM, private, town.VERDICTS, town.PURSE, **town.STATEMENT_FIELDS
    )
    signed_by_bank = {
        "DCERT": certificate.make_device(REALM, bank, private, **town.DCERT_FIELDS),
        "PURSE": purse.make_purse(REALM, bank, private, **town.PURSE_FIELDS),
        "BEACON": news.make_beacon(REALM, private, **town.BEACON_FIELDS),
        "REVDELTA": news.make_revocations(REALM, private, 0, town.NOW, town.REVOKED),
        "SRCPT": settlement.make_receipt(REALM, private, b"\x00\x0b", **town.SRCPT_FIELDS),
        "STATEMENT": statement,
    }
    found = {name: (town.BANK, data) for name, data in signed_by_bank.items()}
    root = certificate.make_bank_key(town.ROOT.private, *keys, 1, town.BANK_END)
    return {**found, "BKEY": (town.ROOT, root)}


def made_by_the_payee() -> dict[str, tuple[Key, bytes]]:
    private = town.PAYEE.private
    core = asking.make_core(**{k: v for k, v in town.PREQ_FIELDS.items() if k != "transcript"})
    entries = [
        batch.pack_entry(record("TXN", town.TXN), town.NOW, 2),
        batch.pack_entry(record("REFUND", town.REFUND), town.NOW + 1, 3),
    ]
    signed_by_payee = {
        "PREQ": asking.make_request(REALM, private, core, town.TRANSCRIPT),
        "ACK": answer.make_ack(REALM, private, **town.ACK_FIELDS),
        "VOID": answer.make_void(REALM, private, **town.VOID_FIELDS),
        "REFUND": refund.make_refund(REALM, private, **town.REFUND_FIELDS),
        "UPLOAD": batch.make_batch(REALM, private, entries, **town.UPLOAD_FIELDS),
        "ENROL": enrolment.make_enrolment(REALM, private, town.CODE, **town.ENROL_FIELDS),
    }
    return {name: (town.PAYEE, data) for name, data in signed_by_payee.items()}


def made_by_the_payer() -> dict[str, tuple[Key, bytes]]:
    private, line = town.PURSE_KEY.private, town.PURSE_RECORD
    prev, now = purse.first_prev(line), town.NOW
    payment = transaction.make_payment(
        REALM, private, line, 1, 4_50, 4_50, town.PAYEE_ID, town.REQ_HASH, prev, now
    )
    close = transaction.make_close(
        REALM, private, line, 2, 4_50, town.NONCE, sha256(payment[:-64]), now
    )
    txn = record("TXN", town.TXN)
    entries = [
        sync.pack_entry(txn, record("ACK", town.ACK)),
        sync.pack_entry(txn, record("VOID", town.VOID)),
        sync.pack_entry(txn),
        sync.pack_entry(record("TXN", town.CLOSE)),
    ]
    report = sync.make_sync(REALM, town.PAYER.private, entries, **town.SYNC_FIELDS)
    return {
        "TXN": (town.PURSE_KEY, payment),
        "CLOSE": (town.PURSE_KEY, close),
        "SYNC": (town.PAYER, report),
    }


def record(name: str, data: bytes) -> Record:
    return signed.parse_signed(layout(name), data)


def test_what_the_firmware_signs_is_what_the_builder_expects() -> None:
    expected = {it.name: it.data for it in CHECKED}
    made = {**made_by_the_bank(), **made_by_the_payee(), **made_by_the_payer()}
    assert set(made) == set(expected) - {"EQUIV", "EVIDENCE"}
    for name, (key, data) in made.items():
        kind = "TXN" if name == "CLOSE" else name
        assert builder.check_signature(key.public, REALM, kind, data) == expected[name][:-64], name


def test_hashes_and_names_are_those_of_the_design() -> None:
    txn = signed.parse_signed(messages.TXN, town.TXN)
    assert signed.realm(town.ROOT.public) == REALM
    assert certificate.device_id(town.PAYEE.public) == town.PAYEE_ID
    assert transaction.txn_hash(txn) == town.TXN_HASH
    assert transaction.interval(txn) == (0, 4_50)
    assert asking.request_hash(town.PREQ) == town.REQ_HASH
    assert batch.batch_hash(town.UPLOAD_RECORD) == town.BATCH
    assert news.extend_root(news.FIRST_ROOT, town.REVOKED) == town.BEACON_FIELDS["rev_root"]
    policy = news.policy_of(signed.parse_signed(messages.BEACON, town.BEACON))
    names = "stale_days stale_taps stale_minor nopin_minor nopin_run nopin_total payee_pct purses"
    assert tuple(getattr(policy, name) for name in names.split()) == town.POLICY
    statement = signed.parse_signed(messages.STATEMENT, town.STATEMENT)
    assert settlement.statement_verdicts(statement) == town.VERDICTS
    assert settlement.statement_purse(statement) == town.PURSE
    assert len(town.EVIDENCE) == 1_014
    assert evidence.make_evidence(
        town.BKEY, town.DCERT, town.PURSE, town.PREQ, town.TXN, town.ACK
    ) == (town.EVIDENCE)


def test_a_proof_is_the_same_whichever_payment_came_first() -> None:
    a = signed.read_signed(REALM, messages.TXN, town.TXN, town.PURSE_KEY.public)
    b = signed.read_signed(REALM, messages.TXN, town.OTHER_TXN, town.PURSE_KEY.public)
    assert proof.make_proof(town.PURSE_RECORD, a, b) == town.EQUIV
    assert proof.make_proof(town.PURSE_RECORD, b, a) == town.EQUIV
    with pytest.raises(ValueError, match="contradict"):
        proof.make_proof(town.PURSE_RECORD, a, a)


def test_a_generation_of_the_ledger_begins_with_its_own_text() -> None:
    device = bytes.fromhex("0123456789abcdef")
    hashes = [sha256(b"a"), sha256(b"b")]
    for gen, beginning in ((0, "GENESIS"), (1, "GENESIS:0123456789abcdef:1")):
        head = ledger.NO_HEAD
        for entry_hash in hashes:
            head = ledger.extend(head, entry_hash, device, gen)
        assert head.hex() == builder.chain(beginning, *hashes)


def test_a_box_opens_on_both_sides() -> None:
    sender, message = town.PAYEE_ID, town.UPLOAD
    theirs = builder.seal_box(Key("e"), 14, sender, REALM, town.BANK_ECDH.public, message)
    box = sealed_box.Box(theirs)
    assert (box.number, box.sender) == (14, sender)
    assert box.open(REALM, town.BANK_ECDH.private, town.BANK_ECDH.public) == message
    ours = sealed_box.seal_box(14, sender, REALM, town.BANK_ECDH.public, message)
    assert len(ours) == len(message) + 93
    assert builder.open_box(town.BANK_ECDH, REALM, ours) == message


@pytest.mark.parametrize("side", [session.PAYER, session.PAYEE])
def test_a_session_is_the_builders_on_both_sides(side: int) -> None:
    theirs = Key("their ephemeral")
    ours = session.Ephemeral(caps=5)
    hello = body("HELLO", caps=0, eph=theirs.public, nonce=b"a nonce.")
    committed = sha256(hello)[:8]
    made_session = ours.session(REALM, side, hello, committed)
    pair = (ours.hello, hello) if side == session.PAYER else (hello, ours.hello)
    eph = messages.HELLO.read(ours.hello).eph
    k_sr, k_rs, code, transcript = builder.session_keys(theirs, eph, *pair, REALM)
    assert (made_session.code, made_session.transcript) == (code, transcript)
    own, other = (k_sr, k_rs) if side == session.PAYER else (k_rs, k_sr)
    for seq in range(3):
        sealed = made_session.seal(6, town.TXN)
        assert sealed == builder.session_seal(own, seq, side, 6, town.TXN)
        assert len(sealed) == len(town.TXN) + 17
        answered = builder.session_seal(other, seq, 1 - side, 7, town.ACK)
        assert made_session.open(answered) == (7, town.ACK)


def test_words_are_bits_of_the_hash() -> None:
    found = words.key_words(town.PAYEE.public, town.PAYEE_ECDH.public).split()
    bits = f"{int.from_bytes(sha256(town.PAYEE.public + town.PAYEE_ECDH.public)):0256b}"
    listed = (Path(words.__file__).parent / "words.txt").read_text()
    all_words = [listed[i : i + 8].rstrip() for i in range(0, len(listed), 8)]
    assert found == [all_words[int(bits[i : i + 11], 2)] for i in range(0, 44, 11)]


def test_both_doors_to_the_curve_agree_on_the_towns_keys() -> None:
    assert crypto.public_key(town.PAYEE.private) == town.PAYEE.public
