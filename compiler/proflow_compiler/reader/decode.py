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

from proflow_schemas.language import Text, Texts

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.problems import NAMES
from proflow_compiler.diagnostics.source import Extent, Source, escape, members
from proflow_compiler.reader import formats

TEXTS = Texts(
    "PF001",
    {
        "value-missing": Text("a value is missing", "缺少值"),
        "comma-missing": Text("a comma or a closing bracket is missing", "缺少逗号或右括号"),
        "colon-missing": Text("a colon is missing", "缺少冒号"),
        "key-missing": Text(
            "a key in double quotes is missing",
            "缺少双引号括起的键",
        ),
        "trailing-comma-object": Text(
            "there is a comma before the end of an object",
            "对象末尾多了一个逗号",
        ),
        "trailing-comma-list": Text(
            "there is a comma before the end of a list",
            "列表末尾多了一个逗号",
        ),
        "more-text": Text(
            "more text follows after the end of the JSON value", "JSON 值结束后还有其他内容"
        ),
        "unclosed": Text("a text is never closed", "文本没有结束引号"),
        "raw-control": Text("a text holds a raw control character", "文本中包含未转义的控制字符"),
        "no-escape": Text("a backslash begins no escape", "反斜杠后不是有效的转义"),
        "no-hex": Text(
            "`\\u` is not followed by four hexadecimal digits", "`\\u` 后不是四位十六进制数字"
        ),
        "second-mark": Text("a byte order mark stands twice", "有两个字节顺序标记"),
        "other-encoding": Text(
            "the file is {encoding:raw}, not UTF-8",
            "文件编码是 {encoding:raw}，不是 UTF-8",
        ),
        "utf16": Text("the file looks like UTF-16, not UTF-8", "文件编码像是 UTF-16，不是 UTF-8"),
        "in-text": Text(
            "{message:raw}, in line {line:raw} and column {column:raw} of the text",
            "{message:raw}（文本的第 {line:raw} 行第 {column:raw} 列）",
        ),
        "too-large": Text(
            "the file is larger than {megabytes:raw} MB",
            "文件超过 {megabytes:raw} MB",
        ),
        "drawing-only": Text(
            "a design holds the drawing only, no files or records",
            "设计文件只包含流程图，不包含附件或数据",
        ),
        "half-pair": Text("an escape is half of a surrogate pair", "转义是半个代理对"),
        "empty": Text("the file is empty", "文件为空"),
        "foreign": Text(
            "this is {foreign:raw}, not a ProFlow design",
            "这是{foreign:raw}，不是 ProFlow 设计",
        ),
        "ends-early": Text(
            "the file ends before the JSON value does",
            "JSON 尚未结束，文件就结束了",
        ),
        "double-quotes": Text("JSON has double quotes only", "JSON 只能使用双引号"),
        "no-comments": Text("JSON has no comments", "JSON 不支持注释"),
        "remove-comma": Text("remove the comma before it", "移除前面的逗号"),
        "literals": Text(
            "JSON has `true`, `false` and `null`",
            "JSON 的写法是 `true`、`false` 和 `null`",
        ),
        "no-number": Text("`{token:raw}` is no JSON number", "`{token:raw}` 不是 JSON 数字"),
        "huge-number": Text("`{token}` is too large a number", "数字 `{token}` 过大"),
        "unreadable-number": Text("a number cannot be read", "有无法读取的数字"),
        "too-deep": Text(
            "objects and lists are nested more than {most} deep",
            "对象和列表的嵌套超过 {most} 层",
        ),
        "repeated-key": Text(
            "the key `{name}` is already there on line {first:raw}",
            "键 `{name}` 在第 {first:raw} 行已出现过",
        ),
        "remove-one": Text("remove one of the two", "移除其中一个"),
        "save": Text("save the file as UTF-8", "将文件另存为 UTF-8"),
        "gbk": Text("it looks like GBK: {save}", "文件编码像是 GBK：{save}"),
        "bad-byte": Text(
            "byte 0x{byte:raw} at offset {start:raw} is not UTF-8",
            "偏移 {start:raw} 处的字节 0x{byte:raw} 不是 UTF-8",
        ),
    },
)

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
    "Expecting value": TEXTS("value-missing"),
    "Expecting ',' delimiter": TEXTS("comma-missing"),
    "Expecting ':' delimiter": TEXTS("colon-missing"),
    "Expecting property name enclosed in double quotes": TEXTS("key-missing"),
    "Illegal trailing comma before end of object": TEXTS("trailing-comma-object"),
    "Illegal trailing comma before end of array": TEXTS("trailing-comma-list"),
    "Extra data": TEXTS("more-text"),
    "Unterminated string starting at": TEXTS("unclosed"),
    "Invalid control character at": TEXTS("raw-control"),
    "Invalid \\escape": TEXTS("no-escape"),
    "Invalid \\uXXXX escape": TEXTS("no-hex"),
    "Unexpected UTF-8 BOM (decode using utf-8-sig)": TEXTS("second-mark"),
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
            mistaken = _problem("PF002", TEXTS("other-encoding", encoding=encoding), help=_SAVE)
            return Decoded(Source(path), None, (mistaken,))
    if len(data) > 1 and (data[0] == 0) != (data[1] == 0):
        mistaken = _problem("PF002", TEXTS("utf16"), help=_SAVE)
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
    return TEXTS("in-text", message=one.message, line=one.line, column=one.column)


def too_large() -> Diagnostic:
    """Make the diagnostic of a file that is too large."""
    return _problem(
        "PF001",
        TEXTS("too-large", megabytes=MAX_BYTES // 2**20),
        help=TEXTS("drawing-only"),
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
        message = TEXTS("half-pair")
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
        return _problem("PF001", TEXTS("empty"), line=1, column=1)
    foreign = formats.of_text(text)
    if foreign is not None:
        return _problem(
            "PF003",
            TEXTS("foreign", foreign=formats.named(foreign)),
            help=formats.HELP,
            line=1,
            column=1,
        )
    start = min(error.pos, len(text))
    message = _WORDING.get(error.msg) or error.msg[:1].lower() + error.msg[1:]
    help = None
    if start >= len(text):
        message = TEXTS("ends-early")
    elif text[start] == "'":
        help = TEXTS("double-quotes")
    elif text.startswith(("//", "/*"), start):
        help = TEXTS("no-comments")
    elif text[start] in "]}" and error.msg.startswith(("Expecting value", "Expecting property")):
        help = TEXTS("remove-comma")
    elif text.startswith(("True", "False", "None", "undefined"), start):
        help = TEXTS("literals")
    return _at(source, start, start + 1, "PF001", message, help)


def _bad_number(source: Source) -> Diagnostic:
    for match in _TOKEN.finditer(source.text):
        token = match[0]
        if token[0] in '"[]{}':
            continue
        if token.lstrip("-") in ("NaN", "Infinity"):
            message = TEXTS("no-number", token=token)
        elif len(token) > 4000 or math.isinf(_as_float(token)):
            message = TEXTS("huge-number", token=token)
        else:
            continue
        return _at(source, match.start(), match.end(), "PF001", message, None)
    return _problem("PF001", TEXTS("unreadable-number"), line=1, column=1)


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
                message = TEXTS("too-deep", most=MAX_DEPTH)
                return _at(source, match.start(), match.end(), "PF001", message, None)
        elif match[0] in ("]", "}"):
            depth -= 1
    return _problem("PF001", TEXTS("too-deep", most=MAX_DEPTH))


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
                TEXTS("repeated-key", name=name, first=first),
                TEXTS("remove-one"),
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


_SAVE = TEXTS("save")


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> Diagnostic:
    before = data[: error.start]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    help = _SAVE
    if _reads_as(data, "gb18030"):
        help = TEXTS("gbk", save=_SAVE)
    return _problem(
        "PF002",
        TEXTS("bad-byte", byte=f"{data[error.start]:02X}", start=error.start),
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
