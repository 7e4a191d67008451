"""The node type `join`: waits for the branches that lead to it."""

from typing import Literal

from proflow_schemas.configs import Config, Count
from proflow_schemas.node_types.foreign import called
from proflow_schemas.node_types.record import NodeType, Words


class Join(Config):
    """Where branches meet."""

    mode: Literal["active", "all", "one", "any"] | Count = "active"


NODE_TYPE = NodeType(
    name="join",
    kind="structure",
    title=Words("Join", "汇合"),
    summary=Words(
        "Waits for the branches that lead to it, and runs once.",
        "等待汇入的各个分支，然后只执行一次。",
    ),
    category="flow",
    icon="merge-cells",
    shape="bar",
    order=130,
    aliases=("merge",),
    elsewhere=(*("sync", "synchronize", "converge", "aggregate", "aggregator", "汇聚", "合并"),),
    config=Join,
    fields={
        "mode": Words(
            "when it runs; if not set, it waits as any node does",
            "何时执行；未设置时与普通节点的等待方式相同",
        ),
    },
    readable=(),
    meanings=called("mode", "jointype", "joinmode", "waitfor", "waitmode", "threshold"),
    example='{"id": "join", "type": "join", "data": {"mode": "all"}}',
    notes="""\
| the join runs | `mode` | it is skipped |
|---|---|---|
| when every edge into it is taken or skipped, and at least one is taken | not set, or `active` | if none is taken |
| when every edge into it is taken | `all` | if one is skipped |
| when its only taken edge is taken | `one` | if none is taken |
| when the first edge is taken | `any` | if none is taken |
| when that many edges are taken; if fewer are, when all are taken or skipped | a number | if none is taken |

If a join is skipped, so are the nodes that only it leads to.

`all` and `one` are promises, which the compiler proves or disproves; if it disproves one, it prints a run
that breaks it. With `all`, a run that takes one edge into the join takes all of them, unless something
stops the run: an `end` with `terminate`, a failure, or a rejection without an edge. With `one`, no run
takes two edges into the join.

With `any` or a number the join runs early, and never waits forever. Branches that arrive later change
nothing, but the run stays open until they are over, unless an `end` with `terminate` stops it.

Set a mode wherever one branch can leave by a rejection, a timeout, an error or a choice while another one
arrives: `all` if what follows needs every branch, `active` if the run goes on without the branches that
left. Without a mode that is an error.
""",
)
