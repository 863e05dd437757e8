"""Asking the model: the next question of a conversation."""

from typing import Any

import openai

import streamui as ui


async def respond(question: str, previous: str | None, said: list[tuple[str, str]]) -> Any:
    """Ask the model a question, and get the stream of its answer.

    Args:
        question: What to ask.
        previous: The response that it continues; ``None`` for a first question.
        said: The conversation so far, for a model that has forgotten it: providers keep
            responses for some weeks, the demo model until its process ends.
    """

    async def create(**words: Any) -> Any:
        client = ui.default_client()
        return await client.responses.create(model=ui.default_model(), stream=True, **words)

    try:
        return await create(input=question, previous_response_id=previous)
    except openai.NotFoundError:
        if previous is None:
            raise
        turns = [
            {"role": role, "content": words}
            for pair in said
            for role, words in zip(("user", "assistant"), pair, strict=True)
        ]
        return await create(input=[*turns, {"role": "user", "content": question}])
