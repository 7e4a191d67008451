"""Knows where the values of a JSON text are and how it is formatted, for editing it."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from proflow_compiler.diagnostics.source import Extent, members, parts

_BLANK = re.compile(r"[ \t\r\n]*")
_BREAK = re.compile(r"\r\n|\n|\r")
_INLINE = re.compile(r'[{\[][ \t]*["\[{0-9tfn-]')
_PADDED = re.compile(r'\{([ \t]*)"')
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonText:
    """A text that is valid JSON, with the extents of its values and its formatting.

    Objects and lists are scanned on demand, and each only once.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._members: dict[int, Mapping[str, Extent]] = {}

    @cached_property
    def root(self) -> Extent:
        """The extent of the whole value, without the white space around it."""
        start = self.after_blank(0)
        return Extent(start, len(self.text.rstrip(" \t\r\n")))

    def extent(self, pointer: str) -> Extent | None:
        """Return the extent of the value at a JSON pointer; None if there is no such value."""
        at: Extent | None = self.root
        for part in parts(pointer):
            at = self.members(at).get(part) if at is not None else None
        return at

    def members(self, holder: Extent) -> Mapping[str, Extent]:
        """Return the members of an object or a list, by key or index; empty for any other value."""
        if holder.start not in self._members:
            self._members[holder.start] = dict(members(self.text, holder.start))
        return self._members[holder.start]

    def after_blank(self, at: int) -> int:
        """Return the offset of the first character at or after `at` that is no white space."""
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def blank_before(self, at: int) -> str:
        """Return the white space that ends at an offset."""
        start = at
        while start and self.text[start - 1] in " \t\r\n":
            start -= 1
        return self.text[start:at]

    @cached_property
    def colon(self) -> str:
        """The text between a key and its value, such as `": "`, taken from the first key."""
        at = self.root
        while (found := next(iter(self.members(at).values()), None)) is not None:
            if found.key is not None:
                return self.text[found.key[1] : found.start]
            at = found
        return ": "

    @property
    def separator(self) -> str:
        """The white space after a comma within a line."""
        return " " if self.colon.endswith(" ") else ""

    @cached_property
    def unit(self) -> str:
        """The indentation of one level, such as two spaces."""
        first = next(iter(self.members(self.root).values()), None)
        gap = self.blank_before(first_offset(first)) if first is not None else ""
        return indentation(gap) if _BREAK.search(gap) and indentation(gap) else "  "

    @cached_property
    def line_break(self) -> str:
        """The first line break of the text; a line feed if it has none."""
        found = _BREAK.search(self.text)
        return found.group() if found else "\n"

    @cached_property
    def has_inline(self) -> bool:
        """True if some object or list begins on the line of its first member."""
        return _INLINE.search(self.text) is not None

    @cached_property
    def padding(self) -> str:
        """The white space inside the braces of an object on one line."""
        return next((one[1] for one in _PADDED.finditer(self.text)), "")

    @cached_property
    def _ascii(self) -> bool:
        return self.text.isascii() and "\\u" in self.text

    def is_broken(self, extent: Extent) -> bool:
        """Return True if a value takes several lines."""
        return _BREAK.search(self.text, extent.start, extent.end) is not None

    def scalar(self, value: Any) -> str:
        """Write a scalar value as JSON, with ASCII escapes if the file uses them."""
        text = json.dumps(value, ensure_ascii=self._ascii)
        return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)

    def inline(self, value: Any) -> str:
        """Write a value as JSON on one line."""
        comma = f",{self.separator}"
        if isinstance(value, Mapping) and value:
            found = (
                f"{self.scalar(key)}{self.colon}{self.inline(one)}" for key, one in value.items()
            )
            return f"{{{self.padding}{comma.join(found)}{self.padding}}}"
        if isinstance(value, list | tuple) and value:
            return f"[{comma.join(self.inline(one) for one in value)}]"
        return self.scalar(value)

    def indented(self, value: Any, indent: str) -> str:
        """Write a value as JSON with a line for each member.

        Args:
            value: The value.
            indent: The indentation of the line that it begins on.
        """
        if not isinstance(value, Mapping | list | tuple) or not value:
            return self.scalar(value)
        inner = indent + self.unit
        if isinstance(value, Mapping):
            found = [
                f"{self.scalar(key)}{self.colon}{self.indented(one, inner)}"
                for key, one in value.items()
            ]
            opening, closing = "{", "}"
        else:
            found = [self.indented(one, inner) for one in value]
            opening, closing = "[", "]"
        lines = f",{self.line_break}{inner}".join(found)
        return f"{opening}{self.line_break}{inner}{lines}{self.line_break}{indent}{closing}"


def first_offset(member: Extent) -> int:
    """Return the offset at which a member begins: that of its key, if it has one."""
    return member.start if member.key is None else member.key[0]


def indentation(gap: str) -> str:
    """Return the part of white space after its last line break."""
    return gap[max(gap.rfind("\n"), gap.rfind("\r")) + 1 :]


def one_break(gap: str) -> str:
    """Reduce white space to its first line break and the indentation after the last."""
    found = _BREAK.search(gap)
    return gap if found is None else found.group() + indentation(gap)
