"""What boards and bank say to each other in OPG1: each answer is to one question."""

import hashlib

from firmware.common.payment import (
    batch,
    enrolment,
    ledger,
    news,
    refund,
    settlement,
    sync,
)
from firmware.common.wire import sealed_box, signed
from firmware.common.wire.errors import (
    BAD_CODE,
    BAD_SIGNATURE,
    CHAIN_BROKEN,
    MALFORMED,
    NOT_FOR_ME,
    REPLAY,
    TOO_LARGE,
)
from firmware.common.wire.messages import ACK, REVDELTA
from tests.unit.forms import BANK, BANK_ECDH, OTHER_PAYEE, PAYEE, PAYEE_ECDH
from tests.unit.helpers import raises, refused
from tests.unit.opg1 import (
    ACKED,
    BANKS,
    HASH,
    HEAD,
    ME,
    NONCE,
    NOW,
    PAYMENT,
    REALM,
    a_purse,
    close,
    record_of,
    txn,
    with_changes,
)


def upload(entries: list, **changes) -> bytes:
    fields = {"device": ME, "gen": 0, "first": 0, "prev_head": ledger.NO_HEAD, "head": HEAD}
    fields.update({"nonce": NONCE, "t_lb": NOW, "beacon": 0})
    return batch.make_batch(REALM, PAYEE.private, entries, **with_changes(fields, changes))


def test_a_batch_chains_and_is_as_long_as_it_says():
    entry = batch.pack_entry(PAYMENT, NOW, 3)
    assert len(entry) == 157
    _, entries = batch.parse_batch(upload([entry]), 1)
    assert [(it.recv_t, it.rev_seq, it.hash) for it in entries] == [(NOW, 3, HASH)]
    refused(TOO_LARGE, batch.parse_batch, upload([entry]), 0)
    for changes in ({"head": bytes(32)}, {"gen": 1}, {"prev_head": b"p" * 32}):
        refused(CHAIN_BROKEN, batch.parse_batch, upload([entry], **changes), 1)
    for wrong in ([], [entry[:-1]], [entry + b"\x00"], [b"\x07" + entry[1:]], [entry[:5]]):
        refused(MALFORMED, batch.parse_batch, upload(wrong), 9)
    refused(MALFORMED, batch.parse_batch, upload([entry, b""]), 9)
    returned = refund.make_refund(REALM, PAYEE.private, ME, HASH, 1, 1, b"purse  1", 0)
    record = refund.check_refund(REALM, PAYEE.public, returned, ME)
    head = ledger.extend(HEAD, refund.refund_hash(record), ME, 0)
    both = upload([entry, batch.pack_entry(record, NOW, 3)], head=head)
    assert len(batch.parse_batch(both, 2)[1]) == 2


def test_a_receipt_answers_one_batch():
    sent, _ = batch.parse_batch(upload([batch.pack_entry(PAYMENT, NOW, 0)]), 1)
    name = batch.batch_hash(sent)
    fields = {"device": ME, "gen": 0, "first": 0, "new_head": HEAD, "batch": name, "net": 4_50}
    fields.update({"t": NOW, "nonce": NONCE})

    def check(**changes):
        verdicts = changes.pop("verdicts", b"\x00")
        changed = with_changes(fields, changes)
        data = settlement.make_receipt(REALM, BANK.private, verdicts, **changed)
        return settlement.check_receipt(REALM, BANKS, data, sent, name)

    assert check().tail == b"\x00" and check(net=-1).net == -1
    refused(NOT_FOR_ME, lambda: check(verdicts=b"\x00\x00"))
    refused(MALFORMED, lambda: check(verdicts=b"\x0d"))
    for reason, changes in (
        (NOT_FOR_ME, {"device": b"somebody"}),
        (NOT_FOR_ME, {"gen": 1}),
        (NOT_FOR_ME, {"first": 1}),
        (NOT_FOR_ME, {"batch": bytes(16)}),
        (NOT_FOR_ME, {"new_head": bytes(32)}),
        (REPLAY, {"nonce": b"m" * 8}),
    ):
        refused(reason, lambda: check(**changes))  # noqa: B023


def test_a_report_is_about_one_purse():
    fields = {"device": b"payer  1", "purse": b"purse  1", "ctr": 1, "cum": 4_50, "head": HASH}
    fields.update({"newpub": sync.NO_KEY, "amount": 0, "nonce": NONCE, "t_lb": NOW})

    def parse(*entries, **changes):
        changed = with_changes(fields, changes)
        return sync.parse_sync(sync.make_sync(REALM, PAYEE.private, entries, **changed))

    ack = signed.parse_signed(ACK, ACKED)
    alone, acked = sync.pack_entry(PAYMENT), sync.pack_entry(PAYMENT, ack)
    closing = sync.pack_entry(close())
    assert [entry.tag for entry in parse(acked, alone, closing)[1]] == [2, 1, 4]
    assert parse()[1] == []
    assert parse(newpub=OTHER_PAYEE.public, amount=1)[0].amount == 1
    for wrong in ({"amount": 1}, {"newpub": OTHER_PAYEE.public}, {"newpub": b"\x01" * 64}):
        refused(MALFORMED, lambda: parse(**wrong))  # noqa: B023
    refused(MALFORMED, lambda: parse(newpub=b"\x01" * 64, amount=1))
    refused(MALFORMED, lambda: parse(alone, purse=b"purse  2"))
    other = sync.pack_entry(record_of(txn(ctr=2)), ack)
    for entry in (other, acked[:-1], alone + b"\x00", b"\x05" + alone[1:], b"\x04" + alone[1:]):
        refused(MALFORMED, parse, entry)
    refused(MALFORMED, parse, b"\x01" + closing[1:])
    refused(TOO_LARGE, parse, *[b""] * 257)


def test_a_statement_is_about_one_purse_and_one_question():
    def check(verdicts=((1, 0),), new_purse=b"", nonce=NONCE, about=b"purse  1"):
        fields = {"device": ME, "purse": about, "nonce": nonce, "t": NOW, "balance": -7}
        data = settlement.make_statement(REALM, BANK.private, verdicts, new_purse, **fields)
        return settlement.check_statement(REALM, BANKS, data, ME, b"purse  1", NONCE)

    found = check(((1, 0), (2**32 - 1, 12)), a_purse())
    assert settlement.statement_verdicts(found) == [(1, 0), (2**32 - 1, 12)]
    assert settlement.statement_purse(found) == a_purse() and found.balance == -7
    assert settlement.statement_purse(check()) == b""
    refused(MALFORMED, check, ((1, 13),))
    refused(MALFORMED, check, (), a_purse()[:-1])
    refused(REPLAY, check, (), b"", b"m" * 8)
    refused(NOT_FOR_ME, check, (), b"", NONCE, b"purse  2")


def test_news_extend_what_is_known():
    ids = [b"purse  1", b"purse  2"]
    data = news.make_revocations(REALM, BANK.private, 5, NOW, ids)
    assert news.revoked_ids(news.check_revocations(REALM, BANKS, data)) == ids
    root = hashlib.sha256(hashlib.sha256(bytes(32) + ids[0]).digest() + ids[1]).digest()
    assert news.extend_root(news.FIRST_ROOT, ids) == root
    raises(ValueError, news.make_revocations, REALM, BANK.private, 0, NOW, [b"short"])
    for wrong in ({"until": 6}, {"n": 1}, {"since": 6}, {"tail": b"purse  1"}):
        fields = {"since": 5, "until": 7, "t": NOW, "n": 2, "tail": b"".join(ids)}
        body = REVDELTA.pack(**with_changes(fields, wrong))
        data = signed.sign(REALM, REVDELTA, body, BANK.private)
        refused(MALFORMED, news.check_revocations, REALM, BANKS, data)
    refused(TOO_LARGE, news.check_revocations, REALM, BANKS, bytes(10_000))


def test_an_enrolment_knows_the_code():
    def make(kd=PAYEE.public, ed=PAYEE_ECDH.public, code=b"code", name=bytes(16)):
        arguments = (1, kd, ed, NONCE, bytes(32), name)
        return enrolment.make_enrolment(REALM, PAYEE.private, code, *arguments)

    found = enrolment.check_enrolment(REALM, make())
    enrolment.check_code(found, b"code")
    refused(BAD_CODE, enrolment.check_code, found, b"cod")
    refused(BAD_SIGNATURE, enrolment.check_enrolment, REALM, make(OTHER_PAYEE.public))
    for wrong in ((PAYEE.public, PAYEE.public), (PAYEE.public, bytes(64)), (b"\x01" * 64,)):
        refused(MALFORMED, enrolment.check_enrolment, REALM, make(*wrong))
    refused(MALFORMED, enrolment.check_enrolment, REALM, make(name=b"\x07" + bytes(15)))


def test_a_box_is_for_one_key_and_says_from_whom():
    box = sealed_box.seal_box(17, ME, REALM, BANK_ECDH.public, b"message")
    assert len(box) == 93 + 7
    opened = sealed_box.Box(box)
    assert (opened.number, opened.sender) == (17, ME)
    assert opened.open(REALM, BANK_ECDH.private, BANK_ECDH.public) == b"message"
    refused(29, opened.open, REALM, PAYEE_ECDH.private, PAYEE_ECDH.public)
    refused(29, opened.open, ME, BANK_ECDH.private, BANK_ECDH.public)
    refused(MALFORMED, sealed_box.Box, box[:92])
    assert box != sealed_box.seal_box(17, ME, REALM, BANK_ECDH.public, b"message")
