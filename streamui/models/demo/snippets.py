"""Code that the demo model can show, by language and by what it does."""

from __future__ import annotations

import re

LANGUAGES: dict[str, tuple[str, str]] = {
    "javascript": (
        "js",
        'const greet = (name) => `Hello, ${name}!`;\n\nconsole.log(greet("you"));',
    ),
    "typescript": (
        "ts",
        "function greet(name: string): string {\n  return `Hello, ${name}!`;\n}\n\n"
        'console.log(greet("you"));',
    ),
    "rust": (
        "rust",
        'fn greet(name: &str) -> String {\n    format!("Hello, {name}!")\n}\n\n'
        'fn main() {\n    println!("{}", greet("you"));\n}',
    ),
    "golang": (
        "go",
        'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("Hello, you!")\n}',
    ),
    "sql": (
        "sql",
        "SELECT author, COUNT(*) AS books\nFROM library\nGROUP BY author\nORDER BY books DESC\n"
        "LIMIT 10;",
    ),
    "html": (
        "html",
        "<!doctype html>\n<title>Hello</title>\n<main>\n  <h1>Hello, you!</h1>\n</main>",
    ),
    "css": ("css", ".card {\n  display: grid;\n  gap: 1rem;\n  border-radius: 0.5rem;\n}"),
    "bash": (
        "bash",
        '#!/usr/bin/env bash\nset -euo pipefail\n\nfor file in *.txt; do\n  wc -w "$file"\ndone',
    ),
}
"""Language, its name in a fence, and a small program; whatever is not here is Python."""

_TASKS: tuple[tuple[str, str, str], ...] = (
    (
        r"fibonacci",
        "Fibonacci numbers as a generator: it never holds more than two of them.",
        "from collections.abc import Iterator\n\n\ndef fibonacci() -> Iterator[int]:\n"
        "    a, b = 0, 1\n    while True:\n        yield a\n        a, b = b, a + b",
    ),
    (
        r"prime",
        "The sieve of Eratosthenes: cross out the multiples, keep the rest.",
        "def primes(limit: int) -> list[int]:\n    is_prime = [True] * (limit + 1)\n"
        "    for n in range(2, int(limit**0.5) + 1):\n        if is_prime[n]:\n"
        "            for multiple in range(n * n, limit + 1, n):\n"
        "                is_prime[multiple] = False\n"
        "    return [n for n in range(2, limit + 1) if is_prime[n]]",
    ),
    (
        r"\bsort|\border",
        "Python's own sort is stable and hard to beat; `key` says what to sort by.",
        "def by_length(words: list[str]) -> list[str]:\n"
        "    return sorted(words, key=lambda word: (len(word), word))",
    ),
    (
        r"\bfile|\bread|\bcsv",
        "A file is an iterator of lines, so this needs no more memory than one line.",
        "from collections import Counter\nfrom pathlib import Path\n\n\n"
        "def words(path: Path) -> Counter[str]:\n    counts: Counter[str] = Counter()\n"
        '    with path.open(encoding="utf-8") as lines:\n        for line in lines:\n'
        "            counts.update(line.lower().split())\n    return counts",
    ),
    (
        r"\bhttp|\bfetch|\brequest|\bdownload|\bapi\b",
        "One client for all requests keeps its connections open between them.",
        "import asyncio\n\nimport httpx\n\n\nasync def sizes(urls: list[str]) -> list[int]:\n"
        "    async with httpx.AsyncClient(timeout=10) as client:\n"
        "        answers = await asyncio.gather(*(client.get(url) for url in urls))\n"
        "    return [len(answer.content) for answer in answers]",
    ),
    (
        r"stream|reflex|server function|page|button",
        "A Reflex state whose answer fills in while the server still works.",
        "import reflex as rx\nimport streamui as ui\n\n\nclass Assistant(rx.State):\n"
        '    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()\n\n'
        "    @ui.server_function\n    async def ask(self, question: str):\n"
        '        answer = ui.StreamableValue("")\n        async with self:\n'
        "            self.answer = answer\n        stream = await ui.default_client()"
        ".responses.create(\n            model=ui.default_model(), input=question, stream=True\n"
        "        )\n        async for event in ui.model_events(stream):\n"
        '            if event.type == "text-delta":\n'
        "                answer.append(event.delta)\n            yield",
    ),
)
_ANY = (
    "A small function with types, a docstring and a test that reads like a sentence.",
    "def slug(title: str) -> str:\n"
    '    """Make a title fit for an address."""\n'
    '    kept = (c if c.isalnum() else " " for c in title.lower())\n'
    '    return "-".join("".join(kept).split())\n\n\n'
    "def test_a_slug_has_no_spaces() -> None:\n"
    '    assert slug("Rivers, and how they flow") == "rivers-and-how-they-flow"',
)


def snippet(question: str) -> tuple[str, str, str]:
    """Choose code for a question.

    Args:
        question: What was asked.

    Returns:
        The language of the fence, a sentence about the code, and the code.
    """
    asked = question.lower()
    for language, (fence, code) in LANGUAGES.items():
        if re.search(rf"\b{language}\b", asked):
            return fence, f"A first program in {language}:", code
    for pattern, sentence, code in _TASKS:
        if re.search(pattern, asked):
            return "python", sentence, code
    return "python", *_ANY
