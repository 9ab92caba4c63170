"""Virtual boards on this computer (`opg board`), and the wire between two (`opg wire`)."""

import json
import sys
from dataclasses import asdict
from time import sleep

import click
import serial

from host_tools.emulator import registry
from host_tools.emulator.board import HEAP
from host_tools.emulator.control import RunningBoard
from host_tools.emulator.wire import Wire
from host_tools.errors import NOT_REACHABLE, CommandError

_REDRAW_S = 0.2


@click.group()
def board() -> None:
    """Start, list and stop virtual boards: real MicroPython behind a serial port."""


@board.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--heap", default=HEAP, show_default=True, help="Memory of MicroPython.")
def start(names: tuple[str, ...], heap: str) -> None:
    """Start boards in the background and print their serial ports."""
    for name in names:
        _show(registry.start(name, heap))


@board.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_boards(as_json: bool) -> None:
    """List the boards, running and not."""
    boards = {name: registry.find(name) for name in registry.names()}
    if as_json:
        entries = [{"name": name, **(asdict(it) if it else {})} for name, it in boards.items()]
        running = [it is not None for it in boards.values()]
        listed = [entry | {"running": runs} for entry, runs in zip(entries, running, strict=True)]
        click.echo(json.dumps({"boards": listed}))
        return
    for name, found in boards.items():
        if found:
            _show(found)
        else:
            click.echo(f"{name:<16} stopped")


@board.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "every", is_flag=True, help="Stop every board that runs.")
def stop(names: tuple[str, ...], every: bool) -> None:
    """Stop boards; their flash keeps what it holds."""
    if bool(names) == every:
        raise click.UsageError("name the boards to stop, or say --all")
    for name in registry.names() if every else names:
        if registry.stop(name):
            click.echo(f"{name:<16} stopped")
        elif not every:
            raise CommandError(NOT_REACHABLE, f"no virtual board {name} is running")


@click.command()
@click.argument("a")
@click.argument("b")
def wire(a: str, b: str) -> None:
    """Join the tap ports of A and B (names of virtual boards, or serial devices) until Ctrl-C."""
    joined = Wire(registry.resolve_tap(a), registry.resolve_tap(b))
    try:
        joined.start()
    except serial.SerialException as error:
        raise CommandError(NOT_REACHABLE, str(error)) from error
    click.echo(f"{a} and {b} are joined; Ctrl-C takes the wire away.")
    try:
        while joined.alive:
            sleep(_REDRAW_S)
            if sys.stdout.isatty():
                click.echo(f"\r{_counted(a, b, joined)}", nl=False)
    except KeyboardInterrupt:
        pass
    finally:
        joined.stop()
    click.echo(f"\r{_counted(a, b, joined)}")
    if joined.error:
        raise CommandError(NOT_REACHABLE, f"the wire came off: {joined.error}")


def _counted(a: str, b: str, joined: Wire) -> str:
    return f"{a} -> {b}: {joined.carried[0]} bytes, {b} -> {a}: {joined.carried[1]} bytes"


def _show(running: RunningBoard) -> None:
    click.echo(f"{running.name:<16} REPL {running.repl:<12}  tap {running.tap:<12}")
