"""Running the nodes inside for each item of a list."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, ForeachOp
from proflow_schemas.nodes import Foreach
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Foreach)
    return [
        ForeachOp.model_validate(
            {
                "id": step_id(node.id),
                "node": node.id,
                "items": config.items,
                "as": config.alias,
                "max_concurrency": config.max_concurrency,
                "steps": [],
            }
        )
    ]


FIELDS = {
    "items": "the expression of the list",
    "maxConcurrency": "how many items at once; all of them without it",
}

LOWERING = Lowering(
    type="foreach",
    title="Foreach",
    summary="Runs the nodes in it once for each item of a list.",
    example="""\
{"id": "lines", "type": "foreach", "data": {"items": "event.data.lines", "as": "line", "maxConcurrency": 5}}""",
    lower=lower,
    fields=FIELDS,
    notes="""\
The nodes in it have its id as their `parentId`. Those to which no edge leads begin an item; edges
across the border are an error. Expressions inside read `item` (or the name given by `as`) and
`index`, which counts from 0; nodes inside can be read only there, each of the same item.

The node's `output` is the list of the items' results, in order: the `output` of the `end` that an
item came to, else the output of the only node inside that no edge leaves. An `end` inside ends its
path of the item; with `terminate` or `fail` it ends the run. A rejection, a timeout or a return
inside that is not drawn ends its item, without an output: what else is open in that item is left, and
the other items go on.

A list is refused before its first item if its items surely take more steps than are left of the 999 of
a run, with the lists in them, or if there are more than 10,000; the node fails, and says so. Where items
may take more steps than that, but need not, each begins once the run has room for all that it may take.

If an item fails, no other is started, those that are open are given up, and the `error` edge is
taken; without one, the run fails.
""",
)
