"""PF207: a back edge whose target is not on every path to its source."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.graph import BackEdge
from proflow_compiler.graph.loops import jumps
from proflow_compiler.mending.returning import drop_loop_marker, return_to_dominator
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.certainty import drawn_path, path_to
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF207",
    name="jump-into-loop",
    level=Level.ERROR,
    fixable=True,
    summary="""an edge with `data.loop`, a `returned` edge or a `rejectTo` that leads back to a node
which a run may not have come over, or that does not lead back at all""",
    why="""
A back edge repeats what lies between its target and its source. So every path to the source has to go
over the target: else a run could jump into the middle of the loop, and there would be no telling
what it repeats. The message shows a path that does not go over it.
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
Lead back to a node that every run has come over, or lead every path in over the target. If the edge
is not meant to lead back, remove its `loop`.
""",
    texts={
        "into-middle": Text(
            "the back edge to `{target}` leads into the middle of a loop: {path:path} does "
            "not go over `{target}`",
            "到 `{target}` 的返回连线进入了循环中间：{path:path} 没有经过 `{target}`",
        ),
        "not-back": Text(
            "no path leads from `{target}` to `{node}`, so that this is no back edge",
            "没有从 `{target}` 到 `{node}` 的路径，这不是返回连线",
        ),
        "not-on-path": Text("is not on every path here", "不在通向这里的每条路径上"),
        "no-way-back": Text("does not lead back", "不是返回"),
        "to-common": Text(
            "lead back to a node that every run has come over",
            "返回到每次运行都经过的节点",
        ),
        "to-earlier": Text(
            "return to a node that runs before this one",
            "退回到在此节点之前执行的节点",
        ),
        "remove-loop": Text("remove `loop`", "移除 `loop`"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        if level.ordered:
            for back_edge in jumps(level.graph):
                if back_edge.edge.target in level.graph.nodes:  # else bad-reject-to reports it
                    yield _diagnostic(level, back_edge)


def _diagnostic(level: GraphFacts, back_edge: BackEdge) -> Diagnostic:
    graph, source, target = level.graph, back_edge.edge.source, back_edge.edge.target
    node, drawn = graph.nodes[source].node, back_edge.edge.edge
    back = target in level.reached and level.settlement.leads(target, source)
    path = drawn_path(graph, path_to(graph, source, avoiding=target)) if back else ()
    if drawn is None:
        place = node.pointer_to("rejectTo")
    elif back or drawn.loop_pointer is None:
        place = pointed(drawn.pointer, "target")
    else:
        place = drawn.loop_pointer
    return RULE.diagnostic(
        RULE.text("into-middle", target=target, path=path)
        if back
        else RULE.text("not-back", target=target, node=node.id),
        place,
        node=node.id,
        edge=None if drawn is None else drawn.key,
        label=RULE.text("not-on-path") if back else RULE.text("no-way-back"),
        path=path,
        help=RULE.text("to-common")
        if back
        else RULE.text("to-earlier")
        if drawn is None
        else RULE.text("remove-loop"),
        fixes=_fixes(level, back_edge, back=back),
    )


def _fixes(level: GraphFacts, back_edge: BackEdge, *, back: bool) -> Iterator[Fix]:
    drawn = back_edge.edge.edge
    if back:
        yield from return_to_dominator(level.graph, back_edge)
    elif drawn is not None:
        yield from drop_loop_marker(drawn)
