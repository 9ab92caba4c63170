"""The bank killed amid batches and reports of OPG1: each is settled once, and answered the same.

Real processes, SIGKILL, real HTTP; whoever got no answer sends the same bytes again. Each seed
chooses a moment (see `mortal`) of the four requests below, and is printed where it fails;
BANK_KILLS replays seeds or runs more, as in `test_kills`.
"""

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.wrappers import Response

from bank.config import Settings
from bank.server import free_port
from host_tools.bank_client import BankClient
from host_tools.errors import NOT_REACHABLE, CommandError
from tests.bank import mortal
from tests.bank.mortal import BANK, Death
from tests.bank.opg1_teller import (
    BAD_SIG,
    CLOSING,
    COVERED,
    DUPLICATE,
    SETTLED,
    VOIDED,
    WITH_ACK,
    WITH_VOID,
    Board,
    Opg1Teller,
    Purse,
    entry,
)
from tests.bank.test_kills import DELAY_S_MAX, WAIT_S, check_books, seeds
from tests.bank.till import UPLOAD, Till, acknowledgement, shop
from tests.opg1_builder import Key

SEEDS = range(10)
FUNDS = 300_00
FROM_TILL = ([SETTLED, BAD_SIG, SETTLED], [DUPLICATE, COVERED, SETTLED])
FROM_PAYER = (
    {1: SETTLED, 2: SETTLED, 3: SETTLED, 4: VOIDED},
    {1: SETTLED, 2: SETTLED, 3: SETTLED, 4: VOIDED, 5: SETTLED},
)


@dataclass
class House:
    """A bank that can be started and killed; `moments` are those of one undisturbed trial."""

    settings: Settings
    opg1: Opg1Teller
    moments: int = 0


@dataclass
class Trial:
    """A payer, a payee and the four requests between them and the bank, sealed."""

    name: str
    anna: Board
    purse: Purse
    new_key: Key
    till: Till
    uploads: list[bytes]
    requests: list[Callable[[BankClient], bytes]]


@pytest.fixture(scope="module")
def house(app: Flask, settings: Settings) -> Iterator[House]:
    bank = app.extensions["bank"]
    house = House(settings, Opg1Teller(app))
    port = free_port()
    process = mortal.start(settings, port)
    try:
        trial = make_trial(house, "undisturbed")
        answers = [send(trial, i, port, never) for i in range(4)]
        house.moments = BankClient(f"http://127.0.0.1:{port}").get("/moments")["count"]
    finally:
        mortal.stop(process)
    check_outcome(house, trial, answers)
    assert house.moments > 100
    yield house
    app.extensions["bank"] = bank


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_the_bank_killed_while_it_settles_taps(house: House, seed: int) -> None:
    chance = random.Random(seed)
    death = Death(chance.randrange(house.moments), BANK, chance.uniform(0, DELAY_S_MAX))
    port = free_port()
    processes = [mortal.start(house.settings, port, death)]
    trial = make_trial(house, f"seed {seed}")

    def revive() -> None:
        processes[-1].join(WAIT_S)
        assert processes[-1].exitcode == -signal.SIGKILL
        check_house(house)
        processes.append(mortal.start(house.settings, port))

    try:
        answers = [send(trial, i, port, revive) for i in range(4)]
        processes[0].join(WAIT_S)
        assert processes[0].exitcode == -signal.SIGKILL, f"{death} never came"
        if len(processes) == 1:  # it died with the last answer on its way
            processes.append(mortal.start(house.settings, port))
        again = [send(trial, i, port, never) for i in range(4)]
    finally:
        mortal.stop(processes[-1])
    check_outcome(house, trial, answers)
    check_outcome(house, trial, again)


def make_trial(house: House, name: str) -> Trial:
    """Anna's five payments, a clone's, a refund; the requests in the order of their sending."""
    opg1 = house.opg1
    anna, till = opg1.board(f"anna {name}", FUNDS), shop(opg1, f"bert {name}")
    purse, new_key = opg1.top_up(anna), Key(f"the new purse of {name}")
    clone, one, two = purse.clone(), purse.pay(till.board, 10_00), purse.pay(till.board, 20_00)
    acked, voided = purse.pay(till.board, 5_00), purse.pay(till.board, 7_00)
    till.append(one, two[:-1] + bytes([two[-1] ^ 1]), two)
    till.append(acked, clone.pay(till.board, 6_00))
    till.refund(one, 2_00, purse)
    uploads = [till.message(0, 3), till.message(3)]
    boxes = [opg1.seal(UPLOAD, till.board.device_id, message) for message in uploads]
    report = [
        entry(WITH_ACK, acked, acknowledgement(till, 3, acked)),
        entry(WITH_VOID, voided, opg1.void(till.board, voided)),
    ]
    first = opg1.sync_box(anna, purse, report, new_key, 30_00)
    last = opg1.sync_box(anna, purse, [entry(CLOSING, purse.close())])
    requests: list[Callable[[BankClient], bytes]] = [
        lambda client: client.settle_taps(boxes[0]),
        lambda client: client.sync(first, 0),
        lambda client: client.settle_taps(boxes[1]),
        lambda client: client.sync(last, 0),
    ]
    return Trial(name, anna, purse, new_key, till, uploads, requests)


def send(trial: Trial, i: int, port: int, revive: Callable[[], None]) -> bytes:
    """The answer to a request, which is sent again after the bank died."""
    client = BankClient(f"http://127.0.0.1:{port}")
    try:
        return trial.requests[i](client)
    except CommandError as error:
        if error.exit_code != NOT_REACHABLE:
            raise
        revive()
        return trial.requests[i](client)


def check_outcome(house: House, trial: Trial, answers: list[bytes]) -> None:
    """Every request was answered as if nothing had happened, and moved its money once."""
    opg1 = house.opg1
    for i, message in enumerate(trial.uploads):
        response: Any = Response(answers[2 * i], mimetype="application/octet-stream")
        assert trial.till.receipt(message, response).verdicts == FROM_TILL[i]
    statements = [opg1.statement(trial.anna, answers[i]) for i in (1, 3)]
    for statement, verdicts in zip(statements, FROM_PAYER, strict=True):
        assert {ctr: statement.verdicts[ctr] for ctr in verdicts} == verdicts
    assert statements[0].purse[10:74] == trial.new_key.public
    # 10 + 20 + 5, 6 of the clone from the reserve, less 2 given back to it; 110 + 33 are reserved.
    assert opg1.balance(f"bert {trial.name}") == 39_00
    assert opg1.balance(f"anna {trial.name}") == FUNDS - 110_00 - 33_00
    assert opg1.reserved(trial.purse) == (100_00 - 39_00, 10_00)
    check_house(house)


def check_house(house: House) -> None:
    check_books(house)  # pyright: ignore[reportArgumentType]


def never() -> None:
    raise AssertionError("nothing disturbs it")
