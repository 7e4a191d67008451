"""The node type `set`: computes values from expressions."""

from typing import Any

from proflow_schemas.configs import Config, Expression
from proflow_schemas.definition import SetOp
from proflow_schemas.node_types.foreign import GUARD, Meaning, called
from proflow_schemas.node_types.record import NodeType, Words
from proflow_schemas.step_ids import step_id


class Set(Config):
    """Computes values from expressions."""

    values: dict[str, Expression]


def _lower(node: str, config: Set) -> SetOp:
    return SetOp(id=step_id(node), node=node, values=config.values)


def _output(config: Set) -> Any:
    fields: dict[str, Any] = {key: {} for key in config.values}
    return {"type": "object", "properties": fields, "additionalProperties": False}


NODE_TYPE = NodeType(
    name="set",
    kind="computes",
    title=Words("Set", "赋值"),
    summary=Words(
        "Computes values from expressions; they are the fields of its `output`.",
        "用表达式计算值，结果作为 `output` 的字段。",
    ),
    category="work",
    icon="code",
    order=90,
    aliases=("transform",),
    elsewhere=(
        *("assign", "assigner", "setvariable", "variable", "variables", "setfields"),
        *("mapper", "calculate", "formula", "variableassigner", "赋值"),
    ),
    config=Set,
    fields={
        "values": Words("field name → expression", "字段名 → 表达式"),
    },
    meanings=called(
        "values", "variables", "assignments", "assign", "fields", "expressions", "mapping", "output"
    )
    | dict.fromkeys(
        ("expression", "expr", "value", "formula"),
        Meaning('`values`, such as `"values": {"total": "event.data.amount * 2"}`', None, "values"),
    )
    | dict.fromkeys(("condition", "conditions", "when", "if", "rule", "rules"), GUARD),
    lower=_lower,
    for_output=True,
    output=_output,
    example='{"id": "total", "type": "set", "data": {"values": {"sum": "event.data.a + event.data.b"}}}',
    notes="Unlike in other configs, each value is an expression as such, without `${…}`.\n",
)
