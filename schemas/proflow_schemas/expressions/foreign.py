"""Expressions that Inngest's server evaluates itself: conditions of triggers, keys of limits.

The server's CEL distinguishes integers from floats, and reads all numbers of events as floats. To mean
the same there as elsewhere, an expression gets floats for its integer literals wherever it calculates
with them (`for_inngest`). What cannot be expressed that way is a problem (`foreign_problems`).
"""

from __future__ import annotations

from collections.abc import Iterator

from proflow_schemas.language import Text, Texts

from .arithmetic import INTEGERS
from .checking import operator_span
from .errors import ExpressionProblem
from .syntax import children, parse
from .tokens import tokens
from .tree import Call, Const, Many, Node
from .wording import COMPARISONS, operator_name

TEXTS = Texts(
    "foreign-expression",
    {
        "not-known": Text("is not known here", "在这里不可用"),
        "only-integers": Text("takes only integers here", "在这里只接受整数"),
        "no-comparison": Text(
            "cannot compare an integer and a double here",
            "在这里不能比较整数和小数",
        ),
        "cuts-off": Text(
            "cuts off the fraction of integers here",
            "在这里会舍去整数相除的小数部分",
        ),
        "no-mix": Text("cannot mix an integer and a double here", "在这里不能混用整数和小数"),
        "convert": Text("convert with `{convert:raw}(…)`", "用 `{convert:raw}(…)` 转换"),
        "problem": Text(
            "`{function:raw}` {message:raw}: Inngest evaluates this before the run",
            "`{function:raw}` {message:raw}：Inngest 在运行开始前计算它",
        ),
    },
)

_ARITHMETIC = frozenset({"_+_", "_-_", "_*_", "_/_"})
_CONVERSIONS = frozenset({"int", "uint"})
_CHOICE = "_?_:_"
_OURS = frozenset({"round"})
"""Functions of ours that the server's CEL does not have."""


def for_inngest(text: str) -> str:
    """Return an expression in the form that Inngest's server accepts.

    Raises:
        ExpressionError: If it cannot be parsed.
    """
    tree = parse(text).tree
    starts = sorted({one.offset for call in _calls(tree) for one in _beside_floats(call)})
    pieces: list[str] = []
    done = 0
    for start in starts:
        number = next(one for one in tokens(text, start) if one.kind == "number")
        pieces += [text[done : number.start], f"{_value_of(number.text)}.0"]
        done = number.end
    return "".join([*pieces, text[done:]])


def _value_of(number: str) -> int:
    digits = number.rstrip("uU").lower()
    return int(digits, 16) if digits.startswith("0x") else int(digits)  # 01 is 1


def foreign_problems(text: str) -> Iterator[ExpressionProblem]:
    """Find what Inngest's server cannot evaluate, or evaluates differently, in a valid expression."""
    for call in _calls(parse(text).tree):
        if call.function in _OURS:
            yield _problem(text, call, TEXTS("not-known"), None)
        elif call.function == "_%_":
            if not all(_is_integer(one) or _is_literal(one) for one in call.arguments):
                yield _problem(text, call, TEXTS("only-integers"), "int")
        elif call.function in COMPARISONS:
            if any(map(_is_integer, call.arguments)) and any(map(_is_float, call.arguments)):
                message = TEXTS("no-comparison")
                yield _problem(text, call, message, "double")
        elif call.function in _ARITHMETIC and any(map(_is_integer, call.arguments)):
            if call.function == "_/_":
                message = TEXTS("cuts-off")
                yield _problem(text, call, message, "double")
            elif not all(_is_integer(one) or _is_literal(one) for one in call.arguments):
                message = TEXTS("no-mix")
                yield _problem(text, call, message, "double")


def _beside_floats(call: Call) -> Iterator[Const]:
    """Yield the integer literals that stand where a call needs floats."""
    if call.function in _ARITHMETIC:
        beside = () if any(map(_is_integer, call.arguments)) else call.arguments
    elif call.function in COMPARISONS:
        beside = call.arguments if any(map(_is_float, call.arguments)) else ()
    elif call.function == _CHOICE:
        beside = call.arguments[1:] if any(map(_is_float, call.arguments[1:])) else ()
    else:
        beside = ()
    for one in beside:
        yield from _literals(one)


def _literals(node: Node) -> Iterator[Const]:
    """Yield the integer literals that a node may evaluate to, or calculates with."""
    if isinstance(node, Const):
        if type(node.value) is int:
            yield node
    elif isinstance(node, Many):
        for one in node.elements:
            yield from () if node.is_map else _literals(one)
    elif isinstance(node, Call) and node.function in _ARITHMETIC | {"-_", _CHOICE}:
        for one in node.arguments[1:] if node.function == _CHOICE else node.arguments:
            yield from _literals(one)


def _problem(text: str, call: Call, message: str, convert: str | None) -> ExpressionProblem:
    start, end = operator_span(text, call.offset)
    help = None if convert is None else TEXTS("convert", convert=convert)
    return ExpressionProblem(
        "type",
        TEXTS("problem", function=operator_name(call.function), message=message),
        start,
        end,
        help,
    )


def _is_literal(node: Node) -> bool:
    return isinstance(node, Const) and type(node.value) is int


def _is_integer(node: Node) -> bool:
    """True if a node is an integer on the server."""
    if not isinstance(node, Call):
        return False
    if node.function in _ARITHMETIC | {"-_"}:
        return any(map(_is_integer, node.arguments))
    return node.function in INTEGERS | _CONVERSIONS | {"_%_"}


def _is_float(node: Node) -> bool:
    """True if a node is certainly a float on the server."""
    if isinstance(node, Const):
        return isinstance(node.value, float)
    if isinstance(node, Many):
        return not node.is_map and any(map(_is_float, node.elements))
    if not isinstance(node, Call):
        return False
    if node.function == _CHOICE:
        return any(map(_is_float, node.arguments[1:]))
    if node.function in _ARITHMETIC | {"-_"}:
        known = any(_is_float(one) or any(_literals(one)) for one in node.arguments)
        return known and not any(map(_is_integer, node.arguments))
    return node.function == "double"


def _calls(node: Node) -> Iterator[Call]:
    if isinstance(node, Call):
        yield node
    for child in children(node):
        yield from _calls(child)
