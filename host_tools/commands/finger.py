"""What a finger and an eye do to a virtual board: `opg press` and `opg screen`."""

from pathlib import Path

import click

from host_tools import finger
from host_tools.emulator import registry
from host_tools.emulator.board import BUTTONS, HOLD_MS, HOLD_MS_MAX
from host_tools.errors import REFUSED, CommandError


@click.command()
@click.argument("port")
@click.argument("button", type=click.Choice(list(BUTTONS)))
@click.option(
    "--hold",
    "hold_ms",
    type=click.IntRange(1, HOLD_MS_MAX),
    default=HOLD_MS,
    show_default=True,
    help="How long, in milliseconds.",
)
def press(port: str, button: str, hold_ms: int) -> None:
    """Press a BUTTON of the virtual board at PORT (its name or its REPL port)."""
    registry.resolve(port)  # no such port at all: says so
    finger.press(port, button, hold_ms)


@click.command()
@click.argument("port")
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture.")
def screen(port: str, png: Path | None) -> None:
    """Show the display of the virtual board at PORT (its name or its REPL port)."""
    registry.resolve(port)
    running = registry.find(port)
    if running is None:
        raise CommandError(REFUSED, f"look at the display of the board at {port} itself.")
    picture = running.screen()
    if png:
        png.write_bytes(picture.png())
    else:
        click.echo(picture.text())
