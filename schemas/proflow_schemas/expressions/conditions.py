"""Converts the structured conditions that canvases store into CEL expressions.

A condition is `{field, operator, value}` or a group. A group is a list (all must hold), a list of lists
(one list must hold), `{"all": […]}`, `{"any": […]}`, `{"not": …}`, or
`{"logic": "and" | "or", "conditions": […]}`.

- A missing field makes every comparison false, including `!=` and `notIn`; only `isEmpty` and
  `notExists` hold. A field whose parent is `null` counts as missing.
- Forms store texts, so a text that reads as a JSON number or boolean matches both: the value `"100"`
  equals `100` and `"100"`.
- `between` includes both bounds. `contains` works on strings, lists and objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import is_exact

from .errors import ExpressionError
from .literals import quote
from .syntax import parse
from .template import template
from .tokens import is_identifier

TEXTS = Texts(
    "conditions",
    {
        "in-a-group": Text(
            '`contains` in a group: `{{"{key:raw}": [{{"field": …, "operator": "contains", '
            '"value": …}}, …]}}`',
            '条件组中的 `contains`：`{{"{key:raw}": [{{"field": …, "operator": "contains", '
            '"value": …}}, …]}}`',
        ),
        "equals-true": Text("`==` with the value `true`", "`==`，值为 `true`"),
        "equals-false": Text("`==` with the value `false`", "`==`，值为 `false`"),
        "logic": Text(
            '`"logic": "and"` or `"or"` of a group, beside its `conditions`',
            '条件组的 `"logic": "and"` 或 `"or"`，与 `conditions` 同级',
        ),
        "too-deep": Text(
            "conditions are nested more than {most} groups deep",
            "条件组的嵌套超过 {most} 层",
        ),
        "not-object": Text(
            "a condition is an object or a list, not `{type:raw}`",
            "条件必须是对象或列表，不能是 `{type:raw}`",
        ),
        "write": Text(
            'write `{{"field": …, "operator": …, "value": …}}`',
            '填写 `{{"field": …, "operator": …, "value": …}}`',
        ),
        "two-keys": Text(
            "a condition has both `{key:raw}` and `{other:raw}`",
            "条件同时有 `{key:raw}` 和 `{other:raw}`",
        ),
        "put-into": Text("put one into the other", "将一个放入另一个"),
        "bad-logic": Text(
            "`{key:raw}` of a group is {logic:raw}",
            "条件组的 `{key:raw}` 是 {logic:raw}",
        ),
        "and-or": Text("`and` or `or`", "应为 `and` 或 `or`"),
        "empty-group": Text("a group of conditions is empty", "条件组为空"),
        "fill": Text("remove it or fill it", "移除它，或填写条件"),
        "no-field": Text("a condition has no `field`", "条件缺少 `field`"),
        "no-value": Text(
            "the condition on `{field:raw}` has no `value`",
            "`{field:raw}` 的条件缺少 `value`",
        ),
        "takes-string": Text(
            "`{operator:raw}` on `{field:raw}` takes a string, not {value:raw}",
            "`{field:raw}` 的 `{operator:raw}` 需要字符串，不能是 {value:raw}",
        ),
        "takes-ordered": Text(
            "`{operator:raw}` on `{field:raw}` takes a number or a string, not {value:raw}",
            "`{field:raw}` 的 `{operator:raw}` 需要数字或字符串，不能是 {value:raw}",
        ),
        "mixed": Text(
            "a value to compare with mixes text and `${{…}}`",
            "用于比较的值不能混用文本和 `${{…}}`",
        ),
        "one-expression": Text(
            'write it as one expression: `${{"…" + event.data.field}}`',
            '写成一个表达式：`${{"…" + event.data.field}}`',
        ),
        "takes-list": Text(
            "`{operator:raw}` on `{field:raw}` takes a list, not {value:raw}",
            "`{field:raw}` 的 `{operator:raw}` 需要列表，不能是 {value:raw}",
        ),
        "two-bounds": Text(
            "`between` on `{field:raw}` takes two bounds",
            "`{field:raw}` 的 `between` 需要上下限",
        ),
        "low-high": Text("write `[low, high]`", "填写 `[low, high]`"),
        "no-operator": Text("a condition has no `operator`", "条件缺少 `operator`"),
        "operator-string": Text(
            "an operator is a string, not {written:raw}",
            "运算符必须是字符串，不能是 {written:raw}",
        ),
        "unknown-operator": Text(
            "there is no operator {written:raw}",
            "运算符 {written:raw} 不存在",
        ),
        "use-when": Text(
            "use `contains`, `startsWith` or `endsWith`; for a pattern write the rule as "
            '`when`: `event.data.code.matches("^A[0-9]+$")`',
            "使用 `contains`、`startsWith` 或 `endsWith`；如果需要正则，将规则写成 `when`："
            '`event.data.code.matches("^A[0-9]+$")`',
        ),
        "did-you-mean": Text("did you mean {spelt:raw}?", "是否想写 {spelt:raw}？"),
        "did-you-mean-operator": Text("did you mean {meant:raw}?", "是否想写 {meant:raw}？"),
        "not-contains": Text("did you mean `notContains`?", "是否想写 `notContains`？"),
        "contains": Text(
            "did you mean `contains`? there are `startsWith` and `endsWith` as well",
            "是否想写 `contains`？也可使用 `startsWith` 和 `endsWith`",
        ),
        "ends-with": Text(
            "did you mean `endsWith` with the value {inner:raw}?",
            "是否想写 `endsWith`，值为 {inner:raw}？",
        ),
        "starts-with": Text(
            "did you mean `startsWith` with the value {inner:raw}?",
            "是否想写 `startsWith`，值为 {inner:raw}？",
        ),
        "one-of": Text("one of {operators:names}", "可选值：{operators:names}"),
        "no-path": Text("`field` is no path: {field:raw}", "`field` 不是路径：{field:raw}"),
        "write-path": Text(
            'write `customer.level`, or `lines[0]["unit price"]`',
            '填写 `customer.level` 或 `lines[0]["unit price"]`',
        ),
    },
)

MAX_GROUP_DEPTH = 8

_ALIASES: dict[str, tuple[str, ...]] = {
    "==": ("=", "===", "eq", "equal", "equals", "is", "等于"),
    "!=": ("!==", "<>", "ne", "neq", "notequal", "notequals", "isnot", "不等于"),
    ">": ("gt", "greaterthan", "after", "大于"),
    ">=": ("gte", "ge", "greaterthanorequal", "greaterthanorequals", "atleast", "大于等于"),
    "<": ("lt", "lessthan", "before", "小于"),
    "<=": ("lte", "le", "lessthanorequal", "lessthanorequals", "atmost", "小于等于"),
    "in": ("oneof", "anyof", "属于"),
    "notIn": ("nin", "notoneof", "noneof", "不属于"),
    "contains": ("include", "includes", "has", "包含"),
    "notContains": ("doesnotcontain", "excludes", "notincludes", "不包含"),
    "startsWith": ("beginswith", "prefix", "开头是"),
    "endsWith": ("suffix", "结尾是"),
    "between": ("range", "介于"),
    "isEmpty": ("empty", "为空"),
    "isNotEmpty": ("notempty", "nonempty", "不为空"),
    "exists": ("isset", "存在"),
    "notExists": ("isnotset", "doesnotexist", "不存在"),
}
OPERATORS = tuple(_ALIASES)
_OPERATOR_OF = {
    alias.lower(): operator
    for operator, aliases in _ALIASES.items()
    for alias in (operator, *aliases)
}

_LIKE = frozenset(
    {"like", "ilike", "rlike", "likeleft", "likeright", "fuzzy", "模糊", "类似", "search"}
)
_PATTERN = frozenset(
    {"regex", "regexp", "matches", "match", "matchesregex", "pattern", "~", "=~", "glob", "re"}
)
_SPELT: dict[str, str] = {
    **dict.fromkeys(("=<", "≤"), "`<=`"),
    **dict.fromkeys(("=>", "≥"), "`>=`"),
    **dict.fromkeys(("≠", "=!", "!", "not"), "`!=`"),
    **dict.fromkeys(("!in",), "`notIn`"),
    **dict.fromkeys(("isnull", "null", "isblank", "blank", "none"), "`isEmpty`"),
    **dict.fromkeys(("isnotnull", "notnull", "isnotblank", "notblank"), "`isNotEmpty`"),
    **dict.fromkeys(("greater", "more", "morethan", "bigger", "above", "over"), "`>`"),
    **dict.fromkeys(("less", "smaller", "below", "under"), "`<`"),
    **dict.fromkeys(("istrue", "true", "checked"), TEXTS("equals-true")),
    **dict.fromkeys(("isfalse", "false", "unchecked"), TEXTS("equals-false")),
    **dict.fromkeys(
        ("containsany", "hasany", "intersects", "overlaps"), TEXTS("in-a-group", key="any")
    ),
    **dict.fromkeys(("containsall", "hasall"), TEXTS("in-a-group", key="all")),
    **dict.fromkeys(("begins", "begin", "starts", "startwith"), "`startsWith`"),
    **dict.fromkeys(("ends", "endwith"), "`endsWith`"),
    **dict.fromkeys(
        ("and", "or", "all", "any"),
        TEXTS("logic"),
    ),
}
"""Words of other products that name no operator here → what to write instead."""
_SHORTEST, _ALIKE = 4, 0.8
"""The length and the similarity (0 to 1) from which on a word may be a typing error of another one."""
_LONGEST_SHOWN = 30

# The other operators fail on null, so for them null is treated like a missing field.
_TAKES_NULL = frozenset({"==", "!=", "in", "notIn"})

_ALL = frozenset({"all", "and", "&&", "every"})
_ANY = frozenset({"any", "or", "||", "some"})
_LOGIC_KEYS = ("logic", "combinator", "logicalOperator", "logical_operator", "conjunction")
_OPERATOR_KEYS = ("operator", "op", "comparator")
_MEMBER_KEYS = ("conditions", "rules", "children", "items")

NOTES = frozenset(
    {"id", "key", "name", "label", "title", "description", "remark", "fieldName", "fieldLabel"}
    | {"fieldType", "valueType", "dataType", "valueLabel", "unit", "index", "uuid"}
)
"""Keys that canvases store in a condition and that do not affect when it holds."""

_PART = re.compile(r"""\.?([^.\[\]"'\s][^.\[\]]*)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""")
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")


def condition_to_cel(condition: Any) -> str:
    """Return the CEL text of a structured condition.

    Raises:
        ExpressionError: If the condition cannot be understood; the message says why.
    """
    text = _group(condition, 0)[0]
    parse(text)
    return text


@dataclass(frozen=True, slots=True)
class Comparison:
    """One `{field, operator, value}` of a structured condition.

    Attributes:
        path: The keys and indices that lead to it in the condition.
        field: The field as the user wrote it.
        parts: The path of the field from a name in scope (`event`, `steps`); integers are list indices.
        operator: The operator in its canonical spelling.
        value: What the field is compared with; None if there is no value.
    """

    path: tuple[str | int, ...]
    field: str
    parts: tuple[str | int, ...]
    operator: str
    value: Any


def comparisons(condition: Any, path: tuple[str | int, ...] = ()) -> Iterator[Comparison]:
    """Yield the comparisons of a structured condition in order.

    Args:
        condition: A condition that `condition_to_cel` accepts.
        path: The keys and indices that lead to the condition.
    """
    if isinstance(condition, list | tuple):
        for at, member in enumerate(condition):
            yield from comparisons(member, (*path, at))
        return
    for key, member in condition.items():
        if (key in _ALL | _ANY and isinstance(member, list | tuple)) or key == "not":
            yield from comparisons(member, (*path, key))
            return
    for key in _MEMBER_KEYS:
        if isinstance(condition.get(key), list | tuple):
            yield from comparisons(condition[key], (*path, key))
            return
    field = condition["field"].strip()
    parts = tuple(_scoped(_parts(_bare(field))))
    yield Comparison(path, field, parts, _operator(condition), condition.get("value"))


def alternatives(value: Any) -> list[Any]:
    """Return the JSON values that a value of a condition matches: `"100"` matches `"100"` and `100`."""
    if not isinstance(value, str):
        return [value]
    if _NUMBER.match(value) and is_exact(float(value)):
        return [value, json.loads(value)]
    return [value, value == "true"] if value in ("true", "false") else [value]


def listed(value: Any) -> Any:
    """Return the list of values of `in` and `notIn`; a text is split at its commas."""
    return _list(value, "in", "") if isinstance(value, list | tuple | str) else value


def bounds(value: Any) -> tuple[Any, Any]:
    """Return the lower and the upper bound of `between`."""
    return _bounds(value, "")


def _group(condition: Any, depth: int) -> tuple[str, bool]:
    """Return the CEL text, and True if it needs no parentheses beside `&&` and `||`."""
    if depth > MAX_GROUP_DEPTH:
        raise ExpressionError(TEXTS("too-deep", most=MAX_GROUP_DEPTH))
    if isinstance(condition, list | tuple):
        if condition and all(isinstance(member, list | tuple) for member in condition):
            return _joined(condition, " || ", depth)
        return _joined(condition, " && ", depth)
    if not isinstance(condition, Mapping):
        raise ExpressionError(
            TEXTS("not-object", type=type(condition).__name__),
            help=TEXTS("write"),
        )
    for key, member in condition.items():
        if key in _ALL | _ANY and isinstance(member, list | tuple):
            _only(condition, key)
            if key in _ANY:
                return _joined(member, " || ", depth)
            return _joined(member, " && ", depth)
        if key == "not":
            _only(condition, key)
            return f"!({_group(member, depth + 1)[0]})", True
    for key in _MEMBER_KEYS:
        if isinstance(condition.get(key), list | tuple):
            return _joined(condition[key], _logic(condition), depth)
    return _comparison(condition)


def _only(condition: Mapping[str, Any], key: str) -> None:
    others = [other for other in condition if other != key and other in (*_ALL, *_ANY, "field")]
    if others:
        raise ExpressionError(TEXTS("two-keys", key=key, other=others[0]), help=TEXTS("put-into"))


def _logic(condition: Mapping[str, Any]) -> str:
    for key in (*_LOGIC_KEYS, "operator", "type"):
        logic = condition.get(key)
        if logic is None:
            continue
        word = logic.strip().lower() if isinstance(logic, str) else logic
        if isinstance(word, str) and word in _ALL:
            return " && "
        if isinstance(word, str) and word in _ANY:
            return " || "
        if key != "type":
            raise ExpressionError(
                TEXTS("bad-logic", key=key, logic=_shown(logic)), help=TEXTS("and-or")
            )
    for key, other in condition.items():
        word = other.strip().lower() if isinstance(other, str) else None
        if key not in NOTES and word in _ALL | _ANY:
            return " && " if word in _ALL else " || "
    return " && "


def _joined(members: Any, by: str, depth: int) -> tuple[str, bool]:
    if not members:
        raise ExpressionError(TEXTS("empty-group"), help=TEXTS("fill"))
    parts = [_group(member, depth + 1) for member in members]
    if len(parts) == 1:
        return parts[0]
    return by.join(text if atomic else f"({text})" for text, atomic in parts), False


def _comparison(condition: Mapping[str, Any]) -> tuple[str, bool]:
    field = condition.get("field")
    if not isinstance(field, str) or not field.strip():
        raise ExpressionError(
            TEXTS("no-field"),
            help=TEXTS("write"),
        )
    operator = _operator(condition)
    there, read, plain = _field(field.strip())
    value = condition.get("value")
    if operator == "exists":
        return there, False
    if operator == "notExists":
        return f"!({there})", True
    if operator in ("isEmpty", "isNotEmpty"):
        empty = f'dyn({read}) in [null, "", [], {{}}]'
        missing = f"!{there}" if "&&" not in there else f"!({there})"
        if operator == "isEmpty":
            return f"{missing} || {empty}", False
        return f"{there} && !({empty})", False
    if "value" not in condition:
        raise ExpressionError(TEXTS("no-value", field=plain))
    if operator not in _TAKES_NULL:
        there = f"{there} && {read} != null"
    return f"{there} && {_compare(operator, read, value, plain)}", False


def _compare(operator: str, read: str, value: Any, plain: str) -> str:
    if operator in ("==", "!="):
        literals = _literals(value)
        if len(literals) == 1:
            return f"{read} {operator} {literals[0]}"
        held = f"dyn({read}) in [{', '.join(literals)}]"
        return held if operator == "==" else f"!({held})"
    if operator in ("in", "notIn"):
        values = _list(value, operator, plain)
        if isinstance(values, str):
            held = f"dyn({read}) in {values}"
        else:
            literals = [literal for one in values for literal in _literals(one)]
            held = f"dyn({read}) in [{', '.join(literals)}]"
        return held if operator == "in" else f"!({held})"
    if operator in ("contains", "notContains"):
        within = " || ".join(f"{literal} in dyn({read})" for literal in _literals(value))
        held = f"({within})"
        if isinstance(value, str):
            part = _literals(value)[0]
            held = f"(type({read}) == string ? dyn({read}).contains({part}) : {within})"
        return held if operator == "contains" else f"!{held}"
    if operator in ("startsWith", "endsWith"):
        if not isinstance(value, str):
            raise ExpressionError(
                TEXTS("takes-string", operator=operator, field=plain, value=_shown(value))
            )
        return f"{read}.{operator}({_literals(value)[0]})"
    if operator == "between":
        low, high = _bounds(value, plain)
        return f"{_order('>=', read, low, plain)} && {_order('<=', read, high, plain)}"
    return _order(operator, read, value, plain)


def _order(operator: str, read: str, value: Any, plain: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ExpressionError(
            TEXTS("takes-ordered", operator=operator, field=plain, value=_shown(value))
        )
    literals = _literals(value)
    if len(literals) == 1 or literals[1] in ("true", "false"):
        return f"{read} {operator} {literals[0]}"
    text, number = (f"dyn({read}) {operator} {literal}" for literal in literals)
    return f"(type({read}) == string ? {text} : {number})"


def _literals(value: Any) -> list[str]:
    """Return the CEL literals that a value matches: itself, then the number or boolean it reads as."""
    if not isinstance(value, str):
        return [quote(value)]
    if "${" in value:
        parsed = template(value)
        if not parsed.is_expression:
            raise ExpressionError(
                TEXTS("mixed"),
                help=TEXTS("one-expression"),
            )
        return [f"({parsed.expressions[0][0].strip()})"]
    literals = [quote(value)]
    if _NUMBER.match(value):
        try:
            literals.append(quote(json.loads(value)))
        except ExpressionError:
            return literals  # JSON data cannot hold this number
    elif value in ("true", "false"):
        literals.append(value)
    return literals


def _list(value: Any, operator: str, plain: str) -> list[Any] | str:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        if "${" in value:
            return _literals(value)[0]
        return [part.strip() for part in re.split(r"[,，、;；\n]", value) if part.strip()]
    raise ExpressionError(TEXTS("takes-list", operator=operator, field=plain, value=_shown(value)))


def _bounds(value: Any, plain: str) -> tuple[Any, Any]:
    if isinstance(value, Mapping):
        for low, high in (("min", "max"), ("from", "to"), ("start", "end"), ("low", "high")):
            if low in value and high in value:
                return value[low], value[high]
    elif isinstance(value, str) and "${" not in value:
        value = [part.strip() for part in re.split(r"[,，~]", value)]
    if isinstance(value, list | tuple) and len(value) == 2:
        return value[0], value[1]
    raise ExpressionError(TEXTS("two-bounds", field=plain), help=TEXTS("low-high"))


def _operator(condition: Mapping[str, Any]) -> str:
    written = next((condition[key] for key in _OPERATOR_KEYS if key in condition), None)
    if written is None:
        raise ExpressionError(TEXTS("no-operator"), help=_one_of_operators())
    if not isinstance(written, str):
        raise ExpressionError(TEXTS("operator-string", written=_shown(written)))
    key = _folded(written)
    operator = _OPERATOR_OF.get(key)
    if operator is None:
        raise ExpressionError(
            TEXTS("unknown-operator", written=_shown(written)),
            help=_instead(key, condition.get("value")) or _one_of_operators(),
        )
    return operator


def unknown_operator(condition: Any) -> tuple[tuple[str | int, ...], str | None] | None:
    """Find the first operator of a structured condition that does not exist.

    Args:
        condition: Any value.

    Returns:
        The keys and indices that lead to it, and the operator that was probably meant, if one is
        certain enough; None if every operator is known.
    """
    if isinstance(condition, list | tuple):
        found = ((at, unknown_operator(member)) for at, member in enumerate(condition))
        return next((((at, *one[0]), one[1]) for at, one in found if one is not None), None)
    if not isinstance(condition, Mapping):
        return None
    for key, member in condition.items():
        if (key in _ALL | _ANY or key in _MEMBER_KEYS) and isinstance(member, list | tuple):
            inner = unknown_operator(member)
            return None if inner is None else ((key, *inner[0]), inner[1])
        if key == "not":
            inner = unknown_operator(member)
            return None if inner is None else ((key, *inner[0]), inner[1])
    for key in _OPERATOR_KEYS:
        if isinstance(written := condition.get(key), str):
            if operator_named(written) is not None:
                return None
            return (key,), _operator_meant(_folded(written))
    return None


def operator_named(written: str) -> str | None:
    """Return the operator that a word stands for, as `>=` for `gte`; None if it stands for none."""
    return _OPERATOR_OF.get(_folded(written))


def _folded(written: str) -> str:
    return re.sub(r"[\s_-]", "", written).lower()


def _instead(key: str, value: Any) -> str | None:
    """Return what to write instead of an unknown operator; None if nothing similar is known."""
    negated = re.sub(r"^(?:not|isnot|doesnot|doesnt|!)", "", key)
    if negated in _LIKE:
        return _like(value, negated=negated != key)
    if negated in _PATTERN:
        return TEXTS("use-when")
    if key in _SPELT:
        return TEXTS("did-you-mean", spelt=_SPELT[key])
    names = [one for one in (*_OPERATOR_OF, *_SPELT) if len(one) >= _SHORTEST]
    close = get_close_matches(key, names, n=1, cutoff=_ALIKE) if len(key) >= _SHORTEST else []
    if not close:
        return None
    meant = _SPELT.get(close[0]) or f"`{_OPERATOR_OF[close[0]]}`"
    return TEXTS("did-you-mean-operator", meant=meant)


def _operator_meant(key: str) -> str | None:
    """Return the operator that an unknown word means as it is; None if more has to be changed."""
    negated = re.sub(r"^(?:not|isnot|doesnot|doesnt|!)", "", key)
    if negated in _LIKE | _PATTERN:
        return None
    help = re.fullmatch(r"did you mean `([^`]+)`\?", _instead(key, None) or "")
    return help[1] if help is not None and help[1] in OPERATORS else None


def _like(value: Any, *, negated: bool) -> str:
    """Return the operator that does what a `LIKE` pattern of SQL does."""
    text = value if isinstance(value, str) else ""
    inner = text.strip("%*")
    begins, ends = text[:1] in ("%", "*"), text[-1:] in ("%", "*")
    if negated:
        return TEXTS("not-contains")
    if not inner or len(inner) > _LONGEST_SHOWN or begins == ends or "%" in inner:
        return TEXTS("contains")
    return (
        TEXTS("ends-with", inner=_shown(inner))
        if begins
        else TEXTS("starts-with", inner=_shown(inner))
    )


def _one_of_operators() -> str:
    return TEXTS("one-of", operators=OPERATORS)


def _field(field: str) -> tuple[str, str, str]:
    """Convert the path of a field.

    A number between dots (`lines.0.price`) is an index if the value there is a list, as in the paths of
    forms; otherwise it is the name of a field.

    Returns:
        The CEL test that the field exists, the CEL text that reads it, and its path as written.
    """
    field = _bare(field)
    parts = _scoped(_parts(field))
    read = str(parts[0])
    there: list[str] = []
    for at, part in enumerate(parts[1:], start=1):
        if at > 2 or (at > 1 and parts[0] == "event" and parts[1] != "data"):
            there.append(f"{read} != null")
        if isinstance(part, int):
            there.append(f"type({read}) == list && size({read}) > {part}")
            read = f"{read}[{part}]"
            continue
        if at > 1 and _INDEX.match(part):
            is_list, key = f"type({read}) == list", quote(part)
            there.append(
                f"({is_list} ? size({read}) > {part} : type({read}) == map && has({read}[{key}]))"
            )
            read = f"({is_list} ? dyn({read})[{part}] : dyn({read})[{key}])"
            continue
        below = f"{read}.{part}" if is_identifier(part) else f"{read}[{quote(part)}]"
        if parts[:2] != ["event", "data"] or at > 1:
            there.append(f"has({below})")
        read = below
    return " && ".join(there) or "true", read, field


def _bare(field: str) -> str:
    return field[2:-1].strip() if field.startswith("${") and field.endswith("}") else field


def _scoped(parts: list[str | int]) -> list[str | int]:
    """Return a path from a name in scope: below `event.data`, unless it begins with `event` or `steps`."""
    if parts[0] in ("event", "steps") and len(parts) > 1:
        return parts
    return ["event", "data", *parts]


def _parts(field: str) -> list[str | int]:
    parts: list[str | int] = []
    position = 0
    while position < len(field):
        match = _PART.match(field, position)
        if match is None or (position == 0 and field[0] == "."):
            raise ExpressionError(
                TEXTS("no-path", field=_shown(field)),
                help=TEXTS("write-path"),
            )
        name, index, double, single = match.groups()
        if index is not None:
            parts.append(int(index))
        else:
            parts.append(next(part for part in (name, double, single) if part is not None))
        position = match.end()
    if isinstance(parts[0], int):
        raise ExpressionError(TEXTS("no-path", field=_shown(field)))
    return parts


def _shown(value: Any) -> str:
    text = json.dumps(value, default=lambda one: type(one).__name__)
    return f"`{text if len(text) <= 60 else text[:59] + '…'}`"
