"""A board's certificate is renewed some weeks before it ends, or after; and for whom it is not."""

import base64
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from bank import policy
from firmware.common.storage import enrolment
from firmware.common.ui.refusing import BANK
from firmware.common.wire.errors import EXPIRED, FROZEN, MALFORMED, NOT_ENROLLED
from host_tools import bridge
from host_tools.bank_client import BankClient, read_refusal
from host_tools.bridge import Bridge
from host_tools.device import Device
from host_tools.outbox import Outbox
from tests import opg1_builder as builder
from tests.bank.opg1_teller import DAY_S, Board, Opg1Teller, reason
from tests.bank.test_tap_bridge_kills import OwnBoard
from tests.threats import boards
from tests.threats.street import Street

LIFE_DAYS, SOON_DAYS = 365, 60
KEYS = slice(2, 146)  # of a DCERT: both keys and the name
RX_LIMIT = 154


@pytest.fixture
def first(opg1: Opg1Teller) -> bytes:
    """Bert's certificate."""
    opg1.operate("accounts", account_id="bert", name="Bert")
    bert = Board("bert")
    code = opg1.code("bert")
    opg1.ask(bert, code)
    opg1.confirm(bert)
    return opg1.ask(bert, code).get_data()


def renewed(opg1: Opg1Teller, certificate: bytes) -> bytes:
    response = opg1.post_bytes("renew", certificate)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_data()


def read(opg1: Opg1Teller, certificate: bytes) -> tuple[int, int, int]:
    """(issued, not_after, serial) of what the bank has signed."""
    message = builder.check_signature(opg1.kb, opg1.realm8, "DCERT", certificate)
    *_, issued, not_after, _, _, _, serial = struct.unpack(builder.MESSAGES["DCERT"][1], message)
    return issued, not_after, serial


def bank_key_ends(opg1: Opg1Teller) -> int:
    bkey = base64.b64decode(opg1.public_keys["bkey"])
    return int.from_bytes(bkey[134:138])


def test_a_certificate_that_ends_soon_is_renewed_once(opg1: Opg1Teller, first: bytes) -> None:
    began = opg1.now
    assert read(opg1, first) == (began, began + LIFE_DAYS * DAY_S, 1)
    opg1.now += (LIFE_DAYS - SOON_DAYS) * DAY_S - 1
    assert renewed(opg1, first) == first
    opg1.now += 1
    second = renewed(opg1, first)
    assert read(opg1, second) == (opg1.now, opg1.now + LIFE_DAYS * DAY_S, 2)
    assert (second[1], second[KEYS]) == (first[1], first[KEYS])
    assert renewed(opg1, first) == renewed(opg1, second) == second
    (row,) = opg1.look("/bank-logs?action=renew%20certificate")["logs"]
    assert (row["subject"], row["account_id"]) == ("certificate 2", "bert")


def test_none_outlives_the_banks_own_key(opg1: Opg1Teller, first: bytes) -> None:
    ends = bank_key_ends(opg1)
    opg1.now = ends - 10 * DAY_S
    second = renewed(opg1, first)  # long after the first one has ended
    assert read(opg1, second) == (opg1.now, ends, 2)
    opg1.now += DAY_S
    assert renewed(opg1, second) == second


def test_with_the_banks_own_key_it_ends(opg1: Opg1Teller, first: bytes) -> None:
    opg1.now = bank_key_ends(opg1) - 10 * DAY_S
    second = renewed(opg1, first)
    opg1.now += 10 * DAY_S - 1
    assert renewed(opg1, second) == second
    opg1.now += 1
    assert reason(opg1.post_bytes("renew", second)) == EXPIRED


def test_what_a_board_may_take_never_shrinks(
    opg1: Opg1Teller, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By that its payments are judged and proven, also those of before."""
    for limit, granted in ((1_00, 50_00), (70_00, 70_00)):
        monkeypatch.setattr(policy, "RX_LIMIT_MINOR", limit)
        opg1.now += (LIFE_DAYS - SOON_DAYS) * DAY_S
        assert struct.unpack_from(">I", renewed(opg1, first), RX_LIMIT)[0] == granted


def test_asked_at_once_by_many_one_is_made(opg1: Opg1Teller, first: bytes) -> None:
    opg1.now += LIFE_DAYS * DAY_S
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: renewed(opg1, first), range(16)))
    assert len(found) == 1 and read(opg1, found.pop())[2] == 2


def test_who_is_frozen_keeps_what_he_has(opg1: Opg1Teller, first: bytes) -> None:
    opg1.now += LIFE_DAYS * DAY_S
    opg1.operate("freeze", account_id="bert")
    assert reason(opg1.post_bytes("renew", first)) == FROZEN


def test_what_the_bank_did_not_make_is_refused(opg1: Opg1Teller, first: bytes) -> None:
    opg1.now += LIFE_DAYS * DAY_S
    for at in range(len(first)):
        changed = first[:at] + bytes([first[at] ^ 1]) + first[at + 1 :]
        assert reason(opg1.post_bytes("renew", changed)) in (MALFORMED, NOT_ENROLLED)
    for wrong in (b"", first[:-1], first + b"\0", bytes(232), bytes(10_000)):
        response = opg1.post_bytes("renew", wrong)
        assert 400 <= response.status_code < 500
    assert renewed(opg1, first) != first


class Client:
    """The bank of this process as the bridge sees it."""

    def __init__(self, teller: Opg1Teller) -> None:
        self._teller = teller

    def _post(self, path: str, data: bytes) -> bytes:
        response = self._teller.post_bytes(path, data)
        if response.status_code >= 400:
            raise read_refusal(response.status_code, response.get_data())
        return response.get_data()

    def renew(self, certificate: bytes) -> bytes:
        return self._post("renew", certificate)

    def sync(self, report: bytes, known: int) -> bytes:
        return self._post(f"sync?from={known}", report)

    def settle_taps(self, upload: bytes) -> bytes:
        return self._post("settle-ledger", upload)

    def news(self, known: int) -> bytes:
        return self._teller.client.get(f"/news?from={known}").get_data()


def carry(street: Street, folder: Path, *apps: Any, client: Client | None = None) -> Bridge:
    """A run of the bridge at the bank's time."""
    work = Bridge(
        Outbox(folder),
        cast(BankClient, client or Client(street.bank)),
        lambda line: None,
        lambda s: None,
        lambda: street.bank.now,
    )
    bridge.run(work, [cast(Device, OwnBoard(app)) for app in apps])
    return work


def test_after_a_year_the_boards_go_on(opg1: Opg1Teller, tmp_path: Path) -> None:
    """Both certificates have ended; one run of the bridge, a new purse, and a payment."""
    street = Street(opg1, tmp_path)
    payer, payee = street.payer("anna", 200_00), street.payee("bert")
    boards.wire(payer, payee)
    assert boards.pay(payer, payee, 4_50) == boards.PAID
    assert carry(street, tmp_path / "outbox", payer, payee).refusals == []
    opg1.now += (LIFE_DAYS + 1) * DAY_S
    for app in (payer, payee):
        street.tell_news(app)
    assert boards.refusal(payee, "charge", amount=1_00) == EXPIRED
    assert carry(street, tmp_path / "outbox", payer, payee).refusals == []
    for app in (payer, payee):
        assert read(opg1, enrolment.certificate(boards.folder_of(app)))[2] == 2
    boards.done(payer, "top_up", amount=20_00)
    assert boards.outcome(payer) == "DONE"
    assert carry(street, tmp_path / "outbox", payer).refusals == []
    payer, payee = boards.restarted(payer), boards.restarted(payee)
    boards.wire(payer, payee)
    assert boards.pay(payer, payee, 1_00) == boards.PAID
    assert carry(street, tmp_path / "outbox", payee, payer).refusals == []
    assert opg1.balance("bert") == 5_50


def test_a_frozen_board_is_told_why(opg1: Opg1Teller, tmp_path: Path) -> None:
    street = Street(opg1, tmp_path)
    payee = street.payee("bert")
    opg1.now += LIFE_DAYS * DAY_S
    opg1.operate("freeze", account_id="bert")
    (refusal,) = carry(street, tmp_path / "outbox", payee).refusals
    assert refusal["reason"] == FROZEN and "was not renewed" in refusal["message"]
    assert refused(payee) == [FROZEN, BANK]
    for _ in range(2):
        assert len(carry(street, tmp_path / "outbox", payee).refusals) == 1
    opg1.operate("unfreeze", account_id="bert")
    assert carry(street, tmp_path / "outbox", payee).refusals == []
    assert refused(payee) == []


def test_a_frozen_board_is_released_though_it_has_nothing_to_send(
    opg1: Opg1Teller, tmp_path: Path
) -> None:
    street = Street(opg1, tmp_path)
    payer, payee = street.payer("anna", 200_00), street.payee("bert")
    boards.wire(payer, payee)
    assert boards.pay(payer, payee, 4_50) == boards.PAID
    opg1.operate("freeze", account_id="bert")
    carry(street, tmp_path / "outbox", payee)
    assert refused(payee) == [FROZEN, BANK]
    opg1.operate("unfreeze", account_id="bert")
    assert carry(street, tmp_path / "outbox", payee).refusals == []
    assert refused(payee) == []


def refused(app: Any) -> list[int]:
    """What a board says of the bank."""
    return boards.done(app, "status")[0]["refusal"]


class Forger(Client):
    """A bank's name, and no certificates of that bank."""

    def renew(self, certificate: bytes) -> bytes:
        return bytes(len(certificate))


def test_a_board_that_does_not_take_it_ends_no_run(opg1: Opg1Teller, tmp_path: Path) -> None:
    street = Street(opg1, tmp_path)
    payees = [street.payee(name) for name in ("bert", "carl")]
    opg1.now += LIFE_DAYS * DAY_S
    work = carry(street, tmp_path / "outbox", *payees, client=Forger(opg1))
    assert [refusal["reason"] for refusal in work.refusals] == [MALFORMED, MALFORMED]
