"""Asking a model for an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import wraps
from typing import Any

from typing_extensions import TypeVar

from streamui.models.callbacks import Callback
from streamui.models.messages import Message
from streamui.models.object_form import ObjectForm
from streamui.models.object_stream import ObjectStream
from streamui.models.object_text import ObjectText
from streamui.models.pace import Pace
from streamui.models.provider import Model
from streamui.models.stream_text import Asked, GivenTool, begin
from streamui.models.text_result import ObjectResult, TextResult

T = TypeVar("T", default=Any)  # which a Literal, that is no type, leaves open


def stream_object(
    schema: type[T] | Any,
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
) -> ObjectStream[T]:
    """Ask a model for an object of a type, and have it as it is written.

    Example::

        class Recipe(BaseModel):
            name: str
            steps: list[str]

        result = ui.stream_object(Recipe, "Lasagne for two").into(recipe)
        async for partial in result:
            ...                                # {"name": "Lasag"}
        print((await result.object).name)

    The provider holds the model to the type's JSON schema, where it can; a model that nobody holds
    to it may put its JSON into a fence. What comes is checked by pydantic. If it does not fit, the
    model is told what is wrong and asked again, once.

    Args:
        schema: A pydantic model, a dataclass, a TypedDict, an enum, a ``Literal``, a list of one,
            or anything else of which pydantic knows the JSON schema. The docstrings and
            descriptions in it are for the model.
        question: See :func:`~streamui.models.stream_text.stream_text`, as for all the others.
        prompt: As there.
        messages: As there.
        system: As there.
        model: As there.
        tools: As there; the object is what the model writes when it calls none any more.
        max_steps: As there; to be asked again for a wrong object is not counted.
        context: As there.
        pace: As there.
        first_token_timeout: As there.
        token_timeout: As there.
        timeout: As there.
        retries: As there.
        on_chunk: As there.
        on_step: As there.
        on_finish: Told the :class:`~streamui.models.text_result.ObjectResult`.
        on_error: As there.
        on_abort: As there.
        **options: As there.

    Returns:
        The object, under way.

    Raises:
        SchemaError: There is no JSON schema for the type.
        TypeError: A message is none.
        ValueError: There is nothing to ask, or an argument makes no sense.
        ToolDefinitionError: A function cannot be a tool.
        RuntimeError: No event loop runs.
    """
    text = ObjectText(ObjectForm[T](schema))
    generation = begin(
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
        on_finish=_with_object(on_finish, text),
        on_error=on_error,
        on_abort=on_abort,
        format=text.form.format,
        check=text.check,
    )
    return ObjectStream(generation, text)


def _with_object(on_finish: Callback | None, text: ObjectText[Any]) -> Callback | None:
    if on_finish is None:
        return None
    tell: Callable[[Any], Any] = on_finish

    @wraps(tell)
    def finish(result: TextResult) -> Any:
        said = {field.name: getattr(result, field.name) for field in fields(result)}
        return tell(ObjectResult(**said, object=text.result))

    return finish
