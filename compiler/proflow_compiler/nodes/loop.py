"""Running the nodes inside while an expression holds."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, LoopOp
from proflow_schemas.nodes import Loop
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Loop)
    return [
        LoopOp.model_validate(
            {
                "id": step_id(node.id),
                "node": node.id,
                "while": config.condition,
                "max_iterations": config.max_iterations,
                "steps": [],
            }
        )
    ]


FIELDS = {
    "while": "tested before each iteration; without it, there are `maxIterations` iterations",
    "maxIterations": "the most iterations: if `while` still holds then, the node fails",
}

LOWERING = Lowering(
    type="loop",
    title="Loop",
    summary="Runs the nodes in it again and again, while an expression holds.",
    example="""\
{"id": "poll", "type": "loop", "data": {"while": "iteration < event.data.rounds", "maxIterations": 20}}""",
    lower=lower,
    fields=FIELDS,
    notes="""\
The nodes in it have its id as their `parentId`. Those to which no edge leads begin an iteration;
edges across the border are an error. Expressions inside, and `while`, read `iteration`: the number of
iterations that are over.

The node's `output` is the last iteration's result: the `output` of the `end` that it came to, else
the output of the only node inside that no edge leaves. An `end` inside ends its path of the
iteration; with `terminate` or `fail` it ends the run. A rejection, a timeout or a
return inside that is not drawn ends its iteration.

If an iteration fails, or `while` still holds after `maxIterations` iterations, the `error` edge is
taken; without one, the run fails.

To go back to an earlier node, no container is needed: draw an edge back, with a bound.
""",
)
