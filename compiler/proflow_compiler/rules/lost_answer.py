"""PF309: a wait that may begin after its event was sent."""

from collections import deque
from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.graph import Graph
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF309",
    name="lost-answer",
    level=Level.WARNING,
    summary="a wait that is not armed together with what may trigger its event",
    why="""
An event that comes before the wait began is lost. A `notify`, `emit`, `http` or `task` drawn
directly before a wait, with one edge between the two and no other edge there, starts only once the
wait has begun. With something in between, somebody who answers at once answers too early.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "ask", "type": "emit", "data": {"event": "payment/requested"}},
    {"id": "pause", "type": "delay", "data": {"duration": "5m"}},
    {"id": "paid", "type": "wait", "data": {"event": "payment/received"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "ask"},
    {"source": "ask", "target": "pause"},
    {"source": "pause", "target": "paid"},
    {"source": "paid", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "pause", "type": "delay", "data": {"duration": "5m"}},
    {"id": "ask", "type": "emit", "data": {"event": "payment/requested"}},
    {"id": "paid", "type": "wait", "data": {"event": "payment/received"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "pause"},
    {"source": "pause", "target": "ask"},
    {"source": "ask", "target": "paid"},
    {"source": "paid", "target": "done"}
  ]
}
""",
    fix="""
Draw the node that triggers the event directly before the wait, each with one edge to the other; or
put both in parallel branches, the wait in one and the trigger in the other.
""",
    texts={
        "lost": Text(
            "the answer to `{trigger}` is lost if it comes before `{name}` begins",
            "如果 `{trigger}` 的结果在 `{name}` 开始之前到达，就会丢失",
        ),
        "begins-here": Text("begins to wait only here", "从这里才开始等待"),
        "triggers": Text("what may trigger the event", "可能触发该事件"),
        "draw-before": Text(
            "draw `{trigger}` directly before `{name}`, with no other edge there",
            "将 `{trigger}` 直接画在 `{name}` 之前，中间不要有其他连线",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.drawn.items():
        if not node.kind.awaits or not facts.level_of[name].ordered:
            continue
        trigger = _trigger(facts.level_of[name], name)
        if trigger is None:
            continue
        yield RULE.diagnostic(
            RULE.text("lost", trigger=trigger, name=name),
            place_of(node),
            node=name,
            label=RULE.text("begins-here"),
            related=(Related(place_of(facts.drawn[trigger]), RULE.text("triggers")),),
            help=RULE.text("draw-before", trigger=trigger, name=name),
        )


def _trigger(level: GraphFacts, wait: str) -> str | None:
    """Return the nearest node before a wait that may trigger its event.

    None if there is none, or if the wait is armed together with it, so that nothing can be lost.
    """
    graph = level.graph
    into = graph.into[wait]
    if len(into) == 1 and len(graph.out(into[0].source)) == 1 and _triggers(graph, into[0].source):
        return None
    queue = deque(edge.source for edge in into)
    seen = set(queue)
    while queue:
        name = queue.popleft()
        if name not in level.reached:
            continue
        if _triggers(graph, name):
            return name
        at = graph.nodes[name]
        takes_time = at.drawn and not at.node.kind.instant
        if takes_time and at.node.type != "delay":
            continue
        before = [edge.source for edge in graph.into[name] if edge.source not in seen]
        seen.update(before)
        queue += before
    return None


def _triggers(graph: Graph, name: str) -> bool:
    at = graph.nodes[name]
    return at.drawn and at.node.kind.triggers
