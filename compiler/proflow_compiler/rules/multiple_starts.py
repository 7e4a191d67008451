"""PF202: a design with more than one `start`."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, remove_nodes
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
    texts={
        "one-more": Text(
            "`{name}` is one more `start`: the design begins at `{first}`",
            "`{name}` 是多余的 `start`：设计从 `{first}` 开始",
        ),
        "another": Text("another start", "另一个开始节点"),
        "first": Text("the first one", "第一个开始节点"),
        "keep-one": Text(
            "keep one `start`; it takes a list of triggers",
            "只保留一个 `start`；它可以设置多个触发器",
        ),
        "remove": Text("never begin at `{name}`: remove it", "不再从 `{name}` 开始：移除它"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    nodes = design.nodes
    first, *others = [name for name in facts.graph.starts if name in nodes] or [""]
    for name in others:
        yield RULE.diagnostic(
            RULE.text("one-more", name=name, first=first),
            place_of(nodes[name]),
            node=name,
            label=RULE.text("another"),
            related=(Related(place_of(nodes[first]), RULE.text("first")),),
            help=RULE.text("keep-one"),
            fixes=(fix(RULE.text("remove", name=name), *remove_nodes(design, [name])),),
        )
