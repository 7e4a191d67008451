"""The node type `parallel`: follows all its edges at once."""

from proflow_schemas.configs import Config
from proflow_schemas.node_types.foreign import RULES
from proflow_schemas.node_types.record import NodeType, Words


class Parallel(Config):
    """Follows all its edges at once."""


NODE_TYPE = NodeType(
    name="parallel",
    kind="structure",
    title=Words("Parallel", "并行"),
    summary=Words(
        "Follows all its edges at once, as any node with several edges does.",
        "同时沿所有连线继续。",
    ),
    category="flow",
    icon="fork",
    shape="bar",
    order=120,
    aliases=("fork",),
    elsewhere=(*("parallelgateway", "andgateway", "split", "concurrent", "并行", "并行分支"),),
    config=Parallel,
    readable=(),
    meanings=RULES,
    example='{"id": "fork", "type": "parallel"}',
    notes="""\
Branches do not wait for each other. The node where they meet waits until every edge into it is taken or
skipped, and runs once if at least one was taken. If a branch can leave before that, by a rejection, a
timeout, an error or a choice, let the branches meet in a `join` with a `mode`.
""",
)
