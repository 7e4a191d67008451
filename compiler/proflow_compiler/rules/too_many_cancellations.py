"""PF406: more events in `cancelOn` than Inngest allows."""

from collections.abc import Iterator

from proflow_schemas.definition import MAX_CANCELLATIONS

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed
from proflow_compiler.rules.rule import Rule

HELP = "let the senders use one event, with a field that says why"

RULE = Rule(
    code="PF406",
    name="too-many-cancellations",
    level=Level.ERROR,
    summary="a design with more than five events in `cancelOn`, or more than three if another workflow runs it",
    why="""
Inngest takes at most five cancelling events per function, and refuses one with more.

A workflow that another one runs as a `subprocess` is cancelled when that one's run ends, and this
takes one of the five. With five of its own it is not: its run goes on to its end. It is cancelled, too,
when only the item or the iteration ends that it was called in, or the time that it is given, and this
takes another one. Each is a warning, given where both designs are checked together.
""",
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
    if len(events) > MAX_CANCELLATIONS:
        yield RULE.diagnostic(
            f"the design has {len(events)} cancelling events; Inngest takes {MAX_CANCELLATIONS}",
            events[MAX_CANCELLATIONS][1],
            label="one too many",
            help=HELP,
        )
    elif len(events) == MAX_CANCELLATIONS and (callers := facts.calls.callers(design.id)):
        yield RULE.diagnostic(
            f"{ticks(design.id)} is not cancelled when the run of {ticks(callers[0])} ends",
            events[-1][1],
            label=f"{MAX_CANCELLATIONS} cancelling events leave none for the end of its parent",
            help=HELP,
            level=Level.WARNING,
        )
    elif len(events) == MAX_CANCELLATIONS - 1 and (callers := facts.calls.leavers(design.id)):
        yield RULE.diagnostic(
            f"{ticks(design.id)} is not cancelled when {ticks(callers[0])} stops waiting for it",
            events[-1][1],
            label=f"with {len(events)} cancelling events it is cancelled only as its parent ends",
            help=HELP,
            level=Level.WARNING,
        )
