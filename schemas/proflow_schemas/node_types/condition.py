"""Choosing a way by rules."""

from proflow_schemas.configs import Config
from proflow_schemas.node_types.foreign import RULES
from proflow_schemas.node_types.record import NodeType, Words


class Condition(Config):
    """Goes on by the first edge whose rule holds."""


NODE_TYPE = NodeType(
    name="condition",
    kind="structure",
    title=Words("Condition", "条件"),
    summary=Words("Goes on by the first edge whose rule holds.", "沿第一条规则成立的连线继续。"),
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
The rules stand on the edges, in `data.when`, and are tried in the order of `data.priority`, then as
they stand in the file. The edge without a rule is the default. If no rule holds and there is no
default, the run fails. Edges with the same `sourceHandle` are one outcome, and share a rule.

The edges that are not taken are skipped, and what only they lead to is skipped as well. Where the
branches meet again, nothing waits for the ones that were not chosen.

Edges with rules out of any other node act as a condition there.
""",
)
