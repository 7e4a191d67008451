"""PF214: a join that waits for more edges than it has."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.join import Join

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.design_edits import fix, set_key
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
    texts={
        "too-many": Text(
            "join `{name}` waits for {count} edges, and {edges} lead to it",
            "汇合 `{name}` 要等待 {count} 条连线，但只有 {edges} 条进入",
        ),
        "at-most": Text("at most {edges}", "最多 {edges}"),
        "lower": Text("lower the number, or use `active`", "减小数量，或使用 `active`"),
        "all": Text("wait for every edge in: `all`", "等待所有进入的连线：`all`"),
        "active": Text("wait for the branches that run: `active`", "等待正在执行的分支：`active`"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.drawn.items():
        match node.config:
            case Join(mode=int(count)) if count > (
                edges := len(facts.level_of[name].graph.into[name])
            ):
                yield RULE.diagnostic(
                    RULE.text("too-many", name=name, count=count, edges=edges),
                    node.pointer_to("mode"),
                    node=name,
                    label=RULE.text("at-most", edges=edges),
                    help=RULE.text("lower"),
                    fixes=(
                        fix(RULE.text("all"), set_key(node, "mode", "all")),
                        fix(
                            RULE.text("active"),
                            set_key(node, "mode", "active"),
                        ),
                    ),
                )
            case _:
                pass
