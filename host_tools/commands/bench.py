"""`opg bench`: figures, measured here and now."""

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from host_tools.bench import crypto as cryptography_cost
from host_tools.bench import memory as memories
from host_tools.bench import tap as tap_cost
from host_tools.commands import crypto_tables
from host_tools.commands.device import json_option


@click.group()
def bench() -> None:
    """Measure what things cost: heap bytes, instructions, machine code."""


@bench.command()
@json_option
@click.option("--markdown", is_flag=True, help="Print the table of docs/performance.md.")
def memory(as_json: bool, markdown: bool) -> None:
    """What the firmware costs a board's heap: after boot, by module, at a payment's peak."""
    found = memories.measure(lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(found))
    elif markdown:
        click.echo(_markdown(found))
    else:
        _print(found)


@bench.command()
@json_option
def crypto(as_json: bool) -> None:
    """What the boards' cryptography costs, beside its peers: counted, not timed (1-2 minutes)."""
    found = cryptography_cost.measure(lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(found))
    else:
        for table in crypto_tables.tables(found):
            Console().print(table)


@bench.command()
@json_option
def tap(as_json: bool) -> None:
    """What a tap costs both boards: instructions, frames, signatures, flash, heap (3-5 minutes)."""
    found = tap_cost.measure(lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(found))
    else:
        for table in _of_tap(found):
            Console().print(table)


def _of_tap(found: dict[str, Any]) -> list[Table]:
    spans = found["spans"]
    insns = Table("instructions", *tap_cost.SIDES, "together")
    for span in tap_cost.SPANS:
        sides = [spans[side][span]["insns"] for side in tap_cost.SIDES]
        together = found[f"{span}_insns"]
        insns.add_row(span.replace("_", " "), *(f"{n:,}" for n in (*sides, together)))
    tap = Table("a tap", *tap_cost.SIDES)
    for name, value in found.items():
        if isinstance(value, dict) and name != "spans":
            tap.add_row(name.replace("_", " "), *(f"{value[side]:,}" for side in tap_cost.SIDES))
    return [insns, tap]


def _print(found: dict[str, Any]) -> None:
    table = Table("heap bytes", *found["roles"], title=f"of {found['heap']:,}")
    for name, row in _rows(found):
        table.add_row(name, *(f"{value:,}" for value in row))
    Console().print(table)


def _markdown(found: dict[str, Any]) -> str:
    lines = [
        f"| heap bytes, of {found['heap']:,} | {' | '.join(found['roles'])} |",
        "|---|--:|--:|",
    ]
    lines += [
        f"| {name} | {' | '.join(f'{value:,}' for value in row)} |" for name, row in _rows(found)
    ]
    return "\n".join(lines)


def _rows(found: dict[str, Any]) -> list[tuple[str, list[int]]]:
    roles = list(found["roles"].values())
    rows = [
        ("free after boot", [role["after_boot_free"] for role in roles]),
        ("peak of a payment", [role["peak"] for role in roles]),
        ("left at the peak", [role["left"] for role in roles]),
        ("smallest heap that works", [role["smallest_heap"] for role in roles]),
    ]
    modules = sorted({name for role in roles for name in role["modules"]})
    rows += [(name, [role["modules"].get(name, 0) for role in roles]) for name in modules]
    return rows
