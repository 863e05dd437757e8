"""What a provider is told of what was said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from streamui.models.step import Step


class History:
    """The messages of each step's request.

    They are whole each time, which every server understands; unless the first request says that
    the provider keeps them: then a step gives what is new, and after which response.

    Args:
        messages: Of the first request.
        options: Of the first request.
    """

    def __init__(self, messages: Sequence[dict[str, Any]], options: Mapping[str, Any]) -> None:
        self._messages = list(messages)
        self._options = dict(options)
        self._chained = bool(options.get("previous_response_id"))
        self._kept = self._chained or bool(options.get("conversation"))
        self._stateless = options.get("store") is False

    def next_request(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Give the messages and the options of the next request."""
        return list(self._messages), dict(self._options)

    def add(self, step: Step) -> None:
        """Take in what a step has given, its tools' results too, which become messages of it."""
        outputs = [
            {
                "type": f"{_call_type(step, result.id)}_output",
                "call_id": result.id,
                "output": result.output,
            }
            for result in step.tool_results
        ]
        step.messages += outputs
        if self._kept:
            self._messages = outputs
        elif self._stateless:
            self._messages += [item for item in step.messages if not _is_forgotten(item)]
        else:
            self._messages += step.messages
        if self._chained:
            self._options["previous_response_id"] = step.response_id
        self._release_choice()

    def say(self, message: dict[str, Any]) -> None:
        """Add what the model is told next."""
        self._messages = [*self._messages, message]

    def _release_choice(self) -> None:
        """Leave the choice to the model: one that must call a tool never comes to an end."""
        choice: Any = self._options.get("tool_choice")
        if _is_allowed_tools(choice):
            self._options["tool_choice"] = {**choice, "mode": "auto"}
        elif choice not in ("auto", "none"):
            self._options.pop("tool_choice", None)


def _call_type(step: Step, call_id: str) -> str:
    """Tell calls of functions from those of custom tools."""
    kinds = (item["type"] for item in step.messages if item.get("call_id") == call_id)
    return str(next(kinds, "function_call"))


def _is_allowed_tools(choice: object) -> bool:
    choice = cast("dict[str, Any]", choice) if isinstance(choice, dict) else {}
    return choice.get("type") == "allowed_tools"


def _is_forgotten(item: Mapping[str, Any]) -> bool:
    """Say whether an item only names what a provider has not kept."""
    return item.get("type") == "reasoning" and not item.get("encrypted_content")
