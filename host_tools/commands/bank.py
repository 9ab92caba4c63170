"""`opg bank`: set the bank up, run it, and do what an operator does, straight on its database."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from rich.console import Console
from rich.table import Table

from bank import accounts, audit, checks, config, db, errors, limits, operator_api, server, verify
from bank.config import SettingError, Settings
from bank.db import Database
from bank.postgres import PostgresError
from bank.secretfile import SecretFileError
from firmware.common.interchange import jsontext, transaction
from firmware.common.payment import money
from firmware.common.wire.errors import UNAVAILABLE, Refused
from host_tools import paths
from host_tools.errors import NOT_REACHABLE, REFUSED, WRONG_USAGE, CommandError, refused

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
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
    with _errors():
        database = db.open_database(_settings())
        try:
            database.initialise()
            server_version = database.run(_checked_version)
        finally:
            database.close()
    _print(as_json, {"database": server_version}, f"The database is ready: {server_version}")


@bank.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, limits.WORKERS_MAX))
def run(workers: int) -> None:
    """Serve the bank until Ctrl-C."""
    settings = _settings()
    url = f"http://{settings.host}:{settings.port}"
    click.echo(f"The bank listens on {url}; its keys and token are in {settings.key_dir}", err=True)
    with _errors():
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
    result = _run(lambda cursor: accounts.open_account(cursor, account_id, name or account_id))
    _print(as_json, {"account_id": account_id, "result": result}, f"{account_id}: {result}")


@account.command("wallet")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("wallet_id", metavar="WALLET")
@json_option
def account_wallet(account_id: str, wallet_id: str, as_json: bool) -> None:
    """Open a further WALLET of ACCOUNT."""
    result = _run(lambda cursor: accounts.open_wallet(cursor, account_id, wallet_id))
    members = {"account_id": account_id, "wallet_id": wallet_id, "result": result}
    _print(as_json, members, f"{account_id}/{wallet_id}: {result}")


@account.command("list")
@page_options[0]
@page_options[1]
@json_option
def account_list(limit: int, offset: int, as_json: bool) -> None:
    """List accounts with their balances."""
    rows = _run(lambda cursor: accounts.page(cursor, limit, offset))
    columns = ("account_id", "name", "kind", "devices", "frozen", "balance")
    shown = [{**row, "balance": _show_signed(row["balance_minor"])} for row in rows]
    _print_rows(as_json, "accounts", shown, columns)


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("file", type=click.File("rb"))
@json_option
def enrol(account_id: str, file: Any, as_json: bool) -> None:
    """Make the keys in FILE (- for standard input) those of a device of ACCOUNT.

    FILE holds {"signing_key": JWK, "ecdh_key": JWK, "name"?: text}.
    """
    with _errors():
        found = jsontext.members(file.read(limits.OPERATOR_BODY_BYTES_MAX + 1))
        keys = operator_api.device_keys(found)
    result = _run(lambda cursor: accounts.enrol(cursor, account_id, *keys))
    device_id = verify.device_id(keys[0]).hex()
    members = {"account_id": account_id, "device_id": device_id, "result": result}
    _print(as_json, members, f"device {device_id} of {account_id}: {result}")


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("amount")
@click.option("--wallet", default=verify.DEFAULT_WALLET, help="Instead of the default wallet.")
@click.option("--transfer-id", help="A UUID of your own: the same command then pays once.")
@json_option
def fund(account_id: str, amount: str, wallet: str, transfer_id: str | None, as_json: bool) -> None:
    """Put AMOUNT, such as 12.50, into the wallet of ACCOUNT."""
    with _errors():
        amount_minor = money.parse_amount(amount)
    chosen = transfer_id or transaction.new_id()
    result = _run(lambda cursor: accounts.fund(cursor, account_id, wallet, amount_minor, chosen))
    members = {"account_id": account_id, "transfer_id": chosen, "result": result}
    _print(
        as_json, members, f"{account_id}: funded with {money.show_amount(amount_minor)} ({result})"
    )


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--device", metavar="ID", help="Only the device with this id, not the account.")
@json_option
def freeze(account_id: str, device: str | None, as_json: bool) -> None:
    """Let nothing of ACCOUNT be paid or settled until it is unfrozen."""
    _set_frozen(account_id, device, True, as_json)


@bank.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--device", metavar="ID", help="Only the device with this id, not the account.")
@json_option
def unfreeze(account_id: str, device: str | None, as_json: bool) -> None:
    """Lift the freeze of ACCOUNT."""
    _set_frozen(account_id, device, False, as_json)


@bank.command("new-ledger")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("device")
@json_option
def new_ledger(account_id: str, device: str, as_json: bool) -> None:
    """Begin a new ledger for DEVICE (its id) of ACCOUNT after its old one was found forked.

    What the old one settled stays settled. The device stays frozen until `unfreeze`.
    """
    result, generation = _run(lambda cursor: accounts.open_generation(cursor, account_id, device))
    members = {"account_id": account_id, "device_id": device, "generation": generation}
    text = f"device {device} of {account_id}: ledger {generation} {result}"
    _print(as_json, {**members, "result": result}, text)


@bank.command()
@json_option
def check(as_json: bool) -> None:
    """Prove the books: every invariant, looked for in the database itself."""
    found = _run(checks.check)
    intact = not any(found.values())
    lines = []
    for name, violations in found.items():
        lines.append(f"{'broken' if violations else 'holds '}  {name}")
        lines += [f"        {violation}" for violation in violations]
    _print(as_json, {"intact": intact, "invariants": found}, "\n".join(lines))
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
    with _errors():
        wanted = audit.wanted(account, action, reason, since)
    rows = _run(lambda cursor: audit.page(cursor, wanted, limit, offset))
    columns = ("at", "account_id", "actor", "action", "subject", "reason", "detail")
    _print_rows(as_json, "logs", rows, columns)


@bank.command()
@page_options[0]
@page_options[1]
@json_option
def refusals(limit: int, offset: int, as_json: bool) -> None:
    """Count the ledgers refused that no enrolled device signed, by day (UTC) and reason."""
    rows = _run(lambda cursor: audit.counts(cursor, limit, offset))
    _print_rows(as_json, "refusals", rows, ("day", "name", "reason", "count"))


def _set_frozen(account_id: str, device: str | None, frozen: bool, as_json: bool) -> None:
    _run(lambda cursor: accounts.set_frozen(cursor, account_id, frozen, device))
    result = "frozen" if frozen else "unfrozen"
    _print(as_json, {"account_id": account_id, "result": result}, f"{account_id}: {result}")


def _run(work: Callable[[Cursor], T]) -> T:
    """One transaction on the bank's database."""
    with _errors(), _database() as database:
        return database.run(work)


@contextmanager
def _database() -> Iterator[Database]:
    database = db.open_database(_settings())
    try:
        database.run(db.check_version)
        yield database
    finally:
        database.close()


def _settings() -> Settings:
    paths.home()  # made for its owner alone before the bank puts anything there
    with _errors():
        return config.load()


def _checked_version(cursor: Cursor) -> str:
    db.check_version(cursor)
    return db.server_version(cursor)


@contextmanager
def _errors() -> Iterator[None]:
    """Turns what the bank raises into the end of a command."""
    try:
        yield
    except Refused as error:
        if error.reason == UNAVAILABLE:
            raise CommandError(NOT_REACHABLE, f"{error.detail}.", error.reason) from None
        raise refused(error, errors.advice) from None
    except PostgresError as error:
        raise CommandError(NOT_REACHABLE, str(error), UNAVAILABLE) from None
    except (SettingError, SecretFileError) as error:
        raise CommandError(WRONG_USAGE, str(error)) from None
    except UnicodeEncodeError:
        raise CommandError(WRONG_USAGE, "an argument is not UTF-8.") from None


def _show_signed(amount_minor: int) -> str:
    return ("-" if amount_minor < 0 else "") + money.show_amount(abs(amount_minor))


def _print(as_json: bool, members: dict[str, Any], text: str) -> None:
    click.echo(_json(members) if as_json else "\n".join(map(_printable, text.split("\n"))))


def _print_rows(
    as_json: bool, name: str, rows: list[dict[str, Any]], columns: tuple[str, ...]
) -> None:
    if as_json:
        click.echo(_json({name: rows}))
        return
    table = Table(*columns)
    for row in rows:
        # Names come from outside: no markup either.
        table.add_row(*(_printable(str(row[column])) for column in columns))
    Console(file=sys.stdout, markup=False).print(table)


def _json(members: dict[str, Any]) -> str:
    """Non-ASCII raw, but nothing that a terminal would obey."""
    text = json.dumps(members, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
