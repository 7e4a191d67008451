"""The end of a path."""

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
        "一条路径的终点；它的 `status` 就是流程的结果。",
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
            "流程结果：`completed`，或 `rejected` 等任意词",
        ),
        "output": Words("the run's output", "流程的输出"),
        "terminate": Words("whether this stops all other paths too", "是否同时停止其他所有路径"),
        "fail": Words("whether the run fails here", "流程是否在此失败"),
    },
    outcomes=(),
    readable=(),
    meanings=called("status", "result", "endstatus", "finalstatus", "endtype", "outcome")
    | called("terminate", "terminateall", "terminates", "isterminate")
    | called("output", "returnvalue", "response", "outputdata"),
    lower=_lower,
    example='{"id": "end", "type": "end", "data": {"status": "rejected"}}',
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
