"""The payee's ledger of files: money stands in it once, before anybody hears of it."""

from firmware.common.interchange import jsontext
from firmware.common.payment.acknowledgement import acknowledge
from firmware.common.payment.receipt import DUPLICATE, REFUSED, SETTLED, UNGUARANTEED, Receipt
from firmware.common.storage.journal import Journal
from firmware.common.wire import packet
from firmware.common.wire.errors import (
    CHAIN_BROKEN,
    MALFORMED,
    NOT_FOR_ME,
    REPLAY,
)
from firmware.receiver import book as states
from firmware.receiver.book import LedgerBook, acknowledgement
from firmware.receiver.opened import check_payee
from firmware.receiver.verdicts import apply
from tests.unit import forms
from tests.unit.helpers import Folder, read_bytes, refused, write_bytes
from tests.unit.roles import NOW_MS, opened


def txn_id(number: int) -> str:
    return f'"{number:08x}-0000-4000-8000-000000000000"'


def payments(count: int) -> list:
    return [opened(forms.payment(txn_id=txn_id(number))) for number in range(count)]


def filled(root: str, count: int = 3) -> LedgerBook:
    book = LedgerBook(root)
    for number, payment in enumerate(payments(count)):
        book.append(payment, NOW_MS + number)
    return book


def everything(book: LedgerBook) -> tuple:
    return (
        book.count,
        book.head,
        book.total_minor,
        book.last_time_ms,
        bytes(book.states),
        [header for header, _ in book.entries(0, 100)],
    )


def receipt(first: int, *verdicts: int) -> Receipt:
    """The bank's verdicts on entries of `filled`, from `first` on."""
    judged = [
        (first + i, opened(forms.payment(txn_id=txn_id(first + i))).hash, verdict, 7)
        for i, verdict in enumerate(verdicts)
    ]
    return Receipt("ab" * 32, first, judged, "cd" * 32, 5)


def test_a_payment_for_somebody_else_is_refused():
    payment = opened(forms.payment())
    check_payee(payment, "bert")
    for account in ("anna", "Bert", "bert ", "b\xe4rt"):
        refused(NOT_FOR_ME, check_payee, payment, account)


def test_nobody_pays_himself():
    payment = opened(forms.payment(from_id='"bert"'))
    refused(MALFORMED, check_payee, payment, "bert")


def test_entries_chain_as_documented():
    with Folder() as folder:
        book = LedgerBook(folder)
        prev = "GENESIS"
        for number, payment in enumerate(payments(3)):
            _, prev = forms.entry(number, prev, forms.payment(txn_id=txn_id(number)))
            assert book.append(payment, NOW_MS)["head"] == prev
        assert (book.count, book.head, book.total_minor) == (3, prev, 37_50)


def test_the_ledger_is_the_same_after_a_restart():
    with Folder() as folder:
        book = filled(folder)
        apply(book, receipt(0, SETTLED, REFUSED))
        assert everything(LedgerBook(folder)) == everything(book)
        head = book.append(opened(forms.payment(txn_id=txn_id(9))), NOW_MS)["head"]
        assert LedgerBook(folder).head == head


def test_power_lost_while_an_entry_is_written_leaves_it_out_or_in():
    with Folder() as folder:
        before = everything(filled(folder, 2))
        short = read_bytes(folder + "/ledger")
        after = everything_after_third(folder)
        whole = read_bytes(folder + "/ledger")
        for end in (len(short) + 1, len(short) + 11, len(short) + 300, len(whole) - 1):
            write_bytes(folder + "/ledger", whole[:end])
            assert everything(LedgerBook(folder)) == before
        write_bytes(folder + "/ledger", whole)
        assert everything(LedgerBook(folder)) == after


def everything_after_third(folder: str) -> tuple:
    book = LedgerBook(folder)
    book.append(payments(3)[2], NOW_MS + 2)
    return everything(book)


def test_one_record_holds_entry_and_proof():
    with Folder() as folder:
        book = filled(folder, 1)
        size = len(read_bytes(folder + "/ledger"))
        payment = opened(forms.payment())
        entry = book.append(payment, NOW_MS)
        record = read_bytes(folder + "/ledger")[size:]
        for text in (payment.hash, entry["head"], payment.ack_key.hex()):
            assert record.count(text.encode()) >= 1
        assert int.from_bytes(record[:2], "big") == len(record) - 15  # and it is one


def test_requests_that_older_firmware_journalled_are_passed_over():
    with Folder() as folder:
        before = everything(filled(folder, 1))
        asked = {"request": "0011223344556677", "amount": 4_50}
        Journal(folder + "/ledger").append(1, bytes(8), packet.pack(asked))
        assert everything(LedgerBook(folder)) == before


def test_the_same_payment_is_found_again_with_the_same_proof():
    with Folder() as folder:
        book = filled(folder)
        payment = payments(3)[1]
        proof = acknowledge(payment.ack_key, payment.hash, 1, book.entries(1, 1)[0][0]["head"])
        for found in (book, LedgerBook(folder)):
            header = found.find(payment)
            assert header and header["index"] == 1
            assert acknowledgement(header) == proof
        assert book.find(opened(forms.payment(txn_id=txn_id(9)))) is None


def test_a_resigned_payment_is_the_same_payment():
    # High s and low s are two signatures of one hash: paid once.
    with Folder() as folder:
        book = filled(folder)
        found = book.find(opened(forms.payment(high_s=True, txn_id=txn_id(1))))
        assert found and found["index"] == 1


def test_an_id_used_again_for_something_else_is_refused():
    with Folder() as folder:
        book = filled(folder)
        for other in (
            forms.payment(txn_id=txn_id(1), amount="99"),
            forms.payment(txn_id=txn_id(1), to_id='"eve"'),
            forms.payment(txn_id=txn_id(1), prev_hash='"' + "ab" * 32 + '"'),
        ):
            refused(REPLAY, book.find, opened(other))


def test_an_outsider_cannot_burn_the_id_of_an_honest_payment():
    with Folder() as folder:
        book = filled(folder)
        honest = opened(forms.payment(txn_id=txn_id(1), from_id='"otto"'))
        assert book.find(honest) is None
        book.append(honest, NOW_MS)
        found = book.find(honest)
        assert found and found["index"] == 3


def test_the_ledger_keeps_the_payment_as_compact_json():
    with Folder() as folder:
        form = forms.payment(from_id='"\xe4nna \U0001f968"', amount="0.1")
        book = LedgerBook(folder)
        book.append(opened(form), NOW_MS)
        ((header, raw),) = LedgerBook(folder).entries(0, 9)
        kept = {name: value.decode() for name, value in jsontext.members(raw).items()}
        assert kept == form
        assert (header["from"], header["amount"]) == ("\xe4nna \U0001f968", 10)


def test_pages_of_entries():
    with Folder() as folder:
        book = filled(folder, 5)
        for first, count, expected in (
            (0, 2, [0, 1]),
            (2, 2, [2, 3]),
            (4, 9, [4]),
            (5, 9, []),
            (99, 1, []),
            (0, 0, []),
        ):
            assert [header["index"] for header, _ in book.entries(first, count)] == expected


def test_the_banks_verdicts_are_kept():
    with Folder() as folder:
        book = filled(folder, 4)
        assert book.first_open() == 0
        apply(book, receipt(0, SETTLED, DUPLICATE, REFUSED, UNGUARANTEED))
        expected = [states.SETTLED, states.SETTLED, states.REJECTED, states.UNPAID]
        for found in (book, LedgerBook(folder)):
            assert list(found.states) == expected
            assert found.first_open() == 3  # no funds yet: it is uploaded again
        apply(book, receipt(3, SETTLED))
        assert list(LedgerBook(folder).states)[3] == states.SETTLED
        assert book.first_open() == 4


def test_what_is_settled_stays_settled():
    with Folder() as folder:
        book = filled(folder, 2)
        apply(book, receipt(0, SETTLED, SETTLED))
        apply(book, receipt(0, REFUSED, UNGUARANTEED))
        assert list(LedgerBook(folder).states) == [states.SETTLED] * 2


def test_the_same_receipt_again_costs_no_flash():
    with Folder() as folder:
        book = filled(folder, 2)
        apply(book, receipt(0, SETTLED, REFUSED))
        size = len(read_bytes(folder + "/ledger"))
        apply(book, receipt(0, SETTLED, REFUSED))
        assert len(read_bytes(folder + "/ledger")) == size


def test_a_receipt_of_another_ledger_marks_nothing():
    with Folder() as folder:
        book = filled(folder, 3)
        shifted = receipt(0, SETTLED, SETTLED)
        shifted.first_index = 1
        swapped = receipt(0, SETTLED, SETTLED)
        swapped.verdicts.reverse()
        other = receipt(0, SETTLED)
        other.verdicts[0] = (0, "ab" * 32, SETTLED, 0)
        second_wrong = receipt(0, SETTLED, SETTLED)
        second_wrong.verdicts[1] = (1, "ab" * 32, SETTLED, 0)
        for wrong in (receipt(2, SETTLED, SETTLED), receipt(3, SETTLED), receipt(99, SETTLED)):
            refused(CHAIN_BROKEN, apply, book, wrong)
        for wrong in (shifted, swapped, other, second_wrong):
            refused(CHAIN_BROKEN, apply, book, wrong)
        assert list(LedgerBook(folder).states) == [states.UNSETTLED] * 3


def test_an_empty_receipt_marks_nothing():
    with Folder() as folder:
        book = filled(folder, 1)
        apply(book, receipt(0))
        assert list(book.states) == [states.UNSETTLED]
