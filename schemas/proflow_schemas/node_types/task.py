"""The node type `task`: runs a handler of the host."""

from proflow_schemas.configs import Duration, Name, Retried, Value, retry_policy, seconds
from proflow_schemas.definition import TaskOp
from proflow_schemas.node_types.foreign import GIVEN, GUARDS, TRIES, called
from proflow_schemas.node_types.record import Words, step
from proflow_schemas.step_ids import step_id


class Task(Retried):
    """Runs a handler of the host."""

    handler: Name
    input: Value = None
    timeout: Duration | None = None


def _lower(node: str, config: Task) -> TaskOp:
    return TaskOp(
        id=step_id(node),
        node=node,
        handler=config.handler,
        input=config.input,
        retry=retry_policy(config.retry, config.retries),
        timeout=seconds(config.timeout),
    )


NODE_TYPE = step(
    name="task",
    title=Words("Task", "任务"),
    summary=Words(
        "Runs a handler: a Python function of the host.", "调用应用中用 Python 编写的处理函数。"
    ),
    category="work",
    icon="tool",
    order=40,
    aliases=("service", "action", "serviceTask"),
    elsewhere=(
        *("script", "scripttask", "code", "function", "python", "javascript", "step"),
        *("job", "activity", "process", "execute", "operation", "worker", "plugin", "tool"),
        *("任务",),
    ),
    config=Task,
    fields={
        "handler": Words("the name of the function", "处理函数的名称"),
        "input": Words("the input of the function", "传给处理函数的数据"),
        "timeout": Words("how long one attempt may take", "单次执行的最长时间"),
    },
    triggers=True,
    meanings=called(
        "handler",
        *("function", "func", "fn", "functionname", "method", "operation", "handlername"),
        *("implementation", "delegate", "callable", "activity", "servicename", "classname"),
    )
    | GIVEN
    | TRIES
    | GUARDS,
    lower=_lower,
    handler_from="handler",
    example="""\
{"id": "pay", "type": "task", "data": {"handler": "pay_supplier", "input": {"order": "${event.data.order_id}"}}}""",
    notes="""\
The node's `output` is what the handler returns. A handler that fails is retried until its attempts are
used up. Then the `error` edge is taken; without that edge, the run fails. `retries: n` means n + 1
attempts. After an error, `steps.<id>.error` has its `name` and `message`.
""",
)
