from __future__ import annotations

import dataclasses
import enum
import functools
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Optional

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import streamui as ui
from streamui.models.strict_schema import strict_schema
from streamui.models.tool import tools_by_name
from streamui.models.tool_outcome import ToldError

if TYPE_CHECKING:
    from nowhere import Unknown  # pyright: ignore[reportMissingImports]


class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"


@dataclasses.dataclass
class Place:
    """Where something is."""

    city: str
    country: str = "Norway"


class Stay(BaseModel):
    nights: Annotated[int, Field(ge=1)]
    note: Optional[str] = None  # noqa: UP045 -- as people write it


class Extra(TypedDict):
    name: str
    count: NotRequired[int]


@ui.tool
def book(
    place: Place,
    stay: Stay,
    day: date,
    unit: Unit = Unit.C,
    kind: Literal["inn", "hotel"] = "hotel",
    schema: Annotated[int, Field(description="from the annotation", le=7)] = 3,
    extras: list[Extra] | None = None,
    price: Decimal = Decimal(5),
    *,
    copy: bool = False,
) -> Unknown:
    """Book a room.

    It is paid for at once.

    Args:
        place: Where it is: a town,
            with its country.
        schema: From the docstring.
        copy (bool): Whether to send a copy.

    Returns:
        What was booked.

    Raises:
        ValueError: Nothing is free.
    """
    return (place, stay, day, unit, kind, schema, extras, price, copy)


def property_of(name: str) -> dict[str, Any]:
    return book.parameters["properties"][name]


def test_the_docstring_down_to_its_sections_says_what_it_is_for() -> None:
    assert book.name == "book"
    assert book.description == "Book a room.\n\nIt is paid for at once."

    def short(a: int) -> None:
        """Do it.

        Args:
            a: How often.
        """

    assert ui.Tool(short).description == "Do it."


def test_each_parameter_is_described_by_its_annotation_or_else_the_docstring() -> None:
    assert property_of("place")["description"] == "Where it is: a town, with its country."
    assert property_of("schema")["description"] == "from the annotation"
    assert property_of("copy")["description"] == "Whether to send a copy."
    assert "description" not in property_of("day")


def test_the_strict_form_names_and_requires_all_and_null_stands_for_a_default() -> None:
    assert book.strict
    schema = book.parameters
    for each in (schema, *schema["$defs"].values()):
        if each["type"] == "object":
            assert each["additionalProperties"] is False
            assert each["required"] == list(each["properties"])
    assert property_of("place") == {
        "description": "Where it is: a town, with its country.",
        "anyOf": [{"$ref": "#/$defs/Place"}],
    }
    assert property_of("kind")["anyOf"] == [
        {"type": "string", "enum": ["inn", "hotel"]},
        {"type": "null"},
    ]
    assert property_of("day") == {"type": "string", "format": "date"}
    assert schema["$defs"]["Place"]["properties"]["country"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}]
    }
    text = str(schema)
    assert "default" not in text and "title" not in text.lower().replace("titles", "")
    assert "(?" not in text  # a pattern that looks ahead, as that of Decimal


@pytest.mark.parametrize("kind", [dict[str, int], Any, tuple[int, str], list])
def test_what_has_no_strict_form_is_told_as_it_is(kind: Any) -> None:
    def take(value: Any) -> None: ...

    take.__annotations__["value"] = kind
    made = ui.Tool(take)
    assert not made.strict
    assert made.parameters["properties"].keys() == {"value"}


def test_a_schema_that_is_no_object_has_no_strict_form() -> None:
    assert strict_schema({"type": "array", "items": {"type": "string"}}) is None


def test_what_the_model_wrote_becomes_arguments_of_their_types_with_the_defaults() -> None:
    written = """{"place": {"city": "Oslo", "country": null}, "stay": {"nights": 2, "note": null},
        "day": "2027-01-02", "unit": "fahrenheit", "kind": null, "schema": null,
        "extras": [{"name": "bed", "count": null}], "price": "1.50", "copy": null}"""
    assert book.arguments.read(written) == {
        "place": Place("Oslo", "Norway"),
        "stay": Stay(nights=2, note=None),
        "day": date(2027, 1, 2),
        "unit": Unit.F,
        "kind": "hotel",
        "schema": 3,
        "extras": [{"name": "bed"}],
        "price": Decimal("1.50"),
        "copy": False,
    }


def test_a_null_that_means_something_is_kept() -> None:
    def take(note: str | None = "x") -> None: ...

    arguments = ui.Tool(take).arguments
    assert arguments.read('{"note": null}') == {"note": None}
    assert arguments.read("{}") == {"note": "x"}


def test_what_is_checked_is_shown_as_json() -> None:
    def take(big: int, wide: float, day: date, place: Place) -> None: ...

    arguments = ui.Tool(take).arguments
    wide = '{"big": 90071992547409931, "wide": 1e999, "day": "2027-01-02", "place": {"city": "A"}}'
    assert arguments.shown(arguments.read(wide)) == {
        "big": "90071992547409931",
        "wide": None,
        "day": "2027-01-02",
        "place": {"city": "A", "country": "Norway"},
    }


GOOD = '"place": {"city": "Oslo"}, "stay": {"nights": 1}, "day": "2027-01-02"'


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{", "they are no JSON: EOF while parsing an object"),
        ("[1]", "they are no JSON object"),
        ('"x"', "they are no JSON object"),
        ('{"x": "\\ud800"}', "they are no JSON: "),
        ("[" * 2_000, "they are no JSON: "),
        ("{}", "place: Required; stay: Required; day: Required"),
        ("", "place: Required"),
        (f"{{{GOOD}, 'x': 1}}", "they are no JSON: "),
        (f'{{{GOOD}, "x": 1}}', "x: There is no such argument"),
        (f'{{{GOOD}, "schema": 8}}', "schema: Input should be less than or equal to 7"),
        (f"{{{GOOD.replace('1}', '0}')}}}", "stay.nights: Input should be greater than or equal"),
        (f'{{{GOOD}, "extras": [{{}}]}}', "extras.0.name: Field required"),
    ],
)
def test_what_does_not_fit_is_told_by_field(written: str, words: str) -> None:
    with pytest.raises(ToldError) as raised:
        book.arguments.read(written)
    assert raised.value.code == "bad_arguments"
    assert str(raised.value).startswith(f"Error: the arguments do not fit. {words}")
    assert "pydantic" not in str(raised.value)


def test_very_many_mistakes_are_told_in_few_words() -> None:
    def take(values: list[int]) -> None: ...

    with pytest.raises(ToldError) as raised:
        ui.Tool(take).arguments.read(
            str(["x"] * 5_000).replace("'", '"').join(['{"values": ', "}"])
        )
    assert len(str(raised.value)) < 3_500


def test_the_context_is_not_the_models_to_fill() -> None:
    def take(a: int, whatever: ui.ToolContext[dict[str, int]], b: int = 1) -> None: ...

    arguments = ui.Tool(take).arguments
    assert arguments.context == "whatever"
    assert arguments.schema["properties"].keys() == {"a", "b"}
    with pytest.raises(ToldError, match="whatever: There is no such argument"):
        arguments.read('{"a": 1, "whatever": {}}')


def test_a_tool_stays_the_function_that_it_is() -> None:
    @ui.tool(name="sum", description="Adds.", timeout=3)
    def add(a: int, b: int = 2) -> int:
        """Add two numbers."""
        return a + b

    assert add(1) == 3
    assert add(a=1, b=1) == 2
    assert vars(add)["__name__"] == "add" and add.__doc__ == "Add two numbers."
    assert (add.name, add.description, add.timeout) == ("sum", "Adds.", 3)


class Desk:
    def __init__(self, name: str) -> None:
        self.name = name

    @ui.tool
    def greet(self, guest: str) -> str:
        """Greet somebody."""
        return f"{self.name}: {guest}"

    def plain(self, guest: str) -> str:
        return self.name


def test_methods_are_tools_of_their_object() -> None:
    desk = Desk("A")
    tools = tools_by_name([desk.greet, desk.plain])
    assert tools.keys() == {"greet", "plain"}
    assert tools["greet"].parameters["properties"].keys() == {"guest"}
    assert desk.greet("B") == tools["greet"](guest="B") == "A: B"


def test_partial_functions_and_objects_can_be_tools() -> None:
    class Callable_:
        async def __call__(self, a: int) -> int:
            """Call it."""
            return a

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    made = ui.Tool(Callable_(), name="object")
    assert made.parameters["required"] == ["a"]
    partial = ui.Tool(functools.partial(add, 1))
    assert (partial.name, partial.description) == ("add", "Add.")
    assert partial.parameters["properties"].keys() == {"b"}


def untyped(a, b: int = 1) -> None: ...  # pyright: ignore[reportMissingParameterType]


def several(*words: str) -> None: ...


def positional(a: int, /) -> None: ...


def unknown(a: Unknown) -> None: ...


def unfit(a: Callable[[], int]) -> None: ...


def locked(a: Desk) -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (untyped, "says no type for a"),
        (several, r"takes \*words: "),
        (positional, "takes a: "),
        (unknown, "the type of a .* define it in the module"),
        (unfit, "has no schema"),
        (locked, "has no schema"),
        (lambda: 1, "cannot be called '<lambda>'"),
        ("no function", "a tool is a function, not str"),
    ],
)
def test_what_cannot_be_a_tool_says_why(function: Any, words: str) -> None:
    with pytest.raises(ui.ToolDefinitionError, match=words):
        tools_by_name([function])


@pytest.mark.parametrize("options", [{"timeout": -1}, {"approval": "yes"}, {"name": "a b"}])
def test_options_that_make_no_sense_are_refused(options: Any) -> None:
    with pytest.raises(ui.ToolDefinitionError):
        ui.tool(**options)(several)


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ui.ToolDefinitionError, match="two tools are called 'book'"):
        tools_by_name([book, ui.Tool(several, name="book")])


def test_a_decorator_loads_neither_pydantic_nor_openai() -> None:
    code = """
import sys, streamui as ui
@ui.tool(approval=True)
def add(a: int) -> int: return a
print([name for name in ("pydantic", "openai", "docstring_parser") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
