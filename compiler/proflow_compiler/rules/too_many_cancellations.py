"""PF406: more events in `cancelOn` than Inngest allows."""

from collections.abc import Iterator

from proflow_schemas.definition import MAX_CANCELLATIONS
from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed
from proflow_compiler.rules.rule import Rule

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
    texts={
        "one-event": Text(
            "let the senders use one event, with a field that says why",
            "让发送方共用一个事件，用字段区分原因",
        ),
        "too-many": Text(
            "the design has {count} cancelling events; Inngest takes {most}",
            "设计有 {count} 个取消事件，Inngest 最多支持 {most} 个",
        ),
        "one-too-many": Text("one too many", "超出上限"),
        "parent-ends": Text(
            "`{design}` is not cancelled when the run of `{caller}` ends",
            "`{caller}` 的运行结束时，`{design}` 不会被取消",
        ),
        "none-left": Text(
            "{most} cancelling events leave none for the end of its parent",
            "已有 {most} 个取消事件，无法再监听父运行的结束",
        ),
        "parent-leaves": Text(
            "`{design}` is not cancelled when `{caller}` stops waiting for it",
            "`{caller}` 不再等待时，`{design}` 不会被取消",
        ),
        "only-at-end": Text(
            "with {count} cancelling events it is cancelled only as its parent ends",
            "已有 {count} 个取消事件，只能在父运行结束时取消",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    events = list(listed(design.settings.cancel_on, design.pointer_to("cancelOn")))
    if len(events) > MAX_CANCELLATIONS:
        yield RULE.diagnostic(
            RULE.text("too-many", count=len(events), most=MAX_CANCELLATIONS),
            events[MAX_CANCELLATIONS][1],
            label=RULE.text("one-too-many"),
            help=RULE.text("one-event"),
        )
    elif len(events) == MAX_CANCELLATIONS and (callers := facts.calls.callers(design.id)):
        yield RULE.diagnostic(
            RULE.text("parent-ends", design=design.id, caller=callers[0]),
            events[-1][1],
            label=RULE.text("none-left", most=MAX_CANCELLATIONS),
            help=RULE.text("one-event"),
            level=Level.WARNING,
        )
    elif len(events) == MAX_CANCELLATIONS - 1 and (callers := facts.calls.leavers(design.id)):
        yield RULE.diagnostic(
            RULE.text("parent-leaves", design=design.id, caller=callers[0]),
            events[-1][1],
            label=RULE.text("only-at-end", count=len(events)),
            help=RULE.text("one-event"),
            level=Level.WARNING,
        )
