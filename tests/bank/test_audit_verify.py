"""`opg bank audit verify`: the log is proven, and whoever alters it is found out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import authority, keys, limits
from bank.config import Settings
from firmware.common.wire import messages
from firmware.common.wire.signed import sign
from host_tools.commands.bank import bank as opg_bank
from tests.bank.conftest import EMPTY_BOOKS
from tests.bank.opg1_teller import Opg1Teller, unbundle
from tests.bank.till import BEACON, BKEY, bundle
from tests.opg1_builder import Key, body, sha256

Verify = Callable[..., Result]
HEAD = slice(64, 96)  # of a BEACON

# The whole log by hand, by the rule in schema.sql: the hash over the hashes of all rows, by time.
ROW_HASHES = """
    SELECT sha256(convert_to(jsonb_build_array(account_id, audit_id, extract(epoch FROM at), actor,
        action, subject, reason, detail)::text, 'UTF8')) FROM audit_logs ORDER BY at, audit_id
    """


@pytest.fixture
def verify(settings: Settings) -> Verify:
    environment = {**settings.environment(), "OPG_HOME": str(settings.key_dir.parent)}
    command = ["audit", "verify"]
    return lambda *arguments: CliRunner().invoke(opg_bank, [*command, *arguments], env=environment)


@pytest.fixture
def log(opg1: Opg1Teller, owner: Cursor) -> Iterator[list[bytes]]:
    """A log of three checkpoints; the beacons that vouch for them, as boards hold them."""
    beacons = [beacon(opg1)]
    for n in range(3):
        opg1.operate("accounts", account_id=f"a{n}", name="a")
        opg1.operate("fund", account_id=f"a{n}", amount=1)
        owner.execute(
            "UPDATE audit_logs SET at = at - interval '1 hour' WHERE at > now() - %s"
            " * interval '1 s'",
            (limits.AUDIT_LAG_S,),
        )
        opg1.now += limits.BEACON_AGE_S
        beacons.append(beacon(opg1))
    yield beacons
    owner.execute(EMPTY_BOOKS)


def beacon(opg1: Opg1Teller) -> bytes:
    return dict(unbundle(opg1.client.get("/news").get_data()))[BEACON]


def told(done: Result, code: int = 0) -> dict[str, Any]:
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_a_sound_log_is_proven(opg1: Opg1Teller, log: list[bytes], verify: Verify) -> None:
    opg1.operate("accounts", account_id="late", name="late")
    found = told(verify("--json"))
    until = found.pop("until")
    assert found == {
        "intact": True,
        "checkpoints": 3,
        "rows": 6,
        "newer": 1,
        "head": log[-1][HEAD].hex(),
        "beacons": 4,
        "signed": 4,
        "witness": 0,
        "broken": [],
    }
    done = verify()
    assert f"6 rows in 3 checkpoints, up to {until}" in done.output
    assert f"hash of the log: {log[-1][HEAD].hex()}" in done.output


def test_the_hash_is_what_the_rule_says(log: list[bytes], owner: Cursor, verify: Verify) -> None:
    """Made here from the rows alone, two to a checkpoint."""
    owner.execute(ROW_HASHES)
    hashes = [bytes(row) for (row,) in owner.fetchall()]
    head = bytes(32)
    for i in range(0, 6, 2):
        head = sha256(head + hashes[i] + hashes[i + 1])
    assert told(verify("--json"))["head"] == head.hex()


def test_an_empty_log_is_sound(opg1: Opg1Teller, verify: Verify) -> None:
    found = told(verify("--json"))
    assert (found["intact"], found["checkpoints"], found["rows"]) == (True, 0, 0)
    assert found["head"] == bytes(32).hex()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit_logs SET subject = 'x' WHERE account_id = 'a1'", "checkpoint 2: one of"),
        ("UPDATE audit_logs SET at = at + interval '1 us' WHERE account_id = 'a0'", "checkpoint 1"),
        ("UPDATE audit_logs SET detail = '{}' WHERE account_id = 'a2'", "checkpoint 3: one of"),
        ("DELETE FROM audit_logs WHERE account_id = 'a0'", "checkpoint 1: 0 rows where 2 were"),
        (
            "INSERT INTO audit_logs SELECT account_id, gen_random_uuid(), at, actor, action,"
            " subject, reason, detail FROM audit_logs WHERE account_id = 'a1'",
            "checkpoint 2: 4 rows where 2 were",
        ),
        ("DELETE FROM audit_checkpoints WHERE seq = 2", "checkpoint 3"),
        ("DELETE FROM audit_checkpoints WHERE seq = 3", "beacon 4: its hash is none of the log's"),
        ("UPDATE audit_checkpoints SET head = sha256('x') WHERE seq = 2", "checkpoint 2: one of"),
        (
            "UPDATE beacons SET signed = overlay(signed PLACING '\\x00' FROM 6) WHERE seq = 2",
            "beacon 2: the bank did not sign it",
        ),
    ],
)
def test_whoever_alters_it_is_found_out(
    log: list[bytes], owner: Cursor, verify: Verify, statement: str, words: str
) -> None:
    owner.execute(statement)
    found = told(verify("--json"), 3)
    assert found["intact"] is False
    assert any(words in text for text in found["broken"]), found["broken"]
    done = verify()
    assert (done.exit_code, f"broken  {found['broken'][0]}" in done.output) == (3, True)


def test_a_key_that_was_signed_anew_vouches_for_what_it_signed_before(
    opg1: Opg1Teller, log: list[bytes], owner: Cursor, settings: Settings, verify: Verify
) -> None:
    path, bank = settings.key_dir / "bkey.json", keys.load(settings.key_dir)
    kept = path.read_text()
    text = authority.sign_bank_key(
        settings.root_dir, bank.signing_public, bank.ecdh_public, opg1.now + 1, 30
    )
    authority.install(settings.key_dir, bank, text)
    try:
        assert told(verify("--json"))["signed"] == len(log)
        owner.execute(
            "UPDATE beacons SET signed = overlay(signed PLACING '\\x00' FROM 6) WHERE seq = 2"
        )
        assert told(verify("--json"), 3)["broken"] == ["beacon 2: the bank did not sign it"]
    finally:
        path.write_text(kept)


def rewritten(owner: Cursor) -> list[bytes]:
    """A row is altered and the checkpoints made again to fit; the heads of them all."""
    owner.execute("UPDATE audit_logs SET subject = 'x' WHERE account_id = 'a1'")
    owner.execute(ROW_HASHES)
    hashes = [bytes(row) for (row,) in owner.fetchall()]
    heads = [bytes(32)]
    for i in range(0, 6, 2):
        heads.append(sha256(heads[-1] + hashes[i] + hashes[i + 1]))
        values = (heads[-1], len(heads) - 1)
        owner.execute("UPDATE audit_checkpoints SET head = %s WHERE seq = %s", values)
    return heads


def test_whoever_makes_the_checkpoints_again_is_found_out_by_the_beacons(
    log: list[bytes], owner: Cursor, verify: Verify
) -> None:
    """All but the bank's key is the thief's: he writes the chain anew, also into the beacons."""
    heads = rewritten(owner)
    found = told(verify("--json"), 3)
    assert found["broken"] == [
        "beacon 3: its hash is none of the log's from there on",
        "beacon 4: its hash is none of the log's from there on",
    ]
    for seq, head in enumerate(heads, 1):
        owner.execute(
            "UPDATE beacons SET signed = overlay(signed PLACING %s FROM 65) WHERE seq = %s",
            (head, seq),
        )
    found = told(verify("--json"), 3)
    assert found["broken"] == [f"beacon {n}: the bank did not sign it" for n in (4, 3)]


def test_a_hash_that_a_board_has_kept_must_be_there(log: list[bytes], verify: Verify) -> None:
    for kept in log:
        assert told(verify("--json", "--head", kept[HEAD].hex()))["intact"] is True
    other = bytes([7]) * 32
    found = told(verify("--json", "--head", other.hex()), 3)
    assert found["broken"] == [f"no checkpoint has the hash {other.hex()}"]
    assert verify("--head", "xyz").exit_code == 3
    assert "[reason 1]" in verify("--head", "xyz").output


# -- a board as witness ----------------------------------------------------------------------------


@pytest.fixture
def kept(opg1: Opg1Teller, log: list[bytes], tmp_path: Path) -> Callable[..., str]:
    """A file of what a board tells: the bank's key, and the newest beacon that it heard."""
    bkey = dict(unbundle(opg1.client.get("/news").get_data()))[BKEY]

    def write(beacon: bytes, *bkeys: bytes) -> str:
        path = tmp_path / "witness"
        path.write_bytes(bundle(*[(BKEY, key) for key in (*bkeys, bkey)], (BEACON, beacon)))
        return str(path)

    return write


def test_what_a_board_has_kept_bears_the_log_out(
    log: list[bytes], verify: Verify, kept: Callable[..., str]
) -> None:
    for number, heard in enumerate(log, 1):
        found = told(verify("--json", "--witness", kept(heard)))
        assert (found["intact"], found["witness"], found["broken"]) == (True, number, [])
    assert "the witness holds beacon 4\n" in verify("--witness", kept(log[3])).output


def test_whoever_has_the_banks_key_too_is_found_out_by_a_board(
    opg1: Opg1Teller, log: list[bytes], owner: Cursor, verify: Verify, kept: Callable[..., str]
) -> None:
    """The thief writes rows, checkpoints and beacons anew, and signs them as the bank does."""
    heads = rewritten(owner)
    for seq, (old, head) in enumerate(zip(log, heads, strict=True), 1):
        owner.execute(
            "UPDATE beacons SET signed = %s WHERE seq = %s", (again(opg1, old, head), seq)
        )
    assert told(verify("--json"))["intact"] is True
    assert told(verify("--json", "--witness", kept(log[1])))["intact"] is True  # before row a1
    for number in (3, 4):
        found = told(verify("--json", "--witness", kept(log[number - 1])), 3)
        name = f"the witness's beacon {number}"
        assert found["broken"] == [
            f"{name}: the bank keeps another one, or none, of that number",
            f"{name}: its hash is none of the log's at that place",
        ]
    done = verify("--witness", kept(log[3]))
    assert (done.exit_code, f"broken  {found['broken'][1]}\n" in done.output) == (3, True)


def test_a_hash_at_another_place_is_no_proof(
    opg1: Opg1Teller, log: list[bytes], owner: Cursor, verify: Verify, kept: Callable[..., str]
) -> None:
    """A board was told the hash of a much earlier or later log under the number of this beacon."""
    for number, other in ((3, 1), (2, 4)):
        heard = again(opg1, log[number - 1], log[other - 1][HEAD])
        owner.execute("UPDATE beacons SET signed = %s WHERE seq = %s", (heard, number))
        found = told(verify("--json", "--witness", kept(heard)), 3)
        assert found["broken"][-1] == (
            f"the witness's beacon {number}: its hash is none of the log's at that place"
        )
        owner.execute("UPDATE beacons SET signed = %s WHERE seq = %s", (log[number - 1], number))


def test_a_beacon_that_was_taken_away(
    log: list[bytes], owner: Cursor, verify: Verify, kept: Callable[..., str]
) -> None:
    owner.execute("DELETE FROM beacons WHERE seq = 4")
    assert told(verify("--json"))["intact"] is True
    found = told(verify("--json", "--witness", kept(log[3])), 3)
    assert found["broken"] == [
        "the witness's beacon 4: the bank keeps another one, or none, of that number"
    ]


def test_a_witness_that_the_bank_did_not_sign(
    opg1: Opg1Teller, log: list[bytes], verify: Verify, kept: Callable[..., str], tmp_path: Path
) -> None:
    not_signed = ["the witness's beacon 3: the bank did not sign it"]
    forged = log[2][:70] + bytes([log[2][70] ^ 1]) + log[2][71:]
    assert told(verify("--json", "--witness", kept(forged)), 3)["broken"] == not_signed
    stranger, realm8 = Key("stranger"), sha256(opg1.root)[:8]
    keys: dict[str, Any] = {"pub": stranger.public, "ecdh": Key("other").public}
    its_body = body("BKEY", kind=1, issued=1, not_after=2**31, **keys)
    bkey = Key("another root").sign(realm8, "BKEY", its_body)
    other = stranger.sign(realm8, "BEACON", log[2][:96])
    assert told(verify("--json", "--witness", kept(other, bkey)), 3)["broken"] == not_signed
    junk = tmp_path / "junk"
    for data in (b"", b"junk", bundle((BKEY, bkey))):
        junk.write_bytes(data)
        done = verify("--witness", str(junk))
        assert (done.exit_code, "[reason 1]" in done.output) == (3, True)


def again(opg1: Opg1Teller, beacon: bytes, head: bytes) -> bytes:
    """The bank's own signature on a BEACON with another hash of the log."""
    office: Any = opg1.bank.office
    private = office.keys.signing_private
    return sign(office.realm8, messages.BEACON, beacon[:64] + head, private)
