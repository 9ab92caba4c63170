"""Commands of what boards keep and hand out: import, export, evidence, ledger."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from firmware.common.interchange import base64
from firmware.common.interchange.transaction import is_hex
from firmware.common.payment.evidence import check_evidence
from firmware.common.payment.label import to_text
from firmware.common.payment.money import show_amount
from firmware.common.payment.transaction import txn_hash
from firmware.common.wire.errors import MALFORMED, TOO_LARGE, Refused
from firmware.common.wire.limits import ENVELOPE_BYTES_MAX
from host_tools.bank_client import BankClient
from host_tools.commands.device import expect_role, json_option, show, warn
from host_tools.device import Device
from host_tools.errors import REFUSED, CommandError
from host_tools.routes import VERDICTS

_WIDTH = 110  # ids are for copying
EVIDENCE_BYTES_MAX = 1_216


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
@click.option("--evidence", help="What proves a tap: a payment's id (payer) or index (payee).")
@click.option("--beacon", is_flag=True, help="The newest beacon, with the bank's keys.")
def export(
    port: str, file: str, txn_id: str | None, first: int | None, evidence: str | None, beacon: bool
) -> None:
    """Write a board's FILE: the envelope of a pending payment, or the encrypted ledger.

    With --evidence, what proves to anybody who knows the bank's root that a tap was paid and
    received: see opg evidence. With --beacon, what the board is a witness of: see opg bank audit
    verify.
    """
    if sum((txn_id is not None, first is not None, evidence is not None, beacon)) > 1:
        raise click.UsageError("Choose one of --id, --first, --evidence and --beacon.")
    with Device(port) as board:
        if beacon:
            data = board.call("witness")[1]
        else:
            data = _evidence(board, evidence) if evidence else _exported(board, txn_id, first)
    if file == "-":
        click.echo(data)
    else:
        Path(file).write_bytes(data)
        click.echo(f"{len(data)} bytes written to {file}", err=True)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--bank", "bank_url", help="Where to ask for the root's key: only if you trust it.")
@click.option("--root", help="The root's public key, 128 hex digits.")
@json_option
def evidence(file: Any, bank_url: str | None, root: str | None, as_json: bool) -> None:
    """Check a FILE of evidence, from the root alone: that a tap was paid and received."""
    if bool(bank_url) == bool(root):
        raise click.UsageError("give --root, or --bank")
    key = root or str(BankClient(bank_url or "").public_keys().get("root_public_key", ""))
    if not is_hex(key, 128):
        raise click.UsageError("a root's public key has 128 hex digits")
    device, purse, request, txn, ack = check_evidence(
        bytes.fromhex(key), file.read(EVIDENCE_BYTES_MAX + 1)
    )
    found = {
        "payee": to_text(device.name),
        "device": txn.payee.hex(),
        "amount": txn.amount,
        "currency": purse.cur,
        "memo": to_text(request.ref),
        "purse": purse.purse.hex(),
        "id": txn_hash(txn)[:16].hex(),
        "index": ack.index,
    }
    show(found, as_json)


@click.command()
@click.argument("port")
@json_option
def ledger(port: str, as_json: bool) -> None:
    """List both of a board's ledgers: taps, which the bank stands for, and unguaranteed files."""
    with Device(port) as board:
        status = board.status()
        is_payer = status["role"] == "sender"
        name = "payments" if is_payer else "entries"
        by_tap = [_tapped(row, is_payer) for row in board.pages(name)]
        by_file = [{**row, "guaranteed": False} for row in board.pages(f"json_{name}")]
    rows = by_tap + by_file
    warn(status)
    if as_json:
        click.echo(json.dumps({name: rows}))
        return
    other = "to" if is_payer else "from"
    table = Table("id", other, "amount", "state", "")
    for row in rows:
        sure = "guaranteed" if row["guaranteed"] else "unguaranteed"
        table.add_row(row["id"], row[other], _show(_signed(row)), row["state"], sure)
    for sure, group in (("guaranteed", by_tap), ("unguaranteed", by_file)):
        table.add_section()
        total = sum(_signed(row) for row in group)
        table.add_row(f"{len(group)} {name}", "", _show(total), "", sure)
    Console(width=max(_WIDTH, Console().width)).print(table)


def _signed(row: dict[str, Any]) -> int:
    return -row["amount"] if row.get("kind") == "refund" else row["amount"]


def _show(amount_minor: int) -> str:
    return ("-" if amount_minor < 0 else "") + show_amount(abs(amount_minor))


def _tapped(row: dict[str, Any], is_payer: bool) -> dict[str, Any]:
    """A row of a tap with the members that a payment by file has."""
    if is_payer:
        return {**row, "to": row["name"], "guaranteed": True}
    verdict = row["verdict"]
    return {
        **row,
        "id": row["hash"][:32],
        "from": f"purse {row['purse']}",
        "state": "unsettled" if verdict is None else VERDICTS[verdict][0],
        "guaranteed": True,
    }


def _evidence(board: Device, which: str) -> bytes:
    if board.status()["role"] == "sender":
        return board.call("evidence", id=which)[1]
    if not (which.isascii() and which.isdecimal()):
        raise click.UsageError("a payee's evidence is named by the entry's index, see opg ledger")
    return board.call("evidence", index=int(which))[1]


def _exported(board: Device, txn_id: str | None, first: int | None) -> bytes:
    if board.status()["role"] == "sender":
        return board.call("envelope", id=txn_id or _newest_pending(board))[1]
    start = board.call("total")[0]["first_open"] if first is None else first
    return board.call("export", first=start)[1]


def _newest_pending(board: Device) -> str:
    pending = [row["id"] for row in board.pages("json_payments") if row["state"] == "pending"]
    if not pending:
        words = "no file is pending; make one with: opg pay PORT AMOUNT --to ACCOUNT --file"
        raise CommandError(REFUSED, words, 3)
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
