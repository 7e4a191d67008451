"""PF406: more cancelling events than Inngest allows."""

from collections.abc import Iterator

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import listed
from proflow_compiler.diagnostics import Diagnostic, Level

MOST_CANCELLATIONS = 5

RULE = Rule(
    code="PF406",
    name="too-many-cancellations",
    level=Level.ERROR,
    summary="a design with more than five events in `cancelOn`",
    why="Inngest takes at most five cancelling events per function, and refuses one with more.",
    incorrect="""
{
  "cancelOn": [
    {"event": "order/withdrawn"},
    {"event": "order/expired"},
    {"event": "order/replaced"},
    {"event": "order/refused"},
    {"event": "order/lost"},
    {"event": "order/stolen"}
  ],
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "cancelOn": [
    {"event": "order/withdrawn"},
    {"event": "order/expired"},
    {"event": "order/replaced"},
    {"event": "order/refused"},
    {"event": "order/lost"}
  ],
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="Let the senders use one event, with a field that says why.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    events = list(listed(design.settings.cancel_on, design.pointer_to("cancelOn")))
    if len(events) > MOST_CANCELLATIONS:
        yield RULE.diagnostic(
            f"the design has {len(events)} cancelling events; Inngest takes {MOST_CANCELLATIONS}",
            events[MOST_CANCELLATIONS][1],
            label="one too many",
            help="let the senders use one event, with a field that says why",
        )
