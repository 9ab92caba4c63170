"""opg flash, verify and doctor: a board's firmware put there, compared, looked over."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from host_tools import flash as flasher
from host_tools.doctor import Health, examine
from host_tools.emulator.registry import resolve
from host_tools.errors import REFUSED, CommandError
from host_tools.firmware_build import CRYPTO, FAST
from host_tools.firmware_files import ROLES

_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_port = click.argument("port")


@click.command()
@_port
@click.option("--role", type=click.Choice(ROLES), required=True, help="Who holds this board.")
@click.option(
    "--crypto",
    type=click.Choice(CRYPTO),
    default=FAST,
    show_default=True,
    help="compact: where a board finds no room for the fast one.",
)
@click.option("--no-start", is_flag=True, help="Leave the board at its prompt.")
@_as_json
def flash(port: str, role: str, crypto: str, no_start: bool, as_json: bool) -> None:
    """Put a role's firmware on the board at PORT (a device, or a virtual board's name).

    Compiled for the board, unchanged files skipped, every file read back. Keys and ledger stay.
    """
    with _progress(quiet=as_json) as on_progress:
        start = not no_start
        done = flasher.flash(resolve(port), role, on_progress, start=start, crypto=crypto)
    if as_json:
        _print_json(_flashed(port, role, done, started=not no_start))
        return
    click.echo(
        f"{port} is a {role}: {len(done.copied)} files copied ({done.copied_bytes:,} bytes), "
        f"{len(done.unchanged)} unchanged, {len(done.removed)} removed, all verified; "
        f"{done.target.arch}, {done.seconds:.1f} s."
    )


@click.command()
@_port
@_as_json
def verify(port: str, as_json: bool) -> None:
    """Read the firmware of the board at PORT back and compare it with this source tree."""
    compared = flasher.verify(resolve(port))
    if as_json:
        found = {"firmware": compared.firmware_hash, **_lists(compared)}
        _print_json({"port": port, "equal": compared.equal, **found})
    else:
        for what, paths in _lists(compared).items():
            for path in paths if isinstance(paths, list) else ():
                click.echo(f"{what:8} {path}")
    if not compared.equal:
        raise CommandError(
            REFUSED,
            f"{port} differs from this source tree. Mend it: opg flash {port} "
            f"--role {compared.role}",
        )
    if not as_json:
        click.echo(f"{port} holds this {compared.role} exactly: {len(compared.same)} files.")
        click.echo(f"Its firmware: {compared.firmware_hash}")


@click.command()
@_port
@_as_json
def doctor(port: str, as_json: bool) -> None:
    """Look the board at PORT over and say what to do where something is off."""
    health = examine(resolve(port))
    report = _report(health)
    if as_json:
        _print_json({"port": port, **report, "advice": health.advice})
    else:
        for name, value in report.items():
            shown = f"{value:,}" if isinstance(value, int) else value or "none"
            click.echo(f"{name.replace('_', ' '):17} {shown}")
        for sentence in health.advice:
            click.echo(f"- {sentence}")
    if health.advice:
        raise CommandError(REFUSED, f"{port} needs attention, see above.")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[flasher.Progress]:
    """A bar on a terminal, a line a file elsewhere, nothing where JSON is wanted."""
    console = Console()
    if quiet:
        yield lambda _path, _done, _total: None
    elif not console.is_terminal:
        yield _line_a_file()
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        with Bar(*columns, DownloadColumn(), console=console, transient=True) as bar:
            task = bar.add_task("looking", total=None)
            yield lambda path, done, total: bar.update(
                task, description=path, completed=done, total=total
            )


def _line_a_file() -> flasher.Progress:
    shown = ""

    def on_progress(path: str, _done: int, _total: int) -> None:
        nonlocal shown
        if path != shown:
            click.echo(f"copy {path}")
            shown = path

    return on_progress


def _flashed(port: str, role: str, done: flasher.Flashed, *, started: bool) -> dict[str, Any]:
    return {
        "port": port,
        "role": role,
        "micropython": done.identity.sys_version,
        "arch": done.target.arch,
        "copied": done.copied,
        "unchanged": len(done.unchanged),
        "removed": done.removed,
        "bytes": done.copied_bytes,
        "seconds": round(done.seconds, 3),
        "started": started,
    }


def _lists(compared: flasher.Compared) -> dict[str, Any]:
    return {
        "role": compared.role,
        "missing": compared.missing,
        "changed": compared.changed,
        "extra": compared.extra,
    }


def _report(health: Health) -> dict[str, Any]:
    major, minor = health.target.mpy_version
    return {
        "micropython": health.identity.sys_version,
        "machine": health.identity.machine,
        "architecture": health.target.arch,
        "mpy_version": f"{major}.{minor}",
        "heap_free_bytes": health.identity.heap_free,
        "heap_total_bytes": health.identity.heap_total,
        "disk_free_bytes": health.identity.disk_free,
        "disk_total_bytes": health.identity.disk_total,
        "role": health.role,
        "firmware": health.version,
    }


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value))
