"""Checks expressions against what is known where they stand: names, fields, types."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Any, Literal

import cel_expr_python.cel as cel

from .doubles import EVERY, double_paths, escaped
from .errors import ExpressionError, ExpressionProblem
from .literals import quote, written_path
from .presence import rewrite_presence
from .program import compile
from .shapes import Shape
from .syntax import Reference, Syntax, children, constant_path, parse
from .tokens import tokens
from .tree import Call, Const, Many, Node
from .wording import Finding, compile_findings

Expected = Literal["any", "bool", "string", "number", "list", "object"]

# Types by the names the library gives them: `INT`, `LIST<STRING>`, `MAP<STRING, DYN>`.
_DYN = "DYN"
_OBJECT = "MAP<STRING, DYN>"
_EVENT_FIELDS: Mapping[str, Any] = {"name": "string", "id": "string", "ts": "integer"}
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "run": {"id": "string"},
    "workflow": {"id": "string", "version": None},
}
_LOCAL_NAMES = {
    "item": "inside a `foreach`",
    "index": "inside a `foreach`",
    "iteration": "inside a `loop`",
}
_COMPARISONS = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})
_LOGIC = _COMPARISONS | {"_&&_", "_||_", "!_"}
_EXPECTED: Mapping[str, tuple[str, frozenset[str]]] = {
    "bool": ("true or false", frozenset({"BOOL"})),
    "string": ("a string", frozenset({"STRING"})),
    "number": ("a number", frozenset({"INT", "UINT", "DOUBLE"})),
    "list": ("a list", frozenset({"LIST"})),
    "object": ("an object", frozenset({"MAP"})),
}
_RESULTS = {
    "BOOL": "true or false",
    "STRING": "a string",
    "INT": "an integer",
    "UINT": "an unsigned integer",
    "DOUBLE": "a double",
    "LIST": "a list",
    "MAP": "an object",
    "NULL": "null",
    "NULL_TYPE": "null",
    "TIMESTAMP": "a timestamp",
    "DURATION": "a duration",
    "BYTES": "bytes",
    "TYPE": "a type",
}


@dataclass(frozen=True)
class TypeScope:
    """What an expression may read at one place.

    `event_data` is a JSON Schema of `event.data`; `steps` maps the ids of the nodes that may be
    read to their fields, each given as a JSON Schema, the name of a JSON type (`"string"`), or
    `None` for anything; `names` are those of `item`, `index` and `iteration` that are in scope.
    """

    event_data: Any = None
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    names: Collection[str] = ()
    initiator: bool = True
    tenant: bool = True

    @cached_property
    def roots(self) -> frozenset[str]:
        """Every name in scope."""
        found = {"event", "steps", "run", "workflow", *self.names}
        return frozenset(
            found
            | ({"initiator"} if self.initiator else set())
            | ({"tenant_id"} if self.tenant else set())
        )

    @cached_property
    def data(self) -> Shape:
        """The shape of `event.data`."""
        return Shape.of(self.event_data)

    @cached_property
    def doubles(self) -> tuple[tuple[str, ...], ...]:
        """The paths below `event.data` that are passed as doubles."""
        return double_paths(self.event_data)


def problems(text: str, scope: TypeScope, *, expect: Expected = "any") -> list[ExpressionProblem]:
    """Everything wrong with an expression, in order of its text; never raises."""
    try:
        syntax = parse(text)
    except ExpressionError as error:
        start = error.offset or 0
        end = _token_end(text, start)
        return [ExpressionProblem("syntax", error.message, start, end, error.help)]
    each = (_reference_problem(text, reference, scope) for reference in syntax.references)
    found = list(dict.fromkeys(problem for problem in each if problem is not None))
    found += _constant_problems(syntax)
    found += _never_problems(syntax, scope)
    if not any(problem.kind == "unknown-reference" for problem in found):
        found += _type_problems(syntax, scope, expect)
    return sorted(found, key=lambda problem: (problem.start, problem.end))


def _reference_problem(
    text: str, reference: Reference, scope: TypeScope
) -> ExpressionProblem | None:
    path = reference.path
    root = path[0]

    def unknown(message: str, help: str | None) -> ExpressionProblem:
        return ExpressionProblem("unknown-reference", message, reference.start, reference.end, help)

    if root not in scope.roots:
        if root in _LOCAL_NAMES:
            return unknown(f"`{root}` is only there {_LOCAL_NAMES[root]}", None)
        named = [one for one in scope.steps if text.startswith(one, reference.start)]
        if named and root not in named:
            help: str | None = f"did you mean `{written_path(('steps', max(named, key=len)))}`?"
        else:
            help = did_you_mean(root, scope.roots)
        if help is None and root in scope.steps:
            help = f"did you mean `{written_path(('steps', *path))}`?"
        if help is None and root in scope.data.fields():
            help = f"did you mean `{written_path(('event', 'data', *path))}`?"
        return unknown(f"there is nothing called `{root}` here", help)
    if root == "steps":
        return _step_problem(reference, scope)
    if root == "event" and len(path) > 1:
        if path[1] == "data":
            return _shape_problem(reference, scope.data, 2)
        if path[1] not in _EVENT_FIELDS:
            help = did_you_mean(path[1], (*_EVENT_FIELDS, "data"))
            if path[1] in scope.data.fields() or help is None:
                help = f"did you mean `{written_path(('event', 'data', *path[1:]))}`?"
            return unknown(f"`event` has no field `{path[1]}`", help)
    if root in _FIELDS and len(path) > 1 and path[1] not in _FIELDS[root]:
        return unknown(f"`{root}` has no field `{path[1]}`", did_you_mean(path[1], _FIELDS[root]))
    shape = _shape(path, scope)
    if shape is None and len(path) > 1:
        for length in range(1, len(path)):
            owner = _shape(path[:length], scope)
            if owner is not None and not owner.kinds() & {"object", "any"}:
                return _shape_problem(reference, owner, length)
    return None


def _step_problem(reference: Reference, scope: TypeScope) -> ExpressionProblem | None:
    path = reference.path

    def unknown(message: str, help: str | None) -> ExpressionProblem:
        return ExpressionProblem("unknown-reference", message, reference.start, reference.end, help)

    if len(path) == 1:
        return unknown(
            "`steps` is read without saying which step",
            'write `steps.<id>`, or `steps["<id>"]` for an id that is no identifier',
        )
    fields = scope.steps.get(path[1])
    if fields is None:
        close = get_close_matches(path[1], scope.steps, n=1)
        help = f"did you mean `{written_path(('steps', close[0]))}`?" if close else None
        return unknown(f"there is no step `{path[1]}` to read here", help)
    if len(path) == 2:
        return None
    if path[2] not in fields:
        help = did_you_mean(path[2], fields)
        if help is None and "output" in fields:
            help = f"did you mean `{written_path(('steps', path[1], 'output', *path[2:]))}`?"
        return unknown(f"`{written_path(path[:2])}` has no field `{path[2]}`", help)
    return _shape_problem(reference, Shape.of(fields[path[2]]), 3)


def _shape_problem(reference: Reference, shape: Shape, at: int) -> ExpressionProblem | None:
    """What is wrong with the path from index `at` on, below a value of this shape."""
    for index in range(at, len(reference.path)):
        name = reference.path[index]
        owner = written_path(reference.path[:index])
        kinds = shape.kinds()
        if not kinds & {"object", "any"}:
            is_list = "array" in kinds
            return ExpressionProblem(
                "type",
                f"`{owner}` is {_kinds_text(kinds)} and has no field `{name}`",
                reference.start,
                reference.end,
                f"read one item, `{owner}[0].{name}`, or all: `{owner}.map(x, x.{name})`"
                if is_list and kinds <= {"array", "null"}
                else None,
            )
        fields = shape.fields()
        below = shape.field(name)
        if name not in fields:
            help = did_you_mean(name, fields) if below.alternatives == () else None
            if shape.is_closed() or help is not None:
                return ExpressionProblem(
                    "unknown-reference",
                    f"`{owner}` has no field `{name}`",
                    reference.start,
                    reference.end,
                    help,
                )
        shape = below
    return None


def _shape(path: tuple[str, ...], scope: TypeScope) -> Shape | None:
    """The shape of what a path reads; `None` where nothing is known."""
    root = path[0]
    if root == "event" and len(path) > 1:
        if path[1] != "data":
            return Shape.of(_EVENT_FIELDS.get(path[1])) if len(path) == 2 else None
        shape, rest = scope.data, path[2:]
    elif root == "steps" and len(path) > 2:
        fields = scope.steps.get(path[1], {})
        shape, rest = Shape.of(fields.get(path[2])), path[3:]
    elif root in _FIELDS and len(path) == 2:
        return Shape.of(_FIELDS[root].get(path[1]))
    elif root in ("tenant_id", "index", "iteration") and len(path) == 1:
        return Shape.of("integer")
    else:
        return None
    for name in rest:
        shape = shape.field(name)
    return shape


def _static_type(path: tuple[str, ...], scope: TypeScope) -> str:
    shape = _shape(path, scope)
    if shape is None:
        return _DYN
    data = tuple(escaped(part) for part in path[2:]) if path[:2] == ("event", "data") else None
    return _cel_type(shape, scope, data, 0)


def _cel_type(shape: Shape, scope: TypeScope, data: tuple[str, ...] | None, depth: int) -> str:
    """The CEL type; `data` is the path below `event.data`, where numbers become doubles."""
    kinds = shape.kinds()
    if kinds <= {"number", "integer"} and "number" in kinds:
        is_double = data is not None and any(_matches(path, data) for path in scope.doubles)
        return "DOUBLE" if is_double else _DYN
    if len(kinds) != 1:
        return _DYN
    (kind,) = kinds
    if kind == "array" and depth < 3:
        below = None if data is None else (*data, EVERY)
        return f"LIST<{_cel_type(shape.item(), scope, below, depth + 1)}>"
    if kind == "object":
        return _OBJECT
    simple = {
        "string": "STRING",
        "integer": "INT",
        "boolean": "BOOL",
    }
    return simple.get(kind, _DYN)


def _matches(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(pattern) == len(path) and all(
        part in (EVERY, name) for part, name in zip(pattern, path, strict=True)
    )


def _type_problems(
    syntax: Syntax, scope: TypeScope, expect: Expected
) -> Iterator[ExpressionProblem]:
    types = [
        _DYN if reference.presence else _static_type(reference.path, scope)
        for reference in syntax.references
    ]
    findings, result = _checked(syntax, types)
    tolerated = [finding for finding in findings if finding.compares_well]
    if tolerated:
        # The library refuses to compare an integer with a double, or anything with null, though
        # both evaluate. Looking again without the types of what is compared finds the rest.
        compared = _compared(syntax.tree)
        loose = [
            _DYN if reference.path in compared else one
            for reference, one in zip(syntax.references, types, strict=True)
        ]
        again, result = _checked(syntax, loose)
        known = {(finding.offset, finding.message) for finding in findings}
        findings += [one for one in again if (one.offset, one.message) not in known]
    reported = False
    for finding in findings:
        if finding.compares_well:
            continue
        reported = True
        start, end = _operator_span(syntax.text, finding.offset)
        help = _double_help(syntax, finding) or finding.help
        yield ExpressionProblem("type", finding.message, start, end, help)
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
        # A single read whose type has several alternatives, none of them the one wanted.
        shape = _shape(syntax.references[0].path, scope) if syntax.is_reference else None
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
        given = _kinds_text(kinds)
    elif name in accepted:
        return
    end = len(syntax.text.rstrip())
    start = len(syntax.text) - len(syntax.text.lstrip())
    if expect == "bool":
        yield ExpressionProblem(
            "not-a-condition",
            f"the condition gives {given}, not {wanted}",
            start,
            end,
            "compare the value with something",
        )
    else:
        yield ExpressionProblem("type", f"the expression gives {given}, not {wanted}", start, end)


def _checked(syntax: Syntax, types: list[str]) -> tuple[list[Finding], str | None]:
    """What the library's type checker finds, and the type of the result if it found nothing.

    Each read of a known type is replaced by a variable of that type, as long as itself: a name
    written in brackets would otherwise be of no type.
    """
    text = syntax.text
    prefix = "_r"
    while prefix in text:
        prefix += "r"
    variables: dict[str, str] = {}
    pieces: list[str] = []
    done = 0
    for reference, one in zip(syntax.references, types, strict=True):
        name = f"{prefix}{len(variables)}"
        written = text[reference.start : reference.end]
        variables.setdefault(reference.path[0], _root_type(reference.path[0]))
        if len(reference.path) == 1 and one != _DYN:
            variables[reference.path[0]] = one
        elif one != _DYN and len(name) <= len(written) and not re.search(r"[()]", written):
            known = next((key for key, other in variables.items() if other == one), name)
            if known not in variables or not known.startswith(prefix):
                known = name
            variables[known] = one
            padding = re.sub(r"[^\n]", " ", written[len(known) :])
            pieces += [text[done : reference.start], known, padding]
            done = reference.end
    pieces.append(text[done:])
    rewriting = rewrite_presence("".join(pieces))
    try:
        checked = _environment(frozenset(variables.items())).compile(rewriting.text)
    except RuntimeError as error:
        return [
            Finding(rewriting.original(one.offset), one.raw, one.message, one.help)
            for one in compile_findings(rewriting.text, str(error))
        ], None
    return [], checked.return_type().name()


@lru_cache(maxsize=256)
def _environment(variables: frozenset[tuple[str, str]]) -> cel.Env:
    # The first compilation of an environment takes ten times as long as the next.
    return cel.NewEnv(variables={name: _library_type(one) for name, one in variables})


def _library_type(name: str) -> cel.Type:
    if name.startswith("LIST<"):
        return cel.Type.List(_library_type(name[5:-1]))
    if name == _OBJECT:
        return cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    simple: cel.Type = getattr(cel.Type, name)
    return simple


def _root_type(root: str) -> str:
    return _OBJECT if root in ("event", "steps") else _DYN


def _compared(node: Node) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    if isinstance(node, Call) and node.function in _COMPARISONS:
        paths = (constant_path(argument) for argument in node.arguments)
        found |= {path for path in paths if path is not None}
    for child in children(node):
        found |= _compared(child)
    return found


def _double_help(syntax: Syntax, finding: Finding) -> str | None:
    """Which operand of mixed arithmetic to turn into a double."""
    mixed = finding.mixed_arithmetic
    if mixed is None:
        return None
    for call in _calls(syntax.tree):
        if call.offset != finding.offset or len(call.arguments) != 2:
            continue
        for argument, kind in zip(call.arguments, mixed, strict=True):
            if kind == "double":
                continue
            if isinstance(argument, Const) and isinstance(argument.value, int):
                return f"write `{argument.value}.0` for `{argument.value}`"
            if (path := constant_path(argument)) is not None:
                return f"write `double({written_path(path)})`"
    return None


def _constant_problems(syntax: Syntax) -> Iterator[ExpressionProblem]:
    """Patterns, timestamps and durations that are written out and wrong."""
    for call in _calls(syntax.tree):
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
    """Comparisons with a string that a value of a listed few never is."""
    for call in _calls(syntax.tree):
        if call.function not in ("_==_", "_!=_", "@in") or len(call.arguments) != 2:
            continue
        left, right = call.arguments
        if isinstance(left, Const) and call.function != "@in":
            left, right = right, left
        path = constant_path(left)
        if path is None or not any(one.path == path for one in syntax.references):
            continue
        shape = _shape(path, scope)
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
            help = did_you_mean(constant.value, listed, quoted=True)
            if help is None:
                help = "it is one of " + ", ".join(f"`{quote(value)}`" for value in values[:12])
            yield ExpressionProblem(
                "type",
                f"`{written_path(path)}` is never `{quote(constant.value)}`",
                constant.offset,
                _token_end(syntax.text, constant.offset),
                help,
            )


def _calls(node: Node) -> Iterator[Call]:
    if isinstance(node, Call):
        yield node
    for child in children(node):
        yield from _calls(child)


def did_you_mean(name: str, known: Collection[str], *, quoted: bool = False) -> str | None:
    """The closest known name, as a help text."""
    close = get_close_matches(name, sorted(known), n=1)
    if not close:
        return None
    return f"did you mean `{quote(close[0]) if quoted else close[0]}`?"


def _kinds_text(kinds: Collection[str]) -> str:
    names = {
        "string": "a string",
        "number": "a number",
        "integer": "an integer",
        "boolean": "true or false",
        "array": "a list",
        "object": "an object",
        "null": "null",
    }
    return " or ".join(names.get(kind, f"`{kind}`") for kind in sorted(kinds))


def _operator_span(text: str, offset: int) -> tuple[int, int]:
    """The span to blame: the library puts a call at its parenthesis, we at its name."""
    if text[offset : offset + 1] == "(" and (name := re.search(r"\w+\s*\Z", text[:offset])):
        return name.start(), name.start() + len(name.group().rstrip())
    return offset, _token_end(text, offset)


def _token_end(text: str, start: int) -> int:
    found = tokens(text[start : start + 1_000])
    return start + found[0].end if found and found[0].start == 0 else min(start + 1, len(text))
