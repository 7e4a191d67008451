"""Applies a JSON Patch (RFC 6902) to a JSON text without changing anything else in it.

Line breaks, indentation, the order of keys and the spelling of all other values stay as they are.
New values are formatted like their neighbours.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proflow_schemas.errors import ProFlowError

from proflow_compiler.diagnostics import Edit
from proflow_compiler.diagnostics.json_text import JsonText, first_offset, indentation, one_break
from proflow_compiler.diagnostics.source import Extent, Source, parts

_INDEX = re.compile(r"0|[1-9][0-9]*")


class PatchError(ProFlowError, ValueError):
    """An edit cannot be applied, because its pointer leads nowhere in the document."""


@dataclass(frozen=True)
class Replacement:
    """A part of a text, from offset `start` up to but not including `end`, and its new text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Written:
    """A value that is JSON text already, and is inserted as it is."""

    text: str


def patched(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits to a JSON text, one after the other.

    Raises:
        PatchError: An edit cannot be applied.
    """
    return replaced(text, replacements(JsonText(text), edits))


def in_texts(source: Source, edits: Iterable[Edit], texts: Iterable[str]) -> tuple[Edit, ...]:
    """Turn edits within strings that hold JSON into edits that replace these strings.

    Args:
        source: The file.
        edits: Edits whose pointers may lead on into such strings.
        texts: The pointers of such strings.

    Returns:
        Edits that can be applied to the file.

    Raises:
        PatchError: An edit cannot be applied.
    """
    found = list(edits)
    for text in sorted(texts, key=len, reverse=True):
        inside = [edit for edit in found if edit.pointer.startswith(f"{text}/")]
        if not inside:
            continue
        if any(
            edit.source is not None and not edit.source.startswith(f"{text}/") for edit in inside
        ):
            raise PatchError("a value would move out of one text into another")
        cut = [
            replace(
                edit,
                pointer=edit.pointer[len(text) :],
                source=None if edit.source is None else edit.source[len(text) :],
            )
            for edit in inside
        ]
        written = Edit("replace", text, patched(source.held(text), cut))
        found = [*(edit for edit in found if edit not in inside), written]
    return tuple(found)


def replacements(document: JsonText, edits: Iterable[Edit]) -> list[Replacement]:
    """Compute which parts of a text edits replace if they are applied one after the other.

    Returns:
        Replacements in the original text, in its order, without overlaps.

    Raises:
        PatchError: An edit cannot be applied.
    """
    pieces = _Pieces(document.text)
    done: Replacement | None = None
    for edit in edits:
        document = _following(document, done)
        done = None
        for one in _steps(edit, document):
            document = _following(document, done)
            done = one(document)
            pieces.replace(done)
    return pieces.replacements()


def _following(document: JsonText, done: Replacement | None) -> JsonText:
    return document if done is None else JsonText(replaced(document.text, [done]))


def replaced(text: str, found: Sequence[Replacement]) -> str:
    """Replace parts of a text.

    Args:
        text: The text.
        found: The replacements, in the order of the text and without overlaps.
    """
    made: list[str] = []
    at = 0
    for one in found:
        made += (text[at : one.start], one.text)
        at = one.end
    return "".join([*made, text[at:]])


class _Pieces:
    """A text as a sequence of ranges of the original text and of inserted texts."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._pieces: list[tuple[int, int] | str] = [(0, len(text))]

    def replace(self, one: Replacement) -> None:
        """Apply a replacement to the current text."""
        before, rest = _cut(self._pieces, one.start)
        _, after = _cut(rest, one.end - one.start)
        self._pieces = [*before, *([one.text] if one.text else []), *after]

    def replacements(self) -> list[Replacement]:
        """Return the differences from the original text."""
        found: list[Replacement] = []
        at, put = 0, ""
        for piece in [*self._pieces, (self._length, self._length)]:
            if isinstance(piece, str):
                put += piece
                continue
            start, end = piece
            if start > at or put:
                found.append(Replacement(at, start, put))
            at, put = end, ""
        return found


def _cut(
    pieces: list[tuple[int, int] | str], offset: int
) -> tuple[list[tuple[int, int] | str], list[tuple[int, int] | str]]:
    """Split pieces at an offset of the text that they make."""
    for index, piece in enumerate(pieces):
        length = len(piece) if isinstance(piece, str) else piece[1] - piece[0]
        if offset < length:
            if not offset:
                return pieces[:index], pieces[index:]
            if isinstance(piece, str):
                left: tuple[int, int] | str = piece[:offset]
                right: tuple[int, int] | str = piece[offset:]
            else:
                left, right = (piece[0], piece[0] + offset), (piece[0] + offset, piece[1])
            return [*pieces[:index], left], [right, *pieces[index + 1 :]]
        offset -= length
    return pieces, []


def _steps(edit: Edit, document: JsonText) -> list[Any]:
    """The steps of an edit, as functions of the document as the step before left it."""
    match edit.op:
        case "add":
            return [lambda now: _add(now, edit.pointer, edit.value)]
        case "remove":
            return [lambda now: _remove(now, edit.pointer)]
        case "replace":
            return [lambda now: _replace(now, edit.pointer, edit.value)]
        case "move":
            return _move(document, edit)


def _move(document: JsonText, edit: Edit) -> list[Any]:
    source, pointer = edit.source or "", edit.pointer
    extent = _existing(document, source)
    if f"{pointer}/".startswith(f"{source}/"):
        if pointer == source:
            return []
        raise PatchError(f"`{source}` cannot be moved into itself")
    if extent.key is not None and source.rpartition("/")[0] == pointer.rpartition("/")[0]:
        name = parts(pointer)[-1]
        if name not in document.members(_existing(document, source.rpartition("/")[0])):
            key = extent.key
            return [lambda now: Replacement(*key, now.scalar(name))]
    written = _Written(document.text[extent.start : extent.end])
    return [lambda now: _remove(now, source), lambda now: _add(now, pointer, written)]


def _existing(document: JsonText, pointer: str) -> Extent:
    found = document.extent(pointer)
    if found is None:
        raise PatchError(f"there is nothing at `{pointer}`")
    return found


def _replace(document: JsonText, pointer: str, value: Any) -> Replacement:
    extent = _existing(document, pointer)
    gap = document.blank_before(first_offset(extent))
    as_before = isinstance(value, dict | list) and document.is_broken(extent)
    text = document.indented(value, indentation(gap)) if as_before else _plain(document, value)
    return Replacement(extent.start, extent.end, text)


def _plain(document: JsonText, value: Any) -> str:
    return value.text if isinstance(value, _Written) else document.inline(value)


def _remove(document: JsonText, pointer: str) -> Replacement:
    """Remove a member, one comma, and the white space between the member and its neighbour."""
    if not pointer:
        raise PatchError("the whole document cannot be removed")
    extent = _existing(document, pointer)
    holder = _existing(document, pointer.rpartition("/")[0])
    siblings = list(document.members(holder).values())
    index = list(document.members(holder)).index(parts(pointer)[-1])
    if len(siblings) == 1:
        return Replacement(holder.start + 1, holder.end - 1, "")
    if index == 0:
        return Replacement(first_offset(extent), first_offset(siblings[1]), "")
    return Replacement(siblings[index - 1].end, extent.end, "")


def _add(document: JsonText, pointer: str, value: Any) -> Replacement:
    if not pointer:
        return _replace(document, pointer, value)
    holder = _existing(document, pointer.rpartition("/")[0])
    name = parts(pointer)[-1]
    siblings = document.members(holder)
    match document.text[holder.start]:
        case "{" if name in siblings:
            return _replace(document, pointer, value)
        case "{":
            label, index = document.scalar(name) + document.colon, len(siblings)
        case "[" if name == "-" or (_INDEX.fullmatch(name) and int(name) <= len(siblings)):
            label, index = "", len(siblings) if name == "-" else int(name)
        case _:
            raise PatchError(f"nothing can be added at `{pointer}`")
    return _insert(document, holder, list(siblings.values()), index, label, value)


def _insert(
    document: JsonText,
    holder: Extent,
    siblings: list[Extent],
    index: int,
    label: str,
    value: Any,
) -> Replacement:
    """Insert a member before the one at `index`, or at the end; `label` is its key and colon."""
    if not siblings:
        return _fill(document, holder, label, value)
    beside = siblings[min(index, len(siblings) - 1)]
    gap = document.blank_before(first_offset(beside))
    if "\n" in gap or "\r" in gap:
        gap = one_break(gap)
    elif beside is siblings[0]:
        gap = document.separator
        if len(siblings) > 1:
            gap = one_break(document.blank_before(first_offset(siblings[1])))
    item = label + _formatted(document, siblings, gap, value)
    if index < len(siblings):
        at = first_offset(beside)
        return Replacement(at, at, f"{item},{gap}")
    return Replacement(beside.end, beside.end, f",{gap}{item}")


def _formatted(document: JsonText, siblings: list[Extent], gap: str, value: Any) -> str:
    """Format a new member on one line or several, as the last object or list beside it is."""
    if not isinstance(value, dict | list) or not ("\n" in gap or "\r" in gap):
        return _plain(document, value)
    alike = [one for one in siblings if document.members(one)]
    broken = document.is_broken(alike[-1]) if alike else not document.has_inline
    return document.indented(value, indentation(gap)) if broken else document.inline(value)


def _fill(document: JsonText, holder: Extent, label: str, value: Any) -> Replacement:
    """Insert the first member of an empty object or list."""
    start, end = holder.start + 1, holder.end - 1
    gap = document.blank_before(first_offset(holder))
    broken = "\n" in gap or "\r" in gap
    if not broken and not document.is_broken(holder):
        pad = document.padding if label else ""
        return Replacement(start, end, f"{pad}{label}{_plain(document, value)}{pad}")
    outer = document.line_break + indentation(gap if broken else "")
    inner = outer + document.unit
    item = label + _formatted(document, [], inner, value)
    return Replacement(start, end, f"{inner}{item}{outer}")
