"""What the commands of `opg bank` share: settings, one transaction, errors, and how they print."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from rich.console import Console
from rich.table import Table

from bank import config, db, errors
from bank.config import SettingError, Settings
from bank.db import Database
from bank.postgres import PostgresError
from bank.secretfile import SecretFileError
from firmware.common.wire.errors import UNAVAILABLE, Refused
from host_tools import paths
from host_tools.errors import NOT_REACHABLE, WRONG_USAGE, CommandError, refused

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def run_work(work: Callable[[Cursor], T]) -> T:
    """One transaction on the bank's database."""
    with as_command_errors(), open_bank() as database:
        return database.run(work)


@contextmanager
def open_bank() -> Iterator[Database]:
    database = db.open_database(load_settings())
    try:
        database.run(db.check_version)
        yield database
    finally:
        database.close()


def load_settings() -> Settings:
    paths.home()  # made for its owner alone before the bank puts anything there
    with as_command_errors():
        return config.load()


def checked_version(cursor: Cursor) -> str:
    db.check_version(cursor)
    return db.server_version(cursor)


@contextmanager
def as_command_errors() -> Iterator[None]:
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


def print_result(as_json: bool, members: dict[str, Any], text: str) -> None:
    click.echo(_json(members) if as_json else "\n".join(map(_printable, text.split("\n"))))


def print_rows(
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
