"""PF315: a `match` that is not a path in the data of an event."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import MATCH, is_match, matches
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF315",
    name="bad-match",
    level=Level.ERROR,
    fixable=True,
    summary="a `match` that is no path such as `data.order_id`",
    why="""
`match` names a field that has the same value in the event that started the run and in the one that
is waited for: a path below `data`, of plain names with dots between. Anything else never matches, and
the wait would last until its timeout. The values are ids, and compare as strings: `7` in one event
and `"7"` in the other are the same.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "paid", "type": "wait",
     "data": {"event": "payment/received", "match": "event.data.order_id"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "paid"},
    {"source": "paid", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "paid", "type": "wait",
     "data": {"event": "payment/received", "match": "data.order_id"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "paid"},
    {"source": "paid", "target": "done"}
  ]
}
""",
    fix="Write the path as it is in both events: `data.order_id`, `data.order.id`.",
    texts={
        "no-path": Text(
            "`{match}` is no path in an event's data",
            "`{match}` 不是事件数据中的路径",
        ),
        "write": Text("write `{inner:raw}`", "改为 `{inner}`"),
        "example": Text("write a path such as `data.order_id`", "填写路径，例如 `data.order_id`"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for match, pointer, node in matches(facts.graph):
        if is_match(match):
            continue
        inner = MATCH.search(match)
        yield RULE.diagnostic(
            RULE.text("no-path", match=match),
            pointer,
            node=node,
            help=RULE.text("write", inner=inner[0]) if inner else RULE.text("example"),
            fixes=(words.written(pointer, inner[0]),) if inner else (),
        )
