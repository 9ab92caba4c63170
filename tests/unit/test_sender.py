"""The payer's memory: what was signed is sent until its payee proves it, and nothing else is."""

from firmware.common.payment.acknowledgement import acknowledge
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    OVER_LIMIT,
    REQUEST_UNKNOWN,
    STORE_FULL,
    UNKNOWN_PAYEE,
)
from firmware.common.wire.limits import PAYEES_MAX, PENDING_MAX
from firmware.sender.intent import decide
from firmware.sender.outbox import Outbox
from firmware.sender.payees import Payee, Payees
from tests.unit.forms import OTHER_ECDH, PAYEE_ECDH, flipped
from tests.unit.helpers import Folder, read_bytes, refused, write_bytes

ACK_KEY = bytes(range(32))
BERT = Payee("bert", PAYEE_ECDH.public)


def header(number: int) -> dict:
    return {
        "hash": f"{number:064x}",
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "to": "bert",
        "amount": 100 + number,
        "time": 1_795_359_666_904 + number,
        "ack": ACK_KEY.hex(),
    }


def filled(root: str, count: int = 3) -> Outbox:
    outbox = Outbox(root)
    for number in range(1, count + 1):
        outbox.add_signed(header(number), b"envelope %d\n" % number)
    return outbox


def test_what_is_decided_can_be_signed():
    intent = decide(BERT, 12_50, "anna", 0)
    assert (intent.payee.account, intent.amount_minor) == ("bert", 12_50)
    assert decide(BERT, 1, "anna", PENDING_MAX - 1)


def test_nobody_pays_a_stranger_or_himself():
    refused(UNKNOWN_PAYEE, decide, None, 12_50, "anna", 0)
    refused(UNKNOWN_PAYEE, decide, BERT, 12_50, "bert", 0)


def test_amounts_out_of_bounds_are_refused_before_anybody_confirms():
    for amount_minor in (0, -1, 4_000_000_001):
        refused(OVER_LIMIT, decide, BERT, amount_minor, "anna", 0)


def test_a_board_full_of_unconfirmed_payments_signs_no_more():
    refused(STORE_FULL, decide, BERT, 12_50, "anna", PENDING_MAX)


def test_a_signed_payment_is_in_flash_before_anybody_can_send_it():
    with Folder() as folder:
        outbox = Outbox(folder)
        assert not outbox.pending
        pending = outbox.add_signed(header(1), b"the envelope")
        assert b"the envelope" in read_bytes(folder + "/outbox")
        assert outbox.envelope(pending) == b"the envelope"
        assert Outbox(folder).envelope(Outbox(folder).pending[0]) == b"the envelope"


def test_power_lost_while_signing_leaves_no_payment():
    with Folder() as folder:
        filled(folder, 2)
        whole = read_bytes(folder + "/outbox")
        Outbox(folder).add_signed(header(3), b"envelope 3\n")
        torn = read_bytes(folder + "/outbox")
        for end in (len(whole) + 1, len(whole) + 20, len(torn) - 1):
            write_bytes(folder + "/outbox", torn[:end])
            outbox = Outbox(folder)
            assert [pending.txn_hash for pending in outbox.pending] == [
                header(1)["hash"],
                header(2)["hash"],
            ]
            assert outbox.last_hash == header(2)["hash"]  # the next one chains to it


def test_a_restart_changes_nothing():
    with Folder() as folder:
        filled(folder)
        outbox = Outbox(folder)
        outbox.add_delivered(outbox.pending[1], 7, "head")
        for found in (outbox, Outbox(folder)):
            assert [pending.txn_id for pending in found.pending] == [
                header(1)["id"],
                header(3)["id"],
            ]
            assert (found.signed, found.delivered_minor) == (3, 102)
            assert (found.last_hash, found.last_time_ms) == (header(3)["hash"], header(3)["time"])
            assert [found.envelope(pending) for pending in found.pending] == [
                b"envelope 1\n",
                b"envelope 3\n",
            ]


def test_history_shows_every_payment_and_no_secret():
    with Folder() as folder:
        outbox = filled(folder, 5)
        outbox.add_delivered(outbox.pending[0], 0, "head")
        rows = outbox.history(0, 10)
        assert [row["state"] for row in rows] == ["delivered"] + ["pending"] * 4
        assert [row["amount"] for row in rows] == [101, 102, 103, 104, 105]
        assert all(ACK_KEY.hex() not in str(row) for row in rows)
        assert [row["amount"] for row in outbox.history(3, 1)] == [104]
        assert outbox.history(5, 10) == outbox.history(0, 0) == []


def test_a_payment_is_found_by_its_id_while_it_is_pending():
    with Folder() as folder:
        outbox = filled(folder)
        pending = outbox.find(header(2)["id"])
        assert pending.amount_minor == 102
        outbox.add_delivered(pending, 0, "head")
        for txn_id in (header(2)["id"], "", "unknown"):
            refused(REQUEST_UNKNOWN, outbox.find, txn_id)


def test_only_the_payees_proof_counts():
    with Folder() as folder:
        outbox = filled(folder)
        first, second = outbox.pending[:2]
        proof = acknowledge(ACK_KEY, first.txn_hash, 7, "ab" * 32)
        outbox.check_proof(first, 7, "ab" * 32, proof)
        for wrong in (
            (first, 8, "ab" * 32, proof),
            (first, -7, "ab" * 32, proof),
            (first, 7, "ba" * 32, proof),
            (first, 7, "", proof),
            (second, 7, "ab" * 32, proof),
            (first, 7, "ab" * 32, b""),
            (first, 7, "ab" * 32, proof[:31]),
            (first, 7, "ab" * 32, proof + b"\x00"),
            (first, 7, "ab" * 32, bytes(32)),
            (first, 7, "ab" * 32, acknowledge(bytes(32), first.txn_hash, 7, "ab" * 32)),
        ):
            refused(BAD_SIGNATURE, outbox.check_proof, *wrong)
        for position in range(32):
            bad = flipped(proof, position)
            refused(BAD_SIGNATURE, outbox.check_proof, first, 7, "ab" * 32, bad)
        assert len(outbox.pending) == 3


def test_a_proof_for_what_was_delivered_already_counts_once():
    with Folder() as folder:
        outbox = filled(folder)
        pending = outbox.pending[0]
        outbox.add_delivered(pending, 0, "head")
        outbox.add_delivered(pending, 0, "head")
        for found in (outbox, Outbox(folder)):
            assert (len(found.pending), found.delivered_minor) == (2, 101)


def test_payees_are_kept_and_the_latest_code_counts():
    with Folder() as folder:
        payees = Payees(folder)
        assert payees.find("bert") is None
        assert payees.add(BERT) is False
        assert payees.add(Payee("b\xe4rt \U0001f968", OTHER_ECDH.public)) is False
        size = len(read_bytes(folder + "/payees"))
        assert payees.add(BERT) is False  # the same code again costs no flash
        assert len(read_bytes(folder + "/payees")) == size
        assert payees.add(Payee("bert", OTHER_ECDH.public)) is True
        for found in (payees, Payees(folder)):
            bert = found.find("bert")
            assert bert and bert.ecdh == OTHER_ECDH.public
            assert [payee.account for payee in found.all] == ["b\xe4rt \U0001f968", "bert"]


def test_the_number_of_payees_is_bounded_but_a_known_one_may_change():
    with Folder() as folder:
        payees = Payees(folder)
        for number in range(PAYEES_MAX):
            payees.add(Payee(f"payee {number}", PAYEE_ECDH.public))
        refused(STORE_FULL, payees.add, BERT)
        assert payees.add(Payee("payee 0", OTHER_ECDH.public)) is True
        assert len(Payees(folder).all) == PAYEES_MAX
