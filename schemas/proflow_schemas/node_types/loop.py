"""Running the nodes inside while an expression holds."""

from pydantic import Field

from proflow_schemas.configs import Config, Count, Expression
from proflow_schemas.definition import LoopOp
from proflow_schemas.node_types.foreign import called
from proflow_schemas.node_types.record import DONE_OR_ERROR, READS_ERROR, NodeType, Words
from proflow_schemas.step_ids import step_id


class Loop(Config):
    """Runs the nodes in it again and again, while an expression holds."""

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
        "Runs the nodes in it again and again, while an expression holds.",
        "在表达式成立期间，反复运行内部节点。",
    ),
    category="flow",
    icon="retweet",
    order=190,
    elsewhere=("while", "dowhile", "repeat", "repeatuntil"),
    config=Loop,
    fields={
        "while": Words(
            "tested before each iteration; without it, there are `maxIterations` iterations",
            "每轮开始前检查；未设置时共运行 `maxIterations` 轮",
        ),
        "maxIterations": Words(
            "the most iterations: if `while` still holds then, the node fails",
            "最多几轮：到达后 `while` 仍成立则节点失败",
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
