"""A conversation between two boards over a link: in the plain until both know whom, then sealed.

    payer                           payee
    connects the link
                                    -> SHA-256(HELLO_R)[:8]      on a wire; else its advert said it
    HELLO_S                         ->
                                    -> HELLO_R                   eR serves nobody any more
    from here on messages of `wire.session`, each sealed once; the link sends it again

Whatever ends the connection (silence, a new one, a message that is not the next) ends the
conversation by `Refused`; what was journalled on either side tells how to go on.
"""

from firmware.common import crypto
from firmware.common.wire import link as links
from firmware.common.wire.errors import UNAVAILABLE, Refused
from firmware.common.wire.limits import TAP_ANSWER_MS, TAP_CONNECT_MS
from firmware.common.wire.session import PAYEE, PAYER, Ephemeral, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Board

_POLL_MS = 2


def new_key() -> tuple[bytearray, bytes]:
    """The key of a conversation to come, without any code: to be made when nobody waits."""
    return Ephemeral().parts


class Channel:
    """One end of one conversation after the other.

    `key` comes from `new_key`; `connection` is that of the link which was served before.
    """

    def __init__(
        self,
        board: "Board",
        link: links.Link,
        key: "tuple[bytearray, bytes] | None" = None,
        connection: int = 0,
    ) -> None:
        self._board = board
        self._link = link
        self._connection = connection
        self._key: Ephemeral | None = Ephemeral(0, key) if key else None
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """Its transcript and code; `Refused(UNAVAILABLE)` while there is none."""
        if self._session is None:
            raise Refused(UNAVAILABLE, "no other board is here")
        return self._session

    def prepare(self) -> Ephemeral:
        """The key of the next connection, made beforehand when nobody waits."""
        if self._key is None:
            self._key = Ephemeral()
        return self._key

    async def connect(self, realm8: bytes) -> None:
        """As payer: reaches the payee's board and agrees on keys. Raises `Refused`."""
        key = self._take_key()
        self._connection = 1 + int.from_bytes(crypto.random_bytes(2), "big") % 0xFFFF
        self._link.connect(self._connection)
        committed = await self._receive(TAP_CONNECT_MS)
        await self._send(key.hello)
        hello = await self._receive(TAP_ANSWER_MS)
        self._agree(key, realm8, PAYER, hello, committed)

    def has_caller(self) -> bool:
        """Whether somebody new has connected; to be asked again and again, as time passes."""
        self._move()
        link = self._link
        return link.state == links.OPEN and link.connection != self._connection

    async def accept(self, realm8: bytes) -> None:
        """As payee: the next connection, however long it takes to come. Raises `Refused`."""
        while not self.has_caller():
            await self._board.clock.sleep_ms(_POLL_MS)
        self._connection = self._link.connection
        self._session = None
        await self._send(self.prepare().commitment)
        hello = await self._receive(TAP_ANSWER_MS)
        key = self._take_key()  # and it is told to nobody else
        await self._send(key.hello)
        self._agree(key, realm8, PAYEE, hello)

    async def send(self, kind: int, message: bytes) -> None:
        """Seals a message and gives it to the link; it leaves while the next one is awaited."""
        await self._send(self.session.seal(kind, message))

    async def receive(self, within_ms: int = TAP_ANSWER_MS) -> tuple[int, bytes]:
        """The type and bytes of the next message. Raises `Refused`; the channel is closed then."""
        return self._open(await self._receive(within_ms))

    def poll(self) -> tuple[int, bytes] | None:
        """The next message if it is here already; to be called again and again, as time passes."""
        self._move()
        self._check()
        sealed = self._link.receive()
        return None if sealed is None else self._open(sealed)

    async def flush(self) -> None:
        """Until what was sent has arrived, or the connection is lost; raises nothing."""
        try:
            await self._wait_until_sent()
        except Refused:
            return

    def close(self) -> None:
        """Forgets the keys and the connection, of which the other end is told."""
        if self._session:
            self._session.close()
        self._session = None
        if self._link.connection == self._connection:  # a newer one is not ours to close
            self._link.close()
            self._move()

    def _take_key(self) -> Ephemeral:
        key = self.prepare()
        self._key = None
        return key

    def _agree(
        self, key: Ephemeral, realm8: bytes, side: int, hello: bytes, committed: bytes = b""
    ) -> None:
        try:
            self._session = key.session(realm8, side, hello, committed)
        except Refused:
            self.close()
            raise

    async def _send(self, message: bytes) -> None:
        await self._wait_until_sent()
        self._link.send(message)
        self._move()  # it leaves now, however long this board then computes

    async def _wait_until_sent(self) -> None:
        until = self._board.clock.ms() + TAP_ANSWER_MS
        while self._link.state == links.OPENING or not self._link.is_idle():
            self._check(until)
            await self._step()
        self._check()

    async def _receive(self, within_ms: int) -> bytes:
        until = self._board.clock.ms() + within_ms
        while True:
            message = self._link.receive()
            if message is not None:
                self._move()  # tells the other end that it is here
                return message
            self._check(until)
            await self._step()

    def _open(self, sealed: bytes) -> tuple[int, bytes]:
        try:
            return self.session.open(sealed)
        except Refused:
            self.close()
            raise

    def _move(self) -> None:
        self._link.step(self._board.tap, self._board.clock.ms())

    async def _step(self) -> None:
        self._move()
        await self._board.clock.sleep_ms(_POLL_MS)

    def _check(self, until_ms: int = 0) -> None:
        """Raises `Refused(UNAVAILABLE)` once the connection is lost, or it is later than that."""
        link = self._link
        is_lost = link.state == links.CLOSED or link.connection != self._connection
        if is_lost or (until_ms and self._board.clock.ms() > until_ms):
            self.close()
            raise Refused(UNAVAILABLE, "the other board is gone")
