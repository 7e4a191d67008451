"""Where branches meet."""

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
        "等待通向它的各个分支，然后只执行一次。",
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
            "when it runs; see below. Without it, it waits as any node does",
            "何时执行，见下文；未设置时与普通节点一样等待",
        ),
    },
    readable=(),
    meanings=called("mode", "jointype", "joinmode", "waitfor", "waitmode", "threshold"),
    example='{"id": "join", "type": "join", "data": {"mode": "all"}}',
    notes="""\
| runs | `mode` | is skipped |
|---|---|---|
| when all edges in are taken or skipped, at least one of them taken | none, or `active` | if none was taken |
| when every edge in was taken | `all` | if one was skipped |
| at the one edge that is taken | `one` | if none was taken |
| at the first edge that is taken | `any` | if none was taken |
| at that many taken edges, or, with fewer, when all are taken or skipped | a number | if none was taken |

If a join is skipped, so is what follows it.

`all` and `one` are promises that the compiler proves, or refutes by a run that it prints. With `all`,
a run that takes one edge in takes all of them, unless something stops the run: an `end` with
`terminate`, a failure, a rejection that is not drawn. With `one`, no run takes two.

`any` and numbers go on early and never hang. Branches that arrive later change nothing, but keep the
run open until they are over, unless an `end` with `terminate` stops it.

Name the mode wherever one branch can leave by a rejection, a timeout, an error or a choice while
another one arrives: `all`, if what follows needs every branch, `active`, if the run goes on without
those that have left. Without a mode that is an error.
""",
)
