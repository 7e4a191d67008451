"""PF212: rules that may all be false, without a default."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.mending.completing import add_default
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF212",
    name="missing-default",
    level=Level.WARNING,
    fixable=True,
    summary="edges with rules of which none may hold, and no edge without one",
    why="""
A run takes the first edge whose rule holds, else the one edge without a rule. If there is none, a
run for which no rule holds fails, there and then. Rules that provably leave nothing over, such as
`x > 5` and `x <= 5`, need no default.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "kind", "type": "condition"},
    {"id": "bought", "type": "end"},
    {"id": "rented", "type": "end", "data": {"status": "rented"}}
  ],
  "edges": [
    {"source": "begin", "target": "kind"},
    {"source": "kind", "target": "bought", "data": {"when": "event.data.kind == 'buy'"}},
    {"source": "kind", "target": "rented", "data": {"when": "event.data.kind == 'rent'"}}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "kind", "type": "condition"},
    {"id": "bought", "type": "end"},
    {"id": "rented", "type": "end", "data": {"status": "rented"}},
    {"id": "other", "type": "end", "data": {"status": "unknown kind"}}
  ],
  "edges": [
    {"source": "begin", "target": "kind"},
    {"source": "kind", "target": "bought", "data": {"when": "event.data.kind == 'buy'"}},
    {"source": "kind", "target": "rented", "data": {"when": "event.data.kind == 'rent'"}},
    {"source": "kind", "target": "other"}
  ]
}
""",
    fix="""
Remove the rule of the edge that is meant for everything else, or draw one more edge without a rule.
If `input` lists the values that a field may have (`enum`), they are taken into account.
""",
    texts={
        "none-holds": Text(
            "a run in which no rule of `{node}` holds fails here",
            "如果 `{node}` 的规则都不成立，运行会在这里失败",
        ),
        "no-default": Text("no default", "没有默认连线"),
        "draw-default": Text(
            "draw an edge without a rule, which is taken when no rule holds",
            "画一条不带规则的连线，在规则都不成立时执行",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, at in facts.reached.items():
        exits = facts.exits(name)
        if not at.ruled or not exits or any(exit_.default for exit_ in exits):
            continue
        covered = facts.coverage(name)
        if covered is None or covered.exhaustive:
            continue
        yield RULE.diagnostic(
            RULE.text("none-holds", node=at.node.id),
            place_of(at.node),
            node=at.node.id,
            label=RULE.text("no-default"),
            help=RULE.text("draw-default"),
            fixes=add_default(facts.graph.design, at.node.id, at.choice_of),
        )
