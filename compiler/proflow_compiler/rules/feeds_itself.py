"""PF410: a design that sends the event that starts it."""

from collections.abc import Iterator

from proflow_schemas.configs import EventTrigger
from proflow_schemas.language import Text
from proflow_schemas.node_types.emit import Emit

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import triggers
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF410",
    name="feeds-itself",
    level=Level.WARNING,
    summary="a design that sends the event that starts it",
    why="""
Each run starts another one by the event that it sends, and each node that sends it one more. Such a chain
is ended by force: the ninth run that events have started in turn fails.
""",
    incorrect="""
{
  "trigger": {"event": "stock/changed"},
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "tell", "type": "emit", "data": {"event": "stock/changed"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "tell"},
    {"source": "tell", "target": "done"}
  ]
}
""",
    correct="""
{
  "trigger": {"event": "stock/changed"},
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "tell", "type": "emit", "data": {"event": "stock/counted"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "tell"},
    {"source": "tell", "target": "done"}
  ]
}
""",
    fix="""
Send an event of another name, draw a loop instead, or give the trigger an `if` that the event does not
meet.
""",
    texts={
        "sends": Text(
            "each run sends `{event}`, which starts another run of this design",
            "每次运行都会发送 `{event}`，从而再次启动这个设计",
        ),
        "other-name": Text(
            "send an event of another name, or give the trigger an `if`",
            "换一个事件名，或为触发器设置 `if`",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    heard = {
        trigger.event
        for trigger, _, _ in triggers(facts.graph)
        if isinstance(trigger, EventTrigger) and trigger.condition is None
    }
    for name, node in facts.graph.design.nodes.items():
        if isinstance(node.config, Emit) and node.config.event in heard:
            yield RULE.diagnostic(
                RULE.text("sends", event=node.config.event),
                node.pointer_to("event"),
                node=name,
                help=RULE.text("other-name"),
            )
