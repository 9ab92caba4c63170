"""The host's JSON scanner takes and refuses exactly what the boards' scanner does."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.common.interchange import jsonscan, jsontext
from firmware.common.wire.errors import Refused
from firmware.common.wire.limits import JSON_DEPTH_MAX, JSON_MEMBERS_MAX
from tests.unit.test_jsontext import NOT_JSON

Found = tuple[int, list[tuple[int, int]]] | int

DEEP = [b'{"a":' * depth + b"1" + b"}" * depth for depth in range(1, JSON_DEPTH_MAX + 2)]
FLAT = [b"[1" + b",1" * more + b"]" for more in range(JSON_MEMBERS_MAX - 2, JSON_MEMBERS_MAX + 1)]
FORMS = [
    *NOT_JSON,
    *DEEP,
    *FLAT,
    b"[]",
    b"{}",
    b' [ ] "',
    b'[[],{},[{"a":[]}]]',
    b'{"a":[1,-0.5e+9,true,false,null,"\\u00e4\\"",{}],"b":{"c":[[]]}}',
    b'{ "a" : [ 1 , 2 ] , "b" : { } }',
    b'{"a":"\xff"}',
    b'["\\\n"]',
    b"[1}",
    b'{"a":1]',
    b'[{"a":1]}',
]
# Bytes that mean something to a scanner, so that what is drawn is often almost JSON.
MARKS = b'[]{},:""\\ \n019.-+eEtruefalsn\x00\xff\xc3\xa4'


def found_by(scan: Callable[..., int], raw: bytes) -> Found:
    """Where the container ends and its items stand, or the reason why it is refused."""
    spans: list[tuple[int, int]] = []
    try:
        return scan(raw, 0, 0, spans, JSON_MEMBERS_MAX), spans
    except Refused as refused:
        return refused.reason


def agree_on(raw: bytes) -> Found:
    found = found_by(jsonscan.container_end, raw)
    assert found == found_by(jsontext._container_end, raw)
    return found


@pytest.mark.parametrize("raw", [raw for raw in FORMS if raw[:1] in (b"{", b"[")])
def test_both_scanners_agree_on_a_form(raw: bytes) -> None:
    agree_on(raw)


def test_both_find_what_is_json() -> None:
    assert agree_on(b'{"a":[1, 2] ,"b":{}}x') == (20, [(1, 11), (13, 19)])


@given(st.lists(st.sampled_from(MARKS)).map(bytes), st.sampled_from([b"{", b"["]))
def test_both_scanners_agree_on_almost_json(rest: bytes, opening: bytes) -> None:
    agree_on(opening + rest)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, list | dict)),
    st.sampled_from([None, 2]),
    st.integers(min_value=0),
    st.sampled_from(MARKS),
)
def test_both_scanners_agree_on_json_with_one_byte_changed(
    value: object, indent: int | None, place: int, byte: int
) -> None:
    raw = bytearray(json.dumps(value, indent=indent).encode())
    agree_on(bytes(raw))
    place %= len(raw)
    raw[place] = byte
    if raw[:1] in (b"{", b"["):
        agree_on(bytes(raw))


@given(st.lists(st.sampled_from(MARKS)).map(bytes))
def test_both_agree_where_a_text_ends(rest: bytes) -> None:
    ends = []
    for scan in (jsonscan.string_end, jsontext._string_end):
        try:
            ends.append(scan(b'"' + rest, 0))
        except Refused as refused:
            ends.append(-refused.reason)
    assert ends[0] == ends[1]
