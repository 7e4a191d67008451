"""Computing values."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, SetOp
from proflow_schemas.nodes import Set
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Set)
    return [SetOp(id=step_id(node.id), node=node.id, values=config.values)]


FIELDS = {
    "values": "name → expression",
}

LOWERING = Lowering(
    type="set",
    title="Set",
    summary="Computes values from expressions; they are the fields of its `output`.",
    example='{"id": "total", "type": "set", "data": {"values": {"sum": "event.data.a + event.data.b"}}}',
    lower=lower,
    fields=FIELDS,
    instant=True,
    notes="Unlike in other configs, a value is an expression itself, without `${…}`.\n",
)
