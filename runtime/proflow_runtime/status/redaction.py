"""Removes secrets from the inputs and outputs of steps before they are stored or shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeAlias

from proflow_runtime.values import JSON

REDACTED = "•••"
MOST = 16 * 1024
"""The most characters of JSON that are kept of a value."""
DEEPEST = 100

Redact: TypeAlias = Callable[[str, JSON], JSON]
"""A host's hook: takes the name of a workflow's node and a value, and returns what may be kept."""

_WORDS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "credential"),
    *("apikey", "accesskey", "privatekey", "secretkey", "signingkey", "cookie", "bearer"),
    *("密码", "口令", "密钥", "令牌"),
)
_IN_TEXT = re.compile(
    r"((?:passw(?:or)?d|passphrase|secret|token|authorization|api[-_]?key|密码|口令|密钥|令牌)"
    r"[\w-]{0,40}[\"']?[ \t]{0,4}[:=：][ \t]{0,4}(?:bearer |basic )?)"
    r"(?:\"[^\"\n]{0,4000}\"|'[^'\n]{0,4000}'|[^\s,;&\"'}]{1,4000})",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"(://[^\s/:@]{1,200}:)[^\s/@]{1,200}@")
_SEPARATORS = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")


def is_secret(name: str) -> bool:
    """True if a field of this name usually holds a secret, such as `apiKey` or `X-Auth-Token`."""
    plain = _SEPARATORS.sub("", name.lower())
    return any(word in plain for word in _WORDS)


def redacted(value: JSON, *, depth: int = 0) -> JSON:
    """Replace the values of fields with secrets' names, at any depth.

    Args:
        value: A JSON value; it is not changed.
        depth: How deep the value is nested.
    """
    if depth > DEEPEST:
        return REDACTED
    if isinstance(value, dict):
        return {
            key: REDACTED if is_secret(key) and one is not None else redacted(one, depth=depth + 1)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [redacted(one, depth=depth + 1) for one in value]
    return value


def redacted_text(text: str) -> str:
    """Replace what looks like a secret in a text, such as `token=…` or a password in a URL."""
    return _IN_URL.sub(rf"\1{REDACTED}@", _IN_TEXT.sub(rf"\1{REDACTED}", text))


def to_keep(node: str, value: JSON, redact: Redact | None = None) -> JSON:
    """Return what is kept of an input or output: without secrets, and bounded.

    Args:
        node: The node's id.
        value: The value.
        redact: The host's hook, which is called last.

    Returns:
        The value, or `{truncated, begin}` if it is large: its size in characters, and its beginning.
    """
    found = redacted(value)
    if redact is not None:
        found = redact(node, found)
    text = json.dumps(found, ensure_ascii=False)
    if len(text) <= MOST:
        return found
    return {"truncated": len(text), "begin": text[:MOST]}
