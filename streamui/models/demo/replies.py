"""What the demo model writes when nobody counts its words: Markdown that fits the question."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote

from streamui.models.demo import prose
from streamui.models.demo.recall import recall
from streamui.models.demo.snippets import snippet
from streamui.models.demo.talk import Message
from streamui.models.demo.topic import topic_of

HONESTY = "I'm the built-in demo model"

Writer: TypeAlias = Callable[[str, str], str]


def reply(question: str, before: tuple[Message, ...]) -> str:
    """Answer a question in Markdown.

    Args:
        question: Without its steering.
        before: What was said before it.

    Returns:
        The answer; the same arguments give the same.
    """
    remembered = recall(question, before)
    if remembered is not None:
        return remembered
    writer = next((make for words, make in _WRITERS if words.search(question)), _essay)
    return writer(question, topic_of(question))


def _greeting(question: str, topic: str) -> str:
    return (
        f"Hello! {HONESTY} of **streamui**: a small program that streams canned Markdown over "
        "OpenAI's own wire format, so that this page works before you have a key.\n\n"
        "Try one of these:\n\n"
        "- *Compare tea and coffee in a table*\n- *Show me code for the Fibonacci numbers*\n"
        "- *Write 300 words about rivers at 60 words per second*\n"
        "- *Write 100 words about tea, fail with 429 after 20 words*\n"
    )


def _about(question: str, topic: str) -> str:
    return (
        "## streamui in a minute\n\n"
        "**streamui** is for pages that fill in while the server is still thinking. A server "
        "function returns at once with *references*; the content follows.\n\n"
        "| You write | The page gets |\n| --- | --- |\n"
        "| `StreamableValue` | a value under construction, shown live |\n"
        "| `@server_function` | a handler that streams and can be stopped |\n"
        "| `model_events(stream)` | one set of events for every provider |\n\n"
        "Only what is new travels, so the bytes grow with the text and not with its square:\n\n"
        "$$\\sum_{i=1}^{n} \\Delta_i = |text| \\quad\\text{instead of}\\quad "
        "\\sum_{i=1}^{n} i\\,\\Delta = O(n^2)$$\n\n"
        f"> {HONESTY}, not a language model: set `OPENAI_API_KEY` and this same page talks to a "
        "real one.\n\n"
        "More in [Reflex's documentation](https://reflex.dev/docs/).\n"
    )


def _code(question: str, topic: str) -> str:
    fence, sentence, code = snippet(question)
    return (
        f"{sentence}\n\n```{fence}\n{code}\n```\n\n"
        f"*{HONESTY}, so this comes from a small cupboard and not from thought.*\n"
    )


def _table(question: str, topic: str) -> str:
    pair = re.search(
        r"([\w'-]+(?: [\w'-]+)?)\s+(?:and|with|to|vs\.?|versus|or)\s+([\w'-]+)", topic, re.I
    )
    left, right = pair.groups() if pair else (topic, "the alternative")
    return (
        f"## {_capital(left)} and {right}, side by side\n\n"
        f"| Aspect | {_capital(left)} | {_capital(right)} |\n| :--- | :---: | ---: |\n"
        "| First impression | calm | lively |\n| Needs | time | attention |\n"
        "| Good for | a slow morning | a short break |\n| Rating | 8 / 10 | 8 / 10 |\n\n"
        f"**In short:** take {left} when you can wait, and {right} when you "
        f"cannot.\n\n> {HONESTY}: the table is real Markdown, its judgement is not.\n"
    )


def _maths(question: str, topic: str) -> str:
    return (
        "## A little mathematics\n\nA quadratic equation $ax^2 + bx + c = 0$ has the roots\n\n"
        "$$x_{1,2} = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}$$\n\n"
        "1. Complete the square: $\\left(x + \\frac{b}{2a}\\right)^2 = \\frac{b^2-4ac}{4a^2}$.\n"
        "2. Take the root of both sides.\n3. Subtract $\\frac{b}{2a}$.\n\n"
        f"*{HONESTY}: I know this one by heart and no other.*\n"
    )


def _steps(question: str, topic: str) -> str:
    return (
        f"## A plan for {topic}\n\n"
        "1. **Look** at what is there, and write it down.\n"
        "2. **Choose** one thing that would make a difference.\n"
        "   - Small enough for an afternoon.\n   - Big enough to notice.\n"
        "3. **Do** it, and keep what works.\n4. **Tell** somebody what you learned.\n\n"
        "- [x] Ask the question\n- [ ] Begin\n\n"
        f"*{HONESTY}: the steps fit nearly everything, which is why they fit {topic}.*\n"
    )


def _quotation(question: str, topic: str) -> str:
    return (
        f"> What we know of {topic} is a drop; what we don't is an ocean.\n>\n"
        "> — freely after a saying that goes round under Isaac Newton's name\n\n"
        f"*{HONESTY} and quote from memory, of which I have little.*\n"
    )


def _essay(question: str, topic: str) -> str:
    heading = " ".join(re.sub(r"[\[\](){}<>*_`#|\"\\\\]", " ", question).split())[:80]
    first, second = prose.write(topic, 45), prose.write(f"the study of {topic}", 40)
    address = (
        f"https://en.wikipedia.org/wiki/Special:Search?search={quote(heading, errors='replace')}"
    )
    return (
        f"## {_capital(heading)}\n\n{first}\n\n### Three things to look at\n\n"
        "- **Where it comes from**, because nothing starts from nothing\n"
        "- **What it does today**, in an ordinary week\n"
        "- **Where it could lead**, told with `maybe` in every sentence\n\n"
        f"{second}\n\n> {HONESTY}, so I know nothing about {topic}; "
        f"[Wikipedia]({address}) does.\n"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_WRITERS: tuple[tuple[re.Pattern[str], Writer], ...] = tuple(
    (re.compile(pattern, re.I), writer)
    for pattern, writer in (
        (r"^\s*(?:hello|hi|hey|good (?:morning|day|evening)|help|$)\W*$", _greeting),
        (r"\bcode\b|\bfunction\b|\bprogram|\bscript\b|\bsnippet\b|\bimplement", _code),
        (r"\b(?:python|javascript|typescript|rust|golang|sql|html|css|bash)\b", _code),
        (r"\btable\b|\bcompar|\bversus\b|\bvs\b|\bdifference between\b", _table),
        (r"\bstreamui\b|\bwho are you\b|\bwhat are you\b|\bwhat can you do\b", _about),
        (r"\bmath|\bformula|\bequation|\bintegral\b|\bprove\b|\bproof\b", _maths),
        (r"\bsteps?\b|\bplan\b|\bhow (?:do|can|to)\b|\blist\b|\btodo\b|\brecipe\b", _steps),
        (r"\bquot(?:e|ation)\b", _quotation),
        (r"^\s*(?:hello|hi|hey|good (?:morning|day|evening))\b", _greeting),
    )
)
