"""The node type `end`: ends a path of a run."""

from proflow_schemas.configs import Config, Name, Value
from proflow_schemas.definition import EndOp
from proflow_schemas.node_types.foreign import called
from proflow_schemas.node_types.record import NodeType, Words
from proflow_schemas.step_ids import step_id


class End(Config):
    """Where a path of a run ends; the run's result is its status."""

    status: Name = "completed"
    output: Value = None
    terminate: bool = False
    fail: bool = False


def _lower(node: str, config: End) -> EndOp:
    return EndOp(
        id=step_id(node),
        node=node,
        status=config.status,
        output=config.output,
        terminate=config.terminate,
        fail=config.fail,
    )


NODE_TYPE = NodeType(
    name="end",
    kind="end",
    title=Words("End", "结束"),
    summary=Words(
        "Where a path of a run ends. The run's result is the `status` of its end.",
        "一条路径的终点，其 `status` 即流程的结果。",
    ),
    category="flow",
    icon="stop",
    shape="terminal",
    order=20,
    elsewhere=(
        *("finish", "stop", "exit", "endevent", "terminate", "terminateevent", "return"),
        *("done", "complete", "结束", "完成"),
    ),
    config=End,
    fields={
        "status": Words(
            "the run's result: `completed`, or any word such as `rejected`",
            "流程的结果：`completed`，或 `rejected` 等自定义值",
        ),
        "output": Words("the run's output", "流程的输出"),
        "terminate": Words("whether all other paths stop as well", "是否同时停止其他所有路径"),
        "fail": Words("whether the run fails", "是否将流程标记为失败"),
    },
    outcomes=(),
    readable=(),
    meanings=called("status", "result", "endstatus", "finalstatus", "endtype", "outcome")
    | called("terminate", "terminateall", "terminates", "isterminate")
    | called("output", "returnvalue", "response", "outputdata"),
    lower=_lower,
    example='{"id": "end", "type": "end", "data": {"status": "rejected"}}',
    notes="""\
Other paths go on, unless the end has `terminate`: then open waits, delays and approvals are cancelled,
and nothing new starts. `fail` does the same, and the run fails.

An end with `terminate` or `fail` runs as soon as one edge into it is taken, and ignores later ones, so
several rejections may share one end. The same holds for nodes that lead only to such ends, such as a
notification before the end: they do not wait for other branches.

A terminating end decides the result of the run. Without one, a status other than `completed` does; if
there are several, that of the end with the smallest id. If two ends stop the run at the same instant, an
end with `fail` decides, else the end with the smaller id.
""",
)
