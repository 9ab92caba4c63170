"""The root key: apart from the bank, needed only to sign the bank's keys."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bank import authority, config, keys
from bank.config import Settings
from bank.secretfile import SecretFileError
from host_tools.commands.bank import bank as opg_bank
from tests import opg1_builder as builder


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Settings:
    """A bank whose keys no root has signed."""
    return replace(settings, key_dir=tmp_path / "bank", root_dir=tmp_path / "usb")


def opg(home: Settings, *arguments: str) -> Result:
    environment = {**home.environment(), "OPG_HOME": str(home.key_dir.parent)}
    return CliRunner().invoke(opg_bank, arguments, env=environment)


def members(done: Result) -> Any:
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_a_root_signs_the_banks_keys(home: Settings) -> None:
    shown = members(opg(home, "root", "init", "--json"))
    assert members(opg(home, "root", "init", "--json")) == shown
    assert members(opg(home, "root", "show", "--json")) == shown
    root = bytes.fromhex(shown["root_public_key"])
    assert shown["realm"] == builder.sha256(root)[:8].hex()
    signed = members(opg(home, "root", "sign-bkey", "--days", "30", "--json"))
    bank = keys.load(home.key_dir)
    body = builder.check_signature(
        root, bytes.fromhex(shown["realm"]), "BKEY", bytes.fromhex(signed["bkey"])
    )
    assert body[2:130] == bank.signing_public + bank.ecdh_public
    issued, not_after = int.from_bytes(body[130:134]), int.from_bytes(body[134:138])
    assert not_after - issued == 30 * 86_400
    found = authority.load(home.key_dir, bank)
    assert found is not None and found.root_public == root


def test_the_root_is_its_owners_alone_and_the_bank_does_not_hold_it(home: Settings) -> None:
    opg(home, "root", "init")
    opg(home, "root", "sign-bkey")
    root = home.root_dir / "root.json"
    private = json.loads(root.read_text())["root"]
    assert stat.S_IMODE(root.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.root_dir.stat().st_mode) == 0o700
    for path in home.key_dir.iterdir():
        assert private not in path.read_text()
    root.unlink()
    assert authority.load(home.key_dir, keys.load(home.key_dir)) is not None


def test_a_bank_on_another_computer(home: Settings, tmp_path: Path) -> None:
    """The root's computer sees only public keys, and sends back a file."""
    bank = keys.load(tmp_path / "far")
    point = {"signing_key": bank.signing_public, "public_key": bank.ecdh_public}
    from firmware.common.interchange.jwk import jwk_from_public

    saved, out = tmp_path / "answer.json", tmp_path / "bkey.json"
    saved.write_text(json.dumps({n: json.loads(jwk_from_public(k)) for n, k in point.items()}))
    opg(home, "root", "init")
    done = opg(home, "root", "sign-bkey", "--public-keys", str(saved), "--out", str(out))
    assert done.exit_code == 0, done.output
    authority.install(tmp_path / "far", bank, out.read_text())
    assert authority.load(tmp_path / "far", bank) is not None
    with pytest.raises(SecretFileError, match="other keys"):
        authority.install(home.key_dir, keys.load(home.key_dir), out.read_text())


def test_without_a_root_nothing_is_signed(home: Settings) -> None:
    for command in ("show", "sign-bkey"):
        done = opg(home, "root", command)
        assert (done.exit_code, "root init" in done.output) == (2, True)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"root": "00", "bkey": "zz"}', "\x00"])
def test_a_broken_file_is_named_and_no_traceback(home: Settings, text: str) -> None:
    keys.load(home.key_dir)
    (home.key_dir / "bkey.json").write_text(text)
    with pytest.raises(SecretFileError, match="BKEY"):
        authority.load(home.key_dir, keys.load(home.key_dir))
    opg(home, "root", "init")
    (home.root_dir / "root.json").write_text(text)
    done = opg(home, "root", "show")
    assert (done.exit_code, "root.json" in done.output) == (2, True)


def test_a_bank_at_home_makes_its_own(home: Settings) -> None:
    authority.ensure_at_home(home)  # it has a DATABASE_URL: somebody runs it who does so himself
    assert authority.load(home.key_dir, keys.load(home.key_dir)) is None
    authority.ensure_at_home(replace(home, database_url=None))
    first = authority.load(home.key_dir, keys.load(home.key_dir))
    authority.ensure_at_home(replace(home, database_url=None))
    assert authority.load(home.key_dir, keys.load(home.key_dir)) == first
    assert (home.root_dir / "root.json").exists()


def test_where_the_root_is() -> None:
    assert config.load({"OPG_HOME": "/x"}).root_dir == Path("/x/root")
    assert config.load({"OPG_HOME": "/x", "ROOT_KEY_DIR": "/usb"}).root_dir == Path("/usb")
