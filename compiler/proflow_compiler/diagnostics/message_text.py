"""Formats values, names, lists and paths of a design for messages."""

from collections.abc import Sequence
from typing import Any


def shown(value: Any) -> str:
    """Write a value for a message, shortened to 60 characters and on one line."""
    text = str(value)
    text = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text[:61])
    return text if len(text) <= 60 else text[:59] + "…"


def kind_of(value: Any) -> str:
    """Return the type of a JSON value in words, with its article: `a text`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def ticks(name: str) -> str:
    """Put a name in backticks, shortened and on one line."""
    return f"`{shown(name)}`"


def listed(names: Sequence[str], word: str = "and", most: int = 5) -> str:
    """List names in backticks: `a`, `b` and `c`.

    Args:
        names: The names, at least one.
        word: The word before the last name.
        most: How many names to write; of further ones only the number is.
    """
    parts = [ticks(name) for name in names[:most]]
    if len(names) > most:
        parts.append(f"{len(names) - most} more")
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def walk(path: Sequence[str]) -> str:
    """Write a path through the design: `a` → `b` → `c`. The middle of a long path is left out."""
    steps = [ticks(name) for name in path]
    if len(steps) > 9:
        steps = [*steps[:4], "…", *steps[-4:]]
    return " → ".join(steps)
