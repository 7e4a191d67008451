"""Translates the messages of the CEL library into ours, which speak of JSON types and offer help."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import BEYOND, number_text

from .errors import INEXACT, ExpressionError
from .functions import OWN, REPLACED, SUMS

TEXTS = Texts(
    "cel",
    {
        "list-of-numbers": Text("a list of numbers", "数字列表"),
        "list-of-strings": Text("a list of strings", "字符串列表"),
        "list-of-booleans": Text("a list of booleans", "布尔值列表"),
        "list-of-nulls": Text("a list of nulls", "null 列表"),
        "list-of-bytes": Text("a list of bytes", "字节列表"),
        "list-of-lists": Text("a list of lists", "列表的列表"),
        "list-of-objects": Text("a list of objects", "对象列表"),
        "list-of-values": Text("a list of values", "列表"),
        "list-of-timestamps": Text("a list of timestamps", "时间列表"),
        "list-of-durations": Text("a list of durations", "时长列表"),
        "list-of-types": Text("a list of types", "类型列表"),
        "null": Text("null", "null"),
        "bytes": Text("bytes", "字节"),
        "two-types": Text(
            "`? :` has {types:both} as results, which are two types",
            "`? :` 的两个结果是{types:both}，类型不同",
        ),
        "needs-not": Text(
            "`{operator:raw}` needs true or false, not {types:both}",
            "`{operator:raw}` 需要布尔值，不能是{types:both}",
        ),
        "needs": Text("`{operator:raw}` needs true or false", "`{operator:raw}` 需要布尔值"),
        "cannot-compare": Text(
            "`{operator:raw}` cannot compare {types:both}", "`{operator:raw}` 不能比较{types:both}"
        ),
        "cannot-take": Text(
            "`{operator:raw}` cannot take {types:both}", "`{operator:raw}` 不支持{types:both}"
        ),
        "takes-not": Text(
            "`{operator:raw}` does not take what it is given", "`{operator:raw}` 不支持给定的参数"
        ),
        "takes-no": Text(
            "`{operator:raw}` does not take {types:both}", "`{operator:raw}` 不支持{types:both}"
        ),
        "character": Text("character {codes:raw}", "字符 {codes:raw}"),
        "no-expression": Text("not an expression: {said:raw}", "不是有效的表达式"),
        "number": Text("a number", "数字"),
        "string": Text("a string", "字符串"),
        "boolean": Text("true or false", "布尔值"),
        "list": Text("a list", "列表"),
        "object": Text("an object", "对象"),
        "any": Text("any value", "任意值"),
        "timestamp": Text("a timestamp", "时间"),
        "duration": Text("a duration", "时长"),
        "type": Text("a type", "类型"),
        "alike": Text(
            "write both as texts or both as numbers; `double(…)` makes a number of a text",
            "两边都写成文本或都写成数字；`double(…)` 可将文本转为数字",
        ),
        "too-nested": Text("the expression is nested too deeply", "表达式嵌套过深"),
        "in-parts": Text(
            "compute parts of it in `set` nodes, or join long sums in parentheses",
            "拆分到多个 `set` 节点计算，或用括号分组长的加法",
        ),
        "no-fields": Text("{type:raw} has no fields", "{type:raw}没有字段"),
        "not-iterable": Text("{type:raw} cannot be iterated over", "{type:raw}不能遍历"),
        "give-list": Text("give a list or an object", "使用列表或对象"),
        "reserved": Text("`{word:raw}` is a reserved word", "`{word:raw}` 是保留字"),
        "in-brackets": Text("write it in brackets, as a string", "用方括号写成字符串"),
        "as-text": Text("write it as a text", "写成文本"),
        "bad-escape": Text("the string has an invalid escape sequence", "字符串包含无效的转义"),
        "double-backslash": Text(
            'double the backslash, or write r"…"',
            '将反斜杠写两次，或使用 `r"…"`',
        ),
        "raw-end": Text("a raw string cannot end in a backslash", "原始字符串不能以反斜杠结尾"),
        "write-plain": Text('write it as "…\\\\"', '写成 `"…\\\\"`'),
        "has-field": Text("`has(…)` takes a field", "`has(…)` 的参数必须是字段"),
        "write-has": Text(
            "write `has(steps.x)` or `has(event.data.field)`",
            "写成 `has(steps.x)` 或 `has(event.data.field)`",
        ),
        "plain-name": Text(
            "the first argument of `{function:raw}(…)` must be a plain name",
            "`{function:raw}(…)` 的第一个参数必须是普通名称",
        ),
        "optional": Text("optional fields are not supported", "不支持可选字段"),
        "use-has": Text("use `has(…) ? … : …`", "使用 `has(…) ? … : …`"),
        "add": Text("add `{sign:raw}`", "添加 `{sign:raw}`"),
        "ends-early": Text("the expression ends too early", "表达式不完整"),
        "equals": Text("compare with `==`", "用 `==` 比较"),
        "write": Text("write `{sign:raw}`", "改为 `{sign:raw}`"),
        "unexpected": Text("unexpected {found:raw}", "多余的{found:raw}"),
        "not-closed": Text(
            "the string that begins here is not closed",
            "从这里开始的字符串没有结束",
        ),
        "close-with": Text("close it with `{character:raw}`", "用 `{character:raw}` 结束"),
        "unexpected-equals": Text("unexpected `=`", "多余的 `=`"),
        "unexpected-sign": Text("unexpected `{character:raw}`", "多余的 `{character:raw}`"),
        "write-twice": Text("write `{sign:raw}`", "改为 `{sign:raw}`"),
        "unexpected-quote": Text("unexpected {character:raw}", "多余的{character:raw}"),
        "quote": Text('quote strings with `"`', '字符串使用 `"`'),
        "bracket-name": Text(
            'a name that is no identifier is written in brackets: `["{quoted:raw}"]`',
            '不是标识符的名称写在方括号中：`["{quoted:raw}"]`',
        ),
        "choice-given": Text(
            "`? :` needs true or false before the `?`, not {type:raw}",
            "`? :` 的 `?` 前必须是布尔值，不能是{type:raw}",
        ),
        "same-type": Text(
            "give both the same type, or put one in `dyn(…)`",
            "让两者类型相同，或用 `dyn(…)` 包住其中一个",
        ),
        "choice": Text("`? :` needs true or false before the `?`", "`? :` 的 `?` 前必须是布尔值"),
        "compare": Text("compare the value with something", "将它与某个值比较"),
        "no-index": Text(
            "{type:raw} cannot be indexed with {key:raw}",
            "{type:raw}不能用{key:raw}作下标",
        ),
        "bad-index": Text("bad index", "下标无效"),
        "cannot-look": Text(
            "`in` cannot look for {type:raw} in {holder:raw}",
            "`in` 不能在{holder:raw}中查找{type:raw}",
        ),
        "to-string": Text("turn it into a string: `string(…)`", "转为字符串：`string(…)`"),
        "no-now": Text("there is no function `now`", "没有函数 `now`"),
        "no-clock": Text(
            "expressions have no clock; `event.ts` is when the event was sent",
            "表达式不能读取当前时间；`event.ts` 是事件发送的时间",
        ),
        "did-you-mean": Text("did you mean `{close:raw}`?", "是否想写 `{close:raw}`？"),
        "called-otherwise": Text(
            "`{name:raw}(…)` is not called like this",
            "`{name:raw}(…)` 的调用方式不对",
        ),
        "no-function": Text("there is no function `{name:raw}`", "没有函数 `{name:raw}`"),
    },
)

FUNCTIONS = frozenset(
    {
        "all",
        "bool",
        "bytes",
        "contains",
        "double",
        "duration",
        "dyn",
        "endsWith",
        "exists",
        "exists_one",
        "filter",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getMonth",
        "getSeconds",
        "has",
        "int",
        "map",
        "matches",
        "round",
        "size",
        "startsWith",
        "string",
        "timestamp",
        "type",
        "uint",
    }
)

_LOCATED = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.MULTILINE)
_OVERLOAD = re.compile(r"found no matching overload for '(.+?)' applied to '\((.*)\)'")
_RUNTIME_OVERLOAD = re.compile(
    r"No matching overloads found : (?:\((\w+)\)\.)?([^()\s]+)(?:\((.*)\))?"
)
_STATUS = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]\s*$")

_TYPES = {
    "int": TEXTS("number"),
    "int64": TEXTS("number"),
    "uint": TEXTS("number"),
    "uint64": TEXTS("number"),
    "double": TEXTS("number"),
    "string": TEXTS("string"),
    "bool": TEXTS("boolean"),
    "null": TEXTS("null"),
    "null_type": TEXTS("null"),
    "bytes": TEXTS("bytes"),
    "list": TEXTS("list"),
    "map": TEXTS("object"),
    "dyn": TEXTS("any"),
    "timestamp": TEXTS("timestamp"),
    "google.protobuf.Timestamp": TEXTS("timestamp"),
    "duration": TEXTS("duration"),
    "google.protobuf.Duration": TEXTS("duration"),
    "type": TEXTS("type"),
}

_PLURALS = {
    "a number": "numbers",
    "a string": "strings",
    "true or false": "booleans",
    "null": "nulls",
    "bytes": "bytes",
    "a list": "lists",
    "an object": "objects",
    "any value": "values",
    "a timestamp": "timestamps",
    "a duration": "durations",
    "a type": "types",
}
_NUMBER_KEY = re.compile(r"Key not found in map : (-?[0-9][0-9.e+-]*)$")
_WRITTEN = {ours: written for written, ours in (*REPLACED.items(), *SUMS.items())}
COMPARISONS = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})

_UNLIKE = TEXTS("alike")
TOO_NESTED = TEXTS("too-nested")
TOO_NESTED_HELP = TEXTS("in-parts")


@dataclass(frozen=True, slots=True)
class Finding:
    """One error of the library's compiler.

    Attributes:
        offset: Where it is in the text.
        raw: The library's message.
        message: Our message.
        help: What to do about it, or None.
    """

    offset: int
    raw: str
    message: str
    help: str | None = None

    @property
    def names_no_function(self) -> bool:
        """True if a function is called that does not exist."""
        return self.raw.startswith("undeclared reference to ")

    @property
    def compares_well(self) -> bool:
        """True if it rejects a comparison with null, which can be evaluated nevertheless."""
        match = _OVERLOAD.search(self.raw)
        if match is None or match.group(1) not in ("_==_", "_!=_"):
            return False
        return "null_type" in _split_types(match.group(2))


def compile_findings(text: str, raw: str) -> list[Finding]:
    """Return the errors that the library found in a text, in order.

    Args:
        text: The expression.
        raw: The message of the exception that the library raised.

    Returns:
        At least one error.
    """
    if "recursion" in raw:
        return [Finding(0, raw, TOO_NESTED, TOO_NESTED_HELP)]
    located = _LOCATED.findall(raw)
    if not located:
        first = _STATUS.sub("", _STATUS.sub("", raw.split("\n", 1)[0]))
        return [Finding(0, raw, TEXTS("no-expression", said=_one_line(first)))]
    lines = _line_starts(text)
    findings: list[Finding] = []
    for line, column, message in located:
        row = min(int(line), len(lines)) - 1
        offset = min(lines[row] + max(int(column) - 1, 0), len(text))
        message = _STATUS.sub("", message)
        findings.append(Finding(offset, message, *_worded(text, offset, message)))
    return findings


def evaluation_error(raw: str) -> tuple[str | None, ExpressionError]:
    """Return the function or operator that failed, and the error, of a failed evaluation.

    Args:
        raw: The library's message.

    Returns:
        The function's name in CEL, or None if the message names none; and the error without offset.
    """
    message = _STATUS.sub("", _STATUS.sub("", raw)).strip()
    if message.startswith(OWN):
        own, _, advice = message.removeprefix(OWN).partition("\n")
        return None, ExpressionError(own, help=advice or None)
    if match := _RUNTIME_OVERLOAD.search(message):
        target, function, arguments = match.groups()
        types = [target] if target else []
        types += [part.strip() for part in (arguments or "").split(",") if part.strip()]
        worded, help = overload(_WRITTEN.get(function, function), types)
        return function, ExpressionError(worded, help=help)
    if match := _NUMBER_KEY.search(message):
        key = number_text(float(match.group(1)))
        return None, ExpressionError(
            f"an object is read by the number {key}, and its fields are named by strings",
            help=f'write `["{key}"]`, or `string(…)` around what is computed',
        )
    if match := re.search(r"[Ii]nvalid container type: '(\w+)'", message):
        return None, ExpressionError(f"{type_name(match.group(1))} cannot be indexed")
    for pattern, worded, help in _EVALUATION:
        if match := re.search(pattern, message):
            return None, ExpressionError(worded.format(*match.groups()), help=help)
    return None, ExpressionError(f"the evaluation failed: {_one_line(message)}")


_EVALUATION: tuple[tuple[str, str, str | None], ...] = (
    (
        r'Key not found in map : "?(.*?)"?$',
        "there is no field `{0}`",
        "test it with `has(…)` first",
    ),
    (r"SELECT to non-message", "a field is read of a value that has none", None),
    (r"Index error: index=(\S+) size=(\S+)", "index {0} is outside a list of {1}", None),
    (r"Index error: expected integer type", "a list takes a whole number in brackets", None),
    (r"String to Timestamp", "a string is not an RFC 3339 timestamp", None),
    (r"String to Duration", "a string is not a duration such as `90s` or `1h30m`", None),
    (r"invalid regular expression: (.*)$", "invalid regular expression: {0}", None),
    (r"duplicate key", "an object has the same key twice", None),
    (r"integer overflow", f"a number is {BEYOND}", None),
    (r"map key type|@key", "an object's keys must be strings", None),
    (r"Iteration budget", "the expression goes through more than 10,000 items in all", None),
    (r'No value with name "(.*?)"', "there is nothing called `{0}` here", None),
    (r"construction from null|surrogates", "a text in the data is not valid Unicode", None),
    (r"Non-CEL value type", "a value in the data is not JSON", None),
)


def _worded(text: str, offset: int, message: str) -> tuple[str, str | None]:
    if match := _OVERLOAD.search(message):
        return overload(match.group(1), _split_types(match.group(2)))
    if match := re.match(r"undeclared reference to '(.*?)'", message):
        return _unknown_function(match.group(1))
    if match := re.match(r"expression of type '(.*?)' cannot be the operand of a select", message):
        return TEXTS("no-fields", type=type_name(match.group(1))), None
    if match := re.match(r"expression of type '(.*?)' cannot be the range", message):
        return TEXTS("not-iterable", type=type_name(match.group(1))), TEXTS("give-list")
    if message.startswith("Syntax error: token recognition error at: "):
        return _stray(text, offset)
    if message.startswith("Syntax error"):
        return _syntax(text, offset, message)
    if match := re.match(r"reserved identifier: (\w+)", message):
        return TEXTS("reserved", word=match.group(1)), TEXTS("in-brackets")
    if re.match(r"invalid (hex )?u?int literal", message):
        return INEXACT, TEXTS("as-text")
    if match := re.match(r"Invalid string literal: Illegal escape sequence: (.*)", message):
        return TEXTS("bad-escape"), TEXTS("double-backslash")
    if message.startswith("Invalid string literal: String must end with"):
        return TEXTS("raw-end"), TEXTS("write-plain")
    if message.startswith("has() argument"):
        return TEXTS("has-field"), TEXTS("write-has")
    if match := re.match(r"(\w+)\(\) variable name must be a simple identifier", message):
        return TEXTS("plain-name", function=match.group(1)), None
    if "unsupported syntax" in message:
        return TEXTS("optional"), TEXTS("use-has")
    return TEXTS("no-expression", said=_one_line(message)), None


def _syntax(text: str, offset: int, message: str) -> tuple[str, str | None]:
    help = None
    if match := re.search(r"missing '(.)' at", message):
        help = TEXTS("add", sign=match.group(1))
    if offset >= len(text.rstrip()) or "'<EOF>' expecting" in message or "at '<EOF>'" in message:
        return TEXTS("ends-early"), help
    word = re.compile(r"\w+|&&|\|\||[<>=!]=|.", re.DOTALL).match(text, offset)
    found = word.group() if word else text[offset]
    if found == "=":
        help = TEXTS("equals")
    elif found in ("and", "or", "not"):
        sign = {"and": "&&", "or": "||", "not": "!"}[found]
        help = TEXTS("write", sign=sign)
    return TEXTS("unexpected", found=_quoted(found)), help


def _stray(text: str, offset: int) -> tuple[str, str | None]:
    character = text[offset] if offset < len(text) else ""
    if character in "\"'" and character:
        return TEXTS("not-closed"), TEXTS("close-with", character=character)
    if character == "=":
        return TEXTS("unexpected-equals"), TEXTS("equals")
    if character in "&|" and character:
        return TEXTS("unexpected-sign", character=character), TEXTS(
            "write-twice", sign=character * 2
        )
    if character in "“”‘’「」":
        return TEXTS("unexpected-quote", character=_quoted(character)), TEXTS("quote")
    help = None
    if character.isalpha():
        name = re.compile(r"\w{1,60}").match(text, offset)
        quoted = name.group() if name else character
        help = TEXTS("bracket-name", quoted=quoted)
    return TEXTS("unexpected-quote", character=_quoted(character)), help


def _quoted(character: str) -> str:
    """Return a character for a message; as a code point if it would be invisible."""
    if character.isprintable() and not character.isspace():
        return f"`{character}`"
    return TEXTS("character", codes=" ".join(f"U+{ord(one):04X}" for one in character))


def overload(function: str, types: Sequence[str]) -> tuple[str, str | None]:
    """Return the message, and the help, that a function does not accept operands of some types.

    Args:
        function: The name in CEL: `_+_`, `size`.
        types: The types of the operands, by their names in CEL.
    """
    names = [type_name(one) for one in types]
    operator = operator_name(function)
    if function == "_?_:_":
        if types and types[0] not in ("bool", "dyn"):
            return TEXTS("choice-given", type=names[0]), None
        return (
            TEXTS("two-types", types=names[1:]),
            TEXTS("same-type"),
        )
    if function == "<jump_condition>":
        return TEXTS("choice"), None
    if function in ("_&&_", "_||_", "!_"):
        wrong = [name for one, name in zip(types, names, strict=True) if one not in ("bool", "dyn")]
        needs = TEXTS("needs-not", operator=operator, types=wrong)
        if not wrong:
            needs = TEXTS("needs", operator=operator)
        return needs, TEXTS("compare")
    if function == "_[_]":
        return TEXTS("no-index", type=names[0], key=names[-1]) if names else TEXTS(
            "bad-index"
        ), None
    if operator != function and len(names) == 2:
        verb = "compare" if function in COMPARISONS else "take"
        if function == "@in":
            return TEXTS("cannot-look", type=names[0], holder=names[1]), None
        help = None
        if verb == "take" and "string" in types:
            help = TEXTS("to-string")
        elif verb == "compare" and set(names) == {TEXTS("number"), TEXTS("string")}:
            help = _UNLIKE
        return TEXTS(f"cannot-{verb}", operator=operator, types=names), help
    if operator == function and function not in FUNCTIONS:
        return _unknown_function(function)
    if not names:
        return TEXTS("takes-not", operator=operator), None
    return TEXTS("takes-no", operator=operator, types=names), None


def _unknown_function(name: str) -> tuple[str, str | None]:
    if name == "now":
        return (
            TEXTS("no-now"),
            TEXTS("no-clock"),
        )
    close = get_close_matches(name, FUNCTIONS, n=1)
    help = TEXTS("did-you-mean", close=close[0]) if close else None
    if name in FUNCTIONS:
        return TEXTS("called-otherwise", name=name), help if name not in FUNCTIONS else None
    return TEXTS("no-function", name=name), help


def operator_name(function: str) -> str:
    """Return an operator as it is written: `*` for `_*_`."""
    return {"@in": "in", "_?_:_": "? :", "_[_]": "[ ]"}.get(function, function.strip("_"))


def type_name(name: str) -> str:
    """Return a CEL type as words: `a list of strings`."""
    base, _, inner = name.partition("(")
    if base == "list" and inner and inner.rstrip(")") in _TYPES:
        return TEXTS(f"list-of-{_PLURALS[_TYPES[inner.rstrip(')')]]}")
    return _TYPES.get(base.strip(), f"`{name.strip()}`")


def _split_types(text: str) -> list[str]:
    parts: list[str] = []
    depth = 0
    current = ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [*parts, current.strip()] if current.strip() else parts


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


def _one_line(message: str) -> str:
    line = message.strip().split("\n", 1)[0][:200]
    return line[:1].lower() + line[1:].rstrip(".")
