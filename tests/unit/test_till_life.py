"""A till's whole life: 10,000 entries, 2,000 of them unsettled, and nothing grows that should not.

What is counted are operations on flash and bytes read from it, never time. Payments are signed by
nobody here: what costs time on a board is looked at elsewhere.
"""

import gc
import os
import sys
from struct import pack

from firmware.common.payment import asking
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.limits import (
    SEEN_BUCKETS,
    SEGMENT_BYTES_MAX,
    TILL_UNSETTLED_MAX,
    UPLOAD_ENTRIES_BOARD_MAX,
)
from firmware.receiver import accept, entries, keeping, remembering
from firmware.receiver.keeping import UPLOAD
from tests.unit import world
from tests.unit.cuts import Flash
from tests.unit.helpers import Folder, Seeded
from tests.unit.shop import again, shop

_IS_SMALL = sys.implementation.name == "micropython"  # the same life, shorter: it has no JIT
LIFE = 2_500 if _IS_SMALL else 10_000
UNSETTLED = 500 if _IS_SMALL else TILL_UNSETTLED_MAX
A_DAY = 60  # payments
PURSES_OF_A_DAY = 20
SEEN_READS = 6  # a file is read to compare, to count and to copy, and half of it may be expired
SEEN_SPREAD = 5  # the fullest of 64 files against their mean
FLASH_MAX = 1_400_000  # of the 2 MiB that a board of 4 MiB has for files


def purse_of(number: int, not_after: int) -> Record:
    """An unsigned purse: the journal takes it as it is."""
    fields = {"flags": 0, "purse": number.to_bytes(8, "big"), "pub": bytes(64)}
    fields.update({"allowance": 100_00, "tx_max": 50_00, "ctr_max": 250, "cur": 978})
    fields.update({"issued": world.NOW, "not_after": not_after, "grace_h": 168})
    record = messages.PURSE.read(messages.PURSE.pack(**fields))
    record.signature = bytes(64)
    return record


def payment(purse: Record, ctr: int, request) -> Record:
    fields = {"kind": 1, "purse": purse.purse, "ctr": ctr, "cum": ctr, "amount": 1}
    fields.update({"payee": b"payee001", "req_hash": request.hash, "prev": bytes(32)})
    record = messages.TXN.read(messages.TXN.pack(t_lb=world.NOW, **fields))
    record.signature = bytes(64)
    return record


class Life:
    """Payments one after the other, and settlements that keep a number of them unsettled."""

    def __init__(self, folder: str) -> None:
        self.app = shop(folder)
        self.folder = folder
        self.seeded = Seeded("life")
        self.purses: list = []
        self.paid = 0

    def pay(self) -> None:
        """A request, its payment, and what an idle till then does."""
        till, news = self.app.till, self.app.device.news
        if self.paid % A_DAY == 0:
            news.saw(news.t_lb() + world.DAY)
            end = news.t_lb() + 14 * world.DAY
            first = len(self.purses)
            made = [[purse_of(first + i, end), 0] for i in range(PURSES_OF_A_DAY)]
            self.purses = (self.purses + made)[-14 * PURSES_OF_A_DAY :]
        core = asking.make_core(
            flags=0,
            payee=till.device,
            req_nonce=self.paid.to_bytes(8, "big"),
            amount=1,
            cur=978,
            ttl_s=120,
            ref=bytes(12),
            t_lb=news.t_lb(),
            rev_seq=0,
        )
        request = keeping.ask(till, core, 0)
        chosen = self.seeded.among(self.purses)
        purse, chosen[1] = chosen[0], chosen[1] + 1
        txn = payment(purse, chosen[1], request)
        accept.compare(
            remembering.rows(till, purse.purse), till.judged, chosen[1], chosen[1], 1, bytes(32)
        )
        remembering.check_room(till, purse.purse)
        keeping.accept(till, request, purse.signed, txn.signed)
        remembering.write_rows(till)
        self.paid += 1

    def settle(self) -> None:
        """One batch, as `banking` takes its receipt."""
        till = self.app.till
        n = UPLOAD_ENTRIES_BOARD_MAX
        keeping.upload(till, pack(UPLOAD, 0, till.judged, n, bytes(8), 0, 0, bytes(32), bytes(16)))
        keeping.judge(till, pack(">HIHII", 0, till.judged, n, n, n) + bytes(n))
        entries.drop_judged(till)

    def flash_bytes(self) -> int:
        total = 0
        for name in ("till", "seen"):
            path = self.folder + "/" + name
            total += sum([os.stat(path + "/" + file)[6] for file in os.listdir(path)])
        return total


def cost(life: Life) -> tuple:
    """Of one payment: operations on flash, files opened, bytes read."""
    with Flash() as flash:
        life.pay()
    return len(flash.log), flash.opened, flash.bytes_read


def most(life: Life, count: int) -> list:
    """The most of each over so many payments."""
    costs = [cost(life) for _ in range(count)]
    return [max([found[i] for found in costs]) for i in range(3)]


def test_a_life_of_payments_costs_no_more_at_its_end():
    with Folder() as folder:
        life = Life(folder)
        while life.paid < 300:
            life.pay()
        early = most(life, 50)
        most_flash = 0
        while life.paid < LIFE:
            life.pay()
            till = life.app.till
            if till.count - till.judged > UNSETTLED - UPLOAD_ENTRIES_BOARD_MAX:
                life.settle()
            if life.paid % 250 == 0:
                most_flash = max(most_flash, life.flash_bytes())
        till = life.app.till
        assert till.count - till.judged >= UNSETTLED - 2 * UPLOAD_ENTRIES_BOARD_MAX
        for _ in range(4):
            life.settle()  # room for those that are measured
        late = most(life, 50)
        # Request, entry and row are one write each; a new segment, and a file of rows that is
        # rewritten, two more each. What lies behind them changes nothing.
        assert early[0] <= 7 and late[0] <= 7
        assert early[1] <= 9 and late[1] <= 9
        rows_bytes = 14 * A_DAY * 106 // SEEN_BUCKETS  # that live, in one file
        assert late[2] < SEEN_READS * SEEN_SPREAD * rows_bytes
        assert most_flash < FLASH_MAX
        segments = keeping.segments(till).last - keeping.segments(till).first + 1
        assert segments <= 2 + UNSETTLED * 520 // SEGMENT_BYTES_MAX
        assert len(os.listdir(folder + "/seen")) <= SEEN_BUCKETS
        check_start(life)
        check_lookups(life)


def check_start(life: Life) -> None:
    """A start reads one segment and a few rows, and knows everything."""
    till = life.app.till
    before = (till.count, till.head, till.judged, till.unsettled_minor, till.received_minor)
    with Flash() as flash:
        till = again(life.app).till
    assert before == (
        till.count,
        till.head,
        till.judged,
        till.unsettled_minor,
        till.received_minor,
    )
    assert flash.bytes_read < 4 * SEGMENT_BYTES_MAX and len(flash.log) < 8


def check_lookups(life: Life) -> None:
    """Any entry that is kept is found by reading heads of one segment."""
    till = life.app.till
    for index in (till.judged, till.count - 1, (till.judged + till.count) // 2):
        with Flash() as flash:
            _, payload = entries.find(till, index)
        assert entries.fields(payload)[1] == index
        assert flash.bytes_read < SEGMENT_BYTES_MAX and flash.log == []


def test_the_ram_of_a_till_does_not_grow_with_its_life():
    if not _IS_SMALL:
        return  # only MicroPython counts its heap

    with Folder() as folder:
        life = Life(folder)

        def used() -> int:
            for _ in range(3):
                gc.collect()
            return gc.mem_alloc()  # type: ignore[attr-defined]

        while life.paid < 200:
            life.pay()
        life.purses = life.purses[-20:]
        before = used()
        while life.paid < 700:
            life.pay()
            if life.app.till.count - life.app.till.judged > 100:
                life.settle()
        life.purses = life.purses[-20:]
        assert used() - before < 2_000
