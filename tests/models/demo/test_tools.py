"""The demo calls functions as a model would: over both APIs, by the SDK's own types."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from streamui.models.demo import DemoServer
from streamui.models.demo.ask import Ask, Function
from streamui.models.demo.talk import ToolCall
from streamui.models.demo.tool_choice import plan
from tests.models.demo.reading import EVENTS, assert_no_more_than_known, events, post


def function(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    """A tool in the form of the Responses API; a property ending in ``_`` may be left out."""
    required = [key for key in properties if not key.endswith("_")]
    return {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": {key.removesuffix("_"): value for key, value in properties.items()},
            "required": required,
        },
    }


STRING = {"type": "string"}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
WEATHER = function("get_weather", "The weather of a city.", city=STRING)
TWO = "What is the weather in Rome and in Oslo? flat out"


def chat_form(tool: dict[str, Any]) -> dict[str, Any]:
    about = {key: value for key, value in tool.items() if key != "type"}
    return {"type": "function", "function": about}


def planned(question: str, *tools: dict[str, Any], **more: Any) -> list[tuple[str, Any]]:
    functions = tuple(Function(t["name"], t["description"], t["parameters"]) for t in tools)
    calls = plan(Ask((), tools=functions, **more), question, ())
    return [(call.name, json.loads(call.arguments)) for call in calls]


@pytest.mark.parametrize(
    ("question", "cities"),
    [
        ("What is the weather in Rome?", ["Rome"]),
        ("What is the weather in Rome and in Oslo?", ["Rome", "Oslo"]),
        ("Compare the weather of Rome, Oslo and New York, please.", ["Rome", "Oslo", "New York"]),
        ("what's the weather like in rome", ["rome"]),
        ("What is the weather in Rome? Please answer in German.", ["Rome"]),
        ("Should I take an umbrella in Rome?", ["Rome"]),
        ("How warm will the weather be in Rio de Janeiro tomorrow?", ["Rio de Janeiro"]),
        ("Write a poem about tea", []),
        ("What is my name?", []),
    ],
)
def test_a_function_is_called_for_each_thing_that_is_asked(
    question: str, cities: list[str]
) -> None:
    assert planned(question, WEATHER) == [("get_weather", {"city": city}) for city in cities]


@pytest.mark.parametrize(
    ("question", "tool", "arguments"),
    [
        ("Add 2 and 3", function("add", "", a=NUMBER, b=NUMBER), {"a": 2.0, "b": 3.0}),
        (
            "Book a flight from Rome to Oslo",
            function("book_flight", "", origin=STRING, destination=STRING),
            {"origin": "Rome", "destination": "Oslo"},
        ),
        (
            "Forecast for Rome for 5 days in celsius",
            function(
                "forecast",
                "",
                city=STRING,
                days={"type": "integer", "maximum": 3},
                unit={"enum": ["fahrenheit", "celsius"]},
            ),
            {"city": "Rome", "days": 3, "unit": "celsius"},
        ),
        (
            "What is the weather in Rome and Oslo?",
            function("weather", "", cities={"type": "array", "items": STRING}),
            {"cities": ["Rome", "Oslo"]},
        ),
        (
            "Search the docs for streams and how they end",
            function("search_docs", "", query=STRING, limit_=INTEGER),
            {"query": "streams and how they end"},
        ),
        (
            "Search the docs for streams, limit 5, verbose",
            function("search_docs", "", query=STRING, limit_=INTEGER, verbose_={"type": "boolean"}),
            {"query": "streams and limit 5 and verbose", "limit": 5, "verbose": True},
        ),
        (
            'Send a message to Bob saying "see you at noon"',
            function("send_message", "", recipient=STRING, text=STRING),
            {"recipient": "Bob", "text": "see you at noon"},
        ),
        (
            "Remind me of the party on 2026-12-24",
            function("remind", "", what=STRING, on={"type": "string", "format": "date"}),
            {"what": "party on 2026-12-24", "on": "2026-12-24"},
        ),
        (
            "Weather in Rome",
            function(
                "weather",
                "",
                city=STRING,
                unit={"anyOf": [{"enum": ["c", "f"]}, {"type": "null"}]},
            ),
            {"city": "Rome", "unit": None},
        ),
        ("Delete the file", function("delete_file", ""), {}),
        (
            "Delete the file notes.txt",
            function("delete_file", "", path=STRING),
            {"path": "notes.txt"},
        ),
        (
            "What is 12 times 9? Multiply it.",
            function("multiply", "", a=NUMBER, b=NUMBER),
            {"a": 12.0, "b": 9.0},
        ),
        (
            "Roll three dice with 20 sides",
            function("roll_dice", "", count_=INTEGER, sides_=INTEGER),
            {"count": 3, "sides": 20},
        ),
        (
            'Send an email to ada@example.com with subject Lunch saying "See you at one"',
            function("send_email", "", to=STRING, subject=STRING, body=STRING),
            {"to": "ada@example.com", "subject": "Lunch", "body": "See you at one"},
        ),
        ("Compute 12 * (3 + 4)", function("compute", "", expression=STRING), None),
    ],
)
def test_arguments_are_made_from_the_question(
    question: str, tool: dict[str, Any], arguments: Any
) -> None:
    [(name, made)] = planned(question, tool)
    assert name == tool["name"]
    assert made == (arguments if arguments is not None else {"expression": "12 * (3 + 4)"})


def test_the_function_that_fits_best_is_called() -> None:
    clock = function("current_time", "What time it is somewhere.", place=STRING)
    both = planned("What is the weather in Rome and the time in Oslo?", WEATHER, clock)
    assert both == [("get_weather", {"city": "Rome"}), ("current_time", {"place": "Oslo"})]
    assert planned("Use current_time for Oslo", WEATHER, clock) == [
        ("current_time", {"place": "Oslo"})
    ]


def test_calls_are_made_one_after_the_other_where_that_is_wanted() -> None:
    first, second = ("get_weather", {"city": "Rome"}), ("get_weather", {"city": "Oslo"})
    assert planned("Weather in Rome and in Oslo", WEATHER, parallel=False) == [first]
    assert planned("Weather in Rome, then in Oslo", WEATHER) == [first]
    ask = Ask((), tools=(Function("get_weather", "", WEATHER["parameters"]),))
    done = ToolCall("c", "get_weather", '{"city":"Rome"}')
    [next_one] = plan(ask, "Weather in Rome, then in Oslo", [done])
    assert json.loads(next_one.arguments) == second[1]
    assert plan(ask, "Weather in Rome", [done]) == ()
    assert len(plan(replace(ask, mode="required"), "Weather in Rome", [done])) == 1


@pytest.mark.parametrize(
    ("choice", "question", "names"),
    [
        ("none", TWO, []),
        ("auto", "Write 3 words about tea", []),
        ("required", "Write 3 words about tea", ["get_weather"]),
        ({"type": "function", "name": "add"}, TWO, ["add"]),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "add"}],
            },
            TWO,
            [],
        ),
    ],
)
def test_tool_choice_is_honoured(
    demo: DemoServer, choice: Any, question: str, names: list[str]
) -> None:
    tools = [WEATHER, function("add", "", a=NUMBER, b=NUMBER)]
    asked = {"model": "m", "input": question, "tools": tools, "tool_choice": choice}
    response = Response.model_validate(post(demo, "/responses", **asked).json())
    assert [item.name for item in response.output if item.type == "function_call"] == names


def test_every_event_of_a_response_that_calls_is_openais(demo: DemoServer) -> None:
    response = post(demo, "/responses", model="m", input=TWO, tools=[WEATHER], stream=True)
    sent = events(response)
    loaded = [EVENTS.validate_json(data) for _, data in sent]
    for number, event in enumerate(loaded):
        assert event.sequence_number == number
        assert_no_more_than_known(event)
    names = list(dict.fromkeys(name for name, _ in sent))
    assert names == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    calls = loaded[-1].response.output
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Rome", "Oslo"]
    for index, call in enumerate(calls):
        mine = [e for e in loaded if getattr(e, "output_index", None) == index]
        deltas = [e.delta for e in mine if e.type == "response.function_call_arguments.delta"]
        assert len(deltas) > 2 and "".join(deltas) == call.arguments
        assert mine[0].item.arguments == "" and mine[0].item.call_id == call.call_id
        assert mine[-1].item == call and call.status == "completed"
    assert len({call.call_id for call in calls}) == 2


def test_every_chunk_of_a_chat_that_calls_is_openais(demo: DemoServer) -> None:
    said = [{"role": "user", "content": TWO}]
    asked = {"model": "m", "messages": said, "tools": [chat_form(WEATHER)]}
    *sent, done = events(post(demo, "/chat/completions", stream=True, **asked))
    assert done == ("", "[DONE]")
    arguments: dict[int, str] = {}
    for _, data in sent:
        chunk = ChatCompletionChunk.model_validate_json(data)
        assert_no_more_than_known(chunk)
        for call in chunk.choices[0].delta.tool_calls or ():
            assert call.function is not None
            if call.index not in arguments:
                assert call.id and call.type == "function" and call.function.name == "get_weather"
            arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    assert [json.loads(text)["city"] for text in arguments.values()] == ["Rome", "Oslo"]
    assert json.loads(sent[-1][1])["choices"][0]["finish_reason"] == "tool_calls"
    whole = ChatCompletion.model_validate(post(demo, "/chat/completions", **asked).json())
    assert_no_more_than_known(whole)
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.content is None
    assert len(whole.choices[0].message.tool_calls or ()) == 2


async def test_the_results_are_told(client: AsyncOpenAI) -> None:
    tools: Any = [WEATHER]
    said: list[Any] = [{"role": "user", "content": TWO}]
    first = await client.responses.create(model="m", input=said, tools=tools)
    said += [item.model_dump(exclude_none=True) for item in first.output]
    gave = ['{"degrees": 21}', "error: no such city"]
    outputs: list[Any] = [
        {"type": "function_call_output", "call_id": call.call_id, "output": output}
        for call, output in zip(first.output, gave, strict=True)
        if call.type == "function_call"
    ]
    whole = await client.responses.create(model="m", input=[*said, *outputs], tools=tools)
    chained = await client.responses.create(
        model="m", input=outputs, tools=tools, previous_response_id=first.id
    )
    for answer in (whole, chained):
        assert "Rome" in answer.output_text and "degrees 21" in answer.output_text
        assert "Oslo" in answer.output_text and "did not work" in answer.output_text


async def test_the_results_are_told_over_chat(client: AsyncOpenAI) -> None:
    said: list[Any] = [{"role": "user", "content": "What is the weather in Rome? flat out"}]
    tools: Any = [chat_form(WEATHER)]
    first = await client.chat.completions.create(model="m", messages=said, tools=tools)
    message = first.choices[0].message
    assert message.tool_calls is not None
    [call] = message.tool_calls
    denied = '{"error": "denied", "message": "The user declined"}'
    said += [message, {"role": "tool", "tool_call_id": call.id, "content": denied}]
    last = await client.chat.completions.create(model="m", messages=said, tools=tools)
    assert "not allowed" in (last.choices[0].message.content or "")
    assert last.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("21 degrees and sunny", "21 degrees and sunny"),
        ('[{"city": "Rome", "degrees": 21}]', "| city | degrees |"),
        ("[1, 2]", "- 1\n- 2"),
        ("", "done"),
        ("null", "done"),
        ('{"error": {"message": "It timed out."}}', "It timed out"),
        ('{"status": "failed", "reason": "no key"}', "no key"),
    ],
)
def test_any_result_is_answered(demo: DemoServer, told: str, words: str) -> None:
    said = [
        {"role": "user", "content": "What is the weather in Rome? flat out"},
        {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{"},
        {"type": "function_call_output", "call_id": "c", "output": told},
    ]
    answer = post(demo, "/responses", model="m", input=said, tools=[]).json()
    assert words in Response.model_validate(answer).output_text


async def test_what_openai_refuses_is_refused(client: AsyncOpenAI) -> None:
    call: Any = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    output: Any = {"type": "function_call_output", "call_id": "c1", "output": "x"}
    question: Any = {"role": "user", "content": "hi"}
    strict = {**WEATHER, "strict": True}
    for told, asked in [
        ("No tool output found for function call c1", {"input": [question, call]}),
        ("No tool call found for function call output", {"input": [question, output]}),
        ("'additionalProperties' is required", {"input": "hi", "tools": [strict]}),
        ("must be unique", {"input": "hi", "tools": [WEATHER, WEATHER]}),
        ("does not match pattern", {"input": "hi", "tools": [{**WEATHER, "name": "get it"}]}),
        ("not found in 'tools'", {"input": "hi", "tool_choice": {"type": "function", "name": "x"}}),
        ("only allowed when 'tools'", {"input": "hi", "tool_choice": "required"}),
    ]:
        with pytest.raises(openai.BadRequestError, match=told):
            await client.responses.create(model="m", **asked)
    calls: Any = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    messages: list[Any] = [question, {"role": "assistant", "tool_calls": calls}]
    with pytest.raises(openai.BadRequestError, match="did not have response messages: c1"):
        await client.chat.completions.create(model="m", messages=messages)


LONG = ["1," * 30_000, "Aa " * 30_000, "weather in " * 9_000, '"' * 90_000, "(" * 90_000]


@pytest.mark.timeout(30)  # a search that is not linear takes minutes
@pytest.mark.parametrize("text", LONG)
def test_a_long_question_is_no_trouble(text: str) -> None:
    everything = function(
        "get_weather", "", city=STRING, days=NUMBER, expression=STRING, date=STRING
    )
    for mode in ("auto", "required"):
        planned(text, everything, mode=mode)


ODD: list[Any] = [None, 7, "x", {}, [None, 7, "x", {}], {"type": "function"}, {"type": 7}, True]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/responses", "tools"),
        ("/responses", "tool_choice"),
        ("/responses", "text"),
        ("/responses", "reasoning"),
        ("/responses", "include"),
        ("/chat/completions", "tools"),
        ("/chat/completions", "response_format"),
        ("/conversations", "items"),
        ("/assistants", "tools"),
        ("/threads", "messages"),
        ("/threads/runs", "thread"),
        ("/threads/runs", "tools"),
        ("/threads/runs", "additional_messages"),
    ],
)
def test_anything_may_be_sent(demo: DemoServer, path: str, key: str) -> None:
    said = [{"role": "user", "content": "flat out"}]
    for odd in ODD:
        body = {"input": "flat out", "messages": said, "assistant_id": "asst_demo", key: odd}
        assert post(demo, path, **body).status_code in (200, 400)
    for function in ODD:
        calls = [{"role": "assistant", "tool_calls": [{"id": "c", "function": function}]}]
        assert post(demo, "/chat/completions", messages=calls).status_code == 400
