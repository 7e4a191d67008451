"""Splits CEL text into tokens, to find spans, closing braces and identifiers.

Source: the lexical grammar of the CEL specification, and the backquoted fields of its reference parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from proflow_schemas.language import Text, Texts

from .errors import ExpressionError

TEXTS = Texts(
    "tokens",
    {
        "not-closed": Text(
            "the string that begins here is not closed",
            "从这里开始的字符串没有结束",
        ),
        "close": Text("close it with `{text:raw}`", "用 `{text:raw}` 结束"),
    },
)

TokenKind = Literal["name", "field", "string", "number", "punctuation", "other"]

# Words that cannot be a field after a dot, or a name at all.
KEYWORDS = frozenset({"true", "false", "null", "in"})

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\f]+|//[^\n]*)
  | (?P<string>
        (?:[rR][bB]?|[bB][rR])(?:\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''|"[^"\n\r]*"|'[^'\n\r]*')
      | [bB]?(?:\"\"\"(?s:(?:[^\\]|\\.)*?)\"\"\"|'''(?s:(?:[^\\]|\\.)*?)'''
          |"(?:[^"\\\n\r]|\\[^\n\r])*"|'(?:[^'\\\n\r]|\\[^\n\r])*'))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<field>`[A-Za-z0-9_./ -]+`)
  | (?P<number>0[xX][0-9a-fA-F]+[uU]?|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[uU]?)
  | (?P<punctuation>&&|\|\||[<>=!]=|[][(){}.,:?<>!+\-*/%])
    """,
    re.VERBOSE,
)

_KINDS: dict[str, TokenKind] = {
    "name": "name",
    "field": "field",
    "string": "string",
    "number": "number",
    "punctuation": "punctuation",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind and its span of the text."""

    kind: TokenKind
    start: int
    end: int
    text: str


def is_identifier(name: str) -> bool:
    """True if CEL accepts `name` as a field after a dot."""
    return _IDENTIFIER.match(name) is not None and name not in KEYWORDS


def tokens(text: str, start: int = 0) -> list[Token]:
    """Return the tokens of a text from an offset on, without white space and comments.

    A character that begins no token becomes a token of kind `other`; the parser reports it.
    """
    found: list[Token] = []
    position = start
    while position < len(text):
        token = _next(text, position)
        if token is None:
            break
        found.append(token)
        position = token.end
    return found


def closing_brace(text: str, start: int) -> int | None:
    """Find the `}` that closes an expression.

    Braces of maps, and braces inside strings and comments, do not count.

    Args:
        text: A template.
        start: Where the expression begins, behind `${`.

    Returns:
        The offset of the `}`; None if there is none.

    Raises:
        ExpressionError: If a string is not closed, so that it is unknown where the expression ends.
    """
    depth = 0
    position = start
    while (token := _next(text, position)) is not None:
        if token.text == "{":
            depth += 1
        elif token.text == "}":
            if depth == 0:
                return token.start
            depth -= 1
        elif token.kind == "other" and token.text in "\"'":
            raise ExpressionError(
                TEXTS("not-closed"),
                offset=token.start,
                help=TEXTS("close", text=token.text),
            )
        position = token.end
    return None


def _next(text: str, position: int) -> Token | None:
    while match := _TOKEN.match(text, position):
        kind = _KINDS.get(match.lastgroup or "")
        if kind is not None:
            return Token(kind, position, match.end(), match.group())
        position = match.end()
    if position >= len(text):
        return None
    return Token("other", position, position + 1, text[position])
