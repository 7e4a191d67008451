"""PF214: a join that waits for more edges than it has."""

from collections.abc import Iterator

from proflow_schemas.node_types.join import Join

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.design_edits import fix, set_key
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF214",
    name="excessive-join-count",
    level=Level.ERROR,
    fixable=True,
    summary="a join whose `mode` is a number above the number of its edges in",
    why="""
A join of mode 3 goes on when three of its edges in have been taken. With two edges that never
happens: either an edge was forgotten, or the number was not brought up to date.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "a", "type": "approval"},
    {"id": "b", "type": "approval"},
    {"id": "most", "type": "join", "data": {"mode": 3}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "a"},
    {"source": "begin", "target": "b"},
    {"source": "a", "target": "most"},
    {"source": "b", "target": "most"},
    {"source": "most", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "a", "type": "approval"},
    {"id": "b", "type": "approval"},
    {"id": "most", "type": "join", "data": {"mode": 2}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "a"},
    {"source": "begin", "target": "b"},
    {"source": "a", "target": "most"},
    {"source": "b", "target": "most"},
    {"source": "most", "target": "done"}
  ]
}
""",
    fix="Lower the number, or draw the edge that is missing; `active` waits for all that come.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.drawn.items():
        match node.config:
            case Join(mode=int(count)) if count > (
                edges := len(facts.level_of[name].graph.into[name])
            ):
                yield RULE.diagnostic(
                    f"join {ticks(name)} waits for {count} edges, and {edges} lead to it",
                    node.pointer_to("mode"),
                    node=name,
                    label=f"at most {edges}",
                    help="lower the number, or use `active`",
                    fixes=(
                        fix("wait for every edge in: `all`", set_key(node, "mode", "all")),
                        fix(
                            "wait for the branches that run: `active`",
                            set_key(node, "mode", "active"),
                        ),
                    ),
                )
            case _:
                pass
