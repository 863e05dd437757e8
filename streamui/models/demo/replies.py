"""Replies"""

from __future__ import annotations

import re

from streamui.models.demo import prose
from streamui.models.demo.talk import Message


def topic_of(question: str) -> str:
    match = re.search(r"\babout\s+(.+?)(?:[.,;!?]|$)", question)
    return match.group(1).strip() if match else "this"


def reply(question: str, before: tuple[Message, ...]) -> str:
    return f"## {question[:60]}\n\nI'm the built-in demo model.\n\n" + prose.write(topic_of(question), 60)
