"""Strict JSON: what two parsers could read differently is refused before anybody hashes it."""

import json

from firmware.common.interchange import jsontext, stringify
from firmware.common.wire.errors import MALFORMED
from firmware.common.wire.limits import JSON_DEPTH_MAX, JSON_MEMBERS_MAX
from tests.unit.helpers import Seeded, refused

NOT_JSON = (
    # nothing, half of something, two of something
    b"",
    b" ",
    b"{",
    b"}",
    b"{}{}",
    b"{} {}",
    b"{}\x00",
    b"{}x",
    b'{"a"}',
    b'{"a":}',
    b'{"a":1',
    b'{"a":1,',
    b'{"a":1,}',
    b'{,"a":1}',
    b'{"a":1,,"b":2}',
    b'{"a":1 "b":2}',
    b'{"a" 1}',
    b'{"a"::1}',
    b'{"a":1;"b":2}',
    b'{"a":1]',
    b'{"a":[1}',
    b'{"a":[1,]}',
    b'{"a":[,1]}',
    b'{"a":[1 2]}',
    b'{"a":{]}',
    # names that are no text
    b"{a:1}",
    b"{'a':1}",
    b"{1:1}",
    b"{null:1}",
    b'{"a:1}',
    b"{:1}",
    # values of other languages
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":-Infinity}',
    b'{"a":undefined}',
    b'{"a":True}',
    b'{"a":truE}',
    b'{"a":truefalse}',
    b'{"a":nul}',
    b'{"a":0x10}',
    b'{"a":1n}',
    b'{"a":1_000}',
    b'{"a":.5}',
    b'{"a":5.}',
    b'{"a":01}',
    b'{"a":-01}',
    b'{"a":00}',
    b'{"a":+1}',
    b'{"a":-}',
    b'{"a":--1}',
    b'{"a":1e}',
    b'{"a":1e+}',
    b'{"a":1e1.5}',
    b'{"a":1.2.3}',
    b'{"a":1-2}',
    b'{"a":\xd9\xa3}',  # an Arabic three
    # comments and other space
    b'{"a":1}//',
    b'{/**/"a":1}',
    b'\xef\xbb\xbf{"a":1}',  # a byte order mark
    b'\xff\xfe{\x00"\x00',  # UTF-16
    b'{"a":\xc2\xa01}',  # a space that does not break
    b'{"a":\x0b1}',
    b'{"a":\x0c1}',
    b'\x00{"a":1}',
    # texts without an end, with raw control characters
    b'{"a":"b}',
    b'{"a":"b\\"}',
    b'{"a":"\n"}',
    b'{"a":"\x00"}',
    b'{"a":"\x1f"}',
    b'{"a\n":1}',
    b"{\"a\":'b'}",
)

NOT_TEXT = (
    b"",
    b'"',
    b"5",
    b"null",
    b'"a"b',
    b'"a" ',
    b' "a"',
    b'"a""b"',
    b'"\\"',
    b'"\\x41"',
    b'"\\u12"',
    b'"\\u123"',
    b'"\\u123g"',
    b'"\\u+123"',
    b'"\\u 123"',
    b'"\\U0041"',
    b'"\\\'"',
    b'"\\0"',
    b'"\\\n"',
    # half a surrogate pair
    b'"\\ud83e"',
    b'"\\udd68"',
    b'"\\ud83ex"',
    b'"\\ud83e\\u0041"',
    b'"\\ud83e\\ud83e"',
    b'"\\ud83e\\n"',
    b'"\\ud83e\\u"',
    b'"\\udd68\\ud83e"',
    # not UTF-8: overlong, surrogate, above U+10FFFF, cut, lone continuation, Latin-1
    b'"\xc0\x80"',
    b'"\xc1\xbf"',
    b'"\xe0\x80\x80"',
    b'"\xe0\x9f\xbf"',
    b'"\xf0\x80\x80\x80"',
    b'"\xf0\x8f\xbf\xbf"',
    b'"\xed\xa0\x80"',
    b'"\xed\xbf\xbf"',
    b'"\xf4\x90\x80\x80"',
    b'"\xf8\x88\x80\x80\x80"',
    b'"\xff"',
    b'"\x80"',
    b'"\xe2\x82"',
    b'"\xe2\x82\\n"',
    b'"B\xe4cker"',
)

# JSON text -> the text; the right-hand side is written by hand after RFC 8259, section 7.
TEXTS = (
    (b'""', ""),
    (b'"a"', "a"),
    (b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
    (b'"\\u0041\\u00e4\\u20AC"', "A\xe4\u20ac"),
    (b'"\\ud83e\\udd68"', "\U0001f968"),
    (b'"\\uD83E\\uDD68!"', "\U0001f968!"),
    (b'"\xc3\xa4\xe2\x82\xac\xf0\x9f\xa5\xa8"', "\xe4\u20ac\U0001f968"),
    (b'"\\u0000"', "\x00"),
    (b'"\x7f"', "\x7f"),
    (b'"\\\\\\""', '\\"'),
    (b'"\\\\u0041"', "\\u0041"),
    (b'"\xf4\x8f\xbf\xbf\\u0041"', "\U0010ffffA"),
)


def test_what_is_not_json_is_refused():
    for raw in NOT_JSON:
        refused(MALFORMED, jsontext.members, raw)


def test_an_object_is_no_list_and_a_list_no_object():
    for raw in (b"[]", b"1", b'"{}"', b"null", b"true"):
        refused(MALFORMED, jsontext.members, raw)
    for raw in (b"{}", b"1", b'"[]"', b"null"):
        refused(MALFORMED, jsontext.items, raw)


def test_the_order_and_spelling_of_what_was_signed_is_kept():
    raw = b' {"b" : 1.50 ,\n"a":[ 1, 2 ],\t"c":{"x":"\\u00e4"},"":null}\r\n'
    expected = [("b", b"1.50"), ("a", b"[ 1, 2 ]"), ("c", b'{"x":"\\u00e4"}'), ("", b"null")]
    assert jsontext.pairs(raw) == expected
    assert jsontext.members(raw) == dict(expected)
    assert jsontext.items(b"[ 1 ,2,\n[3] ]") == [b"1", b"2", b"[3]"]
    assert (jsontext.members(b"{}"), jsontext.items(b" [ ] ")) == ({}, [])


def test_a_member_that_stands_twice_is_refused_however_it_is_spelt():
    for raw in (b'{"a":1,"a":1}', b'{"amount":1,"b":2,"amount":100}', b'{"a":1,"\\u0061":2}'):
        refused(MALFORMED, jsontext.members, raw)


def test_texts_are_read_as_the_grammar_says():
    for raw, text in TEXTS:
        assert jsontext.string(raw) == text, raw
    for raw in NOT_TEXT:
        refused(MALFORMED, jsontext.string, raw)


def test_a_text_with_a_trap_as_a_name_is_refused_too():
    for raw in (b'{"\\ud83e":1}', b'{"\xc0\x80":1}', b'{"\\x":1}'):
        refused(MALFORMED, jsontext.members, raw)


def test_numbers_of_the_grammar_pass():
    for number in (
        b"0",
        b"-0",
        b"7",
        b"-1",
        b"12.50",
        b"0.001",
        b"1e5",
        b"1E+5",
        b"1.5e-05",
        b"90",
    ):
        assert jsontext.members(b'{"a":' + number + b"}") == {"a": number}
        assert jsontext.items(b"[" + number + b"]") == [number]


def test_depth_is_bounded():
    deepest = b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX
    assert jsontext.items(deepest) == [deepest[1:-1]]
    refused(MALFORMED, jsontext.items, b"[" + deepest + b"]")
    refused(MALFORMED, jsontext.members, b'{"a":' * 4_000 + b"1" + b"}" * 4_000)
    refused(MALFORMED, jsontext.items, b"[" * 100_000)


def test_the_number_of_members_is_bounded():
    most = ",".join([f'"{i}":0' for i in range(JSON_MEMBERS_MAX)]).encode()
    assert len(jsontext.members(b"{" + most + b"}")) == JSON_MEMBERS_MAX
    refused(MALFORMED, jsontext.members, b"{" + most + b',"more":0}')
    assert len(jsontext.items(b"[1,2,3]", 3)) == 3
    refused(MALFORMED, jsontext.items, b"[1,2,3]", 2)


def test_a_huge_input_of_tiny_members_is_refused_as_soon_as_there_are_too_many():
    # Were all their places noted, the places would not fit the heap that these tests have.
    refused(MALFORMED, jsontext.members, b"{" + b'"":0,' * 20_000 + b'"":0}')
    refused(MALFORMED, jsontext.items, b"[" + b"0," * 40_000 + b"0]")


def test_long_texts_full_of_escapes_take_no_quadratic_time():
    assert jsontext.string(b'"' + b"\\n" * 4_000 + b'"') == "\n" * 4_000
    assert jsontext.string(b'"' + b"\\\\" * 4_000 + b'"') == "\\" * 4_000
    refused(MALFORMED, jsontext.string, b'"' + b"\\" * 40_001 + b'"')


def test_a_missing_text_is_named():
    assert "to_id" in refused(MALFORMED, jsontext.text_member, {"from_id": b'"a"'}, "to_id")
    refused(MALFORMED, jsontext.text_member, {"to_id": b"5"}, "to_id")


def test_quoting_is_that_of_json_stringify():
    # Expected: what ECMA-262, section 25.5.2.3 (QuoteJSONString), writes.
    cases = (
        ("", '""'),
        ("a/b", '"a/b"'),
        ('"\\', '"\\"\\\\"'),
        ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'),
        ("\x00\x01\x1f", '"\\u0000\\u0001\\u001f"'),
        ("\x7f\x80", '"\x7f\x80"'),
        ("\xe4\u20ac\U0001f968\u2028", '"\xe4\u20ac\U0001f968\u2028"'),
        ("<script>", '"<script>"'),
    )
    for text, quoted in cases:
        assert jsontext.quote(text) == quoted
        assert jsontext.string(quoted.encode()) == text


def test_compact_is_json_stringify_of_json_parse():
    cases = (
        (b' { "b" : [ 1 , 2.50 ] , "a" : "x" } ', b'{"b":[1,2.5],"a":"x"}'),
        (b'{"n":"B\\u00e4cker \\ud83e\\udd68\\/"}', '{"n":"B\xe4cker \U0001f968/"}'.encode()),
        (b'"\\u0007\\u001F"', b'"\\u0007\\u001f"'),
        (b"[ ]", b"[]"),
        (b"{\n}", b"{}"),
        (b"[true ,false, null]", b"[true,false,null]"),
        (b"[1.0, 0.10, 12.50, 100, 0, -0, -0.0, -1.50, 0.0]", b"[1,0.1,12.5,100,0,0,0,-1.5,0]"),
        (b"40000000.00", b"40000000"),
        (b"16777217.01", b"16777217.01"),
    )
    for raw, expected in cases:
        assert stringify.compact(raw) == expected
        assert stringify.compact(expected) == expected


def test_compact_agrees_with_the_json_module_on_seeded_values():
    seeded = Seeded("compact")
    for _ in range(100):
        value = _value(seeded, 3)
        text = json.dumps(value)
        assert json.loads(stringify.compact(text.encode())) == value
        if isinstance(value, (list, dict)):
            spaced = text.replace(", ", " ,\n\t").replace(": ", "\r :  ")
            assert stringify.compact(spaced.encode()) == stringify.compact(text.encode())


def test_numbers_that_would_need_a_float_are_refused():
    for raw in (b"1e2", b"1E2", b"1.5e-7", b"1234567890123456", b"0.1234567890123456", b"[1e2]"):
        refused(MALFORMED, stringify.compact, raw)
    for raw in (b"", b"01", b"nul", b"NaN", b"{", b"[1", b'{"a":1}x', b'"a'):
        refused(MALFORMED, stringify.compact, raw)


def _value(seeded: Seeded, depth: int):
    kind = seeded.below(8 if depth else 6)
    if kind == 7:
        return {f"k{i}": _value(seeded, depth - 1) for i in range(seeded.below(4))}
    if kind == 6:
        return [_value(seeded, depth - 1) for _ in range(seeded.below(4))]
    if kind == 5:
        return "".join([seeded.among("a\u00e4\u20ac\\/\n.b") for _ in range(seeded.below(9))])
    return seeded.among((True, False, None, 0, 7, -5, 123456, 4000000000))
