"""PF315: a `match` that is not a path in the data of an event."""

import re
from collections.abc import Iterator

from proflow_schemas.configs import Answered

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed, pointed
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
)

_PATH = re.compile(r"data(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    places: list[tuple[str | None, str, str | None]] = [
        (node.config.match, node.pointer_to("match"), name)
        for name, node in design.nodes.items()
        if isinstance(node.config, Answered)
    ]
    places += [
        (cancel.match, pointed(pointer, "match"), None)
        for cancel, pointer in listed(design.settings.cancel_on, design.pointer_to("cancelOn"))
    ]
    for match, pointer, node in places:
        if match is None or _PATH.fullmatch(match):
            continue
        inner = re.search(_PATH, match)
        yield RULE.diagnostic(
            f"{ticks(match)} is no path in an event's data",
            pointer,
            node=node,
            help=f"write `{inner[0]}`" if inner else "write a path such as `data.order_id`",
            fixes=(words.written(pointer, inner[0]),) if inner else (),
        )
