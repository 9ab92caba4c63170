"""Base64: one spelling for the same bytes, so that nobody can send one envelope in two dresses."""

from firmware.common.interchange import base64
from firmware.common.wire.errors import MALFORMED
from tests.unit.helpers import Seeded, refused

# RFC 4648, section 10.
RFC_4648 = (
    (b"", ""),
    (b"f", "Zg=="),
    (b"fo", "Zm8="),
    (b"foo", "Zm9v"),
    (b"foob", "Zm9vYg=="),
    (b"fooba", "Zm9vYmE="),
    (b"foobar", "Zm9vYmFy"),
)


def test_the_vectors_of_rfc_4648():
    for data, text in RFC_4648:
        assert (base64.encode(data), base64.decode(text)) == (text, data)
        assert base64.encode_url(data) == text.rstrip("=")
        assert base64.decode_url(text.rstrip("="), len(data)) == data


def test_every_length_comes_back_in_both_alphabets():
    seeded = Seeded("base64")
    for length in range(80):
        data = seeded.data(length)
        assert base64.decode(base64.encode(data), length) == data
        assert base64.decode_url(base64.encode_url(data), length) == data


def test_the_two_alphabets_differ_in_two_letters_and_the_padding():
    assert base64.encode(b"\xfb\xff\xfe\xff") == "+//+/w=="
    assert base64.encode_url(b"\xfb\xff\xfe\xff") == "-__-_w"


def test_other_spellings_are_refused():
    for text in (
        "Zg",  # padding missing
        "Zg=",
        "Zg===",
        "Zh==",  # unused bits are not zero
        "Zm9=",
        "Zm8",
        "Zm9v=",
        "Zm9v====",
        "=Zm9v",
        "Zg==Zg==",
        "Zg==\n",
        "Zm9v\n",
        "Zm9v ",
        " Zm9v",
        "Zm\r\n9v",
        "Zm9v\x00",
        "Zm-v",
        "Zm_v",
        "Zm9*",
        "Zm9\xe4",
        "Z",
        "=",
        "====",
    ):
        refused(MALFORMED, base64.decode, text)


def test_other_spellings_of_a_key_are_refused():
    for text, size in (
        ("Zg==", 1),
        ("Zh", 1),
        ("Zm9v\n", 3),
        ("Z", 0),
        ("Zm9vY", 3),
        ("+w", 1),
        ("/w", 1),
        ("_w=", 1),
    ):
        refused(MALFORMED, base64.decode_url, text, size)
    assert base64.decode_url("-w", 1) == b"\xfb"


def test_another_length_than_the_form_has_is_refused():
    for size in (1, 2, 4, 64):
        refused(MALFORMED, base64.decode, "Zm9v", size)
        refused(MALFORMED, base64.decode_url, "Zm9v", size)
    refused(MALFORMED, base64.decode, "", 64)
    refused(MALFORMED, base64.decode_url, "", 32)
