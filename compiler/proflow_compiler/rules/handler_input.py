"""PF324: an input that does not fit the handler's input model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from proflow_schemas.expressions import ExpressionError, parse, template
from proflow_schemas.expressions.scope import shape_of
from proflow_schemas.expressions.shapes import Shape
from proflow_schemas.handler_inputs import OPEN, InputProblem, design_problems
from proflow_schemas.handlers import Signature
from proflow_schemas.host_types import given
from proflow_schemas.language import Text
from proflow_schemas.node_types.task import Task

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.diagnostics.similar_words import closest
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of, pointed
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF324",
    name="handler-input",
    level=Level.ERROR,
    summary="an input without a field that the handler requires, or with a value of a wrong type",
    why="""
A handler that declares `Task[Model]` gets its input as a `Model`, validated. An input that does not
fit fails the node, without another attempt. What a design writes down can be held against the model
before: the fields that are there, and the values that are no expressions. What is computed is
validated when it is known. Checked only if the handlers are known: `--handlers MODULE`.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "pay", "type": "task",
     "data": {"handler": "pay", "input": {"order": "${event.data.order}", "amount": "a lot"}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "pay"},
    {"source": "pay", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "pay", "type": "task",
     "data": {"handler": "pay", "input": {"order": "${event.data.order}", "amount": 120.5}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "pay"},
    {"source": "pay", "target": "done"}
  ]
}
""",
    fix="Give the input the fields of the handler's model, with values of their types.",
    texts={
        "a-type": Text("a {name:raw}", "{name:raw} "),
        "null": Text("`null`", " `null`"),
        "the-handler": Text("the handler {name:raw}", "处理函数 {name:raw} "),
        "either": Text("{kinds:either}", "{kinds:either}"),
        "text": Text("a text", "文本"),
        "integer": Text("a whole number", "整数"),
        "number": Text("a number", "数字"),
        "boolean": Text("`true` or `false`", "`true` 或 `false`"),
        "list": Text("a list", "列表"),
        "object": Text("an object", "对象"),
        "not-missing": Text(", and not `{missing}`", "，不要求 `{missing}`"),
        "of-failure": Text(
            "the handler `{handler}` does not take {where:raw} of a run that has failed",
            "处理函数 `{handler}` 不接受运行失败时传入的 {where:raw}",
        ),
        "takes-else": Text("takes something else", "要求的输入不同"),
        "failure-input": Text(
            "let it take `error` (`name`, `message`), `event` and `run_id`{wanted}",
            "让它接受 `error`（含 `name`、`message`）、`event` 和 `run_id`{wanted}",
        ),
        "no-input": Text(
            "{owner:raw} takes an input, and the task gives no `input`",
            "{owner:raw}需要输入，但没有设置",
        ),
        "has-none": Text("has no `input`", "没有 `input`"),
        "give-fields": Text(
            "give `input` with {required:and}",
            "设置 `input`，包含 {required:and}",
        ),
        "give-input": Text("give `input`", "设置 `input`"),
        "unknown-field": Text(
            "{where:raw} is no field that {owner:raw} takes",
            "{owner:raw}没有 {where:raw} 这个字段",
        ),
        "no-such-field": Text("no such field", "没有这个字段"),
        "rename-or-remove": Text(
            "remove it, or rename it to `{meant}`",
            "移除它，或改名为 `{meant}`",
        ),
        "remove": Text("remove it", "移除它"),
        "wrong-value": Text(
            "{where:raw} is not what {owner:raw} takes: {said}",
            "{where:raw} 不符合{owner:raw}的要求",
        ),
        "does-not-fit": Text("does not fit", "不符合要求"),
        "write-kinds": Text("write {kinds:raw}", "填写{kinds:raw}"),
        "fit-model": Text(
            "write a value that fits the model of {name:raw}",
            "填写符合 {name:raw} 模型的值",
        ),
        "missing": Text(
            "{where:raw} has no `{missing}`, which {owner:raw} requires",
            "{where:raw} 缺少{owner:raw}必需的 `{missing}`",
        ),
        "lacks": Text("no `{missing}`", "缺少 `{missing}`"),
        "rename": Text("rename `{meant}` to `{missing}`", "将 `{meant}` 改名为 `{missing}`"),
        "add": Text("add `{missing}`{kind}", "添加 `{missing}`{kind}"),
        "read-lacks": Text(
            "what the input reads has no {missing:and}, which {owner:raw} requires",
            "输入所读取的值缺少{owner:raw}必需的 {missing:and}",
        ),
        "field-by-field": Text("give `input` field by field", "逐个字段填写 `input`"),
        "the-input": Text("the input", "输入"),
    },
)

_KINDS = {
    "string": RULE.text("text"),
    "integer": RULE.text("integer"),
    "number": RULE.text("number"),
    "boolean": RULE.text("boolean"),
    "array": RULE.text("list"),
    "object": RULE.text("object"),
    "null": RULE.text("null"),
}


_FAILURE = {
    "error": {"name": "${error.name}", "message": "${error.message}"},
    "event": "${event}",
    "run_id": "${run.id}",
}
"""The input of the handler of `onFailure`."""


@dataclass(frozen=True)
class _Asked:
    """A node whose handler declares an input model, with the input that the design gives.

    For a node of a host's own type, the settings of the node are the input.
    """

    node: Node
    known: Signature
    value: Any
    name: str
    """The name of the handler, or of the type."""

    @property
    def owner(self) -> str:
        """The handler or node type, as messages name it."""
        return RULE.text("a-type" if self.takes_settings else "the-handler", name=self.name)

    @property
    def takes_settings(self) -> bool:
        return self.node.host_type is not None

    def pointer(self, path: tuple[str | int, ...] = ()) -> str:
        if not self.takes_settings:
            return pointed(self.node.pointer_to("input"), *path)
        if not path:
            return place_of(self.node)
        return pointed(self.node.pointer_to(str(path[0])), *path[1:])

    def worded(self, path: tuple[str | int, ...]) -> str:
        if not self.takes_settings:
            return _worded(path)
        return ticks(_dotted(path).removeprefix(".")) if path else ticks(self.node.id)


def check(facts: Facts) -> Iterator[Diagnostic]:
    yield from _of_failure(facts)
    for name, node in facts.drawn.items():
        asked = _asked(facts, node)
        if asked is None or asked.known.takes is None:
            continue
        yield from _of_read(facts, name, asked)
        for problem in design_problems(asked.known.takes, asked.value):
            yield _diagnostic(name, asked, problem)


def _of_failure(facts: Facts) -> Iterator[Diagnostic]:
    """Check that the handler of `onFailure` accepts the input that it always gets."""
    design = facts.graph.design
    handler = design.settings.on_failure
    known = None if facts.handlers is None or handler is None else facts.handlers.get(handler)
    if handler is None or not isinstance(known, Signature) or known.takes is None:
        return
    problem = next(design_problems(known.takes, _FAILURE), None)
    if problem is not None:
        where = _worded(problem.path)
        wanted = (
            RULE.text("not-missing", missing=problem.missing) if problem.missing is not None else ""
        )
        yield RULE.diagnostic(
            RULE.text("of-failure", handler=handler, where=where),
            design.pointer_to("onFailure"),
            label=RULE.text("takes-else"),
            help=RULE.text("failure-input", wanted=wanted),
        )


def _asked(facts: Facts, node: Node) -> _Asked | None:
    handler = node.kind.handler_of(node.config)
    known = (facts.handlers or {}).get(handler or "")
    if not isinstance(known, Signature):
        return None
    if node.host_type is not None:
        return _Asked(node, known, given(node.config), ticks(node.type))
    if not isinstance(node.config, Task):
        return None
    return _Asked(node, known, node.config.input, ticks(node.config.handler))


def _diagnostic(name: str, asked: _Asked, problem: InputProblem) -> Diagnostic:
    pointer, node = asked.pointer(problem.path), asked.node
    shape = around = Shape.of(asked.known.input)
    value: Any = asked.value
    for key in problem.path:
        around = shape
        shape = shape.item() if isinstance(key, int) else shape.field(key)
        value = value[key]
    where, owner = asked.worded(problem.path), asked.owner
    if problem.missing is not None:
        return _missing(name, pointer, where, owner, shape, problem.missing, value)
    if asked.value is None and "input" not in node.config_pointers:
        required = sorted(shape.required())
        return RULE.diagnostic(
            RULE.text("no-input", owner=owner),
            node.pointer_to("handler"),
            node=name,
            label=RULE.text("has-none"),
            help=RULE.text("give-fields", required=required)
            if required
            else RULE.text("give-input"),
        )
    if problem.unknown:
        meant = closest(str(problem.path[-1]), sorted(around.fields()))
        return RULE.diagnostic(
            RULE.text("unknown-field", where=where, owner=owner),
            pointer,
            node=name,
            label=RULE.text("no-such-field"),
            help=RULE.text("rename-or-remove", meant=meant) if meant else RULE.text("remove"),
        )
    of_a_kind = Shape.of({"const": value}).kinds() <= shape.kinds()
    kinds = None if of_a_kind and shape.values() is None else _kinds(shape)
    said = problem.message[:1].lower() + problem.message[1:]
    return RULE.diagnostic(
        RULE.text("wrong-value", where=where, owner=owner, said=said),
        pointer,
        node=name,
        label=RULE.text("does-not-fit"),
        help=RULE.text("write-kinds", kinds=kinds)
        if kinds
        else RULE.text("fit-model", name=asked.name),
    )


def _missing(
    name: str,
    pointer: str,
    where: str,
    owner: str,
    shape: Shape,
    missing: str,
    value: Any,
) -> Diagnostic:
    given = (
        [] if not isinstance(value, dict) else [key for key in value if key not in shape.fields()]
    )
    meant = closest(missing, given)
    kinds = _kinds(shape.field(missing))
    kind = f", {kinds}" if kinds else ""
    return RULE.diagnostic(
        RULE.text("missing", where=where, missing=missing, owner=owner),
        pointer,
        node=name,
        label=RULE.text("lacks", missing=missing),
        help=RULE.text("rename", meant=meant, missing=missing)
        if meant is not None
        else RULE.text("add", missing=missing, kind=kind),
    )


def _of_read(facts: Facts, name: str, asked: _Asked) -> Iterator[Diagnostic]:
    """Check an input that is one expression, if all fields of its value are known."""
    read = _read(facts, asked.node, asked.value)
    if read is None or read.kinds() != {"object"} or not read.is_closed():
        return
    missing = sorted(Shape.of(asked.known.input).required() - read.fields())
    if missing:
        yield RULE.diagnostic(
            RULE.text("read-lacks", missing=missing, owner=asked.owner),
            asked.pointer(),
            node=name,
            label=RULE.text("lacks", missing=missing[0]),
            help=RULE.text("field-by-field"),
        )


def _read(facts: Facts, node: Node, value: Any) -> Shape | None:
    """Return the shape of a text that is exactly one path in `${…}`; None for other values."""
    if not isinstance(value, str) or OPEN not in value:
        return None
    try:
        text = template(value)
        syntax = parse(text.expressions[0][0]) if text.is_expression else None
    except ExpressionError:
        return None
    if syntax is None or not syntax.is_reference:
        return None
    return shape_of(syntax.references[0].path, facts.scopes.of(node.parent))


def _kinds(shape: Shape) -> str | None:
    """Describe the values or types of a shape; None if they are not known."""
    values = shape.values()
    if values is not None and len(values) <= 5:
        return RULE.text("either", kinds=[ticks(str(one)) for one in values])
    kinds = [_KINDS.get(kind) for kind in sorted(shape.kinds())]
    return None if None in kinds or not kinds else RULE.text("either", kinds=kinds)


def _worded(path: tuple[str | int, ...]) -> str:
    return ticks(f"input{_dotted(path)}") if path else RULE.text("the-input")


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
