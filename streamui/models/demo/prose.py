"""Plain prose about anything, of exactly as many words as asked for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_OPENINGS = (
    "Consider {topic}.",
    "A word on {topic}: it rewards attention.",
    "There is more to say about {topic} than fits on one page.",
    "Ask ten people about {topic} and you will hear ten different stories.",
    "A good way to begin with {topic} is to slow down and look closely.",
)

_ASPECTS = (
    ("history", "old maps", "what people wrote down long ago"),
    ("everyday side", "small habits", "what happens on an ordinary morning"),
    ("craft", "patient hands", "how much practice hides behind a simple result"),
    ("science", "careful measurements", "which questions are still open"),
    ("language", "borrowed words", "how names travel from place to place"),
    ("economics", "prices and promises", "who pays and who gains"),
    ("beauty", "light and shape", "why a second look is worth the time"),
    ("future", "cautious guesses", "what the next generation will keep"),
    ("geography", "long distances", "how a place shapes its people"),
    ("humour", "well-worn jokes", "what can be laughed at without harm"),
    ("memory", "faded photographs", "which details stay and which fade"),
    ("weather", "wind and rain", "how a plan changes when the sky does"),
    ("music", "steady rhythms", "how a pattern carries a tired mind"),
    ("mathematics", "plain numbers", "what can be counted and what cannot"),
    ("politics", "slow compromises", "who decides and who is asked"),
    ("teaching", "good examples", "how a beginner becomes a guide"),
)

_SENTENCES = (
    "Take the {aspect} of it first, because that is where {topic} becomes concrete.",
    "Whoever studies {topic} soon meets {image}, and learns to respect them.",
    "The interesting question is {question}.",
    "Few would have guessed that {image} matter so much here.",
    "It helps to write down {question}, and to read it again a week later.",
    "Seen from this side, {topic} is less a subject than a conversation.",
    "None of this is settled, and that is part of the charm.",
    "Those who care about the {aspect} tend to notice what others walk past.",
    "One can spend a whole afternoon with {image} and still find something new.",
    "So the talk about {topic} goes on, a little wiser than before.",
)

# One of each length from one word up, so that any count can be reached.
_CLOSINGS = (
    "Enough.",
    "Look again.",
    "There is more.",
    "That is the point.",
    "And so it goes on.",
    "It is worth another quiet look.",
    "The rest is left to the reader.",
    "Nobody needs to know all of it today.",
    "What remains is a good reason to come back.",
    "In the end it is the small things that count.",
    "There is no hurry, and the very best parts can wait.",
    "It is a modest thought, but modest thoughts tend to last longest.",
)


def write(topic: str, words: int) -> str:
    """Write about a topic.

    Args:
        topic: A noun or a few words; it appears as it is.
        words: How many words, separated by white space, the text has: exactly.

    Returns:
        Paragraphs of whole sentences. The same arguments give the same text.
    """
    left = words
    chosen: list[str] = []
    misfits = 0
    short = _OPENINGS[1 if words > 15 else 0].format(topic=topic)
    if len(short.split()) <= left < 40:
        chosen.append(short)
        left -= len(short.split())
    for sentence in _sentences(topic):
        length = len(sentence.split())
        if length <= left:
            chosen.append(sentence)
            left -= length
            misfits = 0
        else:
            misfits += 1
        if not left or misfits > len(_SENTENCES):
            break
    while left > 0:
        length = min(left, len(_CLOSINGS))
        chosen.append(_CLOSINGS[length - 1])
        left -= length
    paragraphs = (chosen[start : start + 5] for start in range(0, len(chosen), 5))
    return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)


def tokens(count: int, characters: int) -> list[str]:
    """Make tokens of one length, for measurements.

    Args:
        count: How many.
        characters: The length of each, its space included.

    Returns:
        ASCII words that each end with a space; of one character, letters.
    """
    if characters == 1:
        return [chr(ord("a") + number % 26) for number in range(count)]
    letters = "streamuiflowsandfillsthepagewhilethemodelthinks"
    made: list[str] = []
    for number in range(count):
        start = (number * 7) % len(letters)
        word = (letters[start:] + letters * (characters // len(letters) + 1))[: characters - 1]
        made.append(f"{word} ")
    return made


def _sentences(topic: str) -> Iterator[str]:
    seed = zlib.crc32(topic.encode("utf-8", "replace"))
    # The long openings first; the short ones are for texts that have no room for them.
    yield _OPENINGS[2 + seed % (len(_OPENINGS) - 2)].format(topic=topic)
    number = seed
    while True:
        # The aspect changes with the paragraph, and the pairs repeat late.
        aspect, image, question = _ASPECTS[(number // 5) % len(_ASPECTS)]
        template = _SENTENCES[number % len(_SENTENCES)]
        made = template.format(topic=topic, aspect=aspect, image=image, question=question)
        yield made[0].upper() + made[1:]
        number += 1
