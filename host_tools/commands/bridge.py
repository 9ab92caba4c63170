"""The bridge command: ledgers up, receipts down."""

import json
from contextlib import ExitStack

import click

from host_tools import bridge as bridges
from host_tools.bank_client import BankClient
from host_tools.commands.device import json_option
from host_tools.device import Device
from host_tools.errors import REFUSED, CommandError
from host_tools.outbox import Outbox
from host_tools.paths import home


@click.command()
@click.argument("ports", nargs=-1, metavar="[PORT]...")
@click.option("--bank", "bank_url", required=True, help="The bank, e.g. http://127.0.0.1:4000.")
@json_option
def bridge(ports: tuple[str, ...], bank_url: str, as_json: bool) -> None:
    """Carry payees' ledgers to the bank and its receipts back.

    What is under way is kept in an outbox on this computer: a run that was cut short is
    taken up by the next. Without a PORT, what waits there is uploaded.
    """
    work = bridges.Bridge(
        Outbox(home() / "outbox"), BankClient(bank_url), lambda line: click.echo(line, err=True)
    )
    with ExitStack() as open_ports:
        bridges.run(work, [open_ports.enter_context(Device(port)) for port in ports])
    if as_json:
        click.echo(json.dumps({**work.report, "refusals": work.refusals}))
    else:
        for refusal in work.refusals:
            click.echo(f"refused [{refusal['reason']}]: {refusal['message']}")
        click.echo(", ".join(f"{name} {count}" for name, count in work.report.items()))
    for refusal in work.refusals:
        if "device" in refusal:  # the bank contradicts itself
            raise CommandError(REFUSED, refusal["message"], refusal["reason"])
        if "verdict" not in refusal:  # of a batch as a whole, not of an entry in it
            message = f"entries were refused by {refusal['message']}"
            raise CommandError(REFUSED, message, refusal["reason"])
