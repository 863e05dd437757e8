"""Asking a model, with tools and in as many steps as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast

from streamui.models.callbacks import Callback
from streamui.models.generation import Generation
from streamui.models.messages import Message, read_messages
from streamui.models.pace import Pace
from streamui.models.provider import Model, resolve
from streamui.models.step import Step
from streamui.models.steps import Question
from streamui.models.text_stream import TextStream
from streamui.models.tool import Tool, tools_by_name

Asked: TypeAlias = str | Iterable[Message]
GivenTool: TypeAlias = Tool[..., Any] | Callable[..., Any] | Mapping[str, Any]


def stream_text(
    question: Asked | None = None,
    *,
    prompt: str | None = None,
    messages: Iterable[Message] | None = None,
    system: str | None = None,
    model: Model | str | None = None,
    tools: Iterable[GivenTool] = (),
    max_steps: int = 8,
    context: Any = None,
    pace: Pace | None = None,
    first_token_timeout: float | None = None,
    token_timeout: float | None = None,
    timeout: float | None = None,
    retries: int | None = None,
    on_chunk: Callback | None = None,
    on_step: Callback | None = None,
    on_finish: Callback | None = None,
    on_error: Callback | None = None,
    on_abort: Callback | None = None,
    **options: Any,
) -> TextStream:
    """Ask a model, and have its answer as it is written.

    Example::

        result = ui.stream_text("Why is the sky blue?").into(answer)
        async for event in result:
            ...
        print(await result.usage)

    The model is asked at once. When it calls tools, they run side by side and it is asked again
    with what they gave, until it calls none.

    Args:
        question: A question, or messages: OpenAI's input items as plain dicts, such as
            ``{"role": "user", "content": "…"}``.
        prompt: A question that follows the messages.
        messages: What was said before the question.
        system: Instructions.
        model: A :class:`~streamui.models.provider.Model`; a name, of the configuration or else of
            the default provider; ``None`` is the default model.
        tools: Tools and plain functions, which run here. Dicts are passed on: tools of the
            provider's own, and functions that you run yourself: the answer ends where one is
            called.
        max_steps: How often the model is asked at most.
        context: Anything; tools get it in their :class:`~streamui.models.tool_context.ToolContext`.
        pace: ``word`` or ``sentence`` for whole ones, evenly; seconds from word to word; or a
            function that says how many characters of a text are the next piece, 0 to wait for
            more. The text stays behind the model for a second at most. ``None`` is as it comes.
        first_token_timeout: Seconds that the model may be silent before its first token, in each
            step; 0 is no limit, by default ``settings.first_token_timeout``.
        token_timeout: The same after it; by default ``settings.token_timeout``.
        timeout: Seconds for all steps together, tools included; ``None`` is no limit.
        retries: How often a step is tried again before its first token; by default
            ``settings.model_retries``.
        on_chunk: Told of each event.
        on_step: Told of each :class:`~streamui.models.step.Step` when its tools have run, before
            the next begins.
        on_finish: Told the :class:`~streamui.models.text_result.TextResult`, before those who wait
            for the end hear of it.
        on_error: Told the exception instead.
        on_abort: Told what there is when it was stopped, for as long as ``settings.stop_grace``.
        **options: For the provider's ``create()``: ``temperature``, ``reasoning``,
            ``previous_response_id``, ``background``, ``tool_choice`` and so on; ``conversation``,
            a :class:`~streamui.models.conversation.Conversation` or the id of one of OpenAI's.

    Returns:
        The answer, under way. Whatever goes wrong with the model is raised by what reads it.

    Raises:
        TypeError: A message is none.
        ValueError: There is nothing to ask, or an argument makes no sense.
        ToolDefinitionError: A function cannot be a tool.
        RuntimeError: No event loop runs.
    """
    return TextStream(
        begin(
            question,
            options,
            prompt=prompt,
            messages=messages,
            system=system,
            model=model,
            tools=tools,
            max_steps=max_steps,
            context=context,
            pace=pace,
            first_token_timeout=first_token_timeout,
            token_timeout=token_timeout,
            timeout=timeout,
            retries=retries,
            on_chunk=on_chunk,
            on_step=on_step,
            on_finish=on_finish,
            on_error=on_error,
            on_abort=on_abort,
        )
    )


def begin(
    question: Asked | None,
    options: Mapping[str, Any],
    *,
    prompt: str | None,
    messages: Iterable[Message] | None,
    system: str | None,
    model: Model | str | None,
    tools: Iterable[GivenTool],
    max_steps: int,
    context: Any,
    pace: Pace | None,
    first_token_timeout: float | None,
    token_timeout: float | None,
    timeout: float | None,
    retries: int | None,
    on_chunk: Callback | None,
    on_step: Callback | None,
    on_finish: Callback | None,
    on_error: Callback | None,
    on_abort: Callback | None,
    format: Mapping[str, Any] | None = None,
    check: Callable[[Step], str | None] | None = None,
) -> Generation:
    """Begin an answer; the arguments are those of :func:`stream_text`, and two of its own.

    Args:
        question: See :func:`stream_text`, as for all that is not here.
        options: For the provider.
        prompt: As there.
        messages: As there.
        system: As there.
        model: As there.
        tools: As there.
        max_steps: As there.
        context: As there.
        pace: As there.
        first_token_timeout: As there.
        token_timeout: As there.
        timeout: As there.
        retries: As there.
        on_chunk: As there.
        on_step: As there.
        on_finish: As there.
        on_error: As there.
        on_abort: As there.
        format: See :class:`~streamui.models.steps.Question`.
        check: See there.
    """
    asked, tail = (None, question) if isinstance(question, str) else (question, None)
    if (asked is not None and messages is not None) or (tail and prompt):
        raise TypeError("the question is given twice")
    if max_steps < 1:
        raise ValueError(f"max_steps is at least 1, not {max_steps}")
    ours: list[Tool[..., Any] | Callable[..., Any]] = []
    others: list[Mapping[str, Any]] = []
    for tool in tools:
        if isinstance(tool, Mapping):
            others.append(cast("Mapping[str, Any]", tool))
        else:
            ours.append(tool)
    limits = {
        "first_token_timeout": first_token_timeout,
        "token_timeout": token_timeout,
        "retries": retries,
    }
    callbacks = {
        "on_chunk": on_chunk,
        "on_step": on_step,
        "on_finish": on_finish,
        "on_error": on_error,
        "on_abort": on_abort,
    }
    return Generation(
        Question(
            resolve(model),
            read_messages(messages if asked is None else asked, tail or prompt),
            system=system,
            tools=tools_by_name(ours),
            other_tools=tuple(others),
            context=context,
            max_steps=max_steps,
            options=options,
            limits=limits,
            format=format,
            check=check,
        ),
        pace=pace,
        timeout=timeout or 0.0,
        callbacks=callbacks,
    )
