"""Of JSON that is still being written, what is certain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamui.models.partial_json import complete_items, json_part, partial_json, whole_json
from streamui.streamable.log import UNSET

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('ab\n"\\é😀'), inner),
    max_leaves=6,
)


def is_beginning(part: Any, whole: Any) -> bool:
    """Whether one is the other with things missing at its end."""
    if isinstance(part, str) and isinstance(whole, str):
        return whole.startswith(part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(is_beginning, part, whole))
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and is_beginning(each, whole[key]) for key, each in part.items())
    return type(part) is type(whole) and part == whole


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text("abc"), VALUES), st.booleans())
def test_every_beginning_tells_only_what_stays_true(value, escaped):
    text = json.dumps(value, ensure_ascii=escaped)
    for end in range(1, len(text) + 1):
        part = partial_json(text[:end])
        assert part is not UNSET, text[:end]
        assert is_beginning(part, value), (text[:end], part)
    assert partial_json(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"n": 12', {}),
        ('{"n": -1.5e', {}),
        ('{"n": 12,', {"n": 12}),
        ('{"n": 12}', {"n": 12}),
        ('{"n": [1, 2', {"n": [1]}),
        ('{"t": "in 12', {"t": "in 12"}),
        ('{"t": "a\\', {"t": "a"}),
        ('{"t": "a\\u00', {"t": "a"}),
        ('{"t": "a\\u0041', {"t": "aA"}),
        ('{"t": "a\\ud83d', {"t": "a"}),
        ('{"t": "a\\ud83d\\', {"t": "a"}),
        ('{"t": "a\\ud83d\\ude0', {"t": "a"}),
        ('{"t": "a\\ud83d\\ude00', {"t": "a😀"}),
        ('{"t": tru', {}),
        ('{"t": true', {"t": True}),
        ('{"t', {}),
        ('{"a": 1, "a": 2, ', {"a": 2}),
        ("{", {}),
    ],
)
def test_what_is_half_written_is_not_told(text, value):
    assert partial_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure",
        '{"n": NaN',
        '{"n": Infinity',
        '{"t": "a\nb',
        '{"t": "\\ud83d"}',
        "{'a'",
        "[" * 300,
    ],
)
def test_what_cannot_become_json_is_nothing(text):
    assert partial_json(text) is UNSET


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": NaN}', '{"a": 1} and', "[" * 300 + "]" * 300])
def test_a_whole_text_is_strict(text):
    with pytest.raises(ValueError, match="line 1"):
        whole_json(text)


@pytest.mark.parametrize(
    ("answer", "json_text"),
    [
        ('{"a": "```\\n"}', '{"a": "```\\n"}'),
        ('\ufeff\n {"a": 1}\n', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('Here it is:\n```json\n{"a": 1}\n```\nEnjoy! {}', '{"a": 1}'),
        ("```\r\n[1]\n```", "[1]"),
        ('```json\n{"a": "', '{"a": "'),
        ("```js", "```js"),
        ("Sure!", "Sure!"),
    ],
)
def test_the_json_of_an_answer_is_found_in_its_fence(answer, json_text):
    assert json_part(answer) == json_text


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('{"value": [', []),
        ('{"value": [{"a": 1}', [{"a": 1}]),
        ('{"value": [{"a": 1}, ', [{"a": 1}]),
        ('{"value": [{"a": 1}, {"a": 2', None),
        ('{"value": ["a"', ["a"]),
        ('{"value": ["a"]', ["a"]),
        ('{"value": ["a"]}', ["a"]),
        ('{"value": ["a, ', None),
        ('{"value": [12', None),
        ('{"value": [12, ', [12]),
        ('{"value": [true', [True]),
        ('{"value": [tru', None),
        ('{"value', None),
    ],
)
def test_items_count_when_they_are_complete(text, items):
    found = complete_items(text, "]}")
    assert (found if found is None else found["value"]) == items
