"""Payments as files over the console: entered once, proved to the payer, judged by the bank."""

from firmware.common import crypto
from firmware.common.interchange import ledger
from firmware.common.payment.acknowledgement import acknowledge
from firmware.common.payment.receipt import Receipt, make_receipt
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CHAIN_BROKEN,
    MALFORMED,
    NOT_FOR_ME,
    REPLAY,
    REQUEST_UNKNOWN,
)
from tests.unit import forms
from tests.unit.helpers import Folder
from tests.unit.no_room import NoRoomFor
from tests.unit.roles import book, pair, payee
from tests.unit.test_console import LONGEST, by_file, declined, done, longest_payment
from tests.unit.test_dialog import sealed_for


def test_a_payment_goes_by_file_and_its_proof_comes_back():
    with Folder() as folder:
        anna, bert = pair(folder)
        txn_id = by_file(anna, "bert", 12_50)
        file = done(anna, "envelope", id=txn_id)[1]
        assert done(anna, "envelope", id=txn_id)[1] == file
        told, proof = done(bert, "import", file)
        assert told["new"] is True and told["amount"] == 12_50 and told["from"] == "anna"
        again, same = done(bert, "import", file)
        assert again["new"] is False and same == proof and book(bert).count == 1
        where = {"id": txn_id, "index": told["index"], "head": told["head"]}
        declined(BAD_SIGNATURE, anna, "confirm", bytes(32), **where)
        declined(BAD_SIGNATURE, anna, "confirm", b"", **where)
        done(anna, "confirm", proof, **where)
        declined(REQUEST_UNKNOWN, anna, "confirm", proof, **where)
        assert done(anna, "json_payments", first=0)[0]["payments"][0]["state"] == "delivered"


def test_a_file_for_another_payee_is_refused():
    with Folder() as folder:
        bert = payee(folder)
        declined(NOT_FOR_ME, bert, "import", sealed_for(bert, forms.payment(to_id='"eve"')))
        declined(MALFORMED, bert, "import", sealed_for(bert, forms.payment(amount="-5")))
        declined(MALFORMED, bert, "import", b"")
        done(bert, "import", sealed_for(bert, forms.payment()))
        declined(REPLAY, bert, "import", sealed_for(bert, forms.payment(amount="99")))
        assert (book(bert).count, book(bert).total_minor) == (1, 12_50)
        assert b" REFUSED 2 " in done(bert, "log")[1]


def test_every_entry_is_exported_even_with_the_longest_names():
    with Folder() as folder:
        bert = payee(folder, LONGEST[1:] + "x")
        for number in range(5):
            done(bert, "import", sealed_for(bert, longest_payment(number)))
        first, hashes = 0, []
        while first < 5:
            told, sealed = done(bert, "export", first=first)
            batch = ledger.open_ledger(sealed, forms.BANK_ECDH.private, 64)
            assert len(batch.entries) == told["count"] > 0
            assert batch.receiver_public_key == bert.device.store.keys.signing_public
            hashes += [entry.hash for entry in batch.entries]
            first += told["count"]
        assert hashes[-1] == book(bert).head and len(hashes) == 5
        declined(REQUEST_UNKNOWN, bert, "export", first=5)


def test_where_two_entries_find_no_room_one_is_exported():
    with Folder() as folder:
        anna, bert = pair(folder)
        for amount in (1, 2):
            done(bert, "import", done(anna, "envelope", id=by_file(anna, "bert", amount))[1])
        assert done(bert, "export", first=0)[0]["count"] == 2
        with NoRoomFor("firmware.common.interchange.sealed", "seal", 1):
            told, sealed = done(bert, "export", first=0)
        batch = ledger.open_ledger(sealed, forms.BANK_ECDH.private, 64)
        assert told["count"] == len(batch.entries) == 1


def test_the_banks_receipt_is_applied_only_when_the_bank_signed_it_for_this_board():
    with Folder() as folder:
        bert = payee(folder)
        told, _ = done(bert, "import", sealed_for(bert, forms.payment()))
        public = bert.device.store.keys.signing_public

        def receipt(keys, receiver: bytes, txn_hash: str) -> tuple:
            judged = Receipt("ab" * 32, 0, [(0, txn_hash, 0, 0)], told["head"], 5)
            text, signature = make_receipt(keys.private, receiver, judged)
            return text.encode(), forms.b64(signature)

        for reason, keys, receiver, txn_hash in (
            (BAD_SIGNATURE, forms.PAYER, public, told["hash"]),
            (NOT_FOR_ME, forms.BANK, forms.OTHER_PAYEE.public, told["hash"]),
            (CHAIN_BROKEN, forms.BANK, public, "ab" * 32),
        ):
            text, signature = receipt(keys, receiver, txn_hash)
            declined(reason, bert, "apply", text, signature=signature)
        text, signature = receipt(forms.BANK, public, told["hash"])
        declined(MALFORMED, bert, "apply", text, signature=signature[:-4])
        assert done(bert, "total")[0]["states"]["settled"] == 0
        done(bert, "apply", text, signature=signature)
        total = done(bert, "total")[0]
        assert total["states"]["settled"] == 1 and total["first_open"] == 1
        assert (total["total"], total["count"], total["head"]) == (12_50, 1, told["head"])


def test_the_proof_of_a_file_is_the_documented_one():
    with Folder() as folder:
        bert = payee(folder)
        told, proof = done(bert, "import", sealed_for(bert, forms.payment()))
        # K of these envelopes is bytes(range(32)); see `forms.sealed`.
        key = crypto.hkdf(bytes(range(32)), b"", b"opg acknowledgement", 32)
        assert proof == acknowledge(key, told["hash"], 0, told["head"])
