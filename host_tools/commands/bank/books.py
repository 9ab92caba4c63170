"""`opg bank`: set the bank up, run it, and do what an operator does, straight on its database."""

from typing import Any

import click

from bank import accounts, audit, authority, checks, db, limits, operator_api, server, verify
from firmware.common.interchange import jsontext, transaction
from firmware.common.payment import money
from host_tools.commands.bank.shared import (
    as_command_errors,
    checked_version,
    json_option,
    load_settings,
    print_result,
    print_rows,
    run_work,
)
from host_tools.errors import REFUSED, CommandError

page_options = [
    click.option(
        "--limit",
        default=limits.PAGE_ROWS,
        show_default=True,
        type=click.IntRange(1, limits.PAGE_ROWS_MAX),
    ),
    click.option("--offset", default=0, type=click.IntRange(0, limits.PAGE_OFFSET_MAX)),
]


@click.group()
def bank() -> None:
    """Run the bank and keep its accounts.

    Settings come from the environment or `.env` (see env.sample). Without DATABASE_URL a
    PostgreSQL of its own is started for as long as a command or the bank needs it.
    """


@bank.command("init-db")
@json_option
def init_db(as_json: bool) -> None:
    """Make the bank's tables; what is there already stays as it is."""
    settings = load_settings()
    with as_command_errors():
        authority.ensure_at_home(settings)
        database = db.open_database(settings)
        try:
            database.initialise()
            server_version = database.run(checked_version)
        finally:
            database.close()
    print_result(as_json, {"database": server_version}, f"The database is ready: {server_version}")


@bank.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, limits.WORKERS_MAX))
def run(workers: int) -> None:
    """Serve the bank until Ctrl-C."""
    settings = load_settings()
    url = f"http://{settings.host}:{settings.port}"
    click.echo(f"The bank listens on {url}; its keys and token are in {settings.key_dir}", err=True)
    with as_command_errors():
        server.serve(settings, workers)


@bank.group()
def account() -> None:
    """Open accounts and wallets, list balances."""


@account.command("open")
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--name", help="Shown to the operator. [default: ACCOUNT]")
@json_option
def account_open(account_id: str, name: str | None, as_json: bool) -> None:
    """Open ACCOUNT with its default wallet."""
    result = run_work(lambda cursor: accounts.open_account(cursor, account_id, name or account_id))
    print_result(as_json, {"account_id": account_id, "result": result}, f"{account_id}: {result}")


@account.command("wallet")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("wallet_id", metavar="WALLET")
@json_option
def account_wallet(account_id: str, wallet_id: str, as_json: bool) -> None:
    """Open a further WALLET of ACCOUNT."""
    result = run_work(lambda cursor: accounts.open_wallet(cursor, account_id, wallet_id))
    members = {"account_id": account_id, "wallet_id": wallet_id, "result": result}
    print_result(as_json, members, f"{account_id}/{wallet_id}: {result}")


@account.command("list")
@page_options[0]
@page_options[1]
@json_option
def account_list(limit: int, offset: int, as_json: bool) -> None:
    """List accounts with their balances."""
    rows = run_work(lambda cursor: accounts.page(cursor, limit, offset))
    columns = ("account_id", "name", "kind", "devices", "frozen", "balance")
    shown = [{**row, "balance": _show_signed(row["balance_minor"])} for row in rows]
    print_rows(as_json, "accounts", shown, columns)


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("file", type=click.File("rb"))
@json_option
def enrol(account_id: str, file: Any, as_json: bool) -> None:
    """Make the keys in FILE (- for standard input) those of a device of ACCOUNT.

    FILE holds {"signing_key": JWK, "ecdh_key": JWK, "name"?: text}.
    """
    with as_command_errors():
        found = jsontext.members(file.read(limits.OPERATOR_BODY_BYTES_MAX + 1))
        keys = operator_api.device_keys(found)
    result = run_work(lambda cursor: accounts.enrol(cursor, account_id, *keys))
    device_id = verify.device_id(keys[0]).hex()
    members = {"account_id": account_id, "device_id": device_id, "result": result}
    print_result(as_json, members, f"device {device_id} of {account_id}: {result}")


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("amount")
@click.option("--wallet", default=verify.DEFAULT_WALLET, help="Instead of the default wallet.")
@click.option("--transfer-id", help="A UUID of your own: the same command then pays once.")
@json_option
def fund(account_id: str, amount: str, wallet: str, transfer_id: str | None, as_json: bool) -> None:
    """Put AMOUNT, such as 12.50, into the wallet of ACCOUNT."""
    with as_command_errors():
        amount_minor = money.parse_amount(amount)
    chosen = transfer_id or transaction.new_id()
    result = run_work(
        lambda cursor: accounts.fund(cursor, account_id, wallet, amount_minor, chosen)
    )
    members = {"account_id": account_id, "transfer_id": chosen, "result": result}
    print_result(
        as_json, members, f"{account_id}: funded with {money.show_amount(amount_minor)} ({result})"
    )


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--device", metavar="ID", help="Only the device with this id, not the account.")
@json_option
def freeze(account_id: str, device: str | None, as_json: bool) -> None:
    """Let nothing of ACCOUNT be paid or settled until it is unfrozen.

    Boards that pay by tap, and their open purses, are revoked in the news: that is for good.
    """
    _set_frozen(account_id, device, True, as_json)


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--device", metavar="ID", help="Only the device with this id, not the account.")
@json_option
def unfreeze(account_id: str, device: str | None, as_json: bool) -> None:
    """Lift the freeze of ACCOUNT.

    What was revoked stays so: payers' boards get new purses, payees' boards are enrolled anew.
    """
    _set_frozen(account_id, device, False, as_json)


@bank.command("new-ledger")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("device")
@click.option(
    "--form",
    type=click.Choice(accounts.FORMS),
    default=accounts.FORMS[0],
    show_default=True,
    help="Which of the device's two ledgers: of JSON files, or of payments by tap.",
)
@json_option
def new_ledger(account_id: str, device: str, form: str, as_json: bool) -> None:
    """Begin a new ledger for DEVICE (its id) of ACCOUNT after its old one was found forked.

    What the old one settled stays settled. The device stays frozen until `unfreeze`.
    """
    result, generation = run_work(
        lambda cursor: accounts.open_generation(cursor, account_id, device, form)
    )
    members = {"account_id": account_id, "device_id": device, "generation": generation}
    text = f"device {device} of {account_id}: ledger {generation} {result}"
    print_result(as_json, {**members, "result": result}, text)


@bank.command()
@json_option
def check(as_json: bool) -> None:
    """Prove the books: every invariant, looked for in the database itself."""
    found = run_work(checks.check)
    intact = not any(found.values())
    lines = []
    for name, violations in found.items():
        lines.append(f"{'broken' if violations else 'holds '}  {name}")
        lines += [f"        {violation}" for violation in violations]
    print_result(as_json, {"intact": intact, "invariants": found}, "\n".join(lines))
    if not intact:
        raise CommandError(REFUSED, "The books are not intact.")


@bank.command()
@click.option("--account", metavar="ACCOUNT", help="Only what concerns this account.")
@click.option("--action", type=click.Choice(audit.ACTIONS), metavar="ACTION")
@click.option("--reason", metavar="REASON", help="A name, such as frozen, or a number.")
@click.option("--since", metavar="TIME", help="2026-01-31 or 2026-01-31T12:00:00, in UTC.")
@page_options[0]
@page_options[1]
@json_option
def logs(
    account: str | None,
    action: str | None,
    reason: str | None,
    since: str | None,
    limit: int,
    offset: int,
    as_json: bool,
) -> None:
    """Show the audit log, newest first."""
    with as_command_errors():
        wanted = audit.wanted(account, action, reason, since)
    rows = run_work(lambda cursor: audit.page(cursor, wanted, limit, offset))
    columns = ("at", "account_id", "actor", "action", "subject", "reason", "detail")
    print_rows(as_json, "logs", rows, columns)


@bank.command()
@page_options[0]
@page_options[1]
@json_option
def refusals(limit: int, offset: int, as_json: bool) -> None:
    """Count what was refused that no enrolled device signed, by day (UTC) and reason."""
    rows = run_work(lambda cursor: audit.counts(cursor, limit, offset))
    print_rows(as_json, "refusals", rows, ("day", "name", "reason", "count"))


def _set_frozen(account_id: str, device: str | None, frozen: bool, as_json: bool) -> None:
    run_work(lambda cursor: accounts.set_frozen(cursor, account_id, frozen, device))
    result = "frozen" if frozen else "unfrozen"
    print_result(as_json, {"account_id": account_id, "result": result}, f"{account_id}: {result}")


def _show_signed(amount_minor: int) -> str:
    return ("-" if amount_minor < 0 else "") + money.show_amount(abs(amount_minor))
