"""One line of a source around a place, fit for a terminal."""

import unicodedata

from wcwidth import wcswidth, wcwidth

from proflow_compiler.diagnostics.source import Source

MAX_WIDTH = 100
_BEFORE = 40
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str, *, keep: str = "") -> str:
    """The text with characters that do not show, or that reorder others, as `<U+202E>`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character in keep else _visible(character) for character in text)


def width_of(text: str) -> int:
    """Return the columns that a text takes on a terminal: wide characters take two."""
    width = wcswidth(text)
    # Negative for a text with control characters, which take no column of their own.
    return width if width >= 0 else sum(max(0, wcwidth(character)) for character in text)


def excerpt(
    source: Source, line: int, column: int, end_line: int, end_column: int
) -> tuple[str, int, int] | None:
    """The text to show, the columns before the marked part, and the columns it takes.

    Columns are those of a terminal, where wide characters take two. A long line is cut around
    the place; a place of several lines is marked to the end of its first. None without a text.
    """
    if not source.text:
        return None
    length = source.line_length(line)
    start = min(column - 1, length)
    end = min(end_column - 1, length) if end_line == line else length
    first = max(0, start - _BEFORE) if length > MAX_WIDTH else 0
    last = min(length, first + MAX_WIDTH)
    text = source.slice(line, first, last)
    marked_from, marked_to = start - first, max(start - first, min(end, last) - first)
    if end_line != line:
        marked_to = max(marked_from, len(text.rstrip()))
    left, mark, right = text[:marked_from], text[marked_from:marked_to], text[marked_to:]
    lead = "…" if first else ""
    tail = "…" if last < length else ""
    before, marked = lead + _shown(left), _shown(mark)
    return before + marked + _shown(right) + tail, width_of(before), max(1, width_of(marked))


def _shown(text: str) -> str:
    return "".join("    " if character == "\t" else _visible(character) for character in text)


def _visible(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN:
        return f"<U+{ord(character):04X}>"
    return character
