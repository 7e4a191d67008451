"""PF407: an event name that is malformed or reserved."""

from collections.abc import Iterator

from proflow_schemas.configs import Answered, EventTrigger
from proflow_schemas.event_names import reserved_prefix
from proflow_schemas.language import Text
from proflow_schemas.node_types.emit import Emit

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed, pointed, triggers
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF407",
    name="bad-event-name",
    level=Level.ERROR,
    fixable=True,
    summary="""an event name with white space around it or control characters in it, one with `${…}`,
one below `inngest/` or `approval/` that is sent, and one below `proflow/`""",
    why="""
Names of events are compared letter by letter and are not templates. Names below `inngest/` are
Inngest's own: they can be listened to, but sending one is refused. Those below `proflow/` are what
starts and ends runs of stored designs, and nobody else's. Those below `approval/` answer approvals: a
design that could send them could decide for people.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "tell", "type": "emit", "data": {"event": "order/${event.data.kind}"}},
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
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "tell", "type": "emit",
     "data": {"event": "order/changed", "data": {"kind": "${event.data.kind}"}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "tell"},
    {"source": "tell", "target": "done"}
  ]
}
""",
    fix="Write a plain name such as `order/changed`, and put what differs into the event's data.",
    texts={
        "approvals": Text("is reserved for approvals", "是审批的保留事件名"),
        "people-decide": Text(
            "choose a name of your own; people decide, and the host answers for them",
            "换一个名称；审批由人来决定，由宿主应用代为回复",
        ),
        "template": Text(
            "holds an expression, and is no template",
            "包含表达式，但事件名不支持模板",
        ),
        "into-data": Text("put what differs into the event's data", "把变化的部分放进事件的数据"),
        "white-space": Text(
            "holds white space or control characters that no name has",
            "包含空白或控制字符",
        ),
        "write": Text("write `{bare}`", "改为 `{bare}`"),
        "plain-name": Text("write a plain name", "填写普通名称"),
        "inngest": Text("is reserved for Inngest's own events", "是 Inngest 保留的事件名"),
        "own-name": Text("choose a name of your own", "换一个名称"),
        "stored": Text(
            "is reserved for the running of stored designs",
            "是运行已存储设计的保留事件名",
        ),
        "bad": Text("the event name `{event}` {problem:raw}", "事件名 `{event}` {problem:raw}"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for event, pointer, node, sent in _names(facts):
        help: str | None
        bare = event.strip()
        if "${" in event:
            problem = RULE.text("template")
            help = RULE.text("into-data")
        elif not event.strip() or not event.isprintable() or event != event.strip():
            problem = RULE.text("white-space")
            help = (
                RULE.text("write", bare=bare)
                if bare and bare.isprintable()
                else RULE.text("plain-name")
            )
        elif sent and event.lower().startswith("inngest/"):
            problem = RULE.text("inngest")
            help = RULE.text("own-name")
        elif sent and reserved_prefix(event) == "approval/":
            problem = RULE.text("approvals")
            help = RULE.text("people-decide")
        elif event.lower().startswith("proflow/"):
            problem = RULE.text("stored")
            help = RULE.text("own-name")
        else:
            continue
        yield RULE.diagnostic(
            RULE.text("bad", event=event, problem=problem),
            pointer,
            node=node,
            help=help,
            fixes=(words.written(pointer, bare, safe=True),) if bare not in ("", event) else (),
        )


def _names(facts: Facts) -> Iterator[tuple[str, str, str | None, bool]]:
    """Yield every event name, its pointer, its node, and if the design sends that event."""
    design = facts.graph.design
    for trigger, pointer, node_id in triggers(facts.graph):
        if isinstance(trigger, EventTrigger):
            yield trigger.event, pointed(pointer, "event"), node_id, False
    for cancel, pointer in listed(design.settings.cancel_on, design.pointer_to("cancelOn")):
        yield cancel.event, pointed(pointer, "event"), None, False
    for name, node in design.nodes.items():
        match node.config:
            case Emit(event=event):
                yield event, node.pointer_to("event"), name, True
            case Answered(event=event):
                yield event, node.pointer_to("event"), name, False
            case _:
                pass
