"""Checks an expression against the names, fields and types that are known at its place in a design.

The main function is `problems`. It never raises: a syntax error is one of the problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from string import ascii_letters
from typing import Literal

import cel_expr_python.cel as cel

from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import BEYOND

from .correcting import corrected, renamed
from .declarations import environment
from .errors import Correction, ExpressionError, ExpressionProblem
from .literals import quote, written_path
from .presence import rewrite_presence
from .program import compile
from .scope import (
    DYN,
    OBJECT,
    TYPE_NAMES,
    TypeScope,
    closest_name,
    did_you_mean,
    kinds_text,
    reference_problem,
    shape_of,
    static_type,
)
from .shapes import kind_of
from .syntax import Syntax, children, constant_path, parse
from .tokens import tokens
from .tree import Call, Const, Many, Node
from .wording import COMPARISONS, Finding, compile_findings, overload

TEXTS = Texts(
    "expression",
    {
        "boolean": Text("true or false", "布尔值"),
        "string": Text("a string", "字符串"),
        "number": Text("a number", "数字"),
        "list": Text("a list", "列表"),
        "object": Text("an object", "对象"),
        "timestamp": Text("a timestamp", "时间"),
        "duration": Text("a duration", "时长"),
        "type": Text("a type", "类型"),
        "smaller": Text("write a smaller number", "填写更小的数字"),
        "as-text": Text("write it as a text", "写成文本"),
        "inexact": Text("the number {shown:raw} is {beyond}", "数字 {shown:raw} {beyond}"),
        "did-you-mean": Text("did you mean `{written:raw}`?", "是否想写 `{written:raw}`？"),
        "not-a-condition": Text(
            "the condition gives {given:raw}, not {wanted:raw}",
            "条件的结果是{given:raw}，不是{wanted:raw}",
        ),
        "compare": Text("compare the value with something", "将它与某个值比较"),
        "other-type": Text(
            "the expression gives {given:raw}, not {wanted:raw}",
            "表达式的结果是{given:raw}，不是{wanted:raw}",
        ),
        "one-of": Text("it is one of {names:names}", "可选值：{names:names}"),
        "never": Text(
            "`{path:raw}` is never `{value:raw}`",
            "`{path:raw}` 不可能是 `{value:raw}`",
        ),
    },
)

Expected = Literal["any", "bool", "string", "number", "list", "object"]

_LOGIC = COMPARISONS | {"_&&_", "_||_", "!_"}
_EXPECTED: Mapping[str, tuple[str, frozenset[str]]] = {
    "bool": (TEXTS("boolean"), frozenset({"BOOL"})),
    "string": (TEXTS("string"), frozenset({"STRING"})),
    "number": (TEXTS("number"), frozenset({"DOUBLE"})),
    "list": (TEXTS("list"), frozenset({"LIST"})),
    "object": (TEXTS("object"), frozenset({"MAP"})),
}
_KINDS = {"STRING": "string", "DOUBLE": "number", "LIST": "array", "MAP": "object"}
_OF_QUANTITIES = ("<", ">", "<=", ">=", "+", "-", "*", "/", "%")
_LONGEST_NUMBER = 40
_MOST_NAMES = 4
"""How many names of one read are corrected at once."""
_NUMBER = frozenset({"number", "integer"})
_INTEGER_LITERAL = re.compile(r"(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]?\Z")
_COMPARISONS_WITH_NOTHING = {
    "string": '{} != ""',
    "number": "{} != 0",
    "array": "size({}) > 0",
    "object": "size({}) > 0",
}
_RESULTS = {
    "BOOL": TEXTS("boolean"),
    "STRING": TEXTS("string"),
    "DOUBLE": TEXTS("number"),
    "LIST": TEXTS("list"),
    "MAP": TEXTS("object"),
    "NULL": "null",
    "NULL_TYPE": "null",
    "TIMESTAMP": TEXTS("timestamp"),
    "DURATION": TEXTS("duration"),
    "BYTES": "bytes",
    "TYPE": TEXTS("type"),
}


def problems(text: str, scope: TypeScope, *, expect: Expected = "any") -> list[ExpressionProblem]:
    """Find everything that is wrong with an expression.

    Args:
        text: The expression.
        scope: What it may read.
        expect: The type that its result must have.

    Returns:
        The problems in the order of the text; a single one if the expression cannot be parsed.
    """
    try:
        syntax = parse(text)
    except ExpressionError as error:
        start = error.offset or 0
        end = _token_end(text, start)
        if error.kind == "inexact":
            return [inexact_problem(text, start)]
        help, better = corrected(text, scope)
        return [ExpressionProblem("syntax", error.message, start, end, help or error.help, better)]
    each = [reference_problem(text, reference, scope) for reference in syntax.references]
    wrong = dict.fromkeys([problem for problem in each if problem is not None])
    found = [_followed(text, problem, scope) for problem in wrong]
    if syntax.calls:
        found += _constant_problems(syntax)
        found += _never_problems(syntax, scope)
        found += _unlike_problems(syntax, scope)
    if not any(problem.kind == "unknown-reference" for problem in found):
        found += _type_problems(syntax, scope, expect)
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.start, problem.end))


def inexact_problem(text: str, start: int) -> ExpressionProblem:
    """Return the problem of a number that would be rounded.

    Args:
        text: An expression, or a text with expressions.
        start: Where the number begins.
    """
    end = _token_end(text, start)
    if text[start:end] == "-":
        end += _token_end(text[end:], 0)
    written = text[start:end]
    shown = written if len(written) <= _LONGEST_NUMBER else f"{written[:_LONGEST_NUMBER]}…"
    before, after = text[:start].rstrip(), text[end:].lstrip()
    is_quantity = before.endswith(_OF_QUANTITIES) or after.startswith(_OF_QUANTITIES)
    help = TEXTS("smaller") if is_quantity else TEXTS("as-text")
    return ExpressionProblem(
        "inexact", TEXTS("inexact", shown=shown, beyond=BEYOND), start, end, help
    )


def _followed(text: str, problem: ExpressionProblem, scope: TypeScope) -> ExpressionProblem:
    """Return the problem of a read with a correction of its other names as well.

    Of `evnt.data.amuont`, the first problem is `evnt`, and `event.data.amuont` is the next.
    """
    better = problem.correction
    for _ in range(_MOST_NAMES if better is not None else 0):
        assert better is not None
        now = _applied(text, better)
        next_one = _problem_at(now, better.start, scope)
        if next_one is None:
            break
        if (more := next_one.correction) is None:
            return problem
        end = better.end + max(0, more.end - better.start - len(better.text))
        after = _applied(now, more)
        written = after[better.start : len(after) - (len(text) - end)]
        better = Correction(better.start, end, written)
        problem = replace(problem, help=TEXTS("did-you-mean", written=written), correction=better)
    return problem


def _problem_at(text: str, start: int, scope: TypeScope) -> ExpressionProblem | None:
    """Return what is wrong with the read that begins at an offset of an expression."""
    try:
        references = parse(text).references
    except ExpressionError:
        return None
    each = (reference_problem(text, one, scope) for one in references if one.start == start)
    return next((one for one in each if one is not None), None)


def _applied(text: str, better: Correction) -> str:
    return text[: better.start] + better.text + text[better.end :]


def _type_problems(
    syntax: Syntax, scope: TypeScope, expect: Expected
) -> Iterator[ExpressionProblem]:
    types = [
        DYN if reference.presence else static_type(reference.path, scope)
        for reference in syntax.references
    ]
    found, result = _checked(syntax.text, tuple(types))
    findings = list(found)
    tolerated = [finding for finding in findings if finding.compares_well]
    if tolerated:
        # The library rejects every comparison with null, though they can be evaluated. A second check
        # without the types of the compared values finds the problems that the first one hid.
        compared = _compared(syntax.tree)
        loose = [
            DYN if reference.path in compared else one
            for reference, one in zip(syntax.references, types, strict=True)
        ]
        again, result = _checked(syntax.text, tuple(loose))
        known = {(finding.offset, finding.message) for finding in findings}
        findings += [one for one in again if (one.offset, one.message) not in known]
    reported = False
    for finding in findings:
        if finding.compares_well:
            continue
        reported = True
        start, end = operator_span(syntax.text, finding.offset)
        help, better = None, None
        if finding.names_no_function:
            help, better = renamed(syntax.text, start, end)
        yield ExpressionProblem("type", finding.message, start, end, help or finding.help, better)
    if expect == "any" or reported:
        return
    if result is None:
        is_logic = isinstance(syntax.tree, Call) and syntax.tree.function in _LOGIC
        result = "BOOL" if is_logic else "DYN"
    yield from _result_problem(syntax, scope, expect, result)


def _result_problem(
    syntax: Syntax, scope: TypeScope, expect: Expected, result: str
) -> Iterator[ExpressionProblem]:
    wanted, accepted = _EXPECTED[expect]
    name = result.split("<", 1)[0]
    given = _RESULTS.get(name, f"`{result}`")
    if name == "DYN":
        # A single read may have several types, none of which is the expected one.
        shape = shape_of(syntax.references[0].path, scope) if syntax.is_reference else None
        kinds = shape.kinds() if shape is not None else frozenset({"any"})
        wanted_kinds = {
            "bool": {"boolean"},
            "string": {"string"},
            "number": {"number", "integer"},
            "list": {"array"},
            "object": {"object"},
        }[expect]
        if kinds & (wanted_kinds | {"any"}):
            return
        given = kinds_text(kinds)
        kinds_of_result = kinds
    elif name in accepted:
        return
    else:
        kinds_of_result = frozenset({_KINDS.get(name, "any")})
    end = len(syntax.text.rstrip())
    start = len(syntax.text) - len(syntax.text.lstrip())
    if expect == "bool":
        yield ExpressionProblem(
            "not-a-condition",
            TEXTS("not-a-condition", given=given, wanted=wanted),
            start,
            end,
            TEXTS("compare"),
            _compared_with_nothing(syntax, kinds_of_result),
        )
    else:
        yield ExpressionProblem("type", TEXTS("other-type", given=given, wanted=wanted), start, end)


def _compared_with_nothing(syntax: Syntax, kinds: frozenset[str]) -> Correction | None:
    """Return the comparison of a read, or of its size, with the empty value or zero.

    None for other expressions: what those should be compared with cannot be guessed.
    """
    comparison = _COMPARISONS_WITH_NOTHING.get(next(iter(kinds)) if len(kinds) == 1 else "")
    is_size = isinstance(syntax.tree, Call) and syntax.tree.function == "size"
    if comparison is None or not (syntax.is_reference or is_size):
        return None
    return Correction(0, len(syntax.text), comparison.format(syntax.text.strip()))


@lru_cache(maxsize=4096)
def _checked(text: str, types: tuple[str, ...]) -> tuple[tuple[Finding, ...], str | None]:
    """Run the library's type checker.

    Each read of a known type is replaced by a variable of that type, padded to the same length so that
    offsets stay valid: the library itself gives a field in brackets (`steps["a-1"]`) no type.

    The result depends on the arguments only and is cached, since designs are checked again and again
    while they are drawn.

    Args:
        text: The expression.
        types: The type of each of its references, in order, by the library's names.

    Returns:
        What the checker found, and the type of the result; that is None if it found anything.
    """
    prefix = "_r"
    while prefix in text:
        prefix += "r"
    variables: dict[str, str] = {}
    pieces: list[str] = []
    done = 0
    for reference, one in zip(parse(text).references, types, strict=True):
        name = f"{prefix}{len(variables)}"
        written = text[reference.start : reference.end]
        if reference.path[0] not in TYPE_NAMES:
            variables.setdefault(reference.path[0], _root_type(reference.path[0]))
        if len(reference.path) == 1 and one != DYN:
            variables[reference.path[0]] = one
        elif one != DYN and len(name) <= len(written) and not re.search(r"[()]", written):
            known = next((key for key, other in variables.items() if other == one), name)
            if known not in variables or not known.startswith(prefix):
                known = name
            variables[known] = one
            padding = re.sub(r"[^\n]", " ", written[len(known) :])
            pieces += [text[done : reference.start], known, padding]
            done = reference.end
    pieces.append(text[done:])
    rewriting = rewrite_presence(_with_numbers("".join(pieces), variables))
    try:
        checked = _environment(frozenset(variables.items())).compile(rewriting.text)
    except RuntimeError as error:
        return tuple(
            Finding(rewriting.original(one.offset), one.raw, one.message, one.help)
            for one in compile_findings(rewriting.text, str(error))
        ), None
    return (), checked.return_type().name()


@lru_cache(maxsize=256)
def _environment(variables: frozenset[tuple[str, str]]) -> cel.Env:
    # The first compilation of an environment takes ten times as long as the next.
    return environment({name: _library_type(one) for name, one in variables})


def _with_numbers(text: str, variables: dict[str, str]) -> str:
    """Replace each integer literal by a variable of type `double`, padded to the same length."""
    found = tokens(text)
    used = {token.text for token in found} | variables.keys()
    name = next((one for one in f"_{ascii_letters}" if one not in used), None)
    integers = [
        token
        for token in found
        if token.kind == "number"
        and _INTEGER_LITERAL.match(token.text)
        and text[token.start - 1 : token.start] != "."
    ]
    if name is None or not integers:
        return text
    variables[name] = "DOUBLE"
    pieces: list[str] = []
    done = 0
    for token in integers:
        pieces += [text[done : token.start], name.ljust(token.end - token.start)]
        done = token.end
    return "".join([*pieces, text[done:]])


def _library_type(name: str) -> cel.Type:
    if name.startswith("LIST<"):
        return cel.Type.List(_library_type(name[5:-1]))
    if name == OBJECT:
        return cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    simple: cel.Type = getattr(cel.Type, name)
    return simple


def _root_type(root: str) -> str:
    return OBJECT if root in ("event", "steps") else DYN


def _compared(node: Node) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    if isinstance(node, Call) and node.function in COMPARISONS:
        paths = (constant_path(argument) for argument in node.arguments)
        found |= {path for path in paths if path is not None}
    for child in children(node):
        found |= _compared(child)
    return found


def _constant_problems(syntax: Syntax) -> Iterator[ExpressionProblem]:
    """Find invalid literals: patterns, timestamps, durations and numbers in strings."""
    for call in syntax.calls:
        argument = call.arguments[-1] if call.arguments else None
        if not isinstance(argument, Const) or not isinstance(argument.value, str):
            continue
        if call.function == "matches":
            text = f'"".matches({quote(argument.value)})'
        elif call.function in ("timestamp", "duration", "int", "double"):
            text = f"{call.function}({quote(argument.value)})"
        else:
            continue
        try:
            compile(text).evaluate({})
        except ExpressionError as error:
            end = _token_end(syntax.text, argument.offset)
            yield ExpressionProblem("type", error.message, argument.offset, end, error.help)


def _never_problems(syntax: Syntax, scope: TypeScope) -> Iterator[ExpressionProblem]:
    """Find comparisons of a value from a fixed list (`enum`) with a string that is not in the list."""
    for call in syntax.calls:
        if call.function not in ("_==_", "_!=_", "@in") or len(call.arguments) != 2:
            continue
        left, right = call.arguments
        if isinstance(left, Const) and call.function != "@in":
            left, right = right, left
        path = constant_path(left)
        if path is None or path not in syntax.paths:
            continue
        shape = shape_of(path, scope)
        values = shape.values() if shape is not None else None
        if values is None:
            continue
        constants = right.elements if isinstance(right, Many) else (right,)
        for constant in constants:
            if not isinstance(constant, Const) or not isinstance(constant.value, str):
                continue
            if constant.value in values:
                continue
            listed = [value for value in values if isinstance(value, str)]
            end = _token_end(syntax.text, constant.offset)
            close = closest_name(constant.value, listed)
            better = None if close is None else Correction(constant.offset, end, quote(close))
            help = did_you_mean(constant.value, listed, quoted=True)
            if help is None:
                help = TEXTS("one-of", names=[quote(value) for value in values[:12]])
            yield ExpressionProblem(
                "type",
                TEXTS("never", path=written_path(path), value=quote(constant.value)),
                constant.offset,
                end,
                help,
                better,
            )


def _unlike_problems(syntax: Syntax, scope: TypeScope) -> Iterator[ExpressionProblem]:
    """Find comparisons of a number with a text that the library misses because one may be null."""
    for call in syntax.calls:
        if call.function not in ("_==_", "_!=_") or len(call.arguments) != 2:
            continue
        left, right = (_value_kinds(syntax, one, scope) for one in call.arguments)
        for one, other, names in (
            (left, right, ("string", "double")),
            (right, left, ("double", "string")),
        ):
            if one and other and one <= {"string"} and other <= _NUMBER:
                start, end = operator_span(syntax.text, call.offset)
                message, help = overload(call.function, names)
                yield ExpressionProblem("type", message, start, end, help)


def _value_kinds(syntax: Syntax, node: Node, scope: TypeScope) -> frozenset[str]:
    """Return the JSON types of a literal or a read, without null; empty if they are not known."""
    if isinstance(node, Const):
        return frozenset({kind_of(node.value)}) if node.value is not None else frozenset()
    path = constant_path(node)
    if path is None or path not in syntax.paths:
        return frozenset()
    shape = shape_of(path, scope)
    kinds = frozenset() if shape is None else shape.kinds()
    return frozenset() if "any" in kinds else kinds - {"null"}


def operator_span(text: str, offset: int) -> tuple[int, int]:
    """Return the span of the operator or the function name at an offset that the library reported.

    The library reports a function call at its opening parenthesis.
    """
    if text[offset : offset + 1] == "(" and (name := re.search(r"\w+\s*\Z", text[:offset])):
        return name.start(), name.start() + len(name.group().rstrip())
    return offset, _token_end(text, offset)


def _token_end(text: str, start: int) -> int:
    found = tokens(text[start : start + 1_000])
    return start + found[0].end if found and found[0].start == 0 else min(start + 1, len(text))
