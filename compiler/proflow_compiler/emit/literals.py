"""Writes untrusted text as Python source; no other module does.

A value of a design becomes a literal that evaluates to it, or part of a comment or docstring that
it cannot terminate. Characters that are not printable, such as bidirectional controls, are escaped.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from proflow_schemas.expressions.tokens import closing_brace

MAX_EXPRESSION = 64
"""The most characters of an expression on one line."""
MAX_COMMENT = 100
"""The most characters of a text in a comment."""

_PLAIN_ID = re.compile(
    r"(?!(?:noqa|nosec|todo|fixme|xxx|hack|pragma|type|pyright|mypy|ruff|isort|fmt|pylint)\b)[\w.-]+",
    re.IGNORECASE,
)
_PUNCTUATION = re.compile("[^A-Za-z0-9]+")
_PRAGMA = re.compile(r"#(?=\s*[A-Za-z])")


class Source(str):
    """Python source, which templates write unchanged."""

    __slots__ = ()


def literal(value: Any) -> Source:
    """Return a literal for a JSON value, a tuple or a timedelta; `Source` stays as it is."""
    if isinstance(value, Source):
        return value
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool | int):
        return Source(repr(value))
    if isinstance(value, float):
        return Source(repr(value) if value - value == 0 else f'float("{value}")')
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, Mapping):
        items = (f"{_string(key)}: {literal(item)}" for key, item in value.items())
        return Source(f"{{{', '.join(items)}}}")
    if isinstance(value, tuple):
        return Source(f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})")
    if isinstance(value, Sequence):
        return Source(f"[{', '.join(map(literal, value))}]")
    raise TypeError(f"{type(value).__name__} has no literal")


def computed(value: Any) -> Source:
    """Return the source of a config value: `${…}` becomes `flow.get(…)` or `flow.text(…)`."""
    if isinstance(value, str):
        return _string(value) if "${" not in value else _template(value)
    if isinstance(value, Mapping):
        items = (f"{_string(key)}: {computed(item)}" for key, item in value.items())
        return Source(f"{{{', '.join(items)}}}")
    if isinstance(value, list | tuple):
        return Source(f"[{', '.join(map(computed, value))}]")
    return literal(value)


def long_expression(text: str) -> Source:
    """Return the literal of an expression; a long one is split into lines at `&&` and `||`."""
    parts = [] if len(text) <= MAX_EXPRESSION else re.split(r"(?= (?:&&|\|\|) )", text)
    if len(parts) < 2:
        return _string(text)
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) <= MAX_EXPRESSION:
            lines[-1] += part
        else:
            lines.append(part)
    return Source("(" + "\n".join(map(_string, lines)) + ")")


def comment(text: str) -> str:
    """Return text for a comment: one line of bounded length that no tool reads as a pragma."""
    shown = _shown(" ".join(text.split()) if text.isprintable() else text)
    if len(shown) > MAX_COMMENT:
        shown = shown[:MAX_COMMENT].rstrip("\\") + "…"
    shown = _PRAGMA.sub(r"\\x23", shown)
    return f"{shown[:-1]}\\x5c" if shown.endswith("\\") else shown


def mention(node: str) -> str:
    """Return a node id for the start of a comment, quoted if it could be read as a pragma."""
    return node if _PLAIN_ID.fullmatch(node) and node.isprintable() else f"“{comment(node)}”"


def described(node: str, label: str) -> str:
    """Return the id of a node, and its label if that says more."""
    text = comment(label)
    if not text or _essence(label) == _essence(node):
        return mention(node)
    return f"{mention(node)} · {text}"


def docstring(*paragraphs: str) -> Source:
    """Return a docstring with these paragraphs, their lines unchanged."""
    lines = [_shown(line.rstrip()) for line in "\n\n".join(paragraphs).strip().splitlines()]
    text = "\n".join(lines).replace('"""', r"\"\"\"")
    prefix = "r" if "\\" in text else ""
    end = "\n" if len(lines) > 1 else ""
    return Source(f'{prefix}"""{text}{end}"""')


def _essence(text: str) -> str:
    if text.isascii():
        return _PUNCTUATION.sub("", text).lower()
    return "".join(one for one in text.casefold() if one.isalnum())


def _string(text: str) -> Source:
    if text.isprintable() and '"' not in text and "\\" not in text:
        return Source(f'"{text}"')
    quote = "'" if '"' in text and "'" not in text else '"'
    if text.isprintable():
        escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
        return Source(f"{quote}{escaped}{quote}")
    return Source(quote + "".join(_character(one, quote) for one in text) + quote)


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _character(one: str, quote: str) -> str:
    if one == quote:
        return f"\\{one}"
    if (found := _ESCAPES.get(one)) is not None:
        return found
    return one if one.isprintable() else _escaped(one)


def _escaped(one: str) -> str:
    code = ord(one)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _ESCAPES.get(one, _escaped(one)) for one in text)


@lru_cache(maxsize=4096)
def _template(text: str) -> Source:
    if text.startswith("${") and closing_brace(text, 2) == len(text) - 1:
        return Source(f"flow.get({_string(text[2:-1])})")
    return Source(f"flow.text({_string(text)})")


_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def _duration(value: timedelta) -> Source:
    """Return a `timedelta(…)` in the largest unit that it is a multiple of."""
    seconds = value.total_seconds()
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return Source(f"timedelta({unit}={int(seconds // size)})")
    shown = int(seconds) if seconds.is_integer() else seconds
    return Source(f"timedelta(seconds={shown!r})")
