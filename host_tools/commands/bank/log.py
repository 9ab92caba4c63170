"""`opg bank audit`: proves the log of decisions."""

from pathlib import Path

import click

from bank import audit_chain, authority, keys
from bank.authority import Authority
from host_tools import bundle
from host_tools.commands.bank.shared import (
    as_command_errors,
    json_option,
    load_settings,
    print_result,
    run_work,
)
from host_tools.device import Device
from host_tools.errors import REFUSED, CommandError

_WITNESS_BYTES_MAX = 65_536


@click.group()
def audit() -> None:
    """The log of decisions as a whole; `logs` shows its rows."""


@audit.command()
@click.option(
    "--head",
    metavar="HEX",
    help="A hash of the log kept outside the bank, such as the one in a beacon that a board has.",
)
@click.option(
    "--witness",
    metavar="PORT|FILE",
    help="A board, or what `opg export PORT FILE --beacon` wrote of one: its newest beacon.",
)
@json_option
def verify(head: str | None, witness: str | None, as_json: bool) -> None:
    """Prove that no row of the log was altered, added or taken away since it was covered.

    Each checkpoint's hash is made again from its rows and the checkpoint before; every beacon that
    the bank signed must name one of those hashes. Whoever can write every table, but lacks the
    bank's key, is found out by the beacons; whoever has both by a witness: a beacon that a board
    has kept must be the bank's, and name the log's hash at its place.
    """
    with as_command_errors():
        kept = audit_chain.parse_head(head)
        told = audit_chain.parse_witness(_messages(witness)) if witness else None
    authority = _authority()
    found = run_work(lambda cursor: audit_chain.verify(cursor, authority, kept, told))
    lines = [
        f"{found.rows} rows in {found.checkpoints} checkpoints, up to {found.until or 'nothing'}",
        f"{found.newer} rows are newer than the last checkpoint: the next beacon covers them",
        f"{found.beacons} beacons name a hash of the log; the signatures of {found.signed} checked",
        f"hash of the log: {found.head}",
        *([f"the witness holds beacon {found.witness}"] if found.witness else []),
        *(f"broken  {text}" for text in found.broken),
    ]
    members = {"intact": not found.broken, **found._asdict()}
    print_result(as_json, members, "\n".join(lines))
    if found.broken:
        raise CommandError(REFUSED, "The log is not what the bank has vouched for.")


def _messages(witness: str) -> list[bundle.Message]:
    """What a board at a port tells, or has told into a file. Raises `Refused`, `CommandError`."""
    path = Path(witness)
    if path.is_file():
        with path.open("rb") as file:
            return bundle.split(file.read(_WITNESS_BYTES_MAX))
    with Device(witness) as board:
        return bundle.split(board.call("witness")[1])


def _authority() -> Authority | None:
    settings = load_settings()
    with as_command_errors():
        return authority.load(settings.key_dir, keys.load(settings.key_dir))
