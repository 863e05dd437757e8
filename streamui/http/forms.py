"""The forms that a stream has over HTTP: an event stream, lines of JSON, plain text."""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from streamui.errors import StreamTypeError
from streamui.http.encoding import encode_event, encode_json, encode_line, encode_retry
from streamui.http.event import ServerSentEvent
from streamui.models.events import ModelEvent, ProviderEvent, TextDelta
from streamui.settings import settings
from streamui.streamable.json_value import to_json
from streamui.streamable.patch import bytes_of
from streamui.streamable.room import check_piece


@dataclass(frozen=True, slots=True)
class Record:
    """Something that is said about a stream: a change of its value, or its end.

    Attributes:
        content: What is said, in the vocabulary of docs/http.md.
        event: ``message``, or how the stream has ended.
        offset: Where a reader that has it goes on; ``None`` where there is no going on.
    """

    content: dict[str, Any]
    event: str = "message"
    offset: int | None = None


class Form(ABC):
    """Writes one response; a new one for each.

    Attributes:
        media_type: What it is, for ``Content-Type`` and ``Accept``.
        heartbeat: A sign of life that says nothing; empty where there is none.
    """

    media_type: ClassVar[str]
    heartbeat: ClassVar[bytes] = b""

    def __init__(self) -> None:
        self._pieces = Pieces()

    def opening(self) -> bytes:
        """Write what comes before the records of a streamable."""
        return b""

    @abstractmethod
    def item(self, item: Any) -> bytes:
        """Write what an async iterable has yielded; empty if that is nothing yet.

        Raises:
            StreamUIError: If it has no such form.
        """

    def rest(self) -> bytes:
        """Write what was held back of the items, because no more will come."""
        text = self._pieces.rest()
        return self.item(text) if text else b""

    @abstractmethod
    def record(self, record: Record) -> bytes | None:
        """Write a record; ``None`` if all it could say it by is breaking off."""


class Lines(Form):
    """Newline-delimited JSON: each line a value."""

    media_type = "application/x-ndjson"
    heartbeat = b"\n"

    def item(self, item: Any) -> bytes:
        """Write an item as a line."""
        value = json_of(item, self._pieces)
        return b"" if value == "" else encode_line(value)

    def record(self, record: Record) -> bytes:
        """Write a record as a line."""
        return encode_line(record.content)


class EventStream(Form):
    """Server-sent events, with the same JSON as data.

    Args:
        done: Data that says that all went well, in place of the ``done`` event.
    """

    media_type = "text/event-stream"
    heartbeat = b": keep-alive\n\n"

    def __init__(self, done: str | None = None) -> None:
        super().__init__()
        self._done = done

    def opening(self) -> bytes:
        """Write how long to wait before connecting again."""
        return f"{encode_retry(int(settings.client_retry * 1000))}\n\n".encode()

    def item(self, item: Any) -> bytes:
        """Write an item as an event."""
        if isinstance(item, ServerSentEvent):
            return encode_event(item)
        value = json_of(item, self._pieces)
        return b"" if value == "" else encode_event(ServerSentEvent(encode_json(value)))

    def record(self, record: Record) -> bytes:
        """Write a record as an event, whose id is the offset."""
        id = "" if record.offset is None else str(record.offset)
        if record.event == "done" and self._done is not None:
            return encode_event(ServerSentEvent(self._done, id=id))
        return encode_event(ServerSentEvent(encode_json(record.content), record.event, id))


class PlainText(Form):
    """The text and nothing else, so that only a proper end says that it is complete."""

    media_type = "text/plain"

    def __init__(self) -> None:
        super().__init__()
        self._begun = False

    def item(self, item: Any) -> bytes:
        """Write an item that is text, or the text of a model's event."""
        if isinstance(item, bytes):
            return item
        if isinstance(item, TextDelta):
            item = item.delta
        elif isinstance(item, ModelEvent):
            return b""
        if not isinstance(item, str):
            raise StreamTypeError(f"text_response() takes text, not {type(item).__name__}")
        return self._pieces.text(item).encode()

    def record(self, record: Record) -> bytes | None:
        """Write the text that a record adds."""
        begun, self._begun = self._begun, True
        content = record.content
        if "status" in content:
            return b"" if content["status"] == "done" else None
        added = content.get("append") if begun else content.get("value", content.get("append"))
        return added.encode() if isinstance(added, str) else None


class Pieces:
    """Puts characters together that a source has cut in two."""

    def __init__(self) -> None:
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")
        self._halves = codecs.getincrementaldecoder("utf-16-le")("replace")

    def text(self, piece: str | bytes) -> str:
        """Return the text that is complete with a piece, without a lone surrogate."""
        text = piece if isinstance(piece, str) else self._bytes.decode(piece)
        return self._halves.decode(text.encode("utf-16-le", "surrogatepass"))

    def rest(self) -> str:
        """Return U+FFFD in place of what was never completed."""
        return self._halves.decode(
            self._bytes.decode(b"", final=True).encode("utf-16-le"), final=True
        )


def parts_of(item: Any, most: int) -> Iterator[Any]:
    """Cut a text that is too long to be written in one go.

    Args:
        item: What an async iterable has yielded; anything but text is given back as it is.
        most: Characters, or bytes, of a part.
    """
    text: Any = item.delta if isinstance(item, TextDelta) else item
    if not isinstance(text, str | bytes) or len(text) <= most:
        yield item
        return
    for begin in range(0, len(text), most):
        part: Any = text[begin : begin + most]
        yield replace(item, delta=part) if isinstance(item, TextDelta) else part


def json_of(item: Any, pieces: Pieces) -> Any:
    """Return what an async iterable has yielded, as JSON.

    Args:
        item: Text, bytes of UTF-8, a model's event, or what a streamable may hold.
        pieces: What is known of the text so far.

    Raises:
        NotJSONError: If it is something else.
        LimitError: If it is larger than ``settings.object_bytes``.
    """
    if isinstance(item, str | bytes):
        return pieces.text(item)
    if isinstance(item, ModelEvent):
        return _event_json(item)
    value = to_json(item)
    check_piece(bytes_of(value))
    return value


def _event_json(event: ModelEvent) -> dict[str, Any]:
    # Not the provider's own object: that may hold anything.
    hidden = {"type", "provider_event", "data" if isinstance(event, ProviderEvent) else ""}
    rest = {
        each.name: getattr(event, each.name) for each in fields(event) if each.name not in hidden
    }
    return to_json({"type": event.type, **rest})
