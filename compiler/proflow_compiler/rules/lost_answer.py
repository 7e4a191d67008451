"""PF309: a wait that may begin after its event was sent."""

from collections import deque
from collections.abc import Iterator

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.message_text import ticks
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
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.drawn.items():
        if not node.kind.awaits or not facts.level_of[name].ordered:
            continue
        trigger = _trigger(facts.level_of[name], name)
        if trigger is None:
            continue
        yield RULE.diagnostic(
            f"the answer to {ticks(trigger)} is lost if it comes before {ticks(name)} begins",
            place_of(node),
            node=name,
            label="begins to wait only here",
            related=(Related(place_of(facts.drawn[trigger]), "what may trigger the event"),),
            help=f"draw {ticks(trigger)} directly before {ticks(name)}, with no other edge there",
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
