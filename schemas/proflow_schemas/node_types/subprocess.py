"""The node type `subprocess`: runs another workflow, and waits for its result."""

from collections.abc import Iterator
from typing import Any

from proflow_schemas.configs import Config, Duration, Name, Value, whole_seconds
from proflow_schemas.definition import InvokeOp
from proflow_schemas.node_types.foreign import GIVEN, GUARDS, called
from proflow_schemas.node_types.record import DONE_OR_ERROR, READS_ERROR, NodeType, Words
from proflow_schemas.readiness import Need, NodeNeed
from proflow_schemas.step_ids import step_id


class Subprocess(Config):
    """Runs another workflow, and continues with its result."""

    workflow: Name
    input: Value = None
    timeout: Duration | None = None


def _lower(node: str, config: Subprocess) -> InvokeOp:
    return InvokeOp(
        id=step_id(node),
        node=node,
        workflow=config.workflow,
        input=config.input,
        timeout=whole_seconds(config.timeout),
    )


def _output(config: Subprocess) -> Any:
    return {
        "type": "object",
        "properties": {"result": {"type": "string"}, "output": {}},
        "additionalProperties": False,
    }


def _needs(config: Subprocess) -> Iterator[NodeNeed]:
    yield NodeNeed(Need("workflow", config.workflow), "workflow")


NODE_TYPE = NodeType(
    name="subprocess",
    kind="waits",
    title=Words("Subprocess", "子流程"),
    summary=Words(
        "Runs another workflow, and continues with its result.",
        "运行另一个流程，待其完成后带着结果继续。",
    ),
    category="work",
    icon="subnode",
    order=170,
    aliases=("callActivity",),
    elsewhere=(
        *("subflow", "subworkflow", "childworkflow", "executeworkflow", "callworkflow"),
        *("workflow", "子流程", "flow"),
    ),
    config=Subprocess,
    needs=_needs,
    fields={
        "workflow": Words("the id of the other workflow", "子流程的 ID"),
        "input": Words(
            "the data of the event that starts it: an object", "启动子流程的事件数据，须为对象"
        ),
        "timeout": Words(
            "how long it may take: a duration such as `24h`", "最长运行时间，例如 `24h`"
        ),
    },
    outcomes=DONE_OR_ERROR,
    readable=READS_ERROR,
    meanings=called(
        "workflow",
        *("processid", "processkey", "processdefinitionkey", "calledelement", "workflowid"),
        *("workflowname", "flowid", "subflow", "subprocessid", "definitionkey"),
    )
    | GIVEN
    | GUARDS,
    lower=_lower,
    calls=True,
    output=_output,
    example="""\
{"id": "sign", "type": "subprocess", "data": {"workflow": "contract-signing", "input": {"contract": "${event.data.id}"}}}""",
    notes="""\
The other workflow runs for the same tenant, in the version that is published when it starts. The node's
`output` is the `{result, output}` of that run.

If the other workflow fails, is cancelled, takes too long or does not exist, the `error` edge is taken.
Without that edge, the run fails. Workflows can call each other at most 8 levels deep.
""",
)
