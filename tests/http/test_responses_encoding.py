"""What is written can be read again, by a reader of the standard and by a careless one."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamui.errors import ProtocolError
from streamui.http.encoding import (
    encode_event,
    encode_json,
    encode_line,
    encode_retry,
)
from streamui.http.event import ServerSentEvent
from streamui.http.forms import Pieces
from streamui.streamable.json_value import clean_text, to_json
from streamui.streamable.value import StreamableValue
from tests.http.serving import events

NASTY = st.text(
    st.one_of(
        st.sampled_from("\r\n\0\ufeff\x85\u2028\u2029\x0b\x0c\x1c :\u200d\ud83d\ude00\ud800é🧑‍🚀"),
        st.characters(),
    )
)
FIELD = NASTY.map(clean_text).filter(lambda text: not re.search("[\r\n\0]", text))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=8,
)


@given(data=NASTY, event=FIELD, id=FIELD, retry=st.none() | st.integers(0, 10**9))
def test_a_reader_of_the_standard_gets_the_event_back(data, event, id, retry):
    written = encode_event(ServerSentEvent(data, event, id, retry))
    lines = re.sub("\r\n|\r", "\n", clean_text(data))  # the format has one line end
    assert events(written) == [ServerSentEvent(lines, event or "message", id, retry)]


@given(value=JSON)
def test_json_is_one_line_for_whoever_splits_lines(value):
    value = to_json(value)
    text = encode_json(value)
    assert text.splitlines() == [text]
    assert json.loads(text) == value
    assert encode_line(value) == text.encode() + b"\n"
    assert [json.loads(event.data) for event in events(encode_event(ServerSentEvent(text)))] == [
        value
    ]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
def test_fault_47_line_separators_are_no_line_breaks_to_anybody(character):
    line = encode_line({"text": f"a{character}b"})
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line) == {"text": f"a{character}b"}


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "a\r\nb", "1\ndata: forged"])
@pytest.mark.parametrize("field", ["id", "event"])
def test_fault_59_line_ends_and_nul_in_an_id_or_a_type_are_refused(field, bad):
    with pytest.raises(ProtocolError, match="must not"):
        encode_event(ServerSentEvent("data", **{field: bad}))


def test_a_retry_that_is_none_is_refused():
    with pytest.raises(ProtocolError):
        encode_retry(-1)


def test_what_is_no_json_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        encode_json(float("nan"))
    with pytest.raises(TypeError, match="object is not JSON"):
        encode_json([object()])


def test_a_streamable_in_a_value_is_written_as_its_handle():
    live, ended = StreamableValue("a"), StreamableValue("b").done()
    assert json.loads(encode_json([live, ended])) == [live.handle(), ended.handle()]
    live.done()


@given(text=NASTY, cuts=st.lists(st.integers(0, 40), max_size=8))
def test_fault_46_characters_that_were_cut_in_two_are_put_together(text, cuts):
    halves = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    units = [chr(int.from_bytes(pair, "little")) for pair in _units(halves)]
    pieces = Pieces()
    whole = "".join(pieces.text("".join(part)) for part in _cut(units, cuts)) + pieces.rest()
    assert whole == clean_text(text)


@given(text=NASTY.map(clean_text), cuts=st.lists(st.integers(0, 80), max_size=8))
def test_fault_40_bytes_that_were_cut_anywhere_are_put_together(text, cuts):
    pieces = Pieces()
    parts = [pieces.text(bytes(part)) for part in _cut(list(text.encode()), cuts)]
    assert "".join(parts) + pieces.rest() == text


def _units(text):
    coded = text.encode("utf-16-le", "surrogatepass")
    return [coded[i : i + 2] for i in range(0, len(coded), 2)]


def _cut(items, cuts):
    places = [0, *sorted(min(cut, len(items)) for cut in cuts), len(items)]
    return [items[a:b] for a, b in pairwise(places)]
