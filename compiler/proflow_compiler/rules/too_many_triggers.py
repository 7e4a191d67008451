"""PF404: more triggers than Inngest allows."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import triggers
from proflow_compiler.rules.rule import Rule

MOST_TRIGGERS = 10

_ELEVEN = ", ".join(f'{{"event": "order/{kind}"}}' for kind in "abcdefghijk")

RULE = Rule(
    code="PF404",
    name="too-many-triggers",
    level=Level.ERROR,
    summary="a design with more than ten triggers",
    why="Inngest takes at most ten triggers per function, and refuses one that has more.",
    incorrect=f"""
{{
  "trigger": [{_ELEVEN}],
  "nodes": [{{"id": "begin", "type": "start"}}, {{"id": "done", "type": "end"}}],
  "edges": [{{"source": "begin", "target": "done"}}]
}}
""",
    correct="""
{
  "trigger": {"event": "order/*"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="""
Let the senders use one event with a field that tells the kinds apart, or trigger on a name that ends
in `*`.
""",
    texts={
        "too-many": Text(
            "the design has {count} triggers; Inngest takes at most {most}",
            "设计有 {count} 个触发器，Inngest 最多支持 {most} 个",
        ),
        "one-too-many": Text("one too many", "超出上限"),
        "use-one": Text(
            "use one event for several, or a name that ends in `*`",
            "将多个事件合并为一个，或使用以 `*` 结尾的名称",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    found = list(triggers(facts.graph))
    if len(found) > MOST_TRIGGERS:
        _, pointer, node = found[MOST_TRIGGERS]
        yield RULE.diagnostic(
            RULE.text("too-many", count=len(found), most=MOST_TRIGGERS),
            pointer,
            node=node,
            label=RULE.text("one-too-many"),
            help=RULE.text("use-one"),
        )
