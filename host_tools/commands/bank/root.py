"""`opg bank root`: the key above the bank's, which signs them and is kept apart from the bank."""

import json
import time
from pathlib import Path
from typing import Any

import click

from bank import authority, keys, limits
from firmware.common.interchange import jsontext, jwk
from host_tools.commands.bank.shared import (
    as_command_errors,
    json_option,
    load_settings,
    print_result,
)

directory_option = click.option(
    "--root-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the root's key is. [default: ROOT_KEY_DIR, else ~/.opg/root]",
)


@click.group()
def root() -> None:
    """The root key, to which every board is bound.

    It is needed only to sign the bank's keys. Keep its directory on a medium that is not in the
    computer that runs the bank: whoever has it can make himself the bank of every board.
    """


@root.command()
@directory_option
@json_option
def init(root_dir: Path | None, as_json: bool) -> None:
    """Make the root's key; one that is there stays."""
    with as_command_errors():
        public = authority.make_root(_directory(root_dir))
    _print_root(public, as_json)


@root.command()
@directory_option
@json_option
def show(root_dir: Path | None, as_json: bool) -> None:
    """Show the root's public key, which boards are bound to."""
    with as_command_errors():
        public = authority.root_public(_directory(root_dir))
    _print_root(public, as_json)


@root.command("sign-bkey")
@directory_option
@click.option(
    "--days",
    default=limits.BKEY_DAYS_MAX,
    show_default=True,
    type=click.IntRange(1, limits.BKEY_DAYS_MAX),
)
@click.option(
    "--public-keys",
    type=click.File("rb"),
    help="A saved answer of GET /bank-public-key, where the bank is another computer.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write bkey.json here, to be carried to BANK_KEY_DIR, instead of there itself.",
)
@json_option
def sign_bkey(
    root_dir: Path | None, days: int, public_keys: Any, out: Path | None, as_json: bool
) -> None:
    """Sign the bank's keys. The bank takes the new BKEY when it starts."""
    settings = load_settings()
    with as_command_errors():
        if public_keys is not None:
            found = jsontext.members(public_keys.read(limits.OPERATOR_BODY_BYTES_MAX + 1))
            names = ("signing_key", "public_key")
            signing, ecdh = (jwk.member_key(found, name) for name in names)
            bank_keys = None
        else:
            bank_keys = keys.load(settings.key_dir)
            signing, ecdh = bank_keys.signing_public, bank_keys.ecdh_public
        directory = _directory(root_dir)
        text = authority.sign_bank_key(directory, signing, ecdh, int(time.time()), days)
        if out is None:
            bank_keys = bank_keys or keys.load(settings.key_dir)
            authority.install(settings.key_dir, bank_keys, text)
        else:
            out.write_text(text)
    target = out or settings.key_dir / "bkey.json"
    members = {"bkey": json.loads(text)["bkey"], "file": str(target), "days": days}
    print_result(as_json, members, f"Signed for {days} days: {target}")


def _directory(given: Path | None) -> Path:
    return given or load_settings().root_dir


def _print_root(public: bytes, as_json: bool) -> None:
    realm = authority.realm(public).hex()
    members = {"root_public_key": public.hex(), "realm": realm}
    print_result(as_json, members, f"root {public.hex()}\nrealm {realm}")
