"""Running a handler of the host."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, TaskOp
from proflow_schemas.nodes import Task
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, retry_policy, seconds


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Task)
    return [
        TaskOp(
            id=step_id(node.id),
            node=node.id,
            handler=config.handler,
            input=config.input,
            retry=retry_policy(config.retry, config.retries),
            timeout=seconds(config.timeout),
        )
    ]


FIELDS = {
    "handler": "the name of the function",
    "input": "what it is given",
    "retry": "how often it is tried",
    "retries": "in short: so many attempts after the first",
    "timeout": "how long one attempt may take",
}

LOWERING = Lowering(
    type="task",
    title="Task",
    summary="Runs a handler: a Python function of the host.",
    example="""\
{"id": "pay", "type": "task", "data": {"handler": "pay_supplier", "input": {"order": "${event.data.order_id}"}}}""",
    lower=lower,
    fields=FIELDS,
    triggers=True,
    notes="""\
What the handler returns is the node's `output`. It is retried until its attempts are used up;
then the `error` edge is taken, and without one the run fails. `retries: n` is n + 1 attempts. After
an error, `steps.<id>.error` has its `name` and `message`.
""",
)
