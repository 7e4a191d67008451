"""Checks structured conditions against the types of the fields that they compare.

The expression that a condition is converted to accepts values of every type, since forms write numbers
as texts. The library's type checker therefore finds nothing in it. So each comparison is checked here
as it was written, and each problem has the path of the key that is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import MAX_EXACT, number_text

from .checking import problems
from .conditions import Comparison, alternatives, bounds, comparisons, listed
from .errors import Correction, ExpressionError, ExpressionProblem
from .literals import quote
from .scope import (
    TypeScope,
    closest_name,
    did_you_mean,
    kinds_text,
    reference_problem,
    shape_of,
)
from .shapes import Shape
from .syntax import Reference, parse
from .template import template
from .tokens import is_identifier

TEXTS = Texts(
    "condition",
    {
        "holding": Text("a string, a list or an object", "字符串、列表或对象"),
        "a-field-of": Text("a field of ", "的字段名"),
        "an-item-of": Text("an item of ", "的列表项"),
        "a-string": Text("a string", "字符串"),
        "ordered": Text("a number or a string", "数字或字符串"),
        "one-of": Text("it is one of {names:names}", "可选值：{names:names}"),
        "never": Text(
            "{of:raw}`{field:raw}` is never `{value:raw}`",
            "`{field:raw}` {of:raw}不可能是 `{value:raw}`",
        ),
        "write-number": Text("write a number", "填写数字"),
        "write-kinds": Text("write {kinds:raw}", "填写{kinds:raw}"),
        "write-text": Text("write the text `{text:raw}`", "改为文本 `{text:raw}`"),
        "unlike": Text(
            "`{operator:raw}` compares {of:raw}`{field:raw}`, which is {kinds:raw}, with "
            "{given:raw}",
            "`{operator:raw}` 将 `{field:raw}` {of:raw}（{kinds:raw}）与{given:raw}比较",
        ),
        "for-others": Text(
            "`{operator:raw}` is for {what:raw}, and `{field:raw}` is {kinds:raw}",
            "`{operator:raw}` 只适用于{what:raw}，而 `{field:raw}` 是{kinds:raw}",
        ),
        "other-operator": Text("use another operator", "使用其他运算符"),
    },
)

Path = tuple[str | int, ...]

_NUMBER = frozenset({"number", "integer"})
_ORDERED = frozenset({"string", *_NUMBER})
_HOLDING = frozenset({"string", "array", "object"})
_WITHOUT_VALUE = frozenset({"isEmpty", "isNotEmpty", "exists", "notExists"})


def condition_problems(condition: Any, scope: TypeScope) -> list[tuple[Path, ExpressionProblem]]:
    """Find everything that is wrong with a structured condition.

    Args:
        condition: A condition that `condition_to_cel` accepts.
        scope: What it may read.

    Returns:
        Pairs of a path in the condition (keys and indices) and the problem there.
    """
    return [
        (path, found) for one in comparisons(condition) for path, found in _problems_of(one, scope)
    ]


def _problems_of(one: Comparison, scope: TypeScope) -> Iterator[tuple[Path, ExpressionProblem]]:
    field = (*one.path, "field")
    if (unknown := _unknown(one, scope)) is not None:
        yield field, unknown
        return
    computed = False
    for path, text in _texts(one.value, (*one.path, "value")):
        for expression, _ in template(text).expressions:
            computed = True
            yield from ((path, found) for found in problems(expression, scope))
    shape = _shape(one, scope)
    kinds = frozenset({"any"}) if shape is None else shape.kinds() - {"null"}
    if computed or shape is None or not kinds or "any" in kinds or one.operator in _WITHOUT_VALUE:
        return
    yield from _type_problems(one, shape, kinds)


def _unknown(one: Comparison, scope: TypeScope) -> ExpressionProblem | None:
    """Return the problem if the field does not exist; else None."""
    named: list[str] = []
    for part in one.parts:
        if isinstance(part, int) or (part.isdecimal() and len(named) > 1):
            break
        named.append(part)
    reference = Reference(tuple(named), 0, len(one.field), guarded=True)
    found = reference_problem(one.field, reference, scope)
    if found is None or found.correction is None:
        return found
    field = _field_meant(one, tuple(named), found.correction.text)
    better = None if field is None else Correction(0, len(one.field), field, whole=True)
    if better is not None and _unknown(
        replace(one, field=better.text, parts=_path(better.text)), scope
    ):
        better = None
    return replace(found, correction=better)


def _path(field: str) -> tuple[str | int, ...]:
    (found,) = comparisons({"field": field, "operator": "exists"})
    return found.parts


def _field_meant(one: Comparison, named: tuple[str, ...], meant: str) -> str | None:
    """Return a field with the one name replaced that differs from the path that is meant."""
    path = parse(meant).references[0].path
    if len(path) != len(named):
        return None
    changed = [(old, new) for old, new in zip(named, path, strict=True) if old != new]
    if len(changed) != 1 or not is_identifier(changed[0][1]) or one.field.count(changed[0][0]) != 1:
        return None
    field = one.field.replace(*changed[0])
    return field if _path(field)[: len(path)] == path else None


def _shape(one: Comparison, scope: TypeScope) -> Shape | None:
    """Return the shape of the compared field; None if it is not known."""
    names: list[str] = []
    shape: Shape | None = None
    for at, part in enumerate(one.parts):
        if shape is None and isinstance(part, str) and not (at > 1 and part.isdecimal()):
            names.append(part)
            continue
        if shape is None:
            shape = shape_of(tuple(names), scope)
        if shape is None:
            return None
        is_index = isinstance(part, int) or (part.isdecimal() and "array" in shape.kinds())
        if isinstance(part, str) and not is_index:
            shape = shape.field(part)
        elif shape.kinds() <= {"array", "null"}:
            shape = shape.item()
        else:
            return None
    return shape_of(tuple(names), scope) if shape is None else shape


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the strings of a value that contain `${…}`, with their paths."""
    if isinstance(value, str) and "${" in value:
        yield path, value
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _texts(item, (*path, at))


def _type_problems(
    one: Comparison, shape: Shape, kinds: frozenset[str]
) -> Iterator[tuple[Path, ExpressionProblem]]:
    value, operator = (*one.path, "value"), (*one.path, "operator")
    match one.operator:
        case "==" | "!=":
            yield from _equality(one, shape, kinds, [(value, one.value)])
        case "in" | "notIn":
            members = listed(one.value)
            own = isinstance(one.value, list | tuple)
            places = [((*value, at) if own else value, item) for at, item in enumerate(members)]
            yield from _equality(one, shape, kinds, places, exact=own)
        case "contains" | "notContains":
            if not kinds & _HOLDING:
                what = TEXTS("holding")
                yield operator, _takes(one, what, kinds)
            elif kinds <= {"string", "object"} and not isinstance(one.value, str):
                of = TEXTS("a-field-of") if kinds <= {"object"} else ""
                yield value, _unlike(one, frozenset({"string"}), one.value, of)
            elif kinds <= {"array"}:
                item = shape.item()
                of_items = item.kinds() - {"null"}
                if of_items and "any" not in of_items:
                    yield from _equality(
                        one, item, of_items, [(value, one.value)], of=TEXTS("an-item-of")
                    )
        case "startsWith" | "endsWith":
            if "string" not in kinds:
                yield operator, _takes(one, TEXTS("a-string"), kinds)
        case _:
            if not kinds & _ORDERED:
                yield operator, _takes(one, TEXTS("ordered"), kinds)
                return
            limits = bounds(one.value) if one.operator == "between" else (one.value,)
            for limit in limits:
                if not _kinds_of(limit) & _ordered_like(kinds):
                    found = _unlike(one, kinds, limit)
                    if one.operator == "between":
                        found = replace(found, correction=None)
                    yield value, found
                    return


def _ordered_like(kinds: Collection[str]) -> frozenset[str]:
    return frozenset(kinds) | (_NUMBER if _NUMBER & frozenset(kinds) else frozenset())


def _equality(
    one: Comparison,
    shape: Shape,
    kinds: frozenset[str],
    values: list[tuple[Path, Any]],
    of: str = "",
    *,
    exact: bool = True,
) -> Iterator[tuple[Path, ExpressionProblem]]:
    """Find values that the field, or the part of it that `of` names, can never equal.

    `exact` says whether a path leads to the value itself, not to a text that holds several.
    """
    known = shape.values()
    for path, value in values:
        if value is None:
            continue
        if not _kinds_of(value) & _ordered_like(kinds):
            yield path, _unlike(one, kinds, value, of)
            return
        elif known is not None and not any(same in known for same in alternatives(value)):
            texts = [item for item in known if isinstance(item, str)]
            help = did_you_mean(str(value), texts, quoted=True)
            if help is None:
                help = TEXTS("one-of", names=[_shown(item) for item in known[:12]])
            close = closest_name(str(value), texts) if exact else None
            better = None if close is None else Correction(0, 0, close, whole=True)
            yield (
                path,
                _problem(TEXTS("never", of=of, field=one.field, value=_shown(value)), help, better),
            )


def _kinds_of(value: Any) -> frozenset[str]:
    return frozenset(
        kind for same in alternatives(value) for kind in Shape.of({"const": same}).kinds()
    )


def _unlike(one: Comparison, kinds: Collection[str], value: Any, of: str = "") -> ExpressionProblem:
    given = kinds_text(Shape.of({"const": value}).kinds() - {"integer"} or {"number"})
    numbers = frozenset(kinds) <= _NUMBER
    help, better = (
        TEXTS("write-number") if numbers else TEXTS("write-kinds", kinds=_kinds_text(kinds)),
        None,
    )
    if frozenset(kinds) == {"string"} and type(value) in (int, float) and abs(value) < MAX_EXACT:
        better = Correction(0, 0, number_text(value), whole=True)
        help = TEXTS("write-text", text=quote(better.text))
    return _problem(
        TEXTS(
            "unlike",
            operator=one.operator,
            of=of,
            field=one.field,
            kinds=_kinds_text(kinds),
            given=given,
        ),
        help,
        better,
    )


def _takes(one: Comparison, what: str, kinds: Collection[str]) -> ExpressionProblem:
    return _problem(
        TEXTS(
            "for-others",
            operator=one.operator,
            what=what,
            field=one.field,
            kinds=_kinds_text(kinds),
        ),
        TEXTS("other-operator"),
    )


def _kinds_text(kinds: Collection[str]) -> str:
    return kinds_text({"number" if one == "integer" else one for one in kinds})


def _shown(value: Any) -> str:
    try:
        text = quote(value)
    except ExpressionError:
        text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _problem(message: str, help: str, better: Correction | None = None) -> ExpressionProblem:
    return ExpressionProblem("type", message, 0, 0, help, better)
