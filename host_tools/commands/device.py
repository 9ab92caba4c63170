"""Commands that look after one board: status, key, reset, log."""

import json
import sys
from typing import Any

import click

from firmware.common.payment.money import show_amount
from firmware.common.wire import reasons
from firmware.common.wire.errors import Refused
from host_tools import at_odds, finger
from host_tools.device import Device
from host_tools.errors import REFUSED, WRONG_USAGE, CommandError, refused

_DECISION_S = 120.0

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
yes_option = click.option(
    "--yes", is_flag=True, help="Press OK on the board too (virtual boards only)."
)


def show(found: dict[str, Any], as_json: bool) -> None:
    """One JSON object, or a line for each member that says something to people."""
    if as_json:
        click.echo(json.dumps(found))
        return
    width = max(len(name) for name in found)
    for name, value in found.items():
        text = _in_words(name, value)
        if text:
            click.echo(f"{name:{width}}  {text}")


def warn(status: dict[str, Any]) -> None:
    """One line on standard error where the bank and the board are at odds."""
    text = at_odds.words(status.get("refusal", ()))
    if text:
        click.echo(text, err=True)


def _in_words(name: str, value: Any) -> str:
    if name == "amount":
        return show_amount(value)
    if name == "refusal":
        return at_odds.words(value)
    if name == "why":
        return f"{reasons.name(value)} [{value}]" if value else ""
    return str(value)


def decided(board: Device, yes: bool, what: str) -> str:
    """Waits for the user's answer on the board's screen; a cancelled question is refused."""
    if yes:
        finger.press(board.port, "ok")
    else:
        click.echo(f"{what}: answer on the board's screen (OK or CANCEL).", err=True)
    return settled(board)


def settled(board: Device) -> str:
    """What the user's answer came to; a cancelled question is refused."""
    outcome, why = board.wait_for_outcome(_DECISION_S)
    if why:
        raise refused(Refused(why))
    if outcome == "CANCELLED":
        raise CommandError(REFUSED, "cancelled on the board; nothing was changed.", 15)
    return outcome


def expect_role(board: Device, role: str) -> None:
    """Raises `CommandError` unless it is a sender's or receiver's board; sets its clock."""
    found = board.status()["role"]
    if found != role:
        message = f"{board.port} is a {found}; this is for a {role}. Who is who: opg status PORT"
        raise CommandError(WRONG_USAGE, message)


@click.command()
@click.argument("port")
@json_option
def status(port: str, as_json: bool) -> None:
    """Show who a board is and how it is; sets its clock on the way."""
    with Device(port) as board:
        show(board.status(), as_json)


@click.command()
@click.argument("port")
@click.option("--regenerate", is_flag=True, help="Make a new ECDH key pair first; asks twice.")
@yes_option
@json_option
def key(port: str, regenerate: bool, yes: bool, as_json: bool) -> None:
    """Print a board's connection code (JWK), which payers import; its fingerprint goes to stderr.

    With --json both of its keys, as `opg bank enrol` takes them: for a board without a certificate.

    After --regenerate, envelopes sealed to the old code open no more: hand out the new one.
    """
    with Device(port) as board:
        if regenerate:
            if sys.stdin.isatty() and not yes:
                click.confirm(
                    "Envelopes sealed to the old code will open no more. Go on?", abort=True
                )
            board.call("regenerate")
            decided(board, yes, "New key pair")
        header, code = board.call("key")
        if as_json:
            click.echo(json.dumps(device_keys(board)))
            return
    click.echo(f"fingerprint {header['fingerprint']}", err=True)
    click.echo(code.decode())


@click.command()
@click.argument("port")
@click.option("--force", is_flag=True, help="Even if payments that nobody settled get lost.")
@yes_option
def reset(port: str, force: bool, yes: bool) -> None:
    """Erase a board: keys, ledger, payments, everything but the firmware.

    Refused while something on it is not settled, unless told twice: by --force and on the
    board's screen.
    """
    with Device(port) as board:
        found, _ = board.call("factory_reset", force=force)
        click.echo("Erase everything: answer on the board's screen.", err=True)
        presses = 2 if found["unsettled"] else 1
        for _ in range(presses if yes else 0):
            finger.press(port, "ok")
    click.echo("When you agree there, the board starts as new.", err=True)


@click.command()
@click.argument("port")
def log(port: str) -> None:
    """Print the newest events a board has kept: starts, payments, refusals, receipts."""
    with Device(port) as board:
        click.echo(board.call("log")[1].decode(errors="replace"), nl=False)


def device_keys(board: Device) -> dict[str, Any]:
    """What the bank enrols: a board's two public keys."""
    header, code = board.call("key")
    return {
        "signing_key": json.loads(header["signing_key"]),
        "ecdh_key": json.loads(code),
    }
