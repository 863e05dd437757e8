from __future__ import annotations

import email.utils
import json
import pickle
import time
from typing import Any

import httpx
import httpx2
import openai
import pytest

from streamui.errors import ModelError, StreamUIError
from streamui.models.failures import as_model_error, stream_failure

CLIENT = openai.OpenAI(api_key="k", http_client=httpx2.Client(verify=False))
REQUEST = httpx2.Request("POST", "https://api.example.com/v1/responses")


def status_error(status: int, body: Any = None, **headers: str) -> openai.APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=named, json=body, request=REQUEST)
    return CLIENT._make_status_error_from_response(response)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("status", "error", "code", "retryable"),
    [
        (400, {"code": "invalid_value"}, "bad_request", False),
        (400, {"code": "context_length_exceeded"}, "context_length", False),
        (400, {"code": "string_above_max_length"}, "context_length", False),
        (400, {"code": "content_policy_violation"}, "content_filter", False),
        (400, {"code": "content_filter"}, "content_filter", False),
        (401, {"code": "invalid_api_key"}, "authentication", False),
        (401, None, "authentication", False),
        (403, {"type": "request_forbidden"}, "permission_denied", False),
        (404, {"code": "model_not_found"}, "not_found", False),
        (404, None, "not_found", False),
        (408, None, "timeout", True),
        (409, None, "conflict", True),
        (413, None, "context_length", False),
        (418, None, "bad_request", False),
        (422, {}, "bad_request", False),
        (429, {"code": "rate_limit_exceeded"}, "rate_limited", True),
        (429, {"code": "insufficient_quota"}, "quota", False),
        (429, None, "rate_limited", True),
        (500, {"type": "invalid_request_error"}, "server_error", True),
        (502, None, "server_error", True),
        (503, None, "overloaded", True),
        (504, None, "timeout", True),
        (529, {"type": "overloaded_error"}, "overloaded", True),
    ],
)
def test_every_status_has_its_code(status: int, error: Any, code: str, retryable: bool) -> None:
    body = {"error": {"message": "x", **error}} if error is not None else None
    cause = status_error(status, body)
    made = as_model_error(cause)
    assert made is not None
    assert (made.code, made.retryable) == (code, retryable)
    assert made.__cause__ is cause
    assert made.sentence == ModelError.sentences[code]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "1"}, 1.0),
        ({"retry_after": "121"}, 121.0),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    made = as_model_error(status_error(429, **headers))
    assert made is not None
    assert made.retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    made = as_model_error(status_error(429, retry_after=date))
    assert made is not None and made.retry_after is not None
    assert 55 < made.retry_after <= 60


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (openai.APITimeoutError(REQUEST), "timeout"),
        (openai.APIConnectionError(request=REQUEST), "connection"),
        (openai.APIError("x", REQUEST, body={"code": "rate_limit_exceeded"}), "rate_limited"),
        (openai.APIError("x", REQUEST, body={"code": 503}), "overloaded"),
        (openai.APIError("x", REQUEST, body=None), "failed"),
        (openai.ContentFilterFinishReasonError(), "content_filter"),
        (openai.OpenAIError("The api_key client option must be set"), "authentication"),
        (openai.OpenAIError("x"), "failed"),
        (
            openai.APIResponseValidationError(httpx2.Response(200, request=REQUEST), None),
            "malformed",
        ),
        (httpx2.ConnectError("x"), "connection"),
        (httpx2.ReadTimeout("x"), "timeout"),
        (httpx2.RemoteProtocolError("x"), "connection"),
        (httpx2.DecodingError("x"), "malformed"),
        (httpx.ConnectError("x"), "connection"),
        (httpx.ReadTimeout("x"), "timeout"),
        (httpx.StreamClosed(), "connection"),
        (
            httpx.HTTPStatusError(
                "x",
                request=httpx.Request("GET", "http://x"),
                response=httpx.Response(429, headers={"retry-after": "2"}),
            ),
            "rate_limited",
        ),
    ],
)
def test_every_exception_has_its_code(error: Exception, code: str) -> None:
    made = as_model_error(error)
    assert made is not None
    assert made.code == code
    assert made.__cause__ is error


@pytest.mark.parametrize("error", [ValueError("x"), KeyError(1), OSError(), StreamUIError("x")])
def test_an_exception_of_the_users_own_is_left_alone(error: Exception) -> None:
    assert as_model_error(error) is None


def test_a_model_error_stays_itself() -> None:
    error = ModelError("x", code="quota")
    assert as_model_error(error) is error


@pytest.mark.parametrize(
    ("error", "begun", "code"),
    [
        (openai.APIConnectionError(request=REQUEST), False, "connection"),
        (openai.APIConnectionError(request=REQUEST), True, "truncated"),
        (openai.APITimeoutError(REQUEST), True, "timeout"),
        (ConnectionResetError(), True, "truncated"),
        (ConnectionRefusedError(), False, "connection"),
        (TimeoutError(), True, "timeout"),
        (json.JSONDecodeError("x", "", 0), True, "malformed"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), True, "malformed"),
        (RuntimeError("Lifecycle response identity changed."), True, "malformed"),
        (AssertionError(), True, "malformed"),
        (ArithmeticError(), True, "failed"),
    ],
)
def test_what_reading_raises_has_its_code(error: Exception, begun: bool, code: str) -> None:
    made = stream_failure(error, begun=begun)
    assert made.code == code


def test_the_text_names_the_cause_without_its_keys() -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-proj-aBcD1234efgh5678."}}
    made = as_model_error(status_error(401, body))
    assert made is not None
    assert "AuthenticationError" in str(made)
    assert "aBcD" not in str(made)
    assert "aBcD" not in made.sentence


def test_every_code_has_a_sentence_of_its_own() -> None:
    sentences = list(ModelError.sentences.values())
    assert len(set(sentences)) == len(sentences)
    assert ModelError.retryable_codes < set(ModelError.sentences)
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)


def test_an_unknown_code_has_a_safe_sentence() -> None:
    error = ModelError("secret", code="new")
    assert error.sentence == ModelError.sentences["failed"]


def test_a_model_error_travels_between_processes() -> None:
    error = ModelError("x", code="rate_limited", retry_after=2.0)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.retry_after, copy.retryable, str(copy)) == (
        "rate_limited",
        2.0,
        True,
        "x",
    )
