"""A board at a port, or a file that it was asked for, bears the bank's log out."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host_tools.cli import main
from tests.system.market import Market
from tests.system.office import Office
from tests.system.people import Room


def opg(office: Office, *arguments: str) -> Result:
    home = str(office.settings.key_dir.parent)
    environment = {**office.settings.environment(), "OPG_HOME": home}
    return CliRunner().invoke(main, list(arguments), env=environment)


@pytest.mark.parametrize("room", ["micropython"], indirect=True)
def test_a_board_is_a_witness(office: Office, room: Room, tmp_path: Path) -> None:
    market = Market(office, room, tmp_path, "100.00", 0)
    seq = market.payee.call("status")["beacon"]
    port, file = market.payee.board.repl_port, str(tmp_path / "beacon")
    market.payee.device.close()
    assert opg(office, "export", port, file, "--beacon").exit_code == 0
    for witness in (port, file):
        done = opg(office, "bank", "audit", "verify", "--json", "--witness", witness)
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        assert (found["intact"], found["witness"]) == (True, seq)
    data = bytearray(Path(file).read_bytes())
    data[-70] ^= 1  # of its audit_head
    Path(file).write_bytes(data)
    done = opg(office, "bank", "audit", "verify", "--witness", file)
    assert done.exit_code == 3
    assert f"broken  the witness's beacon {seq}: the bank did not sign it\n" in done.stdout
    done = opg(office, "bank", "audit", "verify", "--witness", "nobody")
    assert (done.exit_code, "no virtual board nobody is running" in done.stderr) == (4, True)
    market.payee.reconnect()
