"""The node type `inclusive`: follows every edge whose rule holds."""

from proflow_schemas.configs import Config
from proflow_schemas.node_types.foreign import RULES
from proflow_schemas.node_types.record import NodeType, Words


class Inclusive(Config):
    """Follows every edge whose rule holds, at once."""


NODE_TYPE = NodeType(
    name="inclusive",
    kind="structure",
    title=Words("Inclusive", "多选分支"),
    summary=Words(
        "Follows every edge whose rule holds, at once.", "同时沿所有规则成立的连线继续。"
    ),
    category="flow",
    icon="sisternode",
    shape="decision",
    order=110,
    aliases=("multi-choice",),
    elsewhere=("inclusivegateway", "orgateway", "multichoice", "包容分支"),
    config=Inclusive,
    rules=True,
    every=True,
    readable=("outcome",),
    meanings=RULES,
    example='{"id": "channels", "type": "inclusive", "data": {"label": "How to tell them"}}',
    notes="""\
The edges have rules, as those of a `condition` do, but every edge whose rule holds is followed. The edge
without a rule is the default: it is taken if no rule holds. If no rule holds and there is no default, the
run fails. Edges with the same `sourceHandle` are one outcome, and share a rule.

Where the branches meet, an ordinary node or a `join` without a mode waits for the branches that were
taken. No mode has to be named because of branches that were not chosen. The `outcome` is the list of
outcomes, in the order of the rules.
""",
)
