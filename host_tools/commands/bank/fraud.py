"""`opg bank`: what the bank pays where a purse, its bond and its payer cannot."""

import click

from bank import accounts
from firmware.common.interchange import transaction
from firmware.common.payment import money
from host_tools.commands.bank.shared import as_command_errors, json_option, print_result, run_work


@click.command("fund-fraud")
@click.argument("amount")
@click.option("--transfer-id", help="A UUID of your own: the same command then pays once.")
@json_option
def fund_fraud(amount: str, transfer_id: str | None, as_json: bool) -> None:
    """Put AMOUNT, such as 500.00, into the fraud fund.

    It pays a payee for a payment whose purse was spent twice, after the purse, its bond and the
    payer's account, up to the payee's guarantee.
    """
    with as_command_errors():
        amount_minor = money.parse_amount(amount)
    chosen = transfer_id or transaction.new_id()
    result = run_work(lambda cursor: accounts.fill_fund(cursor, amount_minor, chosen))
    text = f"The fraud fund: {money.show_amount(amount_minor)} ({result})"
    print_result(as_json, {"transfer_id": chosen, "result": result}, text)


@click.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("amount")
@json_option
def guarantee(account_id: str, amount: str, as_json: bool) -> None:
    """Let the fraud fund pay ACCOUNT, as a payee, up to AMOUNT from now on; 0 is nothing.

    What it pays is taken off. Nobody has a guarantee to begin with: a payee that is in league with
    a payer would spend it.
    """
    with as_command_errors():
        amount_minor = accounts.parse_guarantee(amount)
    result = run_work(lambda cursor: accounts.set_guarantee(cursor, account_id, amount_minor))
    members = {"account_id": account_id, "guarantee_minor": amount_minor, "result": result}
    text = f"{account_id}: the fraud fund pays up to {money.show_amount(amount_minor)} ({result})"
    print_result(as_json, members, text)
