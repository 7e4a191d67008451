"""PF310: a computed value that nothing reads."""

from collections.abc import Iterator

from proflow_schemas.expressions import Reference
from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF310",
    name="unused-output",
    level=Level.INFO,
    summary="a `set` or an `ai` node whose output nothing reads",
    why="""
The output is all that these nodes are for: they change nothing outside of the run. If no expression
reads it, the node may be left over, or the place that should read it reads something else. Nothing
is said of a `task` or an `http`: most are there for what they do, not for what they return. What
the last node in a container returns is the item's result.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "rate", "type": "set", "data": {"values": {"tax": "event.data.net * 0.19"}}},
    {"id": "book", "type": "task", "data": {"handler": "book", "input": {"net": "${event.data.net}"}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "rate"},
    {"source": "rate", "target": "book"},
    {"source": "book", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "rate", "type": "set", "data": {"values": {"tax": "event.data.net * 0.19"}}},
    {"id": "book", "type": "task", "data": {"handler": "book", "input": "${steps.rate.output}"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "rate"},
    {"source": "rate", "target": "book"},
    {"source": "book", "target": "done"}
  ]
}
""",
    fix="Read it where it is needed, `steps.x.output`, or remove the node.",
    texts={
        "unread": Text("nothing reads the output of `{name}`", "没有任何地方读取 `{name}` 的输出"),
        "read-or-remove": Text(
            "read it where it is needed, or remove the node",
            "在需要的地方读取它，或移除该节点",
        ),
    },
)


def _reads_output(reference: Reference) -> bool:
    whole = len(reference.path) == 2 and not reference.presence
    return whole or reference.path[2:3] == ("output",)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if facts.problems or not any(node.kind.for_output for node in facts.drawn.values()):
        return
    read = {one.step for one in facts.reads if _reads_output(one.reference)}
    for name, node in facts.drawn.items():
        if not node.kind.for_output or name in read:
            continue
        if node.parent is not None and not facts.exits(name):
            continue
        yield RULE.diagnostic(
            RULE.text("unread", name=name),
            place_of(node),
            node=name,
            help=RULE.text("read-or-remove"),
        )
