"""What an attacker has afterwards: all that was on the air, all that is in flash, all keys."""

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.common.storage import appending, event_log, files, news_exchange
from firmware.common.wire import messages
from firmware.common.wire.session import Ephemeral, Session
from firmware.receiver import seen
from tests import opg1_builder as builder
from tests.threats import boards
from tests.threats.boards import NOT_CONFIRMED, PAID, Relay, ask, pair, tap, wire
from tests.unit import world
from tests.unit.forms import BANK, BANK_ECDH


def key_of(private: bytes) -> builder.Key:
    key = builder.Key("")
    key.private = private
    key.key = ec.derive_private_key(int.from_bytes(private), ec.SECP256R1())
    return key


def sealed_messages(relay: Relay) -> list[tuple[int, int, bytes]]:
    """(way, sequence, sealed) of all that was said after the HELLOs."""
    counts, found = [0, 0], []
    for way, message in relay.seen:
        plain = 1 if way == 0 else 2  # HELLO; commitment and HELLO
        if counts[way] >= plain:
            found.append((way, counts[way] - plain, message))
        counts[way] += 1
    return found


def readable(relay: Relay, private: bytes) -> list[bytes]:
    """What somebody who holds this private key reads of a recorded tap."""
    hellos = relay.seen[1][1], relay.seen[2][1]
    opened = []
    for peer in (hellos[0][2:66], hellos[1][2:66]):
        keys = builder.session_keys(key_of(private), peer, *hellos, world.REALM)
        for way, seq, message in sealed_messages(relay):
            try:
                opened.append(builder.session_open(keys[way], seq, way, message))
            except InvalidTag:
                continue
    return opened


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_everything_recorded_on_the_air_plus_all_long_term_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing opens; with the key of that one connection, which nobody kept, all of it would."""
    kept: list[bytes] = []
    make = Ephemeral.session

    def watched(self: Ephemeral, *arguments: Any) -> Session:
        kept.append(bytes(self._private))
        return make(self, *arguments)

    monkeypatch.setattr(Ephemeral, "session", watched)
    anna, bert = pair(tmp_path)
    relay = Relay(anna, bert, lambda way, number, message: [message])
    ask(bert, 4_50)
    assert tap(anna, bert, relay.run()) == PAID
    assert [len(message) for _, message in relay.seen[1:3]] == [messages.HELLO.size] * 2
    said = sealed_messages(relay)
    assert len(kept) == 2 and len(said) >= 8
    for private in kept:  # this test would notice
        assert len(readable(relay, private)) == len(said)
    long_term = {BANK.private, BANK_ECDH.private, world.ROOT.private}
    for app in (anna, bert):
        keys = app.device.store.keys
        long_term |= {keys.signing, keys.ecdh}
    long_term |= {purse.private for purse in anna.wallet.purses}
    assert len(long_term) == 8
    for private in long_term:
        assert readable(relay, private) == []
    known = contents(tmp_path)
    assert anna.device.store.keys.signing in known
    assert not [private for private in kept if private in known]


def recorded(monkeypatch: pytest.MonkeyPatch) -> bytearray:
    """All that the firmware writes to files from now on, also what is overwritten later."""
    written = bytearray()

    class Recorder:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __enter__(self) -> "Recorder":
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def write(self, data: bytes | str) -> int:
            written.extend(data.encode() if isinstance(data, str) else data)
            return self._file.write(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    def watched(path: str, mode: str = "r") -> Any:
        file = open(path, mode)  # noqa: SIM115 - the firmware closes it
        return file if mode in ("r", "rb") else Recorder(file)

    for module in (appending, event_log, files, news_exchange, seen):
        monkeypatch.setattr(module, "open", watched, raising=False)
    return written


def test_no_eS_eR_or_session_key_in_any_flash_image_ever(  # noqa: N802
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every byte that either board ever wrote, over taps that end well, badly, and restarts."""
    secrets: set[bytes] = set()
    written = recorded(monkeypatch)
    make_key, make_session = Ephemeral.__init__, Session.__init__

    def ephemeral(self: Ephemeral, *arguments: Any) -> None:
        make_key(self, *arguments)
        secrets.add(bytes(self._private))

    def session(self: Session, *arguments: Any) -> None:
        make_session(self, *arguments)
        secrets.update([arguments[2], *map(bytes, self._keys), self.code])

    monkeypatch.setattr(Ephemeral, "__init__", ephemeral)
    monkeypatch.setattr(Session, "__init__", session)
    anna, bert = pair(tmp_path)
    outcomes = []
    for number in range(4):
        ask(bert, 1_00)
        cut = number % 2  # the till's ACK does not arrive
        relay = Relay(anna, bert, lambda w, n, m, cut=cut: [] if cut and (w, n) == (1, 5) else [m])
        outcomes.append(tap(anna, bert, relay.run()))
        anna, bert = boards.restarted(anna), boards.restarted(bert)
        wire(anna, bert)
    assert outcomes[:2] == [PAID, NOT_CONFIRMED]
    image = bytes(written) + contents(tmp_path)
    assert len(written) > 4_000 and anna.device.store.keys.signing in image
    assert len(secrets) >= 20
    for secret in secrets:
        for spelling in (secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")[:-1]):
            assert spelling not in image
