"""`opg bench crypto`: what it prints, that it repeats, and the bounds that its figures keep."""

import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from host_tools.bench import counting, crypto
from host_tools.commands.bench import bench
from host_tools.commands.crypto_tables import estimate_ms

KEYS = ["sign_insns", "verify_insns", "agree_insns", "generate_key_insns"]
KEYS += ["gcm_1k_insns", "hkdf_insns"]

# Instructions on x86_64, through the door; see docs/performance.md. Two of the sealing's blocks of
# memory are looked for behind all that is loaded, so what else is loaded moves it by some percent.
GCM_1K_MAX = 120_000
HKDF_MAX = 85_000

# Heap bytes on x86_64, loading left out: what waits to be collected after each use.
GARBAGE_MAX = {"sign": 8 * 1024, "verify": 20 * 1024, "agree": 6 * 1024}


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="opg-bench-") as name:
        crypto._build(Path(name))
        yield Path(name)


@pytest.fixture
def guessed(monkeypatch):
    """Everything but counting itself: each operation takes 1,000 instructions a time."""
    monkeypatch.setattr(crypto, "check_valgrind", lambda: None)
    monkeypatch.setattr(crypto, "count", lambda *arguments: 50_000 + 1_000 * int(arguments[-1]))


def instructions(folder: Path, operation: str) -> int:
    return crypto._instructions(folder, "ours", operation, lambda line: None)


def test_json_is_one_object_with_peers(guessed):
    done = CliRunner().invoke(bench, ["crypto", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [found[key] for key in KEYS] == [1000, 1000, 1000, 1000, 0, 1000]
    assert {name: list(peer) for name, peer in found["peers"].items()} == {
        "big integers": KEYS,
        "embit": KEYS,
    }
    assert found["peers"]["big integers"]["hkdf_insns"] is None
    assert set(found["code"]) == {"xtensawin", "rv32imc", "armv7emsp", "x64"}
    too_much = {name for name, most in GARBAGE_MAX.items() if found["garbage"][name] > most}
    assert not too_much, found["garbage"]
    assert all(taken >= found["garbage"][name] > 0 for name, taken in found["heap"].items())


def test_people_read_tables(guessed):
    done = CliRunner().invoke(bench, ["crypto"])
    assert done.exit_code == 0, done.output
    for words in ("counted by callgrind", "estimated", "cycles an instruction", "pull request 873"):
        assert words in done.stdout


def test_an_estimate():
    assert estimate_ms(24_000_000, 240_000) == pytest.approx((100, 135, 200))


def test_no_valgrind_is_said(monkeypatch):
    monkeypatch.setattr(counting.shutil, "which", lambda name: None)
    done = CliRunner().invoke(bench, ["crypto"])
    assert done.exit_code == 4
    assert "make deps" in done.output


def test_counts_repeat_and_keep_their_bounds(folder, valgrind):
    hkdf = instructions(folder, "hkdf")
    assert hkdf == instructions(folder, "hkdf") <= HKDF_MAX
    assert instructions(folder, "seal") - instructions(folder, "ecb") <= GCM_1K_MAX


def test_counts_that_do_not_repeat_are_refused(folder, monkeypatch):
    numbers = iter(range(10))
    monkeypatch.setattr(counting, "count_once", lambda *given, **named: next(numbers))
    with pytest.raises(counting.CommandError, match="do not repeat"):
        counting.count(folder, "crypto_program")
