"""`opg bank`: let boards in, and end purses that are over."""

import time

import click

from bank import authority as authorities
from bank import endings, enrolment, keys
from bank.authority import Office
from bank.operator_api import ROLES
from host_tools.commands.bank.shared import (
    as_command_errors,
    json_option,
    load_settings,
    print_result,
    print_rows,
    run_work,
)

_COLUMNS = ("account_id", "device_id", "name", "words")


@click.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--role", type=click.Choice(list(ROLES)), default="both", show_default=True)
@json_option
def code(account_id: str, role: str, as_json: bool) -> None:
    """Make a one-time code, to be typed on a board that joins ACCOUNT within 10 minutes.

    A code that the account had before is dead from then on.
    """
    settings = load_settings()
    with as_command_errors():
        code_key = keys.load_code_key(settings.key_dir)
    made = run_work(
        lambda cursor: enrolment.issue_code(
            cursor, code_key, account_id, ROLES[role], int(time.time())
        )
    )
    print_result(as_json, {"account_id": account_id, "code": made}, f"{made[:4]} {made[4:]}")


@click.command()
@json_option
def waiting(as_json: bool) -> None:
    """List the boards that wait to be confirmed, with the words their screens must show.

    Below them what each says it runs: `opg verify PORT` tells the same of the board at hand.
    """
    rows = run_work(lambda cursor: enrolment.pending(cursor, 500, 0))
    print_rows(as_json, "waiting", rows, _COLUMNS)
    for row in [] if as_json else rows:
        click.echo(f"{row['device_id']} runs {row['firmware']}")


@click.command()
@click.argument("device", metavar="DEVICE")
@click.option("--words", help="The four words on the board's screen; asked for if not given.")
@click.option("--refuse", is_flag=True, help="The words differ, or nobody knows the board.")
@json_option
def confirm(device: str, words: str | None, refuse: bool, as_json: bool) -> None:
    """Make DEVICE (its id) one of the account whose code it had.

    Read the words from the board's own screen, never from a computer: they tell that no other
    keys were put in their place on the way.
    """
    if refuse:
        run_work(lambda cursor: enrolment.decline(cursor, device))
        result = "refused"
    else:
        given = words or click.prompt("Words on the board's screen", type=str, err=True)
        office = _office()
        result = run_work(
            lambda cursor: enrolment.confirm(cursor, office, device, given, int(time.time()))
        )
    print_result(as_json, {"device_id": device, "result": result}, f"device {device}: {result}")


@click.command()
@json_option
def lapse(as_json: bool) -> None:
    """End the purses whose grace is over: what is left of them returns to its account.

    The bank does it too, whenever a payer reports.
    """
    count = 0
    while done := run_work(lambda cursor: endings.end_due(cursor, int(time.time()))):
        count += done
    print_result(as_json, {"ended": count}, f"{count} purses ended")


def _office() -> Office:
    settings = load_settings()
    with as_command_errors():
        bank_keys = keys.load(settings.key_dir)
        found = authorities.load(settings.key_dir, bank_keys)
        return Office(bank_keys, authorities.require(found))
