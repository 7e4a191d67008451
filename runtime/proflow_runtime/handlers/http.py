"""The built-in handler of `http` nodes.

The environment variables are those of `context.environment.HttpCalls`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import inngest
from proflow_schemas.expressions import as_text
from proflow_schemas.numbers import is_exact

from proflow_runtime.context.environment import HttpCalls
from proflow_runtime.handlers.addresses import Allowed, GuardedTransport
from proflow_runtime.handlers.optional import read_now
from proflow_runtime.handlers.task import Task
from proflow_runtime.values import JSON
from proflow_runtime.values.retry import span

DEFAULT_TIMEOUT = 30.0
LONGEST_TIMEOUT = 900.0
"""Seconds that a request may take at most: it occupies a step of its tenant meanwhile."""
MAX_REDIRECTS = 5
LONGEST_RETRY_AFTER = timedelta(days=1)

_OURS = {"host", "content-length", "transfer-encoding", "connection", "upgrade"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_AGAIN = {408, 425, 429}


async def request(task: Task) -> JSON:
    """Send an HTTP request.

    Args:
        task: Its input is `{"method", "url", "headers", "body", "timeout"}`. A `body` that is not a
            text is sent as JSON.

    Returns:
        `{"status", "headers", "body"}`. A JSON body is parsed (numbers beyond ±(2^53 − 1) become
        texts), a text is returned as it is, anything else as `{"base64"}`.

    Raises:
        NonRetriableError: If the request is invalid or not allowed, or if the status is 400 or more
            and none of the following.
        RetryAfterError: For 408, 425, 429 and 5xx with a `Retry-After` header.
        RuntimeError: For these statuses without it, and for network errors.
        TimeoutError: If there is no response in time.
    """
    config = task.input
    method = str(config.get("method") or "GET").upper()
    url = _url(config.get("url"))
    headers = _headers(config.get("headers") or {})
    content = _content(config.get("body"), headers)
    timeout = min(span(config.get("timeout") or DEFAULT_TIMEOUT).total_seconds(), LONGEST_TIMEOUT)
    what = f"{method} {url.host}"
    settings = read_now(HttpCalls)
    transport = GuardedTransport(Allowed.of(settings))
    try:
        async with (
            asyncio.timeout(timeout),
            httpx.AsyncClient(
                transport=transport,
                timeout=timeout,
                follow_redirects=True,
                max_redirects=MAX_REDIRECTS,
                trust_env=False,
            ) as client,
            client.stream(method, url, headers=headers, content=content) as answer,
        ):
            if answer.status_code >= 400:
                raise _refusal(what, answer)
            body = await _read(what, answer, settings.max_bytes)
            return {
                "status": answer.status_code,
                "headers": {
                    name: value for name, value in answer.headers.items() if name != "set-cookie"
                },
                "body": _parsed(answer, body),
            }
    except TimeoutError:
        raise TimeoutError(f"{what} did not answer within {timeout:g} s") from None
    except httpx.TimeoutException:
        raise TimeoutError(f"{what} did not answer within {timeout:g} s") from None
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise inngest.NonRetriableError(f"{what}: {error}") from None
    except httpx.HTTPError as error:
        raise RuntimeError(f"{what}: {str(error) or type(error).__name__}") from None


def _url(value: Any) -> httpx.URL:
    try:
        url = httpx.URL(value)
    except (httpx.InvalidURL, TypeError):
        raise inngest.NonRetriableError("the URL is not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise inngest.NonRetriableError("the URL is not an absolute http or https URL")
    return url


def _headers(given: dict[str, Any]) -> dict[str, str]:
    headers = {"accept-encoding": "identity", "user-agent": "proflow"}
    for name, value in given.items():
        text = as_text(value)
        if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(text):
            raise inngest.NonRetriableError(f"`{name[:60]}` is not a valid header")
        if name.lower() in _OURS:
            raise inngest.NonRetriableError(f"the header `{name}` cannot be set")
        headers[name.lower()] = text.strip()
    return headers


def _content(body: Any, headers: dict[str, str]) -> bytes | None:
    if body is None:
        return None
    if isinstance(body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return body.encode()
    headers.setdefault("content-type", "application/json")
    return json.dumps(body, ensure_ascii=False).encode()


def _refusal(what: str, answer: httpx.Response) -> Exception:
    message = f"{what} answered {answer.status_code}"
    if answer.status_code < 500 and answer.status_code not in _AGAIN:
        return inngest.NonRetriableError(message)
    pause = retry_after(answer.headers)
    return RuntimeError(message) if pause is None else inngest.RetryAfterError(message, pause)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return the pause that a `Retry-After` header asks for, at most a day; None if there is none."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and len(value) < 8:
        return min(timedelta(seconds=int(value)), LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - datetime.now(UTC), timedelta()), LONGEST_RETRY_AFTER)


async def _read(what: str, answer: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise inngest.NonRetriableError(f"{what} answered with more than {limit:,} bytes")
    return bytes(body)


def _parsed(answer: httpx.Response, body: bytes) -> JSON:
    if not body:
        return None
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(body, parse_int=_integer, parse_float=_float, parse_constant=str)
        except ValueError:
            pass  # not JSON, whatever the header says: returned as a text
    try:
        return body.decode(answer.charset_encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return {"base64": base64.b64encode(body).decode()}


def _integer(text: str) -> int | str:
    number = int(text) if len(text) < 18 else None
    return text if number is None or not is_exact(number) else number


def _float(text: str) -> float | str:
    number = float(text)
    return number if is_exact(number) else text
