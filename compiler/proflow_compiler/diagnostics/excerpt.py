"""Cuts the excerpt of a source that a diagnostic shows: one line, safe to print on a terminal."""

import unicodedata

from proflow_compiler.diagnostics.source import Source

MAX_WIDTH = 100
_BEFORE = 40
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str, *, keep: str = "") -> str:
    """Write characters that are invisible, or that reorder others, as `<U+202E>`.

    Args:
        text: Any text, also from an untrusted file.
        keep: Characters that stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character in keep else _visible(character) for character in text)


def width_of(text: str) -> int:
    """Return the number of columns that a text takes on a terminal; wide characters take two."""
    if text.isascii() and text.isprintable():
        return len(text)
    from wcwidth import wcswidth, wcwidth

    width = wcswidth(text)
    # -1 for a text with control characters, which take no columns.
    return width if width >= 0 else sum(max(0, wcwidth(character)) for character in text)


def excerpt(
    source: Source, line: int, column: int, end_line: int, end_column: int
) -> tuple[str, int, int] | None:
    """Cut the line in which a location begins, around the location.

    A location of several lines is marked up to the end of its first line.

    Args:
        source: The file.
        line: The first line of the location, from 1.
        column: Its first column, from 1.
        end_line: Its last line.
        end_column: The column after its last character.

    Returns:
        The text to show, the columns before the marked part, and the columns of the marked part, as
        a terminal counts them; None if the source has no text.
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
