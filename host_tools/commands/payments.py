"""Commands that move payments: pay, import, export, ledger."""

import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from firmware.common.interchange import base64
from firmware.common.payment.money import parse_amount, show_amount
from firmware.common.wire import reasons
from firmware.common.wire.errors import CANCELLED, MALFORMED, TOO_LARGE, Refused
from firmware.common.wire.limits import ENVELOPE_BYTES_MAX
from host_tools import finger
from host_tools.commands.device import expect_role, json_option, show, yes_option
from host_tools.device import Device
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError

_DECISION_S = 120.0
_NOT_CONFIRMED = "NOT CONFIRMED YET"


@click.command()
@click.argument("port")
@click.argument("amount", required=False)
@click.option("--to", "payee", help="The payee's account, whose connection code was imported.")
@click.option("--file", is_flag=True, help="Do not use the wire: hand it out with opg export.")
@click.option("--again", is_flag=True, help="Tap again for what is not confirmed yet.")
@yes_option
@json_option
def pay(
    port: str,
    amount: str | None,
    payee: str | None,
    file: bool,
    again: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Propose a payment of AMOUNT (such as 4.50) on a payer's board; its user confirms it there."""
    if again == bool(amount and payee):
        raise click.UsageError("give AMOUNT and --to, or --again alone")
    amount_minor = 0 if again else parse_amount(amount or "")
    with Device(port) as board:
        expect_role(board, "sender")
        if again:
            board.call("tap_again")
        else:
            board.call("pay", amount=amount_minor, to=payee, by_wire=not file)
            if yes:
                finger.press(port, "ok")
            else:
                click.echo("Confirm on the board's screen (OK or CANCEL).", err=True)
        found = _outcome(board)
    show(found, as_json)
    if found["outcome"] == "CANCELLED":
        raise CommandError(REFUSED, "cancelled on the board; nothing was paid.", CANCELLED)
    if found["outcome"] == _NOT_CONFIRMED and not file:
        why = reasons.name(found["why"])
        raise CommandError(
            REFUSED, f"not confirmed yet ({why}): tap again with --again.", found["why"]
        )


@click.command("import")
@click.argument("port")
@click.argument("file", type=click.File("rb"))
@click.option("--account", help="For a connection code: the payee's account.")
@json_option
def import_(port: str, file: Any, account: str | None, as_json: bool) -> None:
    """Give a board a FILE: a connection code or a proof (payer), an envelope (payee)."""
    data = file.read(ENVELOPE_BYTES_MAX + 1)
    form = _form(data)
    if "kty" in form and not account:
        raise click.UsageError("a connection code needs --account: whose is it?")
    with Device(port) as board:
        expect_role(board, "sender" if "kty" in form or "proof" in form else "receiver")
        if "kty" in form:
            show(board.call("import_key", data, account=account)[0], as_json)
        elif "proof" in form:
            proof = base64.decode(str(form["proof"]), 32)
            fields = {name: form.get(name) for name in ("id", "index", "head")}
            board.call("confirm", proof, **fields)
            show({"confirmed": form["id"]}, as_json)
        else:
            found, proof = board.call("import", data)
            found["proof"] = base64.encode(proof)
            show(found, as_json)


@click.command()
@click.argument("port")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True))
@click.option("--id", "txn_id", help="Payer: which pending payment; the newest if left out.")
@click.option("--first", type=int, help="Payee: from which entry; what is unsettled if left out.")
def export(port: str, file: str, txn_id: str | None, first: int | None) -> None:
    """Write a board's FILE: the envelope of a pending payment, or the encrypted ledger."""
    with Device(port) as board:
        if board.status()["role"] == "sender":
            data = board.call("envelope", id=txn_id or _newest_pending(board))[1]
        else:
            start = board.call("total")[0]["first_open"] if first is None else first
            data = board.call("export", first=start)[1]
    if file == "-":
        click.echo(data.decode())
    else:
        Path(file).write_bytes(data)
        click.echo(f"{len(data)} bytes written to {file}", err=True)


@click.command()
@click.argument("port")
@json_option
def ledger(port: str, as_json: bool) -> None:
    """List a payee's ledger with what the bank said of each entry, or a payer's payments."""
    with Device(port) as board:
        is_payer = board.status()["role"] == "sender"
        name = "payments" if is_payer else "entries"
        rows = _pages(board, name)
    if as_json:
        click.echo(json.dumps({name: rows}))
        return
    other = "to" if is_payer else "from"
    table = Table("id", other, "amount", "state")
    for row in rows:
        table.add_row(row["id"], row[other], show_amount(row["amount"]), row["state"])
    table.add_section()
    table.add_row(f"{len(rows)} {name}", "", show_amount(sum(row["amount"] for row in rows)), "")
    Console().print(table)


def _outcome(board: Device) -> dict[str, Any]:
    until = time.monotonic() + _DECISION_S
    while time.monotonic() < until:
        found, _ = board.call("outcome")
        if found["outcome"] or found["why"]:
            return found
        time.sleep(0.05)
    raise CommandError(NOT_REACHABLE, "nobody answered on the board's screen in time.")


def _pages(board: Device, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        found, _ = board.call(name, first=len(rows))
        rows += found[name]
        if not found[name] or len(rows) >= found["count"]:
            return rows


def _newest_pending(board: Device) -> str:
    pending = [row["id"] for row in _pages(board, "payments") if row["state"] == "pending"]
    if not pending:
        raise CommandError(REFUSED, "no payment is pending; make one with: opg pay PORT AMOUNT", 3)
    return pending[-1]


def _form(data: bytes) -> dict[str, Any]:
    """Only to tell the forms apart; the board checks what is in them."""
    if len(data) > ENVELOPE_BYTES_MAX:
        raise Refused(TOO_LARGE, f"the file has more than {ENVELOPE_BYTES_MAX} bytes")
    try:
        form = json.loads(data)
    except (ValueError, RecursionError):
        form = None
    if not isinstance(form, dict):
        raise Refused(MALFORMED, "the file holds no JSON object")
    return form
