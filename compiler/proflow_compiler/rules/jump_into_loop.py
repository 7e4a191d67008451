"""PF207: a way back to a node that is not on every way to it."""

from collections.abc import Iterator

from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.diagnostics.message_text import ticks, walk
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.graph import WayBack
from proflow_compiler.graph.loops import jumps
from proflow_compiler.mending.returning import led_back_before, led_on
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.certainty import drawn_path, way_to
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF207",
    name="jump-into-loop",
    level=Level.ERROR,
    fixable=True,
    summary="""an edge with `data.loop`, a `returned` edge or a `rejectTo` that leads back to a node
which a run may not have come over, or that does not lead back at all""",
    why="""
A way back repeats what lies between its target and its source. So every way to the source has to go
over the target: else a run could jump into the middle of the loop, and there would be no telling
what it repeats. The message shows a way that does not go over it.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "known", "type": "condition"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "check", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "known"},
    {"source": "known", "target": "check", "data": {"when": "event.data.known"}},
    {"source": "known", "target": "draft"},
    {"source": "draft", "target": "check"},
    {"source": "check", "target": "done"},
    {"source": "check", "target": "draft", "sourceHandle": "returned",
     "data": {"loop": {"max": 3}}}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "known", "type": "condition"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "check", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "known"},
    {"source": "known", "target": "check", "data": {"when": "event.data.known"}},
    {"source": "known", "target": "draft"},
    {"source": "draft", "target": "check"},
    {"source": "check", "target": "done"},
    {"source": "check", "target": "known", "sourceHandle": "returned",
     "data": {"loop": {"max": 3}}}
  ]
}
""",
    fix="""
Lead back to a node that every run has come over, or lead every way in over the target. If the edge
is not meant to lead back, remove its `loop`.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        if level.ordered:
            for way in jumps(level.graph):
                if way.edge.target in level.graph.nodes:  # else bad-reject-to says so
                    yield _diagnostic(level, way)


def _diagnostic(level: GraphFacts, way: WayBack) -> Diagnostic:
    graph, source, target = level.graph, way.edge.source, way.edge.target
    node, drawn = graph.nodes[source].node, way.edge.edge
    back = target in level.reached and level.settlement.leads(target, source)
    path = drawn_path(graph, way_to(graph, source, past=target)) if back else ()
    if drawn is None:
        place = node.pointer_to("rejectTo")
    elif back or drawn.loop_pointer is None:
        place = pointed(drawn.pointer, "target")
    else:
        place = drawn.loop_pointer
    return RULE.diagnostic(
        f"the way back to {ticks(target)} leads into the middle of a loop: "
        f"{walk(path)} does not go over {ticks(target)}"
        if back
        else f"no path leads from {ticks(target)} to {ticks(node.id)}, so that this is no way back",
        place,
        node=node.id,
        edge=None if drawn is None else drawn.key,
        label="is not on every way here" if back else "does not lead back",
        path=path,
        help="lead back to a node that every run has come over"
        if back
        else "return to a node that runs before this one"
        if drawn is None
        else "remove `loop`",
        fixes=_fixes(level, way, back=back),
    )


def _fixes(level: GraphFacts, way: WayBack, *, back: bool) -> Iterator[Fix]:
    drawn = way.edge.edge
    if back:
        yield from led_back_before(level.graph, way)
    elif drawn is not None:
        yield from led_on(drawn)
