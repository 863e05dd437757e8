"""Secrets out of what providers and libraries say, before it reaches a log."""

from __future__ import annotations

import re
import traceback

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Passwords in addresses first: what follows would otherwise cut a DSN in two.
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/@:'\"]*:[^\s'\"]*@", re.I), r"\1***@"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=*-]{4,}", re.I), r"\1 ***"),
    (
        re.compile(
            r"((?:api[_-]?key|access[_-]?token|auth[_-]?token|secret|password|passwd|pwd"
            r"|authorization|x-api-key|[?&]key|token)[\"']?\s*[=:]\s*[\"']?)"
            r"(?!bearer|basic|\*\*\*)[^\s\"'&,;}]{4,}",
            re.I,
        ),
        r"\1***",
    ),
    # OpenAI and those that copy its keys, also in the half-masked form its errors echo.
    (re.compile(r"\b(?:sk|pk|rk|sess|org|proj)-[A-Za-z0-9_*.-]{6,}"), "***"),
    (re.compile(r"\b(?:xai|gsk|hf|ghp|gho|ghs|pat|glpat|r8|nvapi)[_-][A-Za-z0-9_-]{12,}"), "***"),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{20,}"), "***"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), "***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"), "***"),
)


def redact(text: str, longest: int = 2_000) -> str:
    """Remove what looks like a key, a token or a password in an address.

    Args:
        text: What a provider, or a library on its behalf, said.
        longest: Characters to keep.

    Returns:
        The same with ``***`` in place of each secret, cut to ``longest`` characters.
    """
    text = text[: 4 * longest]  # A provider may answer with a whole page.
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= longest else text[:longest] + " …"


def redacted_traceback(error: BaseException) -> str:
    """Return an exception with its traceback and causes, as a log may have it.

    Args:
        error: Any exception; the text of its causes may be a provider's own words.
    """
    return redact("".join(traceback.format_exception(error)), longest=20_000)
