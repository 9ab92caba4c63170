"""A board that the bank refuses says so itself, and so does every command that looks at it."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bank import keys
from firmware.common.payment.news import make_beacon
from firmware.common.ui.refusing import BANK, BOARD
from firmware.common.wire.errors import FROZEN, LEDGER_FORK
from firmware.common.wire.messages import BEACON
from firmware.common.wire.signed import parse_signed, realm
from host_tools import bundle
from host_tools.cli import main
from tests.system.market import Market

PAID = "PAID"
IT_SAYS = "The bank takes nothing of this board: "
FORKED = "ledger fork [18]. Nobody uses this board until the bank's operator has looked into it."
LIFTED = "frozen [19]. The bank's operator can lift the freeze: opg bank unfreeze ACCOUNT."

pytestmark = pytest.mark.parametrize("room", ["micropython"], indirect=True)


def opg(market: Market, *arguments: str) -> Result:
    """A command at the payee's board, whose port is the command's alone meanwhile."""
    market.payee.device.close()
    environment = {"OPG_HOME": str(market.folder)}
    command, *options = arguments
    port = market.payee.board.repl_port
    done = CliRunner().invoke(main, [command, port, *options], env=environment)
    market.payee.reconnect()
    return done


def operate(market: Market, what: str) -> None:
    body = json.dumps({"account_id": market.payee.account}).encode()
    market.office.client.post(f"/operator/{what}", body)


def refusal(market: Market) -> list[int]:
    return market.payee.call("status")["refusal"]


def test_a_frozen_account_until_the_bank_takes_its_ledger(market: Market) -> None:
    operate(market, "freeze")
    done = opg(market, "bridge", "--bank", market.office.url)
    assert done.exit_code == 3 and "refused [19]: the bank: frozen" in done.stdout
    assert refusal(market) == [FROZEN, BANK]
    assert market.payee.sees()[:2] == ["BANK:FROZEN", "It takes nothing"]
    market.payee.put_away()
    market.payee.restart()
    assert "BANK:FROZEN" in market.payee.wait_to_see("RECEIVER")
    assert f"{IT_SAYS}{LIFTED}\n" in opg(market, "ledger").stderr
    assert f"{IT_SAYS}{LIFTED}\n" in opg(market, "status").stdout
    operate(market, "unfreeze")
    done = opg(market, "bridge", "--bank", market.office.url)
    assert (done.exit_code, refusal(market)) == (0, [])
    assert "BANK:FROZEN" not in market.payee.wait_to_see("RECEIVER")
    assert (opg(market, "ledger").stderr, market.verdicts()) == ("", [0])


def test_a_ledger_that_forks(market: Market, tmp_path: Path) -> None:
    """The till's flash is put back to yesterday's, and takes another payment."""
    payee = market.payee
    flash, yesterday = payee.board.home / "flash.img", tmp_path / "yesterday.img"
    payee.board.power_off()
    shutil.copy(flash, yesterday)
    payee.restart()
    assert market.pair.pay(1_00)["outcome"] == PAID
    market.carry()
    assert market.verdicts() == [0, 0]
    payee.board.power_off()
    shutil.copy(yesterday, flash)
    payee.restart()
    assert market.pair.pay(2_00)["outcome"] == PAID
    payee.put_away()
    bridge = market.carry(payee)
    assert [refusal["reason"] for refusal in bridge.refusals] == [LEDGER_FORK]
    assert refusal(market) == [LEDGER_FORK, BANK]
    assert payee.sees()[0] == "BANK:LEDGER FORK"
    done = opg(market, "doctor")
    assert done.exit_code == 3 and f"- {IT_SAYS}{FORKED}\n" in done.stdout
    again = market.carry(payee)  # it was frozen for the fork
    assert [refusal["reason"] for refusal in again.refusals] == [FROZEN]
    assert refusal(market) == [FROZEN, BANK]


def test_a_bank_that_contradicts_itself(market: Market) -> None:
    """Whoever has the bank's key signs another beacon of the number that the till has."""
    market.carry()
    bank = keys.load(market.office.settings.key_dir)
    root = bytes.fromhex(market.office.client.public_keys()["root_public_key"])
    news = dict(bundle.split(market.office.client.news(0)))
    told = parse_signed(BEACON, news[BEACON.number])
    other = make_beacon(
        realm(root),
        bank.signing_private,
        *(told.seq, told.t, told.rev_seq, told.policy, told.rev_root, bytes(range(32))),
    )
    market.payee.call("news", bundle.join([(BEACON.number, other)]))
    assert market.payee.sees()[:2] == ["BANK:LEDGER FORK", "It told others"]
    done = opg(market, "bridge", "--bank", market.office.url)
    words = f"The bank has told this board and others different things: {FORKED}"
    assert (done.exit_code, f"refused [18]: {words}\n" in done.stdout) == (3, True)
    assert refusal(market) == [LEDGER_FORK, BOARD]
