"""Each library, asked as its users ask it: by the real thing, of the demo model over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI

FORECASTS = {"Rome": "sunny in Rome", "Oslo": "snow in Oslo"}
CALLS: list[str] = []


def get_weather(city: str) -> str:
    """The weather of a city."""
    CALLS.append(city)
    return FORECASTS[city]


@dataclass(frozen=True)
class Library:
    """A way to ask a library; ``ask`` gives what ``model_events`` is given."""

    name: str
    ask: Callable[[AsyncOpenAI, str], Any]
    tools: bool = True
    reasons: bool = True
    knows_ends: bool = True  # whether it can tell a cut from an end

    def __str__(self) -> str:
        return self.name


def pydantic_agent(client: AsyncOpenAI, api: str, summary: bool = False) -> Any:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIChatModel if api == "chat" else OpenAIResponsesModel
    options: Any = {"openai_reasoning_summary": "auto"} if summary else {}
    model = kind("m", provider=OpenAIProvider(openai_client=client), settings=options)
    return Agent(model, tools=[get_weather])


def agents_run(client: AsyncOpenAI, api: str, question: str) -> Any:
    from agents import (
        Agent,
        ModelSettings,
        OpenAIChatCompletionsModel,
        OpenAIResponsesModel,
        RunConfig,
        Runner,
        function_tool,
    )
    from openai.types.shared import Reasoning

    kind = OpenAIChatCompletionsModel if api == "chat" else OpenAIResponsesModel
    settings = ModelSettings(include_usage=True)
    if api != "chat" and "think" in question:
        settings.reasoning = Reasoning(summary="auto")
    agent = Agent(
        name="demo",
        model=kind("m", client),
        model_settings=settings,
        tools=[function_tool(get_weather)],
    )
    return Runner.run_streamed(agent, question, run_config=RunConfig(tracing_disabled=True))


def langchain_model(client: AsyncOpenAI, api: str, summary: bool = False) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        model="m",
        root_async_client=client,
        async_client=client.chat.completions,
        # Not asked, but made: by itself it reads certificates, which takes long.
        root_client=object(),
        client=object(),
        max_retries=0,
        use_responses_api=api != "chat",
        stream_usage=True,
        reasoning={"summary": "auto"} if summary else None,
    )


def langchain_loop(client: AsyncOpenAI, api: str, summary: bool = False) -> Any:
    """A model and its tool, as a runnable: what an agent of LangChain's does."""
    from langchain_core.messages import HumanMessage
    from langchain_core.runnables import RunnableLambda
    from langchain_core.tools import tool

    weather = tool(get_weather)
    model = langchain_model(client, api, summary)
    # With it, Python 3.11's asyncio.wait_for may lose the one cancellation that LangChain sends.
    model.stream_chunk_timeout = None
    model = model.bind_tools([weather])

    async def run(question: str) -> Any:
        said: list[Any] = [HumanMessage(question)]
        for _ in range(3):
            answer = await model.ainvoke(said)
            said.append(answer)
            if not answer.tool_calls:
                return answer.text
            said += [await weather.ainvoke(call) for call in answer.tool_calls]

    return RunnableLambda(run)


def ag_ui_run(client: AsyncOpenAI, question: str) -> Any:
    """An agent that speaks AG-UI: pydantic-ai's adapter, which makes objects of ``ag_ui``."""
    from ag_ui.core import RunAgentInput, UserMessage
    from pydantic_ai.ui.ag_ui import AGUIAdapter

    asked = RunAgentInput(
        thread_id="t",
        run_id="r",
        state=None,
        messages=[UserMessage(id="u", content=question)],
        tools=[],
        context=[],
        forwarded_props=None,
    )
    return AGUIAdapter(
        agent=pydantic_agent(client, "responses", "think" in question), run_input=asked
    )


def ag_ui_json(client: AsyncOpenAI, question: str) -> AsyncIterator[Any]:
    import json

    adapter = ag_ui_run(client, question)

    async def read() -> AsyncIterator[Any]:
        async for line in adapter.encode_stream(adapter.run_stream()):
            yield json.loads(line.removeprefix("data: "))

    return read()


LIBRARIES = (
    Library(
        "pydantic-ai",
        lambda c, q: pydantic_agent(c, "responses", "think" in q).run_stream_events(q),
    ),
    Library("pydantic-ai chat", lambda c, q: pydantic_agent(c, "chat").run_stream_events(q)),
    Library(
        "pydantic-ai run_stream",
        lambda c, q: pydantic_agent(c, "responses").run_stream(q),
        tools=False,
        reasons=False,
    ),
    Library("openai-agents", lambda c, q: agents_run(c, "responses", q)),
    # For OpenAI's own server it can; other makes may leave the finish reason out.
    Library("openai-agents chat", lambda c, q: agents_run(c, "chat", q), knows_ends=False),
    Library("openai-agents events", lambda c, q: agents_run(c, "responses", q).stream_events()),
    Library(
        "LangChain",
        lambda c, q: langchain_model(c, "responses", "think" in q).astream(q),
        tools=False,
    ),
    Library(
        "LangChain chat",
        lambda c, q: langchain_model(c, "chat").astream(q),
        tools=False,
        reasons=False,
    ),
    Library(
        "LangChain events",
        lambda c, q: langchain_loop(c, "responses", "think" in q).astream_events(q, version="v2"),
    ),
    Library(
        "LangChain chat events",
        lambda c, q: langchain_loop(c, "chat").astream_events(q, version="v2"),
        reasons=False,
    ),
    # An agent's error has no code there, and what it takes for an end is one.
    Library("AG-UI", lambda c, q: ag_ui_run(c, q).run_stream(), knows_ends=False),
    Library("AG-UI JSON", ag_ui_json, knows_ends=False),
)
