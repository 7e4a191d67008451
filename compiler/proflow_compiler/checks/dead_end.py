"""PF205: a path that stops before an `end`."""

from collections.abc import Iterator

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import place_of
from proflow_compiler.checks.wording import listed, ticks
from proflow_compiler.diagnostics import Diagnostic, Level

RULE = Rule(
    code="PF205",
    name="dead-end",
    level=Level.ERROR,
    summary="a node, or an outcome of one, that nothing follows though it is no `end`",
    why="""
Every path has to come to an `end`, which says what the run's result is. Where a path just stops,
an edge was forgotten. The outcomes `rejected`, `timeout` and `returned` of an approval and
`timeout` of a wait may stay undrawn: they end the run with that status.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "manager", "type": "approval"},
    {"id": "tell", "type": "notify", "data": {"to": "applicant"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "manager"},
    {"source": "manager", "target": "done", "sourceHandle": "approved"},
    {"source": "manager", "target": "tell", "sourceHandle": "rejected"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "manager", "type": "approval"},
    {"id": "tell", "type": "notify", "data": {"to": "applicant"}},
    {"id": "done", "type": "end"},
    {"id": "refused", "type": "end", "data": {"status": "rejected"}}
  ],
  "edges": [
    {"source": "begin", "target": "manager"},
    {"source": "manager", "target": "done", "sourceHandle": "approved"},
    {"source": "manager", "target": "tell", "sourceHandle": "rejected"},
    {"source": "tell", "target": "refused"}
  ]
}
""",
    fix="Draw an edge to what comes next, or to an `end`.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    nodes = facts.graph.design.nodes.values()
    if not any(node.type == "end" for node in nodes):
        return  # missing-end says so
    for name, node in facts.drawn.items():
        drawn = {exit_.outcome for exit_ in facts.graph.exits[name]}
        open_outcomes: tuple[str, ...] = ()
        if node.kind.rules:
            if not drawn:
                open_outcomes = ("default",)
        else:
            ends_itself = {*drawn, *node.kind.undrawn}
            open_outcomes = tuple(one for one in node.kind.outcomes if one not in ends_itself)
        if not open_outcomes:
            continue
        nothing = f"nothing follows {ticks(name)}, which is no `end`"
        some = f"nothing follows when {ticks(name)} is left by {listed(open_outcomes, 'or')}"
        yield RULE.diagnostic(
            some if drawn and len(node.kind.outcomes) > 1 else nothing,
            place_of(node),
            node=name,
            label="the path stops here",
            help="draw an edge from here to what comes next, or to an `end`",
        )
