"""Corrects expressions that cannot be parsed because they use the syntax of another language.

Examples are `=` for `==`, `and` for `&&`, and typographic quotes.
"""

from __future__ import annotations

import re

from .errors import Correction, ExpressionError
from .syntax import parse

_MOST_SLIPS = 20
_WORDS = {"and": "&&", "or": "||"}
_QUOTES = str.maketrans("“”„‟", '""""')


def corrected(text: str) -> Correction | None:
    """Return the corrected expression if it can be parsed; else None."""
    now = text
    for _ in range(_MOST_SLIPS):
        try:
            parse(now)
        except ExpressionError as error:
            better = _without_slip(now, error.offset)
            if better is None or better == now:
                return None
            now = better
        else:
            return None if now == text else Correction(0, len(text), now, sure=True)
    return None


def _without_slip(text: str, offset: int | None) -> str | None:
    """Return the text with the mistake at an offset corrected; None if it is not a known one."""
    if offset is None or offset >= len(text):
        return None
    before, rest = text[:offset], text[offset:]
    if match := re.match(r"(and|or)\b", rest):
        return before + _WORDS[match[1]] + rest[match.end() :]
    if rest[0] == "=" and not rest.startswith("=="):
        return f"{before}={rest}"
    if rest[0] in "&|" and rest[1:2] != rest[0]:
        return before + rest[0] + rest
    if rest[0] in "“”„‟":
        return text.translate(_QUOTES)
    if match := re.search(r"\bnot\s+$", before):
        return f"{before[: match.start()]}!{rest}"
    return None
