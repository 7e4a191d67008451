"""Writes JSON values and paths as CEL text."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import is_exact, number_text

from .errors import INEXACT, ExpressionError
from .tokens import is_identifier

TEXTS = Texts(
    "literals",
    {
        "too-deep": Text(
            "the value is nested more than {most} levels deep",
            "值的嵌套超过 {most} 层",
        ),
        "string-keys": Text("an object's keys must be strings", "对象的键必须是字符串"),
        "not-json": Text("a `{type:raw}` is not a JSON value", "`{type:raw}` 不是 JSON 值"),
        "backslash": Text("a backslash", "反斜杠"),
        "contains": Text(
            "a value to match on contains {shown:raw}",
            "用于匹配的值包含{shown:raw}",
        ),
        "plain-id": Text(
            "match on an id without backslashes, line breaks and control characters",
            "使用不含反斜杠、换行和控制字符的 ID",
        ),
        "both-quotes": Text(
            "a value to match on contains both kinds of quotes",
            "用于匹配的值同时包含两种引号",
        ),
        "no-quotes": Text("match on an id without quotes", "使用不含引号的 ID"),
        "no-match": Text("a `{type:raw}` cannot be matched on", "`{type:raw}` 不能用于匹配"),
        "not-finite": Text("not a finite number", "不是有限的数字"),
        "as-text": Text("write it as a text", "写成文本"),
        "half-pair": Text("half of a surrogate pair is not a character", "半个代理对不是字符"),
    },
)

# The recursion budget of the parser is 32.
_MAX_DEPTH = 24


def quote(value: Any) -> str:
    """Return a CEL literal that evaluates to a JSON value.

    Invisible characters, and those that reorder text, are escaped.

    Raises:
        ExpressionError: If the value is not JSON, is nested too deeply, or has a number beyond
            ±(2^53 − 1).
    """
    return _quote(value, 0)


def _quote(value: Any, depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise ExpressionError(TEXTS("too-deep", most=_MAX_DEPTH))
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quote_text(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_quote(item, depth + 1) for item in value) + "]"
    if isinstance(value, dict):
        entries: list[str] = []
        for key, item in value.items():
            if not isinstance(key, str):
                raise ExpressionError(TEXTS("string-keys"))
            entries.append(f"{_quote_text(key)}: {_quote(item, depth + 1)}")
        return "{" + ", ".join(entries) + "}"
    raise ExpressionError(TEXTS("not-json", type=type(value).__name__))


def written_path(path: tuple[str, ...]) -> str:
    """Return the expression that reads a path: `steps["a-1"].output`."""
    root, *parts = path
    return root + "".join(
        f".{part}" if is_identifier(part) else f"[{_quote_text(part)}]" for part in parts
    )


def matcher_literal(value: Any) -> str:
    """Return a scalar as a literal of an `if` expression that Inngest's server matches events with.

    The server's matcher does not unescape: a literal with an escape sequence silently never matches.

    Raises:
        ExpressionError: If the value would need an escape sequence, or is not a scalar.
    """
    if isinstance(value, str):
        for character in value:
            if character == "\\" or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
                shown = TEXTS("backslash") if character == "\\" else f"U+{ord(character):04X}"
                raise ExpressionError(
                    TEXTS("contains", shown=shown),
                    help=TEXTS("plain-id"),
                )
        if '"' not in value:
            return f'"{value}"'
        if "'" not in value:
            return f"'{value}'"
        raise ExpressionError(
            TEXTS("both-quotes"),
            help=TEXTS("no-quotes"),
        )
    if value is None or isinstance(value, bool | int | float):
        return _quote(value, 0)
    raise ExpressionError(TEXTS("no-match", type=type(value).__name__))


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ExpressionError(TEXTS("not-finite"))
    if not is_exact(value):
        raise ExpressionError(INEXACT, help=TEXTS("as-text"))
    return number_text(value)


def _quote_text(text: str) -> str:
    if text.isascii() and text.isprintable():
        return json.dumps(text)
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise ExpressionError(TEXTS("half-pair"))
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return short or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
