"""Translates the messages of the CEL library into ours, which speak of JSON types and offer help."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from proflow_schemas.numbers import BEYOND, number_text

from .errors import INEXACT, ExpressionError
from .functions import OWN, REPLACED, SUMS

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
    "int": "a number",
    "int64": "a number",
    "uint": "a number",
    "uint64": "a number",
    "double": "a number",
    "string": "a string",
    "bool": "true or false",
    "null": "null",
    "null_type": "null",
    "bytes": "bytes",
    "list": "a list",
    "map": "an object",
    "dyn": "any value",
    "timestamp": "a timestamp",
    "google.protobuf.Timestamp": "a timestamp",
    "duration": "a duration",
    "google.protobuf.Duration": "a duration",
    "type": "a type",
}

_NUMBER_KEY = re.compile(r"Key not found in map : (-?[0-9][0-9.e+-]*)$")
_WRITTEN = {ours: written for written, ours in (*REPLACED.items(), *SUMS.items())}
COMPARISONS = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})

_UNLIKE = "write both as texts or both as numbers; `double(…)` makes a number of a text"
TOO_NESTED = "the expression is nested too deeply"
TOO_NESTED_HELP = "compute parts of it in `set` nodes, or join long sums in parentheses"


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
        return [Finding(0, raw, f"not an expression: {_one_line(first)}")]
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
        return f"{type_name(match.group(1))} has no fields", None
    if match := re.match(r"expression of type '(.*?)' cannot be the range", message):
        return f"{type_name(match.group(1))} cannot be iterated over", "give a list or an object"
    if message.startswith("Syntax error: token recognition error at: "):
        return _stray(text, offset)
    if message.startswith("Syntax error"):
        return _syntax(text, offset, message)
    if match := re.match(r"reserved identifier: (\w+)", message):
        return f"`{match.group(1)}` is a reserved word", "write it in brackets, as a string"
    if re.match(r"invalid (hex )?u?int literal", message):
        return INEXACT, "write it as a text"
    if match := re.match(r"Invalid string literal: Illegal escape sequence: (.*)", message):
        return "the string has an invalid escape sequence", 'double the backslash, or write r"…"'
    if message.startswith("Invalid string literal: String must end with"):
        return "a raw string cannot end in a backslash", 'write it as "…\\\\"'
    if message.startswith("has() argument"):
        return "`has(…)` takes a field", "write `has(steps.x)` or `has(event.data.field)`"
    if match := re.match(r"(\w+)\(\) variable name must be a simple identifier", message):
        return f"the first argument of `{match.group(1)}(…)` must be a plain name", None
    if "unsupported syntax" in message:
        return "optional fields are not supported", "use `has(…) ? … : …`"
    return f"not an expression: {_one_line(message)}", None


def _syntax(text: str, offset: int, message: str) -> tuple[str, str | None]:
    help = None
    if match := re.search(r"missing '(.)' at", message):
        help = f"add `{match.group(1)}`"
    if offset >= len(text.rstrip()) or "'<EOF>' expecting" in message or "at '<EOF>'" in message:
        return "the expression ends too early", help
    word = re.compile(r"\w+|&&|\|\||[<>=!]=|.", re.DOTALL).match(text, offset)
    found = word.group() if word else text[offset]
    if found == "=":
        help = "compare with `==`"
    elif found in ("and", "or", "not"):
        help = f"write `{ {'and': '&&', 'or': '||', 'not': '!'}[found] }`"
    return f"unexpected {_quoted(found)}", help


def _stray(text: str, offset: int) -> tuple[str, str | None]:
    character = text[offset] if offset < len(text) else ""
    if character in "\"'" and character:
        return "the string that begins here is not closed", f"close it with `{character}`"
    if character == "=":
        return "unexpected `=`", "compare with `==`"
    if character in "&|" and character:
        return f"unexpected `{character}`", f"write `{character * 2}`"
    if character in "“”‘’「」":
        return f"unexpected {_quoted(character)}", 'quote strings with `"`'
    help = None
    if character.isalpha():
        name = re.compile(r"\w{1,60}").match(text, offset)
        quoted = name.group() if name else character
        help = f'a name that is no identifier is written in brackets: `["{quoted}"]`'
    return f"unexpected {_quoted(character)}", help


def _quoted(character: str) -> str:
    """Return a character for a message; as a code point if it would be invisible."""
    if character.isprintable() and not character.isspace():
        return f"`{character}`"
    return "character " + " ".join(f"U+{ord(one):04X}" for one in character)


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
            return f"`? :` needs true or false before the `?`, not {names[0]}", None
        return (
            f"`? :` has {' and '.join(names[1:])} as results, which are two types",
            "give both the same type, or put one in `dyn(…)`",
        )
    if function == "<jump_condition>":
        return "`? :` needs true or false before the `?`", None
    if function in ("_&&_", "_||_", "!_"):
        wrong = [name for one, name in zip(types, names, strict=True) if one not in ("bool", "dyn")]
        suffix = f", not {' and '.join(wrong)}" if wrong else ""
        return f"`{operator}` needs true or false{suffix}", "compare the value with something"
    if function == "_[_]":
        return f"{names[0]} cannot be indexed with {names[-1]}" if names else "bad index", None
    if operator != function and len(names) == 2:
        verb = "compare" if function in COMPARISONS else "take"
        if function == "@in":
            return f"`in` cannot look for {names[0]} in {names[1]}", None
        help = None
        if verb == "take" and "string" in types:
            help = "turn it into a string: `string(…)`"
        elif verb == "compare" and set(names) == {"a number", "a string"}:
            help = _UNLIKE
        return f"`{operator}` cannot {verb} {' and '.join(names)}", help
    if operator == function and function not in FUNCTIONS:
        return _unknown_function(function)
    takes = f" {' and '.join(names)}" if names else " what it is given"
    return f"`{operator}` does not take{takes}", None


def _unknown_function(name: str) -> tuple[str, str | None]:
    if name == "now":
        return (
            "there is no function `now`",
            "expressions have no clock; `event.ts` is when the event was sent",
        )
    close = get_close_matches(name, FUNCTIONS, n=1)
    help = f"did you mean `{close[0]}`?" if close else None
    if name in FUNCTIONS:
        return f"`{name}(…)` is not called like this", help if name not in FUNCTIONS else None
    return f"there is no function `{name}`", help


def operator_name(function: str) -> str:
    """Return an operator as it is written: `*` for `_*_`."""
    return {"@in": "in", "_?_:_": "? :", "_[_]": "[ ]"}.get(function, function.strip("_"))


def type_name(name: str) -> str:
    """Return a CEL type as words: `a list of strings`."""
    base, _, inner = name.partition("(")
    if base == "list" and inner and inner.rstrip(")") in _TYPES:
        return f"a list of {_TYPES[inner.rstrip(')')].split(' ', 1)[-1]}s"
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
