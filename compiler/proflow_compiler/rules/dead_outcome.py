"""PF215: an edge of an outcome that the settings of its node rule out."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, set_key
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.mending.removing import remove_dead_edges
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF215",
    name="dead-outcome",
    level=Level.WARNING,
    fixable=True,
    summary="a drawn `timeout` of an approval whose `timeoutAction` does something else",
    why="""
`timeoutAction` decides what a timeout does: `route`, the default, takes the outcome `timeout`;
`approve` and `reject` take those outcomes instead, and `remind` goes on waiting. With these three an
edge drawn from `timeout` is never taken.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "data": {"timeout": "24h", "timeoutAction": "reject"}},
    {"id": "done", "type": "end"},
    {"id": "late", "type": "end", "data": {"status": "late"}}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"},
    {"source": "boss", "target": "late", "sourceHandle": "timeout"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "data": {"timeout": "24h", "timeoutAction": "route"}},
    {"id": "done", "type": "end"},
    {"id": "late", "type": "end", "data": {"status": "late"}}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"},
    {"source": "boss", "target": "late", "sourceHandle": "timeout"}
  ]
}
""",
    fix="Remove the edge, or set `timeoutAction` to `route`.",
    texts={
        "routed": Text(
            "go on by the edge when `{node}` times out: set `timeoutAction` to `route`",
            "`{node}` 超时后沿连线继续：将 `timeoutAction` 设为 `route`",
        ),
        "never-left": Text(
            "`{name}` is never left by `timeout`: its `timeoutAction` is `{action}`",
            "`{name}` 不会从 `timeout` 出口离开：`timeoutAction` 为 `{action}`",
        ),
        "never-taken": Text("never taken", "永远不会执行"),
        "decides": Text("decides otherwise", "由这项设置决定"),
        "remove": Text(
            "remove this edge, or set `timeoutAction` to `route`",
            "移除这条连线，或将 `timeoutAction` 设为 `route`",
        ),
    },
)


def routed(node: Node) -> Fix:
    """Return the fix that makes the approval follow its `timeout` edge."""
    title = RULE.text("routed", node=node.id)
    return fix(title, set_key(node, "timeoutAction", "route"))


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.drawn.items():
        config = node.config
        if not isinstance(config, Approval) or config.timeout_action == "route":
            continue
        for exit_ in facts.exits(name):
            if exit_.outcome == "timeout":
                edge = facts.first_drawn(exit_)
                yield RULE.diagnostic(
                    RULE.text("never-left", name=name, action=config.timeout_action),
                    pointed(edge.pointer, "target"),
                    node=name,
                    edge=edge.key,
                    label=RULE.text("never-taken"),
                    related=(Related(node.pointer_to("timeoutAction"), RULE.text("decides")),),
                    help=RULE.text("remove"),
                    fixes=(*remove_dead_edges(exit_), routed(node)),
                )
