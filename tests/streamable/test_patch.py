import json

from hypothesis import given
from hypothesis import strategies as st

from streamui.streamable.json_value import copy_json
from streamui.streamable.patch import bytes_of, diff, same, size_of
from streamui.streamable.tree import apply_patch

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 1) | st.text("ab", max_size=6),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("xyz", max_size=2), inner),
    max_leaves=20,
)


@given(json_values, json_values)
def test_applying_a_difference_gives_the_new_value(old, new):
    patches = diff(old, new)
    if patches is None:
        return
    result = copy_json(old)
    for patch in copy_json(patches):
        result = apply_patch(result, patch)
    assert same(result, new)
    assert not patches or size_of(patches) < size_of(new)


@given(json_values)
def test_nothing_differs_from_itself(value):
    assert diff(value, copy_json(value)) == []


def test_true_is_not_one_and_one_is_one_point_zero():
    assert not same(True, 1)
    assert not same([0], [False])
    assert same(1, 1.0)
    assert not same("1", 1)
    assert not same(None, False)


@given(json_values | st.text() | st.lists(st.text(), max_size=1))
def test_bytes_are_those_of_the_json_and_of_text_as_it_is(value):
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert bytes_of(value) == len((value if isinstance(value, str) else written).encode())
    assert bytes_of([value]) == len(f"[{written}]".encode())


def test_what_cannot_be_written_has_no_bytes():
    assert bytes_of(10**5000) == bytes_of("\ud800") == 0
