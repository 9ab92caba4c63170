"""`opg demo`: the whole system in one run, for eyes or as one JSON object."""

import json
import shutil
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from firmware.common.payment.money import show_amount
from firmware.common.wire.errors import Refused
from host_tools.commands.device import json_option
from host_tools.demo import story as stories
from host_tools.errors import REFUSED, CommandError, refused


@click.command()
@json_option
@click.option(
    "--link",
    type=click.Choice(["serial"]),
    default="serial",
    show_default=True,
    help="What joins the two boards.",
)
def demo(as_json: bool, link: str) -> None:
    """Watch money move: two boards without a network, a bridge, a bank, balances that add up."""
    console = Console(highlight=False, quiet=as_json)
    home = Path(tempfile.mkdtemp(prefix="opg-demo-"))
    try:
        story = stories.tell(
            home, lambda what, result: console.print(f"  {what:34} {result}", soft_wrap=True)
        )
    except Refused as error:
        raise refused(error) from None
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if as_json:
        click.echo(json.dumps(_summary(story)))
    else:
        _print_balances(console, story)
    if not story.conserved:
        raise CommandError(REFUSED, "the balances do not add up.")
    if not story.double_spend_caught:
        raise CommandError(REFUSED, "a board was copied and nobody found out.")


def _summary(story: stories.Story) -> dict[str, object]:
    return {
        "micropython": story.micropython,
        "database": story.database,
        "payments": story.payments,
        "taps": story.taps,
        "guaranteed": story.guaranteed,
        "unguaranteed": story.unguaranteed,
        "refunds": story.refunds,
        "settled": story.settled,
        "refused": story.refused,
        "double_spend_caught": story.double_spend_caught,
        "conserved": story.conserved,
        "seconds": story.seconds,
    }


def _print_balances(console: Console, story: stories.Story) -> None:
    table = Table("account", "balance", "set apart", title="Balances at the bank")
    for column in table.columns[1:]:
        column.justify = "right"
    sums = [0, 0]
    for row in story.balances:
        amounts = row["balance_minor"], row["reserved_minor"]
        sums = [total + amount for total, amount in zip(sums, amounts, strict=True)]
        table.add_row(row["account_id"], *map(_signed, amounts))
    table.add_section()
    table.add_row("together", _signed(sum(sums)))
    console.print(table)
    console.print(
        f"{story.payments} payments: {story.guaranteed} by tap, which the bank stands for, and "
        f"{story.unguaranteed} by file; {story.settled} settled, {len(story.refused)} refused.\n"
        f"A copied board was {'caught' if story.double_spend_caught else 'NOT caught'}; money is "
        f"{'conserved' if story.conserved else 'NOT conserved'}; {story.seconds} s, "
        f"{story.micropython.split('; ')[-1]}."
    )


def _signed(amount_minor: int) -> str:
    return ("-" if amount_minor < 0 else "") + show_amount(abs(amount_minor))
