"""Frames: found again after any noise, damage noticed, and Ctrl-C on the wire is always Ctrl-C."""

import sys

from firmware.common.wire import framing
from firmware.common.wire.framing import Splitter, crc16, decode, encode
from firmware.common.wire.limits import FRAME_PAYLOAD_BYTES_MAX
from tests.unit.forms import flipped
from tests.unit.helpers import Seeded

FRAME_BYTES_MAX = 2 * (6 + FRAME_PAYLOAD_BYTES_MAX + 2) + 2


def test_the_checksum_is_the_published_one():
    # The catalogue of parametrised CRC algorithms: CRC-16/IBM-3740, check value 0x29B1.
    assert crc16(b"123456789") == 0x29B1
    assert crc16(b"") == 0xFFFF


def test_the_checksum_agrees_with_pythons_own():
    if sys.implementation.name == "micropython":
        assert crc16(b"A") == 0xB915  # binascii.crc_hqx(b"A", 0xFFFF), which it has not
        return
    from binascii import crc_hqx

    seeded = Seeded("crc")
    for _ in range(100):
        data = seeded.data(seeded.below(300))
        assert crc16(data) == crc_hqx(data, 0xFFFF)


def test_a_frame_is_the_documented_bytes():
    # kind 4, connection 0x7e03, sequence 1, length 2, payload 7d 00; CRC by binascii.crc_hqx.
    assert crc16(b"\x04\x7e\x03\x01\x00\x02\x7d\x00") == 0xFC6E
    expected = b"\x7e\x04\x7d\x5e\x7d\x23\x01\x7d\x20\x02\x7d\x5d\x7d\x20\xfc\x6e\x7e"
    assert encode(4, 0x7E03, 1, b"\x7d\x00") == expected
    assert decode(expected[1:-1]) == (4, 0x7E03, 1, b"\x7d\x00")


def test_every_payload_comes_back_and_never_breaks_into_a_repl():
    seeded = Seeded("payloads")
    payloads = [b"", bytes(range(240)), bytes(240), b"\x03" * 240, b"\x7e" * 240, b"\x7d" * 240]
    payloads += [bytes(range(16, 256)), b"\x7d\x5d\x7d\x5e", b"\x00\x03\x7d\x7e" * 60]
    payloads += [seeded.data(seeded.below(FRAME_PAYLOAD_BYTES_MAX + 1)) for _ in range(60)]
    for payload in payloads:
        connection, sequence = seeded.below(0x10000), seeded.below(256)
        frame = encode(4, connection, sequence, payload)
        assert b"\x00" not in frame and b"\x03" not in frame
        assert frame[:1] == frame[-1:] == b"\x7e" and b"\x7e" not in frame[1:-1]
        assert len(frame) <= FRAME_BYTES_MAX
        assert decode(frame[1:-1]) == (4, connection, sequence, payload)


def test_every_header_keeps_the_two_bytes_off_the_wire():
    for number in (0, 3, 0x7D, 0x7E, 0x0003, 0x0300, 0x7E7D, 0xFFFF):
        frame = encode(number & 0xFF, number, number & 0xFF, b"x" * (number & 0xF))
        assert b"\x00" not in frame and b"\x03" not in frame


def test_every_flipped_bit_is_noticed():
    frame = encode(4, 0x1234, 9, bytes(range(60)))
    good = decode(frame[1:-1])
    for position in range(1, len(frame) - 1):
        for bit in range(8):
            assert decode(flipped(frame, position, bit)[1:-1]) != good


def test_frames_are_found_between_noise_however_the_bytes_arrive():
    seeded = Seeded("noise")
    frames, stream = [], b""
    for sequence in range(40):
        payload = seeded.data(seeded.below(FRAME_PAYLOAD_BYTES_MAX + 1))
        frames.append((4, 77, sequence, payload))
        noise = seeded.data(seeded.below(30)).replace(b"\x7e", b"")
        stream += noise + encode(4, 77, sequence, payload)
    for step in (1, 7, 100, len(stream)):
        assert found(stream, step) == frames


def test_noise_full_of_flags_costs_at_most_the_frame_it_hit():
    stream = encode(4, 1, 1, b"one") + b"\x7e\x7eab\x7e" + encode(4, 1, 2, b"two")
    assert found(stream, 1) == [(4, 1, 1, b"one"), (4, 1, 2, b"two")]
    cut = encode(4, 1, 1, b"one")[:-3] + encode(4, 1, 2, b"two") + encode(4, 1, 3, b"three")
    assert found(cut, 5)[-2:] == [(4, 1, 2, b"two"), (4, 1, 3, b"three")]
    shared = encode(4, 1, 1, b"one")[:-1] + encode(4, 1, 2, b"two")  # one flag between both
    assert found(shared, 3) == [(4, 1, 1, b"one"), (4, 1, 2, b"two")]


def test_noise_without_end_takes_no_memory():
    splitter = Splitter()
    for _ in range(200):
        assert splitter.split(b"x" * 500) == []
        assert len(splitter._rest) <= FRAME_BYTES_MAX
    assert splitter.split(b"\x7e") == []  # too long for a frame
    frame = encode(4, 1, 1, b"after it")
    assert [decode(piece) for piece in splitter.split(frame)] == [(4, 1, 1, b"after it")]


def test_what_is_no_frame_is_refused():
    body = b"\x04\x00\x01\x05"
    for stuffed in (b"", b"\x7d", b"x", b"\xff" * 7, body, b"\x7d\x7d" * 8, b"abc\x7d"):
        assert decode(stuffed) is None


def test_a_frame_whose_length_is_not_its_own_is_refused():
    for length, payload in ((0, b"x"), (2, b"x"), (65_535, b"x"), (241, b"y" * 241)):
        body = bytes((4, 1, 1, 1, length >> 8, length & 0xFF)) + payload
        body += crc16(body).to_bytes(2, "big")
        for byte in (0x7D, 0x7E, 0x00, 0x03):
            body = body.replace(bytes((byte,)), bytes((0x7D, byte ^ 0x20)))
        assert decode(body) is None


def test_random_bytes_are_no_frames():
    seeded = Seeded("random frames")
    splitter = Splitter()
    for _ in range(60):
        for piece in splitter.split(seeded.data(100)):
            assert decode(piece) is None


def found(stream: bytes, step: int) -> list:
    splitter, frames = Splitter(), []
    for start in range(0, len(stream), step):
        for piece in splitter.split(stream[start : start + step]):
            frame = framing.decode(piece)
            if frame:
                frames.append(frame)
    return frames
