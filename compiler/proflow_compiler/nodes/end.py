"""The end of a path."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, EndOp
from proflow_schemas.nodes import End
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, End)
    return [
        EndOp(
            id=step_id(node.id),
            node=node.id,
            status=config.status,
            output=config.output,
            terminate=config.terminate,
            fail=config.fail,
        )
    ]


FIELDS = {
    "status": "the run's result: `completed`, or any word such as `rejected`",
    "output": "the run's output",
    "terminate": "whether this ends all other paths too",
    "fail": "whether the run fails here",
}

LOWERING = Lowering(
    type="end",
    title="End",
    summary="Where a path of a run ends. The run's result is the `status` of its end.",
    example='{"id": "end", "type": "end", "data": {"status": "rejected"}}',
    lower=lower,
    fields=FIELDS,
    instant=True,
    notes="""\
Other paths go on, unless the end has `terminate`: then open waits are cancelled, and nothing new
starts. `fail` fails the run.

Of several ends, a terminating one decides the result; else a status other than `completed` does.
""",
)
