"""The node type `condition`: follows the first edge whose rule holds."""

from proflow_schemas.configs import Config
from proflow_schemas.node_types.foreign import RULES
from proflow_schemas.node_types.record import NodeType, Words


class Condition(Config):
    """Follows the first edge whose rule holds."""


NODE_TYPE = NodeType(
    name="condition",
    kind="structure",
    title=Words("Condition", "条件"),
    summary=Words("Follows the first edge whose rule holds.", "沿第一条规则成立的连线继续。"),
    category="flow",
    icon="branches",
    shape="decision",
    order=100,
    aliases=("switch", "if-else", "decision", "exclusive"),
    elsewhere=(
        *("conditional", "gateway", "exclusivegateway", "xor", "xorgateway", "if"),
        *("ifelse", "branch", "branches", "router", "route", "case", "casewhen", "choice"),
        *("conditionbranch", "条件", "判断", "条件分支", "分支", "网关"),
    ),
    config=Condition,
    rules=True,
    readable=("outcome",),
    meanings=RULES,
    example='{"id": "amount", "type": "condition", "data": {"label": "How much?"}}',
    notes="""\
Each edge has its rule in `data.when`. The rules are tested in the order of `data.priority`, then in the
order of the file. The edge without a rule is the default. If no rule holds and there is no default, the
run fails. Edges with the same `sourceHandle` are one outcome, and share a rule.

The other edges are skipped, and so are the nodes that only they lead to. Where the branches meet again,
nothing waits for the branches that were not chosen.

Edges with rules that leave any other node work like a condition behind that node.
""",
)
