"""The link: what a pipe loses, repeats, damages, delays or cuts comes once, in order, or not."""

from firmware.common.wire import framing, link
from firmware.common.wire.errors import BUSY, TOO_LARGE
from firmware.common.wire.limits import (
    LINK_RESEND_MS,
    LINK_RESEND_MS_MAX,
    LINK_RESENDS_MAX,
    MESSAGE_BYTES_MAX,
)
from firmware.common.wire.link import CLOSED, OPEN, OPENING, Link
from tests.unit.forms import flipped
from tests.unit.helpers import Seeded, refused

STEP_MS = 50


class Lossy:
    """A pipe in both directions; what may befall a write, in percent, comes from a seed."""

    def __init__(self, seed: str, faults: dict) -> None:
        self.seeded = Seeded(seed)
        self.faults = faults
        self.waiting: list = []  # (due, direction, bytes)
        self.is_cut = False

    def write(self, direction: int, data: bytes, now_ms: int) -> None:
        if self.is_cut or self._befalls("drop"):
            return
        if self._befalls("flip"):
            data = flipped(data, self.seeded.below(len(data)), self.seeded.below(8))
        if self._befalls("truncate"):
            data = data[: self.seeded.below(len(data))]
        late = self.seeded.below(400) if self._befalls("delay") else 0
        self.waiting.append((now_ms + late, direction, data))
        if self._befalls("repeat"):
            self.waiting.append((now_ms + self.seeded.below(200), direction, data))

    def read(self, direction: int, now_ms: int) -> bytes:
        """What has arrived, in pieces of any size."""
        ready = [item for item in self.waiting if item[1] == direction and item[0] <= now_ms]
        self.waiting = [item for item in self.waiting if item not in ready]
        return b"".join([item[2] for item in ready])

    def _befalls(self, fault: str) -> bool:
        return self.seeded.below(100) < self.faults.get(fault, 0)


class Pair:
    """Two ends and the clock between them; what `inbox` holds has arrived."""

    def __init__(self, pipe: Lossy) -> None:
        self.pipe = pipe
        self.ends = (Link(), Link())
        self.inbox: tuple = ([], [])
        self.now_ms = 0

    def connect(self, connection: int = 7) -> None:
        self.ends[0].connect(connection)

    def run(self, until, steps_max: int = 2_000) -> bool:
        """Steps until the condition holds; False when it does not in time."""
        for _ in range(steps_max):
            if until():
                return True
            self.step()
        return False

    def step(self) -> None:
        self.now_ms += STEP_MS
        for end in (0, 1):
            data = self.pipe.read(1 - end, self.now_ms)
            if data:
                self.ends[end].feed(data)
            message = self.ends[end].receive()
            if message is not None:
                self.inbox[end].append(message)
            out = self.ends[end].poll(self.now_ms)
            if out:
                assert b"\x00" not in out and b"\x03" not in out
                self.pipe.write(end, out, self.now_ms)

    def closed(self) -> bool:
        return CLOSED in (self.ends[0].state, self.ends[1].state)


def joined(seed: str = "quiet", **faults) -> Pair:
    """Two ends that are connected, over a pipe that is faulty from now on."""
    pair = Pair(Lossy(seed, {}))
    pair.connect()
    assert pair.run(lambda: pair.ends[0].state == pair.ends[1].state == OPEN)
    pair.pipe.faults = faults
    return pair


def converse(pair: Pair, messages: list) -> list:
    """Both ends send their messages in turn, while the link lives; those that were begun."""
    begun: list = []
    for number, message in enumerate(messages):
        end = number % 2
        free = pair.ends[end].is_idle
        if pair.closed() or not pair.run(lambda: free() or pair.closed()) or pair.closed():  # noqa: B023
            break
        pair.ends[end].send(message)
        begun.append(message)
        arrived = number // 2 + 1
        inbox = pair.inbox[1 - end]
        pair.run(lambda: len(inbox) >= arrived or pair.closed())  # noqa: B023
    return begun


def some_messages(seeded: Seeded, count: int) -> list:
    sizes = (0, 1, 20, 239, 240, 241, 480, 700, 1_500)
    return [seeded.data(seeded.among(sizes)) for _ in range(count)]


def test_a_responder_that_speaks_at_once_is_heard_though_its_first_answer_was_lost():
    pair = Pair(Lossy("quiet", {}))
    pair.connect()
    assert pair.run(lambda: pair.ends[1].state == OPEN)
    pair.pipe.waiting = []  # the SYN_ACK
    pair.ends[1].send(b"the till speaks first")
    assert pair.run(lambda: pair.inbox[0] == [b"the till speaks first"])
    assert pair.ends[0].state == pair.ends[1].state == OPEN
    pair.ends[0].send(b"and is answered")
    assert pair.run(lambda: pair.inbox[1] == [b"and is answered"])


def test_messages_of_every_size_arrive_over_a_quiet_wire():
    pair = joined()
    sizes = (0, 1, 239, 240, 241, 479, 480, 481, MESSAGE_BYTES_MAX - 1, MESSAGE_BYTES_MAX)
    messages = [Seeded(str(size)).data(size) for size in sizes]
    assert converse(pair, messages) == messages
    assert pair.inbox[1] == messages[0::2]
    assert pair.inbox[0] == messages[1::2]


def test_messages_full_of_frame_marks_arrive():
    pair = joined()
    messages = [b"\x7e" * 500, b"\x7d" * 500, b"\x00" * 500, b"\x03" * 500, b"\x7e\x7d\x5e" * 200]
    converse(pair, messages)
    assert pair.inbox == (messages[1::2], messages[0::2])


def test_a_faulty_wire_repeats_or_changes_nothing():
    faults = (
        {"drop": 20},
        {"repeat": 40},
        {"flip": 20},
        {"truncate": 20},
        {"delay": 40},
        {"drop": 10, "repeat": 20, "flip": 10, "truncate": 5, "delay": 20},
    )
    whole = 0
    for number in range(60):
        seed = f"faulty {number}"
        pair = joined(seed, **faults[number % len(faults)])
        begun = converse(pair, some_messages(Seeded(seed), 8))
        for end in (0, 1):
            sent = begun[1 - end :: 2]
            assert pair.inbox[end] == sent[: len(pair.inbox[end])], seed
            if not pair.closed():
                assert pair.inbox[end] == sent, seed
        whole += not pair.closed() and len(begun) == 8
    assert whole >= 40  # such a wire slows the link down; it does not end it


def test_more_than_256_frames_in_one_connection_arrive_in_order():
    pair = joined("long", drop=5, repeat=20)
    for number in range(300):
        messages = [bytes((number & 0xFF,)) * (number % 5), bytes((number >> 1,)) * (number % 3)]
        assert converse(pair, messages) == messages
        assert pair.inbox == (messages[1::2], messages[0::2])
        pair.inbox = ([], [])  # 600 messages kept, each among garbage, leave no hole for a list


def test_a_cut_wire_closes_both_ends_in_bounded_time():
    pair = joined()
    pair.ends[0].send(b"x" * 1_000)
    pair.ends[1].send(b"y")
    pair.pipe.is_cut = True
    assert pair.run(lambda: pair.ends[0].state == pair.ends[1].state == CLOSED)
    assert pair.now_ms < (LINK_RESENDS_MAX + 2) * LINK_RESEND_MS_MAX
    assert pair.inbox == ([], [])


def test_an_end_whose_peer_is_gone_tries_as_often_as_it_should():
    alone = Link()
    alone.connect(7)
    sent = [now_ms for now_ms in range(0, 60_000, 10) if alone.poll(now_ms)]
    assert len(sent) == LINK_RESENDS_MAX + 1 and alone.state == CLOSED
    pauses = [after - before for before, after in zip(sent, sent[1:])]  # noqa: B905, RUF007
    assert pauses[0] == LINK_RESEND_MS and pauses[1] == 2 * LINK_RESEND_MS
    assert max(pauses) == LINK_RESEND_MS_MAX


def test_every_resend_is_the_identical_frame():
    alone = Link()
    alone.connect(0x1234)
    frames = {alone.poll(now_ms) for now_ms in range(0, 60_000, 10)}
    assert frames == {b"", framing.encode(1, 0x1234, 0)}


def test_a_repl_that_echoes_is_no_peer():
    alone = Link()
    alone.connect(7)
    for now_ms in range(0, 60_000, 100):
        alone.feed(alone.poll(now_ms))
        assert alone.state in (OPENING, CLOSED)
    assert alone.state == CLOSED


def test_a_lost_answer_to_the_first_frame_is_given_again():
    caller, answerer = Link(), Link()
    caller.connect(7)
    answerer.feed(caller.poll(0))
    assert answerer.poll(0)  # lost
    answerer.feed(caller.poll(LINK_RESEND_MS))
    caller.feed(answerer.poll(LINK_RESEND_MS))
    assert caller.state == answerer.state == OPEN


def test_a_board_that_started_anew_is_found_again():
    pair = joined()
    pair.ends[0].send(b"before")
    assert pair.run(pair.ends[0].is_idle)
    pair.ends = (pair.ends[0], Link())
    pair.ends[0].send(b"into the void")
    assert pair.run(lambda: pair.ends[0].state == CLOSED, 20)  # told at once, not after 17 s
    pair.connect(8)
    assert pair.run(lambda: pair.ends[0].state == OPEN)
    pair.ends[0].send(b"after")
    assert pair.run(lambda: len(pair.inbox[1]) == 2)
    assert pair.inbox[1] == [b"before", b"after"]


def test_a_caller_that_comes_back_starts_from_nothing():
    pair = joined()
    pair.ends[0].send(b"a" * 1_000)
    for _ in range(3):
        pair.step()  # a part of it has arrived
    pair.connect(9)
    assert pair.run(lambda: pair.ends[0].state == OPEN)
    pair.ends[0].send(b"b")
    assert pair.run(lambda: bool(pair.inbox[1]))
    assert pair.inbox[1] == [b"b"]


def test_what_belongs_to_another_connection_is_not_delivered():
    answerer = Link()
    answerer.feed(framing.encode(1, 7, 0))
    answerer.poll(0)
    for kind in (3, 4, 5):
        answerer.feed(framing.encode(kind, 8, 0, b"late"))
        assert answerer.receive() is None
    answerer.feed(framing.encode(4, 7, 0, b"mine"))
    assert answerer.receive() == b"mine"


def test_unknown_kinds_of_frame_change_nothing():
    pair = joined()
    for kind in (0, 7, 8, 255):
        pair.ends[1].feed(framing.encode(kind, 7, 0, b"?"))
    assert pair.ends[1].state == OPEN and pair.ends[1].receive() is None


def test_a_message_above_the_bound_is_refused_before_it_is_sent():
    pair = joined()
    refused(TOO_LARGE, pair.ends[0].send, bytes(MESSAGE_BYTES_MAX + 1))
    assert pair.ends[0].is_idle() and pair.ends[0].state == OPEN
    assert converse(pair, [b"next"]) == [b"next"] and pair.inbox[1] == [b"next"]


def test_a_peer_that_never_ends_its_message_is_cut_off():
    answerer = Link()
    answerer.feed(framing.encode(1, 7, 0))
    for sequence in range(MESSAGE_BYTES_MAX // 240 + 2):
        answerer.feed(framing.encode(3, 7, sequence & 0xFF, bytes(240)))
    assert answerer.state == CLOSED and len(answerer._incoming) <= MESSAGE_BYTES_MAX
    reset = framing.decode(answerer.poll(0)[1:-1])
    assert reset and reset[0] == 6


def test_only_one_message_waits_to_be_taken():
    caller, answerer = Link(), Link()
    answerer.feed(framing.encode(1, 7, 0))
    answerer.feed(framing.encode(4, 7, 0, b"first"))
    answerer.poll(0)
    answerer.feed(framing.encode(4, 7, 1, b"second"))
    assert answerer.poll(0) == b""  # not acknowledged, so it comes again
    assert answerer.receive() == b"first"
    answerer.feed(framing.encode(4, 7, 1, b"second"))
    assert answerer.receive() == b"second"
    assert caller.receive() is None


def test_nothing_is_sent_before_the_link_is_open_or_while_it_sends():
    end = Link()
    refused(BUSY, end.send, b"x")
    end.connect(7)
    refused(BUSY, end.send, b"x")
    pair = joined()
    pair.ends[0].send(b"x")
    refused(BUSY, pair.ends[0].send, b"y")
    pair.ends[1].send(b"z")  # the other direction is free
    assert pair.run(lambda: pair.inbox == ([b"z"], [b"x"]))


def test_a_closed_end_answers_nothing_but_that_it_is_closed():
    end = Link()
    end.connect(7)
    end.close()
    told = framing.decode(end.poll(0)[1:-1])
    assert told and told[:2] == (6, 7)  # once
    end.close()
    assert end.state == CLOSED and end.poll(0) == b"" and end.poll(60_000) == b""
    end.feed(framing.encode(4, 7, 0, b"x"))
    answer = framing.decode(end.poll(0)[1:-1])
    assert answer and answer[:2] == (6, 7) and end.receive() is None


def test_who_closes_tells_the_other_end_at_once():
    one, other = Link(), Link()
    one.connect(7)
    other.feed(one.poll(0))
    one.feed(other.poll(0))
    assert one.state == other.state == OPEN
    one.close()
    other.feed(one.poll(0))
    assert other.state == CLOSED and other.connection == 0


def test_random_bytes_open_and_deliver_nothing():
    seeded = Seeded("random link")
    end = Link()
    for now_ms in range(200):
        end.feed(seeded.data(200))
        assert end.poll(now_ms) == b"" and end.receive() is None and end.state == CLOSED


def test_a_step_moves_bytes_between_link_and_port():
    class Port:
        def __init__(self) -> None:
            self.incoming, self.outgoing = b"", b""

        def read(self) -> bytes:
            data, self.incoming = self.incoming, b""
            return data

        def write(self, data: bytes) -> None:
            self.outgoing += data

    port, end = Port(), link.Link()
    end.step(port, 0)
    assert port.outgoing == b""
    port.incoming = framing.encode(1, 7, 0)
    end.step(port, 0)
    assert end.state == OPEN and port.outgoing == framing.encode(2, 7, 0)
