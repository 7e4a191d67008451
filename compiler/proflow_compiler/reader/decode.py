"""Decodes bytes as JSON, and locates what makes them invalid.

JSON is read strictly: no repeated keys, no `NaN`, no infinite numbers, no lone surrogates, and
limits on size and depth.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import shown
from proflow_compiler.diagnostics.problems import NAMES
from proflow_compiler.diagnostics.source import Extent, Source, escape, members
from proflow_compiler.reader import formats

MAX_BYTES = 64 * 1024 * 1024
"""Larger files are refused before they are decoded."""
MAX_DEPTH = 100
"""The greatest depth of nested objects and lists."""

_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*+"|[\[\]{}]|-?(?:NaN|Infinity)\b|-?\d[\d.eE+-]*', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_WORDING = {
    "Expecting value": "a value is missing",
    "Expecting ',' delimiter": "a comma or a closing bracket is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing",
    "Illegal trailing comma before end of object": "there is a comma before the end of an object",
    "Illegal trailing comma before end of array": "there is a comma before the end of a list",
    "Extra data": "more text follows after the end of the JSON value",
    "Unterminated string starting at": "a text is never closed",
    "Invalid control character at": "a text holds a raw control character",
    "Invalid \\escape": "a backslash begins no escape",
    "Invalid \\uXXXX escape": "`\\u` is not followed by four hexadecimal digits",
    "Unexpected UTF-8 BOM (decode using utf-8-sig)": "a byte order mark stands twice",
}


@dataclass(frozen=True)
class Decoded:
    """The text of a file and its JSON value.

    Attributes:
        source: The text.
        value: The JSON value; meaningless if there are diagnostics.
        diagnostics: What makes the file invalid.
    """

    source: Source
    value: Any
    diagnostics: tuple[Diagnostic, ...] = ()


class _Constant(ValueError):
    """A number that JSON does not have, such as `NaN`."""


def decode(data: bytes, path: str) -> Decoded:
    """Decode the bytes of a file as JSON. Never raises.

    The first problem is reported; repeated keys are all reported.
    """
    if len(data) > MAX_BYTES:
        return Decoded(Source(path), None, (too_large(),))
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            mistaken = _problem("PF002", f"the file is {encoding}, not UTF-8", help=_SAVE)
            return Decoded(Source(path), None, (mistaken,))
    if len(data) > 1 and (data[0] == 0) != (data[1] == 0):
        mistaken = _problem("PF002", "the file looks like UTF-16, not UTF-8", help=_SAVE)
        return Decoded(Source(path), None, (mistaken,))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Decoded(
            Source(path, data.decode("utf-8", "replace")), None, (_not_utf8(data, error),)
        )
    source = Source(path, text)
    value, problems = _parse(source)
    return Decoded(source, value, tuple(problems))


def decoded_text(text: str) -> Any:
    """Decode a string of a file as JSON; None if it is not valid JSON or exceeds a limit."""
    value, problems = _parse(Source("", text))
    return None if problems else value


def unsound_text(text: str) -> str | None:
    """Explain why a string that looks like JSON is not read as such.

    Returns:
        The reason; None if the string is valid JSON or does not begin with a bracket.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return None
    source = Source("", text)
    _, problems = _parse(source)
    if not problems:
        return None
    one = problems[0]
    return f"{one.message}, in line {one.line} and column {one.column} of the text"


def too_large() -> Diagnostic:
    """Make the diagnostic of a file that is too large."""
    return _problem(
        "PF001",
        f"the file is larger than {MAX_BYTES // 2**20} MB",
        help="a design holds the drawing only, no files or records",
    )


def _parse(source: Source) -> tuple[Any, list[Diagnostic]]:
    text = source.text
    repeated = False

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        found = dict(pairs)
        if len(found) != len(pairs):
            repeated = True
        return found

    try:
        value = json.loads(
            text, object_pairs_hook=unique, parse_constant=_no_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        return None, [_invalid(source, error)]
    except RecursionError:
        return None, [_too_deep(source)]
    except ValueError:  # `_Constant`, or an integer with thousands of digits
        return None, [_bad_number(source)]
    if _deeper_than(value, MAX_DEPTH):
        return None, [_too_deep(source)]
    if repeated:
        return None, list(_repeated_keys(source))
    if _SURROGATE.search(text) and (half := _half_a_pair(text)) is not None:
        message = "an escape is half of a surrogate pair"
        return None, [_at(source, half, half + 6, "PF001", message, None)]
    return value, []


def _no_constant(text: str) -> float:
    raise _Constant(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Constant(text)
    return value


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = (
            [
                below
                for outer in level
                for below in (outer.values() if type(outer) is dict else outer)
                if type(below) is dict or type(below) is list
            ]
            if level and type(level[0]) in (dict, list)
            else []
        )
        if not level:
            return False
    return True


def _invalid(source: Source, error: json.JSONDecodeError) -> Diagnostic:
    text = source.text
    if not text.strip():
        return _problem("PF001", "the file is empty", line=1, column=1)
    foreign = formats.of_text(text)
    if foreign is not None:
        return _problem(
            "PF003",
            f"this is {foreign}, not a ProFlow design",
            help=formats.HELP,
            line=1,
            column=1,
        )
    start = min(error.pos, len(text))
    message = _WORDING.get(error.msg, error.msg[:1].lower() + error.msg[1:])
    help = None
    if start >= len(text):
        message = "the file ends before the JSON value does"
    elif text[start] == "'":
        help = "JSON has double quotes only"
    elif text.startswith(("//", "/*"), start):
        help = "JSON has no comments"
    elif text[start] in "]}" and error.msg.startswith(("Expecting value", "Expecting property")):
        help = "remove the comma before it"
    elif text.startswith(("True", "False", "None", "undefined"), start):
        help = "JSON has `true`, `false` and `null`"
    return _at(source, start, start + 1, "PF001", message, help)


def _bad_number(source: Source) -> Diagnostic:
    for match in _TOKEN.finditer(source.text):
        token = match[0]
        if token[0] in '"[]{}':
            continue
        if token.lstrip("-") in ("NaN", "Infinity"):
            message = f"`{token}` is no JSON number"
        elif len(token) > 4000 or math.isinf(_as_float(token)):
            message = f"`{shown(token)}` is too large a number"
        else:
            continue
        return _at(source, match.start(), match.end(), "PF001", message, None)
    return _problem("PF001", "a number cannot be read", line=1, column=1)


def _as_float(token: str) -> float:
    try:
        return float(token)
    except ValueError:
        return 0.0


def _too_deep(source: Source) -> Diagnostic:
    depth = 0
    for match in _TOKEN.finditer(source.text):
        if match[0] in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                message = f"objects and lists are nested more than {MAX_DEPTH} deep"
                return _at(source, match.start(), match.end(), "PF001", message, None)
        elif match[0] in ("]", "}"):
            depth -= 1
    return _problem("PF001", f"objects and lists are nested more than {MAX_DEPTH} deep")


def _repeated_keys(source: Source) -> Iterator[Diagnostic]:
    """Report every key that an object has more than once."""
    stack: list[tuple[str, Iterator[tuple[str, Extent]], dict[str, Extent]]] = [
        ("", members(source.text, len(source.text) - len(source.text.lstrip())), {})
    ]
    while stack:
        pointer, inner, seen = stack[-1]
        member = next(inner, None)
        if member is None:
            stack.pop()
            continue
        name, extent = member
        below = f"{pointer}/{escape(name)}"
        if extent.key is not None and name in seen:
            first, _ = source.line_and_column((seen[name].key or (0, 0))[0])
            yield _at(
                source,
                *extent.key,
                "PF004",
                f"the key `{shown(name)}` is already there on line {first}",
                "remove one of the two",
                pointer=below,
            )
        seen.setdefault(name, extent)
        stack.append((below, members(source.text, extent.start), {}))


def _half_a_pair(text: str) -> int | None:
    high: re.Match[str] | None = None
    for match in _ESCAPE.finditer(text):
        code = int(match[1], 16) if match[1] else 0
        if high is not None:
            if 0xDC00 <= code < 0xE000 and match.start() == high.end():
                high = None
                continue
            return high.start()
        if 0xD800 <= code < 0xDC00:
            high = match
        elif 0xDC00 <= code < 0xE000:
            return match.start()
    return high.start() if high is not None else None


_SAVE = "save the file as UTF-8"


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> Diagnostic:
    before = data[: error.start]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    help = _SAVE
    if _reads_as(data, "gb18030"):
        help = f"it looks like GBK: {_SAVE}"
    return _problem(
        "PF002",
        f"byte 0x{data[error.start]:02X} at offset {error.start} is not UTF-8",
        help=help,
        line=line,
        column=column,
    )


def _reads_as(data: bytes, encoding: str) -> bool:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def _at(
    source: Source,
    start: int,
    end: int,
    code: str,
    message: str,
    help: str | None,
    pointer: str = "",
) -> Diagnostic:
    position = source.position(start, min(end, max(start, len(source.text))))
    return Diagnostic(
        code,
        NAMES[code],
        Level.ERROR,
        message,
        pointer=pointer,
        help=help,
        line=position.line,
        column=position.column,
        end_line=position.end_line,
        end_column=position.end_column,
    )


def _problem(
    code: str,
    message: str,
    *,
    help: str | None = None,
    line: int = 1,
    column: int = 1,
) -> Diagnostic:
    return Diagnostic(
        code, NAMES[code], Level.ERROR, message, help=help,
        line=line, column=column, end_line=line, end_column=column + 1,
    )  # fmt: skip
