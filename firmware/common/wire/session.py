"""One connection between two boards: keys that nobody has afterwards, messages in one order.

    S -> R  HELLO_S = {caps, eS, nonce}             R -> S  HELLO_R = {caps, eR, nonce}
    salt       = SHA-256(HELLO_S || HELLO_R)        transcript = salt[:16]
    k_SR || k_RS || code = HKDF(ECDH(eS, eR), salt, "OPG1 tap" || realm8, 32 + 32 + 8)
    sealed     = AES-256-GCM(k, 8 zeros || seq4, type1 || message, AAD = ver1 || direction1)

S is the payer (direction 0), R the payee (direction 1). `seq` counts from 0 in each direction and
does not travel. Before eS is known R commits to SHA-256(HELLO_R)[:8], so nobody in the middle can
try keys until both screens show the same code.

Whatever is not the next message of the other side closes the session for good.
"""

from firmware.common import crypto
from firmware.common.wire.codec import VERSION
from firmware.common.wire.errors import CANNOT_OPEN, KEY_MISMATCH, REPLAY, TOO_LARGE, Refused
from firmware.common.wire.limits import MESSAGE_BYTES_MAX, SESSION_MESSAGES_MAX
from firmware.common.wire.messages import HELLO

PAYER = 0
PAYEE = 1

_INFO = b"OPG1 tap"
_KEY_BYTES = 32
_CODE_BYTES = 8
_OVERHEAD_BYTES = 17  # type1 and tag16


class Ephemeral:
    """A key for one connection, made while the board is idle; `hello` is what is said of it.

    Its `parts` are kept where this code is not to stay loaded; they make the same key again.
    """

    def __init__(self, caps: int = 0, parts: "tuple[bytearray, bytes] | None" = None) -> None:
        if parts is None:
            private, public = crypto.generate_key()
            hello = HELLO.pack(caps=caps, eph=public, nonce=crypto.random_bytes(8))
            parts = bytearray(private), hello
        self.parts = parts
        self._private, self.hello = parts

    @property
    def commitment(self) -> bytes:
        """8 bytes that R's advert carries, or that it sends first on a wire."""
        return commitment(self.hello)

    def session(
        self, realm8: bytes, side: int, peer_hello: bytes, committed: bytes = b""
    ) -> "Session":
        """The session with whoever said `peer_hello`; this key then serves nobody any more.

        A payer gives the 8 bytes that were `committed` to before. Raises `Refused`.
        """
        private = bytes(self._private)
        _wipe(self._private)
        if private == bytes(_KEY_BYTES):
            raise Refused(REPLAY, "a key serves for one connection")
        peer = HELLO.read(peer_hello)
        if side == PAYER and commitment(peer_hello) != committed:
            raise Refused(KEY_MISMATCH, "it is not the board whose advert was seen")
        hellos = (self.hello, peer_hello) if side == PAYER else (peer_hello, self.hello)
        if peer.eph == HELLO.read(self.hello).eph:
            raise Refused(REPLAY, "the other end repeats what it hears")
        try:
            shared = crypto.agree(private, peer.eph)
        except ValueError:
            raise Refused(KEY_MISMATCH, "the other end's key is no point of the curve") from None
        return Session(realm8, side, shared, crypto.sha256(hellos[0] + hellos[1]))


class Session:
    """Seals and opens in order. `transcript` 16 bytes, `code` 8 (see `payment.words`)."""

    def __init__(self, realm8: bytes, side: int, shared: bytes, salt: bytes) -> None:
        keys = crypto.hkdf(shared, salt, _INFO + realm8, 2 * _KEY_BYTES + _CODE_BYTES)
        pair = [bytearray(keys[:_KEY_BYTES]), bytearray(keys[_KEY_BYTES : 2 * _KEY_BYTES])]
        self.transcript = salt[:16]
        self.code = keys[2 * _KEY_BYTES :]
        self.is_open = True
        self._side = side
        self._keys = pair  # by direction
        self._seq = [0, 0]

    def seal(self, number: int, message: bytes) -> bytes:
        """The sealed message: 17 bytes more. Each is sealed once; the link sends it again."""
        if len(message) + _OVERHEAD_BYTES > MESSAGE_BYTES_MAX:
            raise Refused(TOO_LARGE, "a message of a tap has at most %d bytes" % MESSAGE_BYTES_MAX)
        key, nonce, aad = self._next(self._side)
        return crypto.seal(key, nonce, bytes((number,)) + message, aad)

    def open(self, sealed: bytes) -> tuple[int, bytes]:
        """The number and bytes of the other side's next message; else `Refused`, and closed."""
        key, nonce, aad = self._next(PAYEE - self._side)
        if not _OVERHEAD_BYTES <= len(sealed) <= MESSAGE_BYTES_MAX:
            self.close()
            raise Refused(CANNOT_OPEN, "not a message of this connection")
        try:
            plaintext = crypto.unseal(key, nonce, sealed, aad)
        except ValueError:
            self.close()
            raise Refused(CANNOT_OPEN, "not the next message of this connection") from None
        return plaintext[0], plaintext[1:]

    def close(self) -> None:
        """Forgets the keys; nothing is sealed or opened afterwards."""
        self.is_open = False
        for key in self._keys:
            _wipe(key)

    def _next(self, direction: int) -> tuple[bytes, bytes, bytes]:
        seq = self._seq[direction]
        if not self.is_open or seq >= SESSION_MESSAGES_MAX:
            self.close()
            raise Refused(CANNOT_OPEN, "the connection is closed")
        self._seq[direction] = seq + 1
        nonce = bytes(8) + seq.to_bytes(4, "big")
        return bytes(self._keys[direction]), nonce, bytes((VERSION, direction))


def commitment(hello: bytes) -> bytes:
    """8 bytes that stand for a HELLO before it is said."""
    return crypto.sha256(hello)[:8]


def _wipe(key: bytearray) -> None:
    for i in range(len(key)):
        key[i] = 0
