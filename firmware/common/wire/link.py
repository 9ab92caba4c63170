"""A reliable link over any byte pipe: whole messages, in order, once each, or a closed link.

Stop and wait (one frame in flight each way): a frame is sent again, the same bytes, until its
acknowledgement comes. The initiator's SYN carries a fresh connection number, and frames of
any other connection are ignored, so what a pipe delivers late belongs to nobody.

    initiator                     responder
    SYN(c)            ->
                      <-          SYN_ACK(c)
    MORE(c, 0, …)     ->
                      <-          ACK(c, 0)
    LAST(c, 1, …)     ->                            the message is whole here
                      <-          ACK(c, 1)

The machine does no I/O of its own: `step` moves bytes between it and a port.
"""

from firmware.common.wire import framing
from firmware.common.wire.errors import BUSY, TOO_LARGE, Refused
from firmware.common.wire.limits import (
    FRAME_PAYLOAD_BYTES_MAX,
    LINK_RESEND_MS,
    LINK_RESEND_MS_MAX,
    LINK_RESENDS_MAX,
    MESSAGE_BYTES_MAX,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Port

_SYN = 1
_SYN_ACK = 2
_MORE = 3  # a piece of a message, more follow
_LAST = 4  # the last piece of a message
_ACK = 5
_RESET = 6  # the other end does not know this connection, or has closed it

CLOSED = 0
OPENING = 1
OPEN = 2


class Link:
    """One end. `state` is CLOSED, OPENING or OPEN; a responder opens when a SYN arrives.

    `connection` is its number, 0 while there is none: a SYN of another takes the place of it.
    """

    def __init__(self) -> None:
        self.state = CLOSED
        self._splitter = framing.Splitter()
        self._replies = b""
        self._reset(0)

    def connect(self, connection: int) -> None:
        """Starts as initiator, with a random 16-bit number."""
        self._reset(connection)
        self.state = OPENING
        self._launch(framing.encode(_SYN, connection, 0))

    def close(self) -> None:
        """Forgets the connection, and says so once, as soon as `step` or `poll` is called.

        Should that be lost, the other end learns of it when it next sends.
        """
        if self.state != CLOSED:
            self._reply(_RESET, self.connection, 0)
        self._reset(0)

    def is_idle(self) -> bool:
        """Whether everything given to `send` was acknowledged."""
        return not self._in_flight and not self._has_more

    def send(self, message: bytes) -> None:
        """Takes one message to deliver. Raises `Refused` BUSY or TOO_LARGE."""
        if self.state != OPEN or not self.is_idle():
            raise Refused(BUSY, "the link is not open, or still sends")
        if len(message) > MESSAGE_BYTES_MAX:
            raise Refused(TOO_LARGE, "a message has at most %d bytes" % MESSAGE_BYTES_MAX)
        self._outgoing = message
        self._has_more = True

    def receive(self) -> bytes | None:
        """A message that has arrived whole, once; until it is taken no further one is."""
        message = self._message
        self._message = None
        return message

    def step(self, port: "Port", now_ms: int) -> None:
        """Reads what the port has, answers it, and (re)sends what is due at `now_ms`."""
        data = port.read()
        if data:
            self.feed(data)
        data = self.poll(now_ms)
        if data:
            port.write(data)

    def feed(self, data: bytes) -> None:
        """Takes bytes that came from the other end, with whatever noise lies between."""
        for stuffed in self._splitter.split(data):
            frame = framing.decode(stuffed)
            if frame:
                self._take(frame[0], frame[1], frame[2], frame[3])

    def poll(self, now_ms: int) -> bytes:
        """The bytes to write now; after LINK_RESENDS_MAX fruitless resends the link closes."""
        out = self._replies
        self._replies = b""
        if not self._in_flight and self._has_more:
            self._launch(self._next_piece())
        if self._in_flight and (self._due_ms is None or now_ms >= self._due_ms):
            if self._sent > LINK_RESENDS_MAX:
                self._reset(0)
                return out
            out += self._in_flight
            self._due_ms = now_ms + min(LINK_RESEND_MS << self._sent, LINK_RESEND_MS_MAX)
            self._sent += 1
        return out

    def _reset(self, connection: int) -> None:
        self.state = CLOSED
        self.connection = connection
        self._in_flight = b""  # the frame that waits for its acknowledgement
        self._outgoing = b""  # the rest of the message behind it
        self._has_more = False
        self._next_out = 0
        self._next_in = 0
        self._incoming = b""
        self._message: bytes | None = None
        self._sent = 0
        self._due_ms: int | None = None

    def _launch(self, frame: bytes) -> None:
        self._in_flight = frame
        self._sent = 0
        self._due_ms = None

    def _next_piece(self) -> bytes:
        piece = self._outgoing[:FRAME_PAYLOAD_BYTES_MAX]
        self._outgoing = self._outgoing[FRAME_PAYLOAD_BYTES_MAX:]
        self._has_more = bool(self._outgoing)
        kind = _MORE if self._has_more else _LAST
        return framing.encode(kind, self.connection, self._next_out, piece)

    def _take(self, kind: int, connection: int, sequence: int, payload: bytes) -> None:
        if kind == _SYN:
            self._take_syn(connection)
        elif kind in (_MORE, _LAST):
            if self.state == OPENING and connection == self.connection:
                self._open()  # the SYN_ACK before it was lost
            if self.state == OPEN and connection == self.connection:
                self._take_piece(kind, sequence, payload)
            else:
                self._reply(_RESET, connection, sequence)
        elif connection != self.connection:
            return
        elif kind == _SYN_ACK and self.state == OPENING:
            self._open()
        elif kind == _ACK and self.state == OPEN and sequence == self._next_out:
            self._in_flight = b""
            self._next_out = (self._next_out + 1) & 0xFF
        elif kind == _RESET:
            self._reset(0)

    def _open(self) -> None:
        self.state = OPEN
        self._in_flight = b""

    def _take_syn(self, connection: int) -> None:
        if self.state == OPENING:
            return  # our own, echoed: a REPL without firmware does that
        # A repeated SYN of the connection that is open changes nothing but the answer.
        if self.state != OPEN or connection != self.connection:
            self._reset(connection)
            self.state = OPEN
        self._reply(_SYN_ACK, connection, 0)

    def _take_piece(self, kind: int, sequence: int, payload: bytes) -> None:
        if sequence == (self._next_in - 1) & 0xFF:
            self._reply(_ACK, self.connection, sequence)  # its acknowledgement was lost
            return
        if sequence != self._next_in or self._message is not None:
            return  # it comes again once there is room
        if len(self._incoming) + len(payload) > MESSAGE_BYTES_MAX:
            self.close()
            return
        self._incoming += payload
        self._next_in = (self._next_in + 1) & 0xFF
        self._reply(_ACK, self.connection, sequence)
        if kind == _LAST:
            self._message = self._incoming
            self._incoming = b""

    def _reply(self, kind: int, connection: int, sequence: int) -> None:
        # One answer is enough: what is lost or pushed aside here is asked for again.
        self._replies = framing.encode(kind, connection, sequence)
