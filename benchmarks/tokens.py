"""What every page of the benchmark streams: the same tokens, at the same pace.

All of it is ASCII, so characters and bytes are the same number.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from functools import cache

TOKEN_LENGTH = 5
ENDING = "The end."
"""The last words of `markdown_text`, which appear nowhere else: seen means all is seen."""

SECTION = '''\
## {number}. The rivers of {place}

A paragraph with **bold words**, some *emphasis*, `inline code` and
[a link](https://example.com/{number}). {words}

- the first point, with **weight**
- the second point, longer than the first: {more}
- the third point
  1. with a step
  2. and another one

| river | length | flow |
|---|---:|---:|
| {place} Major | {major} km | {flow} m3/s |
| {place} Minor | {minor} km | {trickle} m3/s |

```python
def flow_{number}(depth: float, width: float = {minor}.0) -> float:
    """Estimate the flow of {place} Major."""
    if depth <= 0:
        return 0.0
    return depth * width * {trickle} / {flow}  # measured, not derived
```

'''


def _words(source: random.Random, count: int) -> str:
    return " ".join("".join(source.choices("aeiounrstlmd", k=4)) for _ in range(count))


@cache
def plain_text(count: int) -> str:
    """Return `count` tokens of plain text: four letters and a space each, one long paragraph."""
    return _words(random.Random(7), count) + " "


@cache
def markdown_text(count: int) -> str:
    """Return `count` tokens of Markdown: sections of prose, lists, a table and code each."""
    source, length = random.Random(11), count * TOKEN_LENGTH
    text, number = "# A report on rivers\n\n", 0
    while True:
        number += 1
        section = SECTION.format(
            number=number,
            place=_words(source, 1).capitalize(),
            words=_words(source, 40),
            more=_words(source, 8),
            major=source.randint(500, 3000),
            minor=source.randint(50, 400),
            flow=source.randint(900, 9000),
            trickle=source.randint(10, 800),
        )
        if len(text) + len(section) + len(ENDING) > length:
            break
        text += section
    # A last paragraph fills up what no whole section fits into.
    filling = _words(source, count)[: length - len(text) - len(ENDING) - 1]
    return f"{text}{filling} {ENDING}"


async def tokens(text: str, rate: int) -> AsyncIterator[str]:
    """Produce a text as a model would, five characters at a time.

    Args:
        text: All of it.
        rate: Tokens per second, kept on an absolute schedule so that a late token does not delay
            the ones after it; 0 for flat out, giving way to other tasks after each token.

    Yields:
        One token of `TOKEN_LENGTH` characters.
    """
    start = time.perf_counter()
    for position in range(0, len(text), TOKEN_LENGTH):
        due = start + position / TOKEN_LENGTH / rate if rate else start
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        yield text[position : position + TOKEN_LENGTH]
