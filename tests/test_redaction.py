from __future__ import annotations

import time

import pytest

from streamui.redaction import redact

SECRET = "aBcD1234efGH5678ijKL"


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: sk-{SECRET}. Find yours at https://platform.openai.com",
        f"sk-proj-{SECRET}",
        f"sk-ant-api03-{SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"authorization: bearer {SECRET}",
        f"Basic {SECRET}=",
        f"postgresql://app:{SECRET}@db.internal:5432/app",
        f"redis://:{SECRET}@cache:6379/0",
        f"https://user:{SECRET}@example.com/v1",
        f"https://example.com/v1?key={SECRET}&x=1",
        f"https://example.com/v1?api_key={SECRET}",
        f'{{"api_key": "{SECRET}"}}',
        f"password={SECRET}",
        f"hf_{SECRET}",
        f"gsk_{SECRET}",
        f"ghp_{SECRET}",
        f"AIzaSy{SECRET}{SECRET}",
        "AKIAABCD1234EFGH5678",
        f"eyJhbGciOiJIUzI1.{SECRET}.{SECRET}",
    ],
)
def test_a_secret_is_taken_out(text: str) -> None:
    redacted = redact(text)
    assert SECRET not in redacted
    assert SECRET[:10] not in redacted
    assert "1234EFGH" not in redacted
    assert "***" in redacted


@pytest.mark.parametrize(
    "text",
    [
        "The model `gpt-5.4-mini` does not exist",
        "Rate limit reached for requests per min (RPM): Limit 3, Used 3",
        "maximum context length is 8192 tokens, you asked for 9000 tokens: too many",
        "https://platform.openai.com/account/api-keys",
        "connection to 127.0.0.1:6379 refused",
        "a task-oriented desk-bound risk-averse answer",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_whole_page_is_cut() -> None:
    assert len(redact("x" * 10_000_000)) < 2_100


def test_a_hostile_text_takes_no_time() -> None:
    start = time.process_time()  # seconds of work; one that grows with the square takes minutes
    for text in ("a://" + "a:" * 5_000, "token=" * 3_000, "eyJ" + "a" * 9_000, "sk-" * 5_000):
        redact(text)
    assert time.process_time() - start < 5
