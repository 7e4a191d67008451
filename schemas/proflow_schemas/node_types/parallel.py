"""Going on by all edges."""

from proflow_schemas.configs import Config
from proflow_schemas.node_types.foreign import RULES
from proflow_schemas.node_types.record import NodeType, Words


class Parallel(Config):
    """Goes on by all edges at once."""


NODE_TYPE = NodeType(
    name="parallel",
    kind="structure",
    title=Words("Parallel", "并行"),
    summary=Words(
        "Goes on by all its edges at once, as any node with several edges does.",
        "沿所有连线同时继续。",
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
Branches do not hold each other up. Where they meet, the node waits until every edge in is taken or
skipped, and runs once if one of them was taken. If a branch can leave before, by a rejection, a
timeout, an error or a choice, let the branches meet in a `join` that names its `mode`.
""",
)
