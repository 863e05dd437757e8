"""A background response of the demo, as OpenAI's own types have it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from streamui.models.demo import DemoServer
from streamui.models.demo.background import KEPT
from tests.models.demo.reading import (
    EVENTS,
    QUESTIONS,
    assert_no_more_than_known,
    events,
    post,
)

SLOW = "Write 1000 words about tea at 100 words per second"


def again(demo: DemoServer, id: str, **query: Any) -> httpx.Response:
    return httpx.get(
        f"{demo.base_url}/responses/{id}", params={"stream": "true", **query}, verify=False
    )


def loaded(response: httpx.Response) -> list[Any]:
    return [EVENTS.validate_json(data) for _, data in events(response)]


async def ended(client: AsyncOpenAI, id: str) -> Response:
    async with asyncio.timeout(5):
        while (made := await client.responses.retrieve(id)).status in ("queued", "in_progress"):
            await asyncio.sleep(0.005)
    return made


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_event_of_a_background_response_is_openais(demo: DemoServer, question: str) -> None:
    response = post(demo, "/responses", model="m", input=question, stream=True, background=True)
    for number, event in enumerate(loaded(response)):
        assert event.sequence_number == number
        assert_no_more_than_known(event)
        if hasattr(event, "response"):
            assert event.response.background is True


def test_it_is_queued_first(demo: DemoServer) -> None:
    asked = {"model": "m", "input": QUESTIONS[0], "background": True}
    sent = loaded(post(demo, "/responses", stream=True, **asked))
    assert [(event.type, event.response.status) for event in sent[:3]] == [
        ("response.created", "queued"),
        ("response.queued", "queued"),
        ("response.in_progress", "in_progress"),
    ]
    whole = Response.model_validate_json(post(demo, "/responses", **asked).text)
    assert whole.status == "queued"
    assert_no_more_than_known(whole)


def test_it_can_be_streamed_again_from_any_event_on(demo: DemoServer) -> None:
    asked = {"model": "m", "input": QUESTIONS[1], "background": True}
    first = post(demo, "/responses", stream=True, **asked)
    sent = events(first)
    id = loaded(first)[0].response.id
    assert events(again(demo, id)) == sent
    for after in range(len(sent)):
        rest = again(demo, id, starting_after=after)
        assert rest.text == "" or events(rest) == sent[after + 1 :]
    assert again(demo, id, starting_after="x").status_code == 400


async def test_two_can_read_it_while_it_is_written(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(
        model="m", input="Write 50 words at 200 words per second", background=True, stream=True
    )
    first: Any = await anext(stream)
    second = await client.responses.retrieve(first.response.id, stream=True)

    async def text(read: Any) -> str:
        return "".join([e.delta async for e in read if e.type == "response.output_text.delta"])

    one, other = await asyncio.gather(text(stream), text(second))
    assert one == other
    assert len(one.split()) == 50


async def test_it_is_written_whether_anybody_listens_or_not(client: AsyncOpenAI) -> None:
    asked: Any = {"model": "m", "input": "Write 30 words flat out", "background": True}
    made = await client.responses.create(**asked)
    assert len((await ended(client, made.id)).output_text.split()) == 30
    stream = await client.responses.create(**asked, stream=True)
    first: Any = await anext(stream)
    await stream.close()
    assert (await ended(client, first.response.id)).status == "completed"


async def test_a_failure_of_its_own_is_its_status(client: AsyncOpenAI) -> None:
    question = "Write 30 words flat out, fail with 500 after 3 words"
    made = await client.responses.create(model="m", input=question, background=True)
    assert (await ended(client, made.id)).status == "failed"
    with pytest.raises(openai.InternalServerError):
        await client.responses.create(model="m", input="fail with 500", background=True)


async def test_cancelling_ends_it_and_whoever_reads_it(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(model="m", input=SLOW, background=True, stream=True)
    first: Any = await anext(stream)
    id = first.response.id
    for _ in range(2):
        made = await client.responses.cancel(id)
        assert made.status == "cancelled"
        assert_no_more_than_known(made)
    async with asyncio.timeout(2):
        types = [event.type async for event in stream]
    assert "response.completed" not in types
    assert (await client.responses.retrieve(id)).status == "cancelled"


async def test_cancelling_what_has_ended_leaves_it_as_it_is(client: AsyncOpenAI) -> None:
    made = await client.responses.create(model="m", input="Write 3 words flat out", background=True)
    whole = await ended(client, made.id)
    assert await client.responses.cancel(made.id) == whole


async def test_only_a_background_response_can_be_cancelled_or_streamed_again(
    client: AsyncOpenAI,
) -> None:
    made = await client.responses.create(model="m", input="Write 3 words flat out")
    with pytest.raises(openai.BadRequestError, match="background"):
        await client.responses.cancel(made.id)
    with pytest.raises(openai.BadRequestError, match="background"):
        await client.responses.retrieve(made.id, stream=True)
    for unknown in ("resp_unknown",):
        with pytest.raises(openai.NotFoundError):
            await client.responses.cancel(unknown)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(unknown, stream=True)


async def test_old_ones_are_stopped_and_forgotten(client: AsyncOpenAI) -> None:
    made = await client.responses.create(model="m", input=SLOW, background=True)
    for _ in range(KEPT):
        await client.responses.create(model="m", input="Write 1 word flat out", background=True)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(made.id)
    await client.responses.delete(
        (await client.responses.create(model="m", input=SLOW, background=True)).id
    )
