"""Finds the line and column of a JSON pointer in a text.

The text is scanned only when there is something to report. Lines and columns count from 1, columns
in code points.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from json.decoder import JSONDecoder

_LINE = re.compile(r"\r\n|\n|\r")
_BLANK = re.compile(r"[ \t\r\n]*")
_UNIT = re.compile(r'[^"\\]|\\u[0-9a-fA-F]{4}|\\.', re.DOTALL)
_value_at = JSONDecoder(strict=False).raw_decode
_Children = dict[str, "_Children"]


@dataclass(frozen=True)
class Extent:
    """The offsets of a value in the text, and of its key if it has one; ends are excluded."""

    start: int
    end: int
    key: tuple[int, int] | None = None


@dataclass(frozen=True)
class Position:
    """A range of the text. `end_column` is the column after the last character."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Source:
    """A file as it was given.

    Attributes:
        path: The path, for messages.
        text: The text; empty if it could not be decoded.
    """

    path: str
    text: str = ""

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE.finditer(self.text))]

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_length(self, number: int) -> int:
        """Return the length of a line without its line break; 0 if there is no such line."""
        starts = self._line_starts
        if not 1 <= number <= len(starts):
            return 0
        end = starts[number] if number < len(starts) else len(self.text)
        while end > starts[number - 1] and self.text[end - 1] in "\r\n":
            end -= 1
        return end - starts[number - 1]

    def slice(self, number: int, start: int, end: int) -> str:
        """Return a part of a line, without copying the line: it may be megabytes long."""
        starts = self._line_starts
        if not 1 <= number <= len(starts):
            return ""
        return self.text[starts[number - 1] + start : starts[number - 1] + end]

    def position(self, start: int, end: int) -> Position:
        """Return the lines and columns of a range of offsets."""
        return Position(*self.line_and_column(start), *self.line_and_column(max(start, end)))

    def extents(self, pointers: Iterable[str]) -> dict[str, Extent]:
        """Find the values of JSON pointers in the text, which must be valid JSON.

        A pointer may lead on into a string that holds JSON. Only the members on the paths of the
        pointers are scanned.

        Returns:
            The extent of each value, by pointer; that of the nearest parent if there is no such
            value.
        """
        wanted: _Children = {}
        for pointer in pointers:
            node = wanted
            for part in parts(pointer):
                node = node.setdefault(part, {})
        found: dict[str, Extent] = {}
        start = _blank(self.text, 0)
        if start >= len(self.text):
            return {pointer: Extent(0, 0) for pointer in pointers}
        found[""] = Extent(start, len(self.text.rstrip()))
        if wanted:
            self._descend("", start, wanted, found)
        return {pointer: found[_nearest(pointer, found)] for pointer in pointers}

    def _descend(
        self, pointer: str, start: int, wanted: _Children, found: dict[str, Extent]
    ) -> None:
        stack = [(pointer, start, wanted)]
        while stack:
            pointer, start, wanted = stack.pop()
            if self.text.startswith('"', start):
                self._dive(pointer, start, wanted, found)
                continue
            below: dict[str, tuple[str, int, _Children]] = {}
            for key, extent in members(self.text, start):
                if key in wanted:
                    inner = f"{pointer}/{escape(key)}"
                    found[inner] = extent
                    if wanted[key]:
                        below[key] = (inner, extent.start, wanted[key])
            stack.extend(below.values())

    def _dive(self, pointer: str, start: int, wanted: _Children, found: dict[str, Extent]) -> None:
        """Search in the JSON that a string holds; the extents are those in the whole text."""
        held, end = _value_at(self.text, start)
        inside: dict[str, Extent] = {}
        try:
            Source(self.path, held)._descend("", _blank(held, 0), wanted, inside)
        except (ValueError, IndexError):
            return
        units = [*_units(self.text, start + 1, end - 1), end - 1]
        for below, extent in inside.items():
            key = extent.key and (units[extent.key[0]], units[extent.key[1]])
            found[pointer + below] = Extent(units[extent.start], units[extent.end], key)

    def held(self, pointer: str) -> str:
        """Return the string at a pointer, which may lead through other strings that hold JSON."""
        value: object = _value_at(self.text, _blank(self.text, 0))[0]
        for part in parts(pointer):
            if isinstance(value, str):
                value = _value_at(value, _blank(value, 0))[0]
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list):
                value = value[int(part)]
        return value if isinstance(value, str) else ""

    def within(self, extent: Extent, span: tuple[int, int]) -> tuple[int, int]:
        """Return the offsets in the text of a part of a string value.

        Args:
            extent: The extent of the string value.
            span: The part, as offsets into the decoded string.
        """
        if not self.text.startswith('"', extent.start):
            return extent.start, extent.end
        last = extent.end - 1
        start = end = last
        for index, unit in enumerate(_units(self.text, extent.start + 1, last)):
            if index == span[0]:
                start = unit
            if index >= span[1]:
                end = unit
                break
        return start, max(start, end)


def members(text: str, start: int) -> Iterator[tuple[str, Extent]]:
    """Yield the members of the object or list that begins at `start`, in the order of the text.

    Each comes with its key or its index; any other value has no members.
    """
    opening = text[start : start + 1]
    if opening not in ("{", "["):
        return
    at, index = _blank(text, start + 1), 0
    while text[at : at + 1] not in ("}", "]", ""):
        key_extent = None
        name = str(index)
        if opening == "{":
            name, after = _value_at(text, at)
            key_extent = (at, after)
            at = _blank(text, _blank(text, after) + 1)
        _, end = _value_at(text, at)
        yield name, Extent(at, end, key_extent)
        at, index = _blank(text, end), index + 1
        if text[at : at + 1] == ",":
            at = _blank(text, at + 1)


def parts(pointer: str) -> list[str]:
    """Split a JSON pointer (RFC 6901) into its unescaped reference tokens."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def escape(key: str | int) -> str:
    """Escape a key for a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _nearest(pointer: str, found: dict[str, Extent]) -> str:
    while pointer not in found:
        pointer = pointer.rpartition("/")[0]
    return pointer


def _units(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the offset of each code point of a string literal; a surrogate pair is one."""
    at = start
    while at < end:
        match = _UNIT.match(text, at)
        if match is None:
            return
        yield at
        after = match.end()
        if after - at == 6 and text[at + 2 : at + 4].lower() in ("d8", "d9", "da", "db"):
            after += 6 if text[after : after + 2] == "\\u" else 0
        at = after
