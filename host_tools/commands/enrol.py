"""`opg enrol`: a board joins an account at the bank."""

import json
from collections.abc import Callable

import click

from firmware.common.payment.identifier import identifier
from host_tools import finger
from host_tools.bank_client import BankClient
from host_tools.commands.device import json_option, show, yes_option
from host_tools.device import Device
from host_tools.enrolling import Enrolment, Member


@click.command()
@click.argument("port")
@click.option("--account", required=True, help="The account at the bank this board belongs to.")
@click.option("--name", default="", help="What payers see; the account's id if left out.")
@click.option("--wallet", default="", help="The wallet of payments by file; the default one else.")
@click.option("--bank", "bank_url", required=True, help="The bank, e.g. http://127.0.0.1:4000.")
@click.option("--code", default="", help="The bank's one-time code, for --yes to type.")
@click.option(
    "--token",
    envvar="OPERATOR_TOKEN",
    default="",
    help="The operator's token: makes the code and confirms the words at once.",
)
@yes_option
@json_option
def enrol(
    port: str,
    account: str,
    name: str,
    wallet: str,
    bank_url: str,
    code: str,
    token: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Tie a board to an account: it trusts the bank, the bank certifies the board's keys.

    The board's user types the bank's one-time code (opg bank code ACCOUNT) on the board; the
    operator compares four words and confirms (opg bank confirm). Run it again to go on where it
    was.
    """
    member = Member(identifier(account), name and identifier(name), wallet and identifier(wallet))
    bank = BankClient(bank_url, token)
    with Device(port) as board:
        work = Enrolment(
            board,
            bank,
            lambda line: click.echo(line, err=True),
            finger.on(port) if yes else None,
            _code(bank, member.account, code, token),
            bool(token),
        )
        show(work.run(member), as_json)


def _code(bank: BankClient, account: str, given: str, token: str) -> Callable[[], str]:
    """The code that was given, else with the operator's token a fresh one, else none."""

    def make() -> str:
        if given or not token:
            return given
        body = json.dumps({"account_id": account}).encode()
        return str(bank.post("/operator/codes", body)["code"])

    return make
