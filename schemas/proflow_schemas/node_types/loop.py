"""The node type `loop`: runs the nodes inside of it while an expression holds."""

from pydantic import Field

from proflow_schemas.configs import Config, Count, Expression
from proflow_schemas.definition import LoopOp
from proflow_schemas.node_types.foreign import called
from proflow_schemas.node_types.record import DONE_OR_ERROR, READS_ERROR, NodeType, Words
from proflow_schemas.step_ids import step_id


class Loop(Config):
    """Runs the nodes inside of it again and again, while an expression holds."""

    condition: Expression | None = Field(default=None, alias="while")
    max_iterations: Count = 10


def _lower(node: str, config: Loop) -> LoopOp:
    return LoopOp.model_validate(
        {
            "id": step_id(node),
            "node": node,
            "while": config.condition,
            "max_iterations": config.max_iterations,
            "steps": [],
        }
    )


NODE_TYPE = NodeType(
    name="loop",
    kind="container",
    title=Words("Loop", "循环"),
    summary=Words(
        "Runs the nodes inside of it again and again, while an expression holds.",
        "表达式成立时，重复运行容器内的节点。",
    ),
    category="flow",
    icon="retweet",
    order=190,
    elsewhere=("while", "dowhile", "repeat", "repeatuntil"),
    config=Loop,
    fields={
        "while": Words(
            "tested before each iteration; if not set, there are `maxIterations` iterations",
            "循环条件，每轮开始前判断；未设置时固定运行 `maxIterations` 轮",
        ),
        "maxIterations": Words(
            "the most iterations; if `while` still holds after them, the node fails",
            "最多运行几轮；达到上限后 `while` 仍成立，则节点失败",
        ),
    },
    outcomes=DONE_OR_ERROR,
    readable=READS_ERROR,
    meanings=called("while", "condition", "loopcondition", "whilecondition")
    | called("maxIterations", "max", "maxloops", "maxcount", "loopcount", "limit", "times"),
    lower=_lower,
    example="""\
{"id": "poll", "type": "loop", "data": {"while": "iteration < event.data.rounds", "maxIterations": 20}}""",
    notes="""\
The nodes inside have the container's id as their `parentId`. An iteration begins with the nodes that no
edge leads to. Edges between nodes inside and outside are an error. Expressions inside, and `while`, read
`iteration`: the number of iterations that are over.

The node's `output` is the result of the last iteration: the `output` of the `end` that it reached, else
the output of the only node inside that no edge leaves. An `end` inside ends its path of the iteration;
with `terminate` or `fail` it ends the run. A rejection, a timeout or a return inside that has no edge
ends its iteration.

If an iteration fails, or `while` still holds after `maxIterations` iterations, the `error` edge is taken.
Without that edge, the run fails.

To go back to an earlier node no container is needed: draw an edge back to it, with a bound.
""",
)
