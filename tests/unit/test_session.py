"""A connection between two boards: what is not the next message of the other side ends it."""

from firmware.common.wire import session
from firmware.common.wire.codec import VERSION
from firmware.common.wire.errors import CANNOT_OPEN, KEY_MISMATCH, MALFORMED, REPLAY, TOO_LARGE
from firmware.common.wire.limits import MESSAGE_BYTES_MAX, SESSION_MESSAGES_MAX
from firmware.common.wire.messages import ACK, HELLO, TXN
from firmware.common.wire.session import PAYEE, PAYER, Ephemeral
from tests.unit.forms import flipped
from tests.unit.helpers import refused

REALM = b"realm  1"


def connect(realm_s: bytes = REALM, realm_r: bytes = REALM) -> tuple:
    """The payer's and the payee's session of one connection."""
    s, r = Ephemeral(), Ephemeral()
    payer = s.session(realm_s, PAYER, r.hello, r.commitment)
    return payer, r.session(realm_r, PAYEE, s.hello)


def closed(one: session.Session) -> bool:
    """Nothing goes in or out any more, and no key is left."""
    refused(CANNOT_OPEN, one.seal, TXN.number, b"")
    refused(CANNOT_OPEN, one.open, bytes(20))
    return not one.is_open and all(bytes(key) == bytes(32) for key in one._keys)


def test_both_sides_come_to_the_same_code_and_talk():
    payer, payee = connect()
    assert payer.code == payee.code and len(payer.code) == 8
    assert payer.transcript == payee.transcript and len(payer.transcript) == 16
    for i in range(3):
        message = b"payment %d" % i
        sealed = payer.seal(TXN.number, message)
        assert len(sealed) == len(message) + 17
        assert message not in sealed
        assert payee.open(sealed) == (TXN.number, message)
        assert payer.open(payee.seal(ACK.number, b"")) == (ACK.number, b"")


def test_no_two_connections_share_anything():
    seen = set()
    for _ in range(3):
        payer, _ = connect()
        seen |= {payer.code, payer.transcript, payer.seal(TXN.number, b"the same")}
    assert len(seen) == 9


def test_repeated_left_out_and_reflected_messages_close_it():
    payer, payee = connect()
    first = payer.seal(TXN.number, b"first")
    assert payee.open(first) == (TXN.number, b"first")
    refused(CANNOT_OPEN, payee.open, first)
    assert closed(payee)

    payer, payee = connect()
    payer.seal(TXN.number, b"lost")
    refused(CANNOT_OPEN, payee.open, payer.seal(TXN.number, b"second"))
    assert closed(payee)

    payer, payee = connect()
    refused(CANNOT_OPEN, payer.open, payer.seal(TXN.number, b"back to its maker"))
    assert closed(payer)


def test_each_changed_byte_closes_it():
    length = len(connect()[0].seal(TXN.number, b"pay"))
    for position in range(length):
        payer, payee = connect_cheaply()
        refused(CANNOT_OPEN, payee.open, flipped(payer.seal(TXN.number, b"pay"), position, 7))
        assert closed(payee)


def connect_cheaply() -> tuple:
    """Two sessions over a given secret, as agreeing takes a while on MicroPython."""
    shared, salt = b"s" * 32, b"h" * 32
    return tuple([session.Session(REALM, side, shared, salt) for side in (PAYER, PAYEE)])


def test_a_message_of_another_length_closes_it():
    for make in (lambda sealed: sealed[:-1], lambda sealed: sealed + b"\x00", lambda _: b""):
        payer, payee = connect_cheaply()
        refused(CANNOT_OPEN, payee.open, make(payer.seal(TXN.number, b"pay")))
        assert closed(payee)
    payer, payee = connect_cheaply()
    refused(CANNOT_OPEN, payee.open, bytes(MESSAGE_BYTES_MAX + 1))
    assert closed(payee)
    refused(TOO_LARGE, payer.seal, TXN.number, bytes(MESSAGE_BYTES_MAX))
    assert payer.is_open


def test_a_message_of_another_connection_closes_it():
    (payer, _), (_, payee) = connect(), connect()
    refused(CANNOT_OPEN, payee.open, payer.seal(TXN.number, b"pay"))
    assert closed(payee)


def test_boards_of_two_deployments_have_no_word_in_common():
    payer, payee = connect(REALM, b"realm  2")
    assert payer.code != payee.code
    refused(CANNOT_OPEN, payee.open, payer.seal(TXN.number, b"pay"))


def test_somebody_in_the_middle_shows_two_codes():
    s, r, to_s, to_r = Ephemeral(), Ephemeral(), Ephemeral(), Ephemeral()
    payer = s.session(REALM, PAYER, to_s.hello, to_s.commitment)  # who believed a false advert
    payee = r.session(REALM, PAYEE, to_r.hello)
    assert payer.code != payee.code
    assert to_s.session(REALM, PAYEE, s.hello).code == payer.code
    assert to_r.session(REALM, PAYER, r.hello, r.commitment).code == payee.code
    assert payer.transcript != payee.transcript


def test_a_payer_insists_on_what_was_committed_to():
    for committed in (b"", bytes(8), Ephemeral().commitment):
        s, r = Ephemeral(), Ephemeral()
        refused(KEY_MISMATCH, s.session, REALM, PAYER, r.hello, committed)
        refused(REPLAY, s.session, REALM, PAYER, r.hello, r.commitment)


def test_a_key_serves_for_one_connection():
    s, r = Ephemeral(), Ephemeral()
    s.session(REALM, PAYER, r.hello, r.commitment)
    refused(REPLAY, s.session, REALM, PAYER, r.hello, r.commitment)
    assert bytes(s._private) == bytes(32)


def test_a_hello_that_is_none_is_refused():
    for hello in (b"", bytes(74), b"\x02" + Ephemeral().hello[1:], Ephemeral().hello + b"\x00"):
        refused(MALFORMED, Ephemeral().session, REALM, PAYEE, hello)
    for point in (bytes(64), b"\x01" * 64, b"\xff" * 64):
        hello = HELLO.pack(caps=0, eph=point, nonce=bytes(8))
        refused(KEY_MISMATCH, Ephemeral().session, REALM, PAYEE, hello)
    own = Ephemeral()
    refused(REPLAY, own.session, REALM, PAYEE, own.hello)
    own = Ephemeral()
    again = HELLO.pack(caps=1, eph=HELLO.read(own.hello).eph, nonce=b"another.")
    refused(REPLAY, own.session, REALM, PAYEE, again)


def test_no_key_and_nonce_serve_twice():
    payer, payee = connect_cheaply()
    sealed = [payer.seal(TXN.number, bytes(16)) for _ in range(SESSION_MESSAGES_MAX)]
    sealed += [payee.seal(TXN.number, bytes(16)) for _ in range(20)]
    assert len(set(sealed)) == len(sealed)
    assert closed(payer)
    assert VERSION == 1
