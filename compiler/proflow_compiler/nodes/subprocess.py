"""Running another workflow."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, InvokeOp
from proflow_schemas.nodes import Subprocess
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, whole_seconds


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Subprocess)
    return [
        InvokeOp(
            id=step_id(node.id),
            node=node.id,
            workflow=config.workflow,
            input=config.input,
            timeout=whole_seconds(config.timeout),
        )
    ]


FIELDS = {
    "workflow": "the id of the other workflow",
    "input": "the data of the event that it starts with: an object",
    "timeout": "how long it may take: a duration such as `24h`",
}

LOWERING = Lowering(
    type="subprocess",
    title="Subprocess",
    summary="Runs another workflow, and goes on with its result.",
    example="""\
{"id": "sign", "type": "subprocess", "data": {"workflow": "contract-signing", "input": {"contract": "${event.data.id}"}}}""",
    lower=lower,
    fields=FIELDS,
    notes="""\
The other workflow runs for the same tenant, in the version that is published at that moment. The
node's `output` is its `{result, output}`.

If the other workflow fails, is cancelled, takes too long or does not exist, the `error` edge is
taken; without one, the run fails. Workflows call each other at most 8 deep.
""",
)
