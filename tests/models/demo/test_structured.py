"""What the demo writes to a schema is an instance of it, whatever the schema."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI
from openai.lib._pydantic import to_strict_json_schema
from pydantic import AnyUrl, BaseModel, Field, TypeAdapter, create_model

from streamui.models.demo import DemoServer
from streamui.models.demo.fill import Filler
from streamui.models.demo.story import Story
from streamui.models.demo.talk import InvalidError
from tests.models.demo.reading import EVENTS, assert_no_more_than_known, events, post


class Unit(Enum):
    GRAM = "g"
    PIECE = "piece"


class Ingredient(BaseModel):
    name: str
    amount: float = Field(ge=0, le=500)
    unit: Unit | None


class Recipe(BaseModel):
    title: str
    servings: int
    ingredients: list[Ingredient]
    steps: list[str]
    vegetarian: bool


class Node(BaseModel):
    value: int
    children: list[Node]
    next: Node | None


class Plus(BaseModel):
    kind: Literal["plus"]
    left: Plus | Leaf
    right: Plus | Leaf


class Leaf(BaseModel):
    kind: Literal["leaf"]
    value: int


class Everything(BaseModel):
    when: datetime
    day: date
    id: UUID
    link: AnyUrl
    code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{4}$")]
    short: Annotated[str, Field(max_length=5)]
    long: Annotated[str, Field(min_length=80)]
    rate: Annotated[float, Field(gt=0, lt=1)]
    tens: Annotated[int, Field(multiple_of=10, ge=15)]
    pair: tuple[int, str]
    many: Annotated[list[str], Field(min_length=7, max_length=7)]
    few: Annotated[set[int], Field(min_length=4)]
    both: Annotated[set[bool], Field(min_length=2)]
    parts: Annotated[set[Literal["a", "b", "c"]], Field(min_length=3)]
    same: Annotated[set[Annotated[str, Field(max_length=3)]], Field(min_length=3)]
    either: int | list[str] | Leaf
    free: dict[str, int]
    level: Literal[1, 2, 3]


def made(schema: dict[str, Any], question: str = "Tell me about tea") -> Any:
    return Filler(schema).fill(Story(question))


@pytest.mark.parametrize("kind", [Recipe, Node, Plus, Leaf, Everything, list[Recipe], Unit, int])
def test_it_is_an_instance(kind: Any) -> None:
    adapter = TypeAdapter(kind)
    value = made(adapter.json_schema())
    adapter.validate_json(json.dumps(value), strict=False)
    assert made(adapter.json_schema()) == value


@pytest.mark.parametrize("kind", [Recipe, Node])
def test_what_the_sdk_makes_of_a_model_is_understood(kind: type[BaseModel]) -> None:
    kind.model_validate(made(to_strict_json_schema(kind)))


def made_model(fields: dict[str, Any]) -> Any:
    each: dict[str, Any] = {name: (kind, ...) for name, kind in fields.items()}
    return create_model("Made", **each)


SCALARS = st.one_of(
    st.builds(
        lambda low, more: Annotated[int, Field(ge=low, le=low + more)],
        st.integers(-1000, 1000),
        st.integers(0, 50),
    ),
    st.builds(
        lambda low, more: Annotated[float, Field(gt=low, lt=low + more)],
        st.floats(-1000, 1000),
        st.floats(0.1, 50),
    ),
    st.builds(
        lambda low, more: Annotated[str, Field(min_length=low, max_length=low + more)],
        st.integers(0, 60),
        st.integers(0, 60),
    ),
    st.sampled_from([bool, type(None), date, datetime, UUID, Literal["a", "b"], Literal[7]]),
)
TYPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        inner.map(lambda kind: list[kind]),
        inner.map(lambda kind: kind | None),
        st.tuples(inner, inner).map(lambda pair: tuple[pair[0], pair[1]]),
        st.dictionaries(st.sampled_from(["title", "tags", "count", "x"]), inner, min_size=1).map(
            made_model
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(kind=TYPES, question=st.text(max_size=40))
def test_it_is_an_instance_whatever_is_asked_for(kind: Any, question: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    adapter.validate_json(json.dumps(made(adapter.json_schema(), question)))


def test_its_content_fits_the_question() -> None:
    value = made(Recipe.model_json_schema(), "Give me a recipe for tomato soup for 6 servings")
    assert "tomato soup" in value["title"].lower()
    assert value["servings"] == 6
    assert len({item["name"] for item in value["ingredients"]}) == len(value["ingredients"]) > 1
    cities = TypeAdapter(list[str]).json_schema()
    assert len(set(made(cities, "Name 5 cities"))) == 5


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/none"},
        {"$ref": "https://example.com/schema.json"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "object", "properties": 7},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "minItems": 10**9},
        {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#"}}},
    ],
)
def test_a_schema_without_instances_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        made(schema)


def asked(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"type": "json_schema", "name": "made", "schema": schema, **more}
    return {"model": "m", "input": "A recipe for soup, flat out", "text": {"format": told}}


def test_every_event_of_a_structured_response_is_openais(demo: DemoServer) -> None:
    schema = Recipe.model_json_schema()
    sent = events(post(demo, "/responses", stream=True, **asked(schema)))
    loaded = [EVENTS.validate_json(data) for _, data in sent]
    for event in loaded:
        assert_no_more_than_known(event)
    deltas = [event.delta for event in loaded if event.type == "response.output_text.delta"]
    assert max(map(len, deltas)) < 25 and len(deltas) > 30
    last = loaded[-1].response
    assert Recipe.model_validate_json("".join(deltas)).title
    assert last.output_text == "".join(deltas)
    assert last.text.format.type == "json_schema" and last.text.format.schema_ == schema


async def test_the_sdk_parses_it(client: AsyncOpenAI) -> None:
    question = "A recipe for soup, flat out"
    parsed = await client.responses.parse(model="m", input=question, text_format=Recipe)
    assert parsed.output_parsed and "soup" in parsed.output_parsed.title.lower()
    chat = await client.chat.completions.parse(
        model="m", messages=[{"role": "user", "content": question}], response_format=Recipe
    )
    assert chat.choices[0].message.parsed == parsed.output_parsed
    plain = await client.responses.create(
        model="m", input=question, text={"format": {"type": "json_object"}}
    )
    assert isinstance(json.loads(plain.output_text), dict)


async def test_it_can_be_refused_and_cut_short(client: AsyncOpenAI) -> None:
    refused = await client.responses.parse(
        model="m", input="Refuse to write a recipe", text_format=Recipe
    )
    assert refused.output_parsed is None and refused.output[0].type == "message"
    assert refused.output[0].content[0].type == "refusal"
    short = await client.responses.create(**asked(Recipe.model_json_schema()), max_output_tokens=5)
    assert short.status == "incomplete"
    with pytest.raises(ValueError, match=r"."):
        json.loads(short.output_text)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "object", "properties": {}}, "'additionalProperties' is required"),
        ({"type": "array", "items": {}}, "of 'type: \"object\"'"),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            "Missing 'a'",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"oneOf": [{"type": "string"}]}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "'oneOf' is not permitted",
        ),
        (Recipe.model_json_schema(), "'additionalProperties' is required"),
    ],
)
async def test_what_is_not_strict_is_refused(
    client: AsyncOpenAI, schema: dict[str, Any], told: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=told):
        await client.responses.create(**asked(schema, strict=True))
    await client.responses.create(**asked(schema))
