"""A model that says what a test wants, and remembers what it was asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from streamui.testing.script import Fault, Reply

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from streamui.models.demo import DemoServer, Stats
    from streamui.models.demo.answer import Answer
    from streamui.models.demo.ask import Ask

_LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the model got.

    Attributes:
        api: By which API it came.
        body: Its JSON, as it came.
        headers: Its HTTP headers, their names in lower case, without the key.
        messages: What the model was shown, in one form for every API, what was said before
            included: ``{"role": …, "content": …}``, ``{"type": "function_call", …}``,
            ``{"type": "function_call_output", …}``.
        tools: The JSON schemas of the parameters, by the functions' names.
        schema: Of the structured output that was asked for; ``None`` for text.
    """

    api: Literal["responses", "chat", "assistants"]
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(repr=False)
    messages: Sequence[Mapping[str, Any]]
    tools: Mapping[str, Mapping[str, Any]]
    schema: Mapping[str, Any] | None

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.body.get("model") or "")

    @property
    def text(self) -> str:
        """The last message of the user."""
        said = [each["content"] for each in self.messages if each.get("role") == "user"]
        return str(said[-1]) if said else ""

    @property
    def tool_outputs(self) -> dict[str, str]:
        """What the tools gave, by the ids of the calls."""
        outputs = [each for each in self.messages if each.get("type") == "function_call_output"]
        return {str(each["call_id"]): str(each["output"]) for each in outputs}


Scripted: TypeAlias = Reply | Fault | str
Line: TypeAlias = Scripted | Callable[[Asked], Scripted]
"""A line of a script; a function makes one of the request, and must not block."""


class ScriptedModel:
    """A real server on loopback that says what a test wants, to the real ``openai`` client.

    ::

        with ScriptedModel([Reply("Hello"), Fault("overloaded", after=3)]) as model:
            ...
        assert model.requests[0].text == "Hi"

    Each request gets the next line of the script, whichever API it comes by; one that the client
    sends again is a request of its own. For as long as the block lasts, ``OPENAI_BASE_URL`` and
    ``OPENAI_API_KEY`` name this model, so :func:`~streamui.models.client.default_client` and a
    plain ``AsyncOpenAI()`` talk to it. In an event loop use ``async with``, which closes the
    default client, too.

    Args:
        script: The lines; a text is a reply.
        otherwise: What to say when the script is over. Without it such a request is an HTTP
            status of 400, and the end of the block an ``AssertionError``.

    What a function in the script raises, an assertion say, is raised again at the end of the block.

    Attributes:
        requests: What it was asked so far.
    """

    def __init__(self, script: Iterable[Line] = (), *, otherwise: Line | None = None) -> None:
        self.requests: list[Asked] = []
        self._script = list(script)
        self._otherwise = otherwise
        self._unexpected = 0
        self._broken: Exception | None = None
        self._server: DemoServer | None = None
        self._environment: dict[str, str | None] = {}

    @property
    def base_url(self) -> str:
        """The address for a client's ``base_url``.

        Raises:
            RuntimeError: It is not running.
        """
        return self._running().base_url

    @property
    def env(self) -> dict[str, str]:
        """The environment that leads to it, for another process such as an ``AppServer``."""
        hosts = [host for host in os.environ.get("NO_PROXY", "").split(",") if host]
        # Nobody asks a proxy for what is on this machine.
        local = ",".join(dict.fromkeys([*hosts, _LOCAL]))
        return {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": "scripted",
            "NO_PROXY": local,
            "no_proxy": local,
        }

    @property
    def left(self) -> int:
        """How many lines of the script nobody has asked for yet."""
        return len(self._script)

    def add(self, *lines: Line) -> None:
        """Add lines to the end of the script."""
        self._script += lines

    def stats(self) -> Stats:
        """Count what happened: streams that are open, that the client left, and so on."""
        return self._running().stats()

    def __enter__(self) -> Self:
        from streamui.models.demo.host import DemoServer

        self._server = DemoServer(brain=self._answer)
        self._server.start()
        self._environment = {name: os.environ.get(name) for name in self.env}
        os.environ.update(self.env)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._running().stop()
        if error is None and self._broken is not None:
            raise self._broken
        if error is None and self._unexpected:
            raise AssertionError(
                f"the model was asked {len(self.requests)} times, and its script had a line for "
                f"{len(self.requests) - self._unexpected}"
            )

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from streamui.models.client import aclose_default_clients

        await aclose_default_clients()
        self.__exit__(kind, error, traceback)

    def _running(self) -> DemoServer:
        if self._server is None:
            raise RuntimeError("the model is not running: use it in a `with` block")
        return self._server

    def _answer(self, ask: Ask) -> Answer:
        from streamui.testing.script_answers import answer_of

        asked = _asked(ask)
        self.requests.append(asked)
        line = self._script.pop(0) if self._script else self._otherwise
        if line is None:
            self._unexpected += 1
            line = Fault(400, message="The script has no line left for this request.")
        try:
            said = line if isinstance(line, Reply | Fault | str) else line(asked)
            return answer_of(said)
        except Exception as error:
            # This is the server's thread: the test is told at the end of the block.
            self._broken = self._broken or error
            return answer_of(Fault(400, message=f"The script broke: {error}"))


def _asked(ask: Ask) -> Asked:
    from streamui.models.demo.talk import Message, Said, ToolCall

    def plain(said: Said) -> dict[str, Any]:
        if isinstance(said, Message):
            return {"role": said.role, "content": said.text}
        if isinstance(said, ToolCall):
            call = {"call_id": said.id, "name": said.name, "arguments": said.arguments}
            return {"type": "function_call", **call}
        return {"type": "function_call_output", "call_id": said.id, "output": said.text}

    return Asked(
        api=ask.api,
        body=ask.body,
        headers={name: value for name, value in ask.headers.items() if name != "authorization"},
        messages=[plain(said) for said in ask.talk],
        tools={function.name: function.parameters for function in ask.tools},
        schema=ask.schema,
    )
