"""Commands of payments by tap: charge, pay, refund, and the purses they are made from."""

import time
from typing import Any

import click

from firmware.common.payment.money import parse_amount, show_amount
from firmware.common.wire import reasons
from firmware.common.wire.errors import CANCELLED, REQUEST_UNKNOWN, Refused
from host_tools import bridge as bridges
from host_tools import finger
from host_tools.bank_client import BankClient
from host_tools.commands.device import expect_role, json_option, settled, show, yes_option
from host_tools.device import Device
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError
from host_tools.outbox import Outbox
from host_tools.paths import home

_DECISION_S = 180.0  # a payer may read for two minutes
_LOOK_S = 0.05
_NOT_CONFIRMED = "NOT CONFIRMED YET"

_bank_option = click.option("--bank", "bank_url", help="Tell the bank at once, as opg bridge does.")


@click.command()
@click.argument("port")
@click.argument("amount", required=False)
@click.option("--memo", default="", help="Up to 12 bytes that go into the payer's receipt.")
@click.option("--cancel", is_flag=True, help="Take the open request back.")
@json_option
def charge(port: str, amount: str | None, memo: str, cancel: bool, as_json: bool) -> None:
    """Ask for AMOUNT (such as 4.50) on a payee's board, as its cashier does: it waits for a tap."""
    if cancel == bool(amount):
        raise click.UsageError("give AMOUNT, or --cancel alone")
    with Device(port) as board:
        expect_role(board, "receiver")
        if cancel:
            board.call("cancel_request")
            show({"cancelled": True}, as_json)
        else:
            found, _ = board.call("charge", amount=parse_amount(amount or ""), ref=memo)
            show(found, as_json)


@click.command()
@click.argument("port")
@click.argument("amount", required=False)
@click.option("--again", is_flag=True, help="Tap again for what is not confirmed yet.")
@click.option("--to", "payee", help="By file: the payee, whose connection code was imported.")
@click.option("--file", "by_file", is_flag=True, help="By file, UNGUARANTEED: see opg export.")
@yes_option
@json_option
def pay(
    port: str,
    amount: str | None,
    again: bool,
    payee: str | None,
    by_file: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Tap: pay what the payee's board asks for, once the payer has held OK.

    With AMOUNT, only if that is asked for. With --to and --file AMOUNT is paid by a file instead,
    in the JSON form, for which the bank does not stand.
    """
    if by_file != bool(payee) or (by_file and not amount) or (again and (amount or by_file)):
        raise click.UsageError("give AMOUNT or nothing; or --again; or AMOUNT --to ACCOUNT --file")
    with Device(port) as board:
        expect_role(board, "sender")
        if again:
            board.call("tap_again")
        elif by_file:
            board.call("pay", amount=parse_amount(amount or ""), to=payee)
            _agree(board, yes, "PAY?", finger.PRESS_MS, "OK or CANCEL")
        else:
            header = {"amount": parse_amount(amount)} if amount else {}
            board.call("pay", b"", **header)
            _agree(board, yes, "PAY", finger.HOLD_MS, "hold OK, or CANCEL")
        found = _outcome(board)
    show({**found, "guaranteed": not by_file}, as_json)
    _end(found, by_file)


@click.command()
@click.argument("port")
@click.argument("index", type=click.IntRange(0))
@click.argument("amount", required=False)
@yes_option
@json_option
def refund(port: str, index: int, amount: str | None, yes: bool, as_json: bool) -> None:
    """Give AMOUNT of the payment at INDEX (see opg ledger) back; all of it if left out."""
    with Device(port) as board:
        expect_role(board, "receiver")
        minor = parse_amount(amount) if amount else _amount_of(board, index)
        board.call("refund", index=index, amount=minor)
        _agree(board, yes, "GIVE BACK?", finger.PRESS_MS, "OK or CANCEL")
        settled(board)
    show({"index": index, "amount": minor}, as_json)


@click.command("top-up")
@click.argument("port")
@click.argument("amount")
@_bank_option
@yes_option
@json_option
def top_up(port: str, amount: str, bank_url: str | None, yes: bool, as_json: bool) -> None:
    """Ask the bank for a purse of AMOUNT on a payer's board; it comes with the next bridge."""
    with Device(port) as board:
        expect_role(board, "sender")
        board.call("top_up", amount=parse_amount(amount))
        _agree(board, yes, "TOP UP?", finger.PRESS_MS, "OK or CANCEL")
        settled(board)
        _tell_bank(board, bank_url)
        _show_purses(board, as_json)


@click.command()
@click.argument("port")
@click.argument("purse")
@_bank_option
@yes_option
@json_option
def close(port: str, purse: str, bank_url: str | None, yes: bool, as_json: bool) -> None:
    """Give back what PURSE (see opg purses) still holds; the bank hears of it by bridge."""
    with Device(port) as board:
        expect_role(board, "sender")
        board.call("close_purse", purse=purse)
        _agree(board, yes, "CLOSE PURSE?", finger.PRESS_MS, "OK or CANCEL")
        settled(board)
        _tell_bank(board, bank_url)
        _show_purses(board, as_json)


@click.command()
@click.argument("port")
@json_option
def purses(port: str, as_json: bool) -> None:
    """List the purses on a payer's board: what the bank set apart, and what is spent of it."""
    with Device(port) as board:
        expect_role(board, "sender")
        _show_purses(board, as_json)


def _agree(board: Device, yes: bool, title: str, hold_ms: int, buttons: str) -> None:
    """Presses OK for who said yes before; else tells people where to."""
    if yes:
        finger.answer(finger.on(board.port), board, title, hold_ms)
    else:
        click.echo(f"Confirm on the board's screen ({buttons}).", err=True)


def _outcome(board: Device) -> dict[str, Any]:
    until = time.monotonic() + _DECISION_S
    while time.monotonic() < until:
        found, _ = board.call("outcome")
        if found["outcome"] or found["why"]:
            return found
        time.sleep(_LOOK_S)
    raise CommandError(NOT_REACHABLE, "nobody answered on the board's screen in time.")


def _end(found: dict[str, Any], by_file: bool) -> None:
    """A payment that did not come about is a refusal, with its reason."""
    outcome, why = found["outcome"], found["why"]
    if outcome == "CANCELLED" or not outcome:
        words = f"nothing was paid: {reasons.name(why)}. {reasons.advice(why)}"
        words = words if why else "cancelled; nothing was paid."
        raise CommandError(REFUSED, words, why or CANCELLED)
    if outcome == _NOT_CONFIRMED and not by_file:
        words = f"not confirmed yet ({reasons.name(why)}): tap again with --again."
        raise CommandError(REFUSED, words, why)


def _amount_of(board: Device, index: int) -> int:
    rows = board.call("entries", first=index)[0]["entries"]
    if not rows or rows[0]["index"] != index:
        raise Refused(REQUEST_UNKNOWN, "the till keeps no such entry")
    return rows[0]["amount"]


def _tell_bank(board: Device, bank_url: str | None) -> None:
    if bank_url:
        bridge = bridges.Bridge(
            Outbox(home() / "outbox"), BankClient(bank_url), lambda line: click.echo(line, err=True)
        )
        bridges.run(bridge, [board])
        for refusal in bridge.refusals:
            raise CommandError(REFUSED, refusal["message"], refusal["reason"])
    else:
        click.echo("The bank hears of it with the next: opg bridge PORT --bank URL", err=True)


def _show_purses(board: Device, as_json: bool) -> None:
    found, _ = board.call("purses")
    if as_json:
        show(found, True)
        return
    for purse in found["purses"]:
        left = purse["allowance"] - purse["spent"]
        ends = time.strftime("%Y-%m-%d", time.gmtime(purse["not_after"]))
        click.echo(
            f"{purse['purse']}  {show_amount(left)} of {show_amount(purse['allowance'])} left, "
            f"{purse['payments']} payments, until {ends}"
        )
    if found["asked_for"]:
        click.echo(f"asked for: {show_amount(found['asked_for'])}")
