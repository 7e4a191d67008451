"""What an expression may read at one place of a design, and checks of its reads against that."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from proflow_schemas.language import Text, Texts

from .errors import Correction, ExpressionProblem
from .literals import quote, written_path
from .shapes import Shape
from .syntax import Reference

TEXTS = Texts(
    "scope",
    {
        "kinds": Text("{kinds:either}", "{kinds:either}"),
        "in-foreach": Text("inside a `foreach`", "在 `foreach` 中"),
        "in-loop": Text("inside a `loop`", "在 `loop` 中"),
        "did-you-mean": Text("did you mean `{written:raw}`?", "是否想写 `{written:raw}`？"),
        "no-such-type": Text(
            "no value is of the type `{root:raw}`",
            "没有值属于类型 `{root:raw}`",
        ),
        "double": Text("every number is a `double`", "所有数字都是 `double`"),
        "did-you-mean-whole": Text(
            "did you mean `{text:raw}`? write `{whole:raw}`",
            "是否想写 `{text:raw}`？写成 `{whole:raw}`",
        ),
        "only-there": Text(
            "`{root:raw}` is only there {where:raw}",
            "`{root:raw}` 只能{where:raw}使用",
        ),
        "is-step": Text(
            "`{root:raw}` is a step: read its result, `{text:raw}.output`",
            "`{root:raw}` 是步骤：读取它的结果 `{text:raw}.output`",
        ),
        "nothing-called": Text(
            "there is nothing called `{root:raw}` here",
            "这里没有 `{root:raw}`",
        ),
        "did-you-mean-name": Text("did you mean `{near:raw}`?", "是否想写 `{near:raw}`？"),
        "quote-text": Text(
            "quote it if it is a text: `{text:raw}`",
            "如果是文本，请加引号：`{text:raw}`",
        ),
        "event-field": Text(
            "`event` has no field `{field:raw}`",
            "`event` 没有字段 `{field:raw}`",
        ),
        "did-you-mean-field": Text("did you mean `{close:raw}`?", "是否想写 `{close:raw}`？"),
        "which-step": Text(
            "`steps` is read without saying which step",
            "`steps` 没有指明是哪个步骤",
        ),
        "write-step": Text(
            'write `steps.<id>`, or `steps["<id>"]` for an id that is no identifier',
            '写成 `steps.<id>`；ID 不是标识符时写成 `steps["<id>"]`',
        ),
        "runs-inside": Text(
            "`{step:raw}` runs inside `{container:raw}` and can only be read there",
            "`{step:raw}` 在 `{container:raw}` 中执行，只能在其中读取",
        ),
        "read-container": Text(
            "read the result of `{container:raw}`: `{output:raw}`",
            "读取 `{container:raw}` 的结果：`{output:raw}`",
        ),
        "no-step": Text(
            "there is no step `{step:raw}` to read here",
            "这里没有可读取的步骤 `{step:raw}`",
        ),
        "did-you-mean-step": Text("did you mean `{path:raw}`?", "是否想写 `{path:raw}`？"),
        "did-you-mean-instead": Text(
            "did you mean `{instead:raw}`?",
            "是否想写 `{instead:raw}`？",
        ),
        "no-field": Text(
            "`{owner:raw}` has no field `{field:raw}`",
            "`{owner:raw}` 没有字段 `{field:raw}`",
        ),
        "never-there": Text(
            "`{path:raw}` is never there: no edge leaves `{step:raw}` by `{outcome:raw}`",
            "`{path:raw}` 不存在：没有连线从 `{step:raw}` 的 `{outcome:raw}` 出口离开",
        ),
        "draw-edge": Text(
            "draw an edge by `{outcome:raw}`: without one, the run fails",
            "从 `{outcome:raw}` 出口画一条连线；没有连线时运行会失败",
        ),
        "kind-no-field": Text(
            "`{owner:raw}` is {kinds:raw} and has no field `{name:raw}`",
            "`{owner:raw}` 是{kinds:raw}，没有字段 `{name:raw}`",
        ),
        "read-item": Text(
            "read one item, `{owner:raw}[0].{name:raw}`, or all: `{owner:raw}.map(x, "
            "x.{name:raw})`",
            "读取一项 `{owner:raw}[0].{name:raw}`，或全部 `{owner:raw}.map(x, x.{name:raw})`",
        ),
        "did-you-mean-size": Text("did you mean `{size}`?", "是否想写 `{size:raw}`？"),
        "string": Text("a string", "字符串"),
        "number": Text("a number", "数字"),
        "integer": Text("an integer", "整数"),
        "boolean": Text("true or false", "布尔值"),
        "list": Text("a list", "列表"),
        "object": Text("an object", "对象"),
    },
)

# Types by the names the library gives them: `DOUBLE`, `LIST<STRING>`, `MAP<STRING, DYN>`.
DYN = "DYN"
OBJECT = "MAP<STRING, DYN>"

_EVENT_FIELDS: Mapping[str, Any] = {"name": "string", "id": "string", "ts": "integer"}
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "run": {"id": "string"},
    "workflow": {"id": "string", "version": None},
}
_OBJECTS = frozenset({"event", "steps", "run", "workflow"})
"""The names that are of use only with a field behind them."""
_REALLY_CLOSE = 0.75
"""The similarity (0 to 1) from which on an unknown name may be a misspelt name in scope, or a step."""
_GOES_ON = re.compile(r"\w")
_OPERATORS = ("=", "<", ">", "!=", "+", "-", "*", "/", "%")
_SIZES = frozenset({"length", "len", "count", "size"})
"""Fields of texts and lists in other languages, for which CEL has the function `size`."""
_SHORT = 60
"""The most characters of an expression that a message shows as a whole."""
_NAMES_OF_DATA = frozenset(
    {"data", "form", "formdata", "formData", "payload", "body", "inputs", "params", "vars"}
    | {"variables", "context", "ctx", "trigger", "record", "fields"}
)
"""The names that other products give to the data of the event that started a run."""
_LITERAL = re.compile(r"""["'\d.\[{-]|(?:true|false|null)\b""")
TYPE_NAMES = frozenset({"bool", "bytes", "double", "list", "map", "null_type", "string"})
"""Names of types in CEL, for comparisons such as `type(x) == string`."""
_INTEGER_TYPES = frozenset({"int", "uint"})
_LOCAL_NAMES = {
    "item": TEXTS("in-foreach"),
    "index": TEXTS("in-foreach"),
    "iteration": TEXTS("in-loop"),
}


@dataclass(frozen=True)
class TypeScope:
    """What an expression may read at one place.

    A type is given as a JSON Schema, as the name of a JSON type (`"string"`), or as None for any value.

    Attributes:
        event_data: The JSON Schema of `event.data`.
        steps: Ids of the nodes that may be read → the types of their fields; False for a field that
            never exists.
        names: The names in scope among `item`, its alias, `index` and `iteration` → their types; a
            `Shape` is allowed as well.
        elsewhere: Nodes inside of containers that cannot be read here → their container, for messages.
        initiator: True if `initiator` is in scope.
        tenant: True if `tenant_id` is in scope.
    """

    event_data: Any = None
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: Mapping[str, str | None] = field(default_factory=dict)
    initiator: bool = True
    tenant: bool = True
    _shapes: dict[tuple[str, ...], Shape | None] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    """A cache of `shape_of`."""

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


def reference_problem(
    text: str, reference: Reference, scope: TypeScope
) -> ExpressionProblem | None:
    """Return what is wrong with one read of an expression; None if nothing is.

    Args:
        text: The expression.
        reference: The read.
        scope: What the expression may read.
    """
    path = reference.path
    root = path[0]

    def unknown(
        message: str, help: str | None, better: Correction | None = None
    ) -> ExpressionProblem:
        start, end = reference.start, reference.end
        return ExpressionProblem("unknown-reference", message, start, end, help, better)

    def meant(*whole: str) -> tuple[str, Correction]:
        written = written_path(whole)
        return TEXTS("did-you-mean", written=written), Correction(
            reference.start, reference.end, written
        )

    if path == (root,) and root in TYPE_NAMES | _INTEGER_TYPES and root not in scope.roots:
        if root in TYPE_NAMES:
            return None
        better = Correction(reference.start, reference.end, "double", sure=True)
        return unknown(TEXTS("no-such-type", root=root), TEXTS("double"), better)

    def field_meant(*below: str) -> tuple[str, Correction]:
        help, better = meant("event", "data", *below)
        whole = text[: better.start] + better.text + text[better.end :]
        if (
            better.text != whole
            and len(whole) <= _SHORT
            and whole.isprintable()
            and "`" not in whole
        ):
            help = TEXTS("did-you-mean-whole", text=better.text, whole=whole)
        return help, better

    if root not in scope.roots:
        if root in _LOCAL_NAMES:
            return unknown(TEXTS("only-there", root=root, where=_LOCAL_NAMES[root]), None)
        declared = _declared_path(path, scope)
        if declared is not None:
            help, better = field_meant(*declared)
        elif (step := _step_written(text, reference, scope)) is not None:
            help, better = meant("steps", step)
            better = replace(better, end=reference.start + len(step))
        elif root in scope.steps:
            help, better = meant("steps", *path)
            if len(path) == 1 and _is_operand(text, reference):
                help = TEXTS("is-step", root=root, text=better.text)
                return unknown(TEXTS("nothing-called", root=root), help)
        elif (near := _near_name(path, scope)) is not None:
            help, better = TEXTS("did-you-mean-name", near=near), meant(near, *path[1:])[1]
        elif (near := _near_step(path, scope)) is not None:
            help, better = meant("steps", near, *path[1:])
        elif len(path) == 1 and _is_a_text(text, reference):
            better = Correction(reference.start, reference.end, quote(root))
            help = TEXTS("quote-text", text=better.text)
        elif (field := _data_field(path, scope)) is not None:
            help, better = field_meant(*field)
        else:
            return unknown(TEXTS("nothing-called", root=root), None)
        return unknown(TEXTS("nothing-called", root=root), help, better)
    if root in scope.names:
        return _shape_problem(reference, Shape.of(scope.names[root]), 1)
    if root == "steps":
        return _step_problem(reference, scope)
    if root == "event" and len(path) > 1:
        if path[1] == "data":
            return _shape_problem(reference, scope.data, 2)
        if path[1] not in _EVENT_FIELDS:
            close = closest_name(path[1], (*_EVENT_FIELDS, "data"))
            if path[1] in scope.data.fields() or close is None:
                return unknown(
                    TEXTS("event-field", field=path[1]), *meant("event", "data", *path[1:])
                )
            better = meant("event", close, *path[2:])[1]
            return unknown(
                TEXTS("event-field", field=path[1]),
                TEXTS("did-you-mean-field", close=close),
                better,
            )
    if root in _FIELDS and len(path) > 1 and path[1] not in _FIELDS[root]:
        return _unknown_field(reference, 1, _FIELDS[root])
    shape = shape_of(path, scope)
    if shape is None and len(path) > 1:
        for length in range(1, len(path)):
            owner = shape_of(path[:length], scope)
            if owner is not None and not owner.kinds() & {"object", "any"}:
                return _shape_problem(reference, owner, length)
    return None


def _step_problem(reference: Reference, scope: TypeScope) -> ExpressionProblem | None:
    path = reference.path

    def unknown(message: str, help: str | None, *instead: str) -> ExpressionProblem:
        start, end = reference.start, reference.end
        better = Correction(start, end, written_path(instead)) if instead else None
        return ExpressionProblem("unknown-reference", message, start, end, help, better)

    if len(path) == 1:
        return unknown(
            TEXTS("which-step"),
            TEXTS("write-step"),
        )
    fields = scope.steps.get(path[1])
    if fields is None and (container := scope.elsewhere.get(path[1])) is not None:
        outside = scope.steps.get(container, {}).get("output", False) is not False
        output = written_path(("steps", container, "output"))
        return unknown(
            TEXTS("runs-inside", step=path[1], container=container),
            TEXTS("read-container", container=container, output=output) if outside else None,
        )
    if fields is None:
        close = get_close_matches(path[1], scope.steps, n=1)
        message = TEXTS("no-step", step=path[1])
        if not close:
            return unknown(message, None)
        help = TEXTS("did-you-mean-step", path=written_path(("steps", close[0])))
        return unknown(message, help, "steps", close[0], *path[2:])
    if len(path) == 2:
        return None
    if path[2] not in fields:
        if closest_name(path[2], fields) is None and "output" in fields:
            instead = ("steps", path[1], "output", *path[2:])
            help = TEXTS("did-you-mean-instead", instead=written_path(instead))
            return unknown(
                TEXTS("no-field", owner=written_path(path[:2]), field=path[2]), help, *instead
            )
        return _unknown_field(reference, 2, fields)
    if fields[path[2]] is False:
        return unknown(
            TEXTS("never-there", path=written_path(path[:3]), step=path[1], outcome=path[2]),
            TEXTS("draw-edge", outcome=path[2]),
        )
    return _shape_problem(reference, Shape.of(fields[path[2]]), 3)


def _unknown_field(reference: Reference, at: int, known: Collection[str]) -> ExpressionProblem:
    """Return the problem that part `at` of a path is not one of the known fields."""
    path, start, end = reference.path, reference.start, reference.end
    close = closest_name(path[at], known)
    message = TEXTS("no-field", owner=written_path(path[:at]), field=path[at])
    if close is None:
        return ExpressionProblem("unknown-reference", message, start, end)
    better = Correction(start, end, written_path((*path[:at], close, *path[at + 1 :])))
    help = TEXTS("did-you-mean-field", close=close)
    return ExpressionProblem("unknown-reference", message, start, end, help, better)


def _declared_path(path: tuple[str, ...], scope: TypeScope) -> tuple[str, ...] | None:
    """Return the path below `event.data` of the declared field that a bare name means.

    A field of the data comes first, then the only field of that name in one of its objects.
    """
    root, *below = path
    if root in scope.steps and below and below[0] in scope.steps[root]:
        return None
    if root in scope.data.fields():
        return path
    owners = [one for one in sorted(scope.data.fields()) if root in scope.data.field(one).fields()]
    return (owners[0], *path) if len(owners) == 1 and root not in scope.steps else None


def _step_written(text: str, reference: Reference, scope: TypeScope) -> str | None:
    """Return the step whose id, which is no identifier, is written at a reference: `approve-1`."""
    whole = [
        one
        for one in scope.steps
        if len(one) > len(reference.path[0])
        and text.startswith(one, reference.start)
        and not _GOES_ON.match(text, reference.start + len(one))
    ]
    return max(whole, key=len, default=None)


def _near_name(path: tuple[str, ...], scope: TypeScope) -> str | None:
    """Return the name in scope that is misspelt; an object is meant only if a field of it is read."""
    known = scope.roots if len(path) > 1 else scope.roots - _OBJECTS
    return closest_name(path[0], known, cutoff=_REALLY_CLOSE)


def _near_step(path: tuple[str, ...], scope: TypeScope) -> str | None:
    """Return the step whose id is misspelt where one of its fields is read without `steps`."""
    if len(path) == 1:
        return None
    near = closest_name(path[0], scope.steps, cutoff=_REALLY_CLOSE)
    return near if near is not None and path[1] in scope.steps[near] else None


def _data_field(path: tuple[str, ...], scope: TypeScope) -> tuple[str, ...] | None:
    """Return the path below `event.data` that a path of another product's syntax probably means."""
    below = path[1:] if path[0] in _NAMES_OF_DATA and len(path) > 1 else path
    if (close := closest_name(below[0], scope.data.fields())) is not None:
        return close, *below[1:]
    return None if scope.data.is_closed() else below


def _is_operand(text: str, reference: Reference) -> bool:
    """True if an operator takes the value that is read."""
    before, after = text[: reference.start].rstrip(), text[reference.end :].lstrip()
    return before.endswith(_OPERATORS) or after.startswith(_OPERATORS)


def _is_a_text(text: str, reference: Reference) -> bool:
    """True if a name is probably an unquoted text: it is compared, and not with a literal."""
    before, after = text[: reference.start].rstrip(), text[reference.end :].lstrip()
    if before.endswith(("==", "!=")):
        return True
    return after.startswith(("==", "!=")) and not _LITERAL.match(after[2:].lstrip())


def _shape_problem(reference: Reference, shape: Shape, at: int) -> ExpressionProblem | None:
    """Return what is wrong with a path from part `at` on, below a value of a known shape."""
    for index in range(at, len(reference.path)):
        name = reference.path[index]
        kinds = shape.kinds()
        if not kinds & {"object", "any"}:
            owner = written_path(reference.path[:index])
            is_list = "array" in kinds
            if name in _SIZES and kinds <= {"string", "array", "null"}:
                return _size_meant(reference, index, kinds)
            return ExpressionProblem(
                "type",
                TEXTS("kind-no-field", owner=owner, kinds=kinds_text(kinds), name=name),
                reference.start,
                reference.end,
                TEXTS("read-item", owner=owner, name=name)
                if is_list and kinds <= {"array", "null"}
                else None,
            )
        fields = shape.fields()
        below = shape.field(name)
        if name not in fields:
            known = fields if below.alternatives == () else ()
            if shape.is_closed() or closest_name(name, known) is not None:
                return _unknown_field(reference, index, known)
        shape = below
    return None


def _size_meant(reference: Reference, index: int, kinds: Collection[str]) -> ExpressionProblem:
    """Return the problem that the size of a text or a list is read as a field, as in JavaScript."""
    owner, name = written_path(reference.path[:index]), reference.path[index]
    size = f"size({owner})"
    is_last = index == len(reference.path) - 1
    return ExpressionProblem(
        "type",
        TEXTS("kind-no-field", owner=owner, kinds=kinds_text(kinds), name=name),
        reference.start,
        reference.end,
        TEXTS("did-you-mean-size", size=size),
        Correction(reference.start, reference.end, size) if is_last else None,
    )


def shape_of(path: tuple[str, ...], scope: TypeScope) -> Shape | None:
    """Return the shape of the value that a path reads; None if nothing is known of it."""
    if path not in scope._shapes:
        scope._shapes[path] = _shape_of(path, scope)
    return scope._shapes[path]


def _shape_of(path: tuple[str, ...], scope: TypeScope) -> Shape | None:
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
    elif root in scope.names:
        shape, rest = Shape.of(scope.names[root]), path[1:]
    elif root == "tenant_id" and len(path) == 1:
        return Shape.of("integer")
    else:
        return None
    for name in rest:
        shape = shape.field(name)
    return shape


def static_type(path: tuple[str, ...], scope: TypeScope) -> str:
    """Return the library's name for the type of the value that a path reads; `DYN` if it is not known."""
    shape = shape_of(path, scope)
    if shape is None:
        return DYN
    return _cel_type(shape, 0)


def _cel_type(shape: Shape, depth: int) -> str:
    kinds = shape.kinds()
    if kinds <= {"number", "integer"}:
        return "DOUBLE"
    if len(kinds) != 1:
        return DYN
    (kind,) = kinds
    if kind == "array" and depth < 3:
        return f"LIST<{_cel_type(shape.item(), depth + 1)}>"
    if kind == "object":
        return OBJECT
    return {"string": "STRING", "boolean": "BOOL"}.get(kind, DYN)


def did_you_mean(name: str, known: Collection[str], *, quoted: bool = False) -> str | None:
    """Return the help text that suggests the closest known name; None if none is close."""
    close = closest_name(name, known)
    if close is None:
        return None
    return TEXTS("did-you-mean-step", path=quote(close) if quoted else close)


def closest_name(name: str, known: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """Return the closest known name; None if none has a similarity (0 to 1) of at least `cutoff`."""
    if not known:
        return None
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), None)


def kinds_text(kinds: Collection[str]) -> str:
    """Return JSON types as words: `null or a string`."""
    names = {
        "string": TEXTS("string"),
        "number": TEXTS("number"),
        "integer": TEXTS("integer"),
        "boolean": TEXTS("boolean"),
        "array": TEXTS("list"),
        "object": TEXTS("object"),
        "null": "null",
    }
    return TEXTS("kinds", kinds=[names.get(kind, f"`{kind}`") for kind in sorted(kinds)])
