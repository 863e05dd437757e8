"""What a model is asked for, from a type, and what becomes of its answer."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator
from typing_extensions import TypedDict

from streamui.errors import SchemaError
from streamui.models.demo.schema import check_strict
from streamui.models.object_form import NotThisFormError, ObjectForm
from streamui.streamable.log import UNSET


class Plain:
    """What pydantic knows nothing of."""


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Step(BaseModel):
    """One thing to do."""

    text: str = Field(description="In one sentence", max_length=10)
    minutes: int = 3
    tags: list[str] = Field(default_factory=list[str])


class Ham(BaseModel):
    kind: Literal["ham"]
    slices: int = 2


class Egg(BaseModel):
    kind: Literal["egg"]
    boiled: bool | None = True


class Recipe(BaseModel):
    name: str
    day: datetime.date = datetime.date(2026, 1, 1)
    colour: Colour = Colour.RED
    steps: list[Step]
    best: Step | None = None
    top: Annotated[Ham | Egg, Field(discriminator="kind")]


class Tree(BaseModel):
    name: str
    inside: list[Tree] = []


class Named(BaseModel):
    model_config = ConfigDict(strict=True)
    full_name: str = Field(alias="fullName")
    day: datetime.date

    @field_validator("full_name")
    @classmethod
    def _is_full(cls, value: str) -> str:
        if " " not in value:
            raise ValueError("give both names")
        return value


class Bought(BaseModel):
    kind: Literal["bought"]
    price: int = 5


class Given(BaseModel):
    kind: Literal["given"]
    price: int | None


@dataclasses.dataclass
class Size:
    width: int
    unit: str = "cm"


class Note(TypedDict):
    title: str
    lines: NotRequired[list[str]]


WHOLE = {
    "name": "Soup",
    "day": None,
    "colour": None,
    "steps": [{"text": "Boil", "minutes": None, "tags": None}],
    "best": None,
    "top": {"kind": "egg", "boiled": None},
}


@pytest.mark.parametrize(
    "kind",
    [
        Recipe,
        Tree,
        Size,
        Note,
        Colour,
        Literal["a", "b"],
        int,
        list[Recipe],
        list[Size],
        list[Note],
        list[Colour],
        Ham | Egg,
    ],
    ids=str,
)
def test_a_provider_can_hold_a_model_to_it(kind: Any) -> None:
    form = ObjectForm[Any](kind)
    assert form.format["strict"]
    assert form.format["schema"]["type"] == "object"
    check_strict(
        json.loads(form.written), "text.format.schema"
    )  # what OpenAI refuses, the demo model does
    assert form.format["name"].isidentifier()


@pytest.mark.parametrize("kind", [dict[str, int], list[dict[str, Any]], tuple[int, str], Any])
def test_what_no_strict_schema_can_say_is_asked_for_all_the_same(kind: Any) -> None:
    form = ObjectForm[Any](kind)
    assert not form.format["strict"] and form.format["schema"]["type"] == "object"
    for value in ({"a": 1}, [{"a": 1}], [1, "x"]):
        written = json.dumps(value if form.shape == "object" else {"value": value})
        try:
            assert json.loads(json.dumps(form.read(written))) == value
            break
        except NotThisFormError:
            continue
    else:
        pytest.fail("nothing fits")


def test_nulls_that_stand_for_what_was_left_out_become_the_defaults() -> None:
    made = ObjectForm(Recipe).read(json.dumps(WHOLE))
    assert (made.day, made.colour) == (datetime.date(2026, 1, 1), Colour.RED)
    assert made.steps == [Step(text="Boil", minutes=3, tags=[])]
    assert made.best is None and made.top == Egg(kind="egg", boiled=None)
    either = ObjectForm[Any](list[Bought | Given])
    kinds = [{"kind": "given", "price": None}, {"kind": "bought", "price": None}]
    assert either.read(json.dumps(kinds)) == [
        Given(kind="given", price=None),
        Bought(kind="bought", price=5),
    ]
    assert ObjectForm(Note).read('{"title": "a", "lines": null}') == {"title": "a"}
    assert ObjectForm(Size).read('{"width": 2, "unit": null}') == Size(2, "cm")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (list[Size], '{"value": [{"width": 1, "unit": "m"}]}', [Size(1, "m")]),
        (list[Size], '[{"width": 1}]', [Size(1)]),
        (Colour, '{"value": "blue"}', Colour.BLUE),
        (Colour, '"blue"', Colour.BLUE),
        (Ham | Egg, '{"value": {"kind": "ham", "slices": null}}', Ham(kind="ham")),
        (Ham | Egg, '{"kind": "ham"}', Ham(kind="ham")),
        (int, '{"value": 5}', 5),
        (Tree, '{"name": "a", "inside": [{"name": "b"}]}', Tree(name="a", inside=[Tree(name="b")])),
        (RootModel[list[int]], '{"value": [1, 2]}', RootModel[list[int]]([1, 2])),
    ],
)
def test_what_was_wrapped_is_unwrapped(kind: Any, text: str, value: Any) -> None:
    assert ObjectForm[Any](kind).read(text) == value


def test_names_are_the_fields_whatever_their_aliases() -> None:
    form = ObjectForm(Named)
    assert list(form.format["schema"]["properties"]) == ["full_name", "day"]
    made = form.read('{"full_name": "Ada Lovelace", "day": "1815-12-10"}')
    assert made == form.read('{"fullName": "Ada Lovelace", "day": "1815-12-10"}')
    assert made.day.year == 1815


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Soup", "not JSON"),
        ("", "not JSON"),
        ('{"name": "Soup"', "not JSON"),
        ('{"name": "Soup"} {}', "not JSON"),
        ('{"name": NaN}', "not JSON"),
        ('{"name": 1e999}', "not JSON"),
        ('{"name": "\\ud83d"}', "not JSON"),
        ("[" * 300 + "]" * 300, "not JSON"),
        ("[]", "Input should be"),
        ('{"name": "Soup"}', "steps: Field required\ntop: Field required"),
        (json.dumps({**WHOLE, "steps": [{"text": "Boil it for long"}]}), "steps.0.text: String"),
    ],
)
def test_what_does_not_fit_is_told_in_words_without_it(text: str, words: str) -> None:
    with pytest.raises(NotThisFormError) as caught:
        ObjectForm(Recipe).read(text)
    assert words in str(caught.value)
    assert "Soup" not in str(caught.value) and "for long" not in str(caught.value)


def test_what_a_validator_says_is_told() -> None:
    with pytest.raises(NotThisFormError, match="full_name: Value error, give both names"):
        ObjectForm(Named).read('{"full_name": "Ada", "day": "1815-12-10"}')


def test_the_most_that_is_told_is_not_much() -> None:
    steps = [{"text": n} for n in range(5000)]
    with pytest.raises(NotThisFormError) as caught:
        ObjectForm(list[Step]).read(json.dumps(steps))
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("kind", [Plain, Callable[[], int], "NoSuchType"])
def test_a_type_without_a_schema_is_refused_at_once(kind: Any) -> None:
    with pytest.raises(SchemaError, match="cannot be asked for"):
        ObjectForm[Any](kind)


def test_a_list_grows_by_complete_items_and_never_shrinks() -> None:
    form, seen = ObjectForm(list[Any]), []
    value = [{"a": "x", "b": [1, 2]}, "text", 12, True, None, [], {"a": "}]"}]
    for text in (json.dumps({"value": value}), json.dumps(value)):
        before: Any = UNSET
        for end in range(1, len(text) + 1):
            now = form.partial(text[:end], before)
            if now is not UNSET:
                assert now == value[: len(now)]
                assert before is UNSET or len(now) >= len(before)
                seen.append(len(now))
            before = now
    assert set(range(len(value) + 1)) == set(seen)


@pytest.mark.parametrize(
    ("kind", "text", "partial"),
    [
        (Recipe, '{"name": "So', {"name": "So"}),
        (Recipe, "[1", UNSET),
        (Recipe, "So", UNSET),
        (Colour, '{"value": "re', UNSET),
        (Colour, '{"value": "red"}', UNSET),
        (int, '{"value": 1', UNSET),
        (list[Size], '{"value": ', UNSET),
        (list[Size], '{"value": [{"width"', []),
    ],
)
def test_as_much_is_told_as_is_certain(kind: Any, text: str, partial: Any) -> None:
    assert ObjectForm[Any](kind).partial(text) == partial


def test_what_becomes_unreadable_stands_as_it_was() -> None:
    form = ObjectForm(Recipe)
    before = form.partial('{"name": "Soup", ')
    assert form.partial('{"name": "Soup", NaN', before) is before
    items = ObjectForm(list[int])
    assert items.partial("[1, 2, oops", [1, 2]) == [1, 2]


def test_a_page_is_given_json_or_a_model() -> None:
    named = Named(fullName="Ada L", day=datetime.date(1815, 12, 10))
    assert ObjectForm(Named).shown(named) is named
    assert ObjectForm(list[Named]).shown([named])[0]["day"] == "1815-12-10"
    assert ObjectForm(Size).shown(Size(1)) == {"width": 1, "unit": "cm"}
    assert ObjectForm(Colour).shown(Colour.RED) == "red"
