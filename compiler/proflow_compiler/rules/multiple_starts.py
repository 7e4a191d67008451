"""PF202: a design with more than one `start`."""

from collections.abc import Iterator

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, remove_nodes
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF202",
    name="multiple-starts",
    level=Level.ERROR,
    fixable=True,
    summary="every `start` node beyond the first",
    why="""
A run begins at one place. With two starts it would be open which of them a run begins at, or
whether it begins at both. Several *triggers* are no reason for several starts: one `start` takes a
list of them.
""",
    incorrect="""
{
  "nodes": [
    {"id": "by-form", "type": "start", "data": {"trigger": {"event": "form/sent"}}},
    {"id": "by-clock", "type": "start", "data": {"trigger": {"cron": "0 9 * * *", "timezone": "Asia/Shanghai"}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "by-form", "target": "done"},
    {"source": "by-clock", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start",
     "data": {"trigger": [{"event": "form/sent"}, {"cron": "0 9 * * *", "timezone": "Asia/Shanghai"}]}},
    {"id": "done", "type": "end"}
  ],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="""
Keep one `start`, give it the triggers of the others as a list, and lead its edges to where theirs
led. If the others belong to another workflow, move them to a design of their own.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    nodes = design.nodes
    first, *others = [name for name in facts.graph.starts if name in nodes] or [""]
    for name in others:
        yield RULE.diagnostic(
            f"{ticks(name)} is one more `start`: the design begins at {ticks(first)}",
            place_of(nodes[name]),
            node=name,
            label="another start",
            related=(Related(place_of(nodes[first]), "the first one"),),
            help="keep one `start`; it takes a list of triggers",
            fixes=(fix(f"never begin at {ticks(name)}: remove it", *remove_nodes(design, [name])),),
        )
