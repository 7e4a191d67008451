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
    "terminate": "whether this stops all other paths too",
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
Other paths go on, unless the end has `terminate`: then open waits, delays and approvals are
cancelled, and nothing new starts. `fail` does the same and fails the run.

An end with `terminate` or `fail` runs at the first edge that is taken into it and ignores later ones,
so several rejections may share one. So do the nodes that lead only to such ends, such as one
notification before it: they do not wait for other branches.

A terminating end decides the result of the run. Otherwise a status other than `completed` does; of
two such, that of the end with the smaller id. Of two ends that stop the run at the same instant, one
with `fail` counts first, then the smaller id.
""",
)
