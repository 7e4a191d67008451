"""The regular expressions of JSON Schemas, which take time linear in the text (RE2).

Python's engine backtracks: `^(a+)+$` takes years for thirty letters, and nothing can interrupt it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "patterns",
    {
        "lookaround": Text("lookaround, such as `(?=…)`", "环视（例如 `(?=…)`）"),
        "references": Text("references to groups, such as `\\1`", "分组引用（例如 `\\1`）"),
        "atomic": Text("atomic groups and possessive repetition", "原子分组和占有量词"),
        "too-long": Text(
            "it has {count} characters; {most} are allowed",
            "有 {count} 个字符，最多允许 {most} 个",
        ),
        "unbounded": Text(
            "it uses {named:raw}, which takes unbounded time and is not supported",
            "使用了{named:raw}，耗时没有上限，不支持",
        ),
        "no-pattern": Text("it is no regular expression", "不是正则表达式"),
    },
)

MAX_PATTERN = 1_000
"""The longest expression, in characters."""
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_UNKNOWN = (
    (re.compile(r"\(\?<?[=!]"), TEXTS("lookaround")),
    (re.compile(r"\\[1-9]|\\k<|\(\?P="), TEXTS("references")),
    (re.compile(r"\(\?>|[*+?}]\+"), TEXTS("atomic")),
)


class PatternError(ProFlowError, ValueError):
    """An expression that cannot be evaluated; the message says why."""


def check_pattern(pattern: str) -> None:
    """Check that an expression can be evaluated.

    Raises:
        PatternError: If it is too long, is no regular expression, or needs a backtracking engine.
    """
    _compiled(pattern)


def matches(pattern: str, text: str) -> bool:
    """Search a text for an expression, which is not anchored, as JSON Schema has it.

    Raises:
        PatternError: As `check_pattern`.
    """
    return _compiled(pattern).search(_encodable(text)) is not None


@lru_cache(maxsize=1024)
def program_size(pattern: str) -> int:
    """Return how many instructions an expression of RE2 has; 1 if it is none.

    A search takes at most one look at each instruction for each character of the text.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        size = int(re2.compile(pattern, options).programsize)
    except (re2.error, UnicodeError):
        return 1
    return max(size, 1)


def search_cost(pattern: str, text: str) -> int:
    """Return the most looks at instructions that `matches` takes."""
    return int(_compiled(pattern).programsize) * len(text)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    if len(pattern) > MAX_PATTERN:
        raise PatternError(TEXTS("too-long", count=len(pattern), most=MAX_PATTERN))
    import re2  # only schemas with expressions need it

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_translated(pattern), options)
    except re2.error as error:
        raise PatternError(_reason(pattern, error)) from None


def _translated(pattern: str) -> str:
    """Write `\\u4e00`, which ECMA's and Python's expressions know, as `\\x{4e00}`."""

    def escape(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return found[0] if code is None else f"\\x{{{code}}}"

    return _ESCAPE.sub(escape, _encodable(pattern))


def _reason(pattern: str, error: Exception) -> str:
    plain = re.sub(r"\\\\", "", pattern)
    for unknown, named in _UNKNOWN:
        if unknown.search(plain):
            return TEXTS("unbounded", named=named)
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return text or TEXTS("no-pattern")


def _encodable(text: str) -> str:
    """Return a text with U+FFFD in place of lone surrogates, which UTF-8 does not have."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
