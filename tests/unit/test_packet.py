"""Headers with bytes behind them, and the closed list of reasons that all sides share."""

from firmware.common.wire import advice, errors, packet, reasons
from firmware.common.wire.errors import MALFORMED, Refused
from tests.unit.helpers import Seeded, raises, refused


def numbers() -> dict:
    """The reasons by number, from the module that declares them."""
    found = {}
    for name in dir(errors):
        value = getattr(errors, name)
        if name == name.upper() and type(value) is int:
            assert value not in found, name + " has another's number"
            found[value] = name
    return found


def test_the_numbers_that_travel_have_no_gap():
    assert sorted(numbers()) == list(range(len(numbers())))


def test_each_reason_is_called_what_its_constant_is_called():
    for number, name in numbers().items():
        assert reasons.name(number).upper().replace(" ", "_").replace("-", "_") == name


def test_each_reason_tells_the_user_what_to_do():
    assert len(advice.SENTENCES) == len(numbers())
    for number in numbers():
        sentence = reasons.advice(number)
        assert sentence and sentence[-1] == "." and sentence[0] == sentence[0].upper()


def test_advice_tells_who_acts_where_payer_and_payee_read_the_same():
    """The payee told to ask the payee, the payer told to fund an account."""
    doers = {
        errors.REQUEST_UNKNOWN: ("payee", "payer"),
        errors.REQUEST_CLOSED: ("payee", "payer"),
        errors.AMOUNT_DIFFERS: ("payer", "payee"),
        errors.NO_FUNDS: ("operator",),
        errors.PROVEN_CHEAT: ("operator",),
        errors.BAD_SIGNATURE: ("payee",),
        errors.BAD_CERTIFICATE: ("operator",),
        errors.LEDGER_FORK: ("operator",),
        errors.FROZEN: ("operator",),
        errors.NOT_ENROLLED: ("operator",),
        errors.SEND_THE_PAYMENT: ("payer",),
        errors.WRONG_WALLET: ("operator",),
        errors.UNKNOWN_PAYEE: ("payer",),
        errors.UNAVAILABLE: ("operator",),
    }
    for reason, names in doers.items():
        sentence = reasons.advice(reason)
        for name in names:
            assert name in sentence, sentence
        for order in ("Ask the payee", "Fund the", "Have the", "Ask the bank"):
            assert order not in sentence, sentence


def test_what_cannot_be_opened_is_told_with_the_three_steps_that_mend_it():
    for number in (errors.CANNOT_OPEN, errors.KEY_MISSING):
        sentence = reasons.advice(number)
        assert sentence.find(" 1. ") < sentence.find(" 2. ") < sentence.find(" 3. ")
        assert sentence.find(" 1. ") > 0


def test_a_number_of_a_newer_version_is_shown_as_such():
    for number in (len(numbers()), 255, -1):
        assert str(number) in reasons.name(number)
        assert reasons.advice(number)


def test_a_refusal_carries_its_reason_and_detail():
    error = Refused(errors.EXPIRED, "too late")
    assert (error.reason, error.detail) == (errors.EXPIRED, "too late")
    assert Refused(errors.EXPIRED).detail == ""
    assert isinstance(raises(Refused, _refuse), Refused)


def test_a_packet_comes_back_with_any_bytes_behind_it():
    seeded = Seeded("packets")
    for length in (0, 1, 300):
        body = seeded.data(length)
        for header in ({}, {"do": "status"}, {"a": [1, "x", None, True], "n": 4_000_000_000}):
            assert packet.unpack(packet.pack(header, body)) == (header, body)
    assert packet.unpack(packet.pack({"a": "\xe4\n\x00\U0001f968"}, b"\n\n")) == (
        {"a": "\xe4\n\x00\U0001f968"},
        b"\n\n",
    )


def test_what_has_no_header_is_refused():
    for data in (
        b"",
        b"\n",
        b"{}",
        b"\n{}\n",
        b"null\n",
        b"[]\n",
        b"5\n",
        b'"do"\n',
        b"{}}\n",
        b"\xff\xfe\n",
        b'{"a":\xff}\n',
        b"\x00\n",
        b"{[]:1}\n",
        b'{"a":-}\n',
    ):
        refused(MALFORMED, packet.unpack, data)


def test_a_header_nested_deeper_than_any_stack_is_refused():
    for opening in (b"[", b'{"a":', b'{"a":['):
        refused(MALFORMED, packet.unpack, opening * 4_000 + b"\n")


def test_mutated_packets_are_read_or_refused():
    seeded = Seeded("mutations")
    good = packet.pack({"do": "pay", "amount": 1250, "to": "b\xe4rt", "x": [1, {"y": None}]}, b"z")
    for _ in range(400):
        data = bytearray(good)
        for _ in range(1 + seeded.below(3)):
            data[seeded.below(len(data))] = seeded.below(256)
        try:
            header, _ = packet.unpack(bytes(data))
        except Refused:
            continue
        assert isinstance(header, dict)


def _refuse() -> None:
    raise Refused(errors.BUSY)
