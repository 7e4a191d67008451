"""PF219: a branch that leaves a loop, and begins only when the whole loop has ended."""

from collections.abc import Iterator, Sequence

from proflow_schemas.language import Text
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related
from proflow_compiler.diagnostics.design_edits import Line, add_edges, fix
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.graph import Graph, GraphEdge
from proflow_compiler.graph.loops import Loop
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.certainty import drawn_path, path_to

RULE = Rule(
    code="PF219",
    name="late-branch",
    level=Level.WARNING,
    fixable=True,
    summary="""a branch that leads out of a loop, beside one that stays in it: it begins only when the loop
has been left""",
    why="""
A loop is what lies between the target of a back edge and its source. An edge that leaves it is followed
when its last iteration is over, so that what lies behind the loop runs once. If two branches begin at
once, and only one of them can go back, the other lies outside of the loop: it waits for the first,
which is hardly what the drawing looks like. Of two departments that are asked at once, one is asked
when the other has agreed.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "both", "type": "join", "data": {"mode": "all"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "legal"},
    {"source": "draft", "target": "finance"},
    {"source": "legal", "target": "both"},
    {"source": "finance", "target": "both"},
    {"source": "legal", "target": "draft", "sourceHandle": "returned",
     "data": {"loop": {"max": 3}}},
    {"source": "both", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "both", "type": "join", "data": {"mode": "all"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "legal"},
    {"source": "draft", "target": "finance"},
    {"source": "legal", "target": "both"},
    {"source": "finance", "target": "both"},
    {"source": "legal", "target": "draft", "sourceHandle": "returned",
     "data": {"loop": {"max": 3}}},
    {"source": "finance", "target": "draft", "sourceHandle": "returned",
     "data": {"loop": {"max": 3}}},
    {"source": "both", "target": "done"}
  ]
}
""",
    fix="""
Let the other branch go back as well; or lead the back edge to a node behind the fork, so that only its
own branch is repeated; or draw the other branch behind the loop, where it begins anyway.
""",
    texts={
        "several": Text(
            "{names:and} begin only when `{stays}`, which is in the loop from `{header}`, "
            "has gone on",
            "{names:and} 要等到 `{stays}`（在从 `{header}` 开始的循环中）结束后才开始",
        ),
        "one": Text(
            "{names:and} begins only when `{stays}`, which is in the loop from `{header}`, "
            "has gone on",
            "{names:and} 要等到 `{stays}`（在从 `{header}` 开始的循环中）结束后才开始",
        ),
        "leads-out": Text("leads out of the loop", "离开循环"),
        "the-loop": Text(
            "what lies between this and its target is the loop",
            "这里到它的目标之间是循环",
        ),
        "let-several": Text(
            "let {names:and} go back to `{header}` as well, or draw them behind the loop",
            "让 {names:and} 也返回到 `{header}`，或画在循环之后",
        ),
        "let-one": Text(
            "let {names:and} go back to `{header}` as well, or draw it behind the loop",
            "让 {names:and} 也返回到 `{header}`，或画在循环之后",
        ),
        "let-return": Text(
            "let `{node}` return to `{header}` as well, and ask it at once",
            "让 `{node}` 也能退回到 `{header}`，并立即开始审批",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    ration = facts.ration()
    for level in facts.levels:
        for loop in level.loops if level.ordered else ():
            # With other back edges, concurrency-across-loop reports it.
            if not all(back_edge.at_once for back_edge in loop.back):
                continue
            for late, staying in _late(level.graph, loop):
                yield _diagnostic(level.graph, loop, late, staying, with_path=ration.take())


def _late(graph: Graph, loop: Loop) -> Iterator[tuple[list[GraphEdge], GraphEdge]]:
    """Yield edges that leave a loop together with an edge that stays in it, and that edge."""
    for name in sorted(loop.nodes, key=graph.rank.__getitem__):
        exits = graph.exits[name]
        for taken in [exits] if graph.nodes[name].every else [(one,) for one in exits]:
            edges = [edge for exit_ in taken for edge in exit_.edges]
            inside = [edge for edge in edges if edge.target in loop.nodes]
            late = [
                edge
                for edge in edges
                if edge.target not in loop.nodes and not graph.nodes[edge.target].stops
            ]
            if late and inside:
                yield late, inside[0]


def _diagnostic(
    graph: Graph, loop: Loop, late: Sequence[GraphEdge], staying: GraphEdge, *, with_path: bool
) -> Diagnostic:
    """Report edges out of a loop; `with_path` is False if searching a path would take too long."""
    edge, back = late[0], loop.back[0]
    source = graph.nodes[edge.source].node
    header, stays = (graph.nodes[name].node for name in (loop.header, staying.target))
    names = [graph.nodes[one.target].node.id for one in late]
    drawn = back.edge.edge
    return RULE.diagnostic(
        RULE.text("several", names=names, stays=stays.id, header=header.id)
        if len(late) > 1
        else RULE.text("one", names=names, stays=stays.id, header=header.id),
        source.pointer if edge.edge is None else pointed(edge.edge.pointer, "target"),
        node=graph.nodes[edge.target].node.id,
        edge=None if edge.edge is None else edge.edge.key,
        label=RULE.text("leads-out"),
        related=(
            Related(
                graph.nodes[back.edge.source].node.pointer
                if drawn is None
                else pointed(drawn.pointer, "target"),
                RULE.text("the-loop"),
            ),
        ),
        path=drawn_path(graph, (*path_to(graph, edge.source), edge.target)) if with_path else (),
        help=RULE.text("let-several", names=names, header=header.id)
        if len(late) > 1
        else RULE.text("let-one", names=names, header=header.id),
        fixes=_fixes(graph, loop, edge) if len(late) == 1 else (),
    )


def _fixes(graph: Graph, loop: Loop, edge: GraphEdge) -> Iterator[Fix]:
    """Let an approval that begins late return to the header of the loop as well."""
    at, back = graph.nodes[edge.target], loop.back[0]
    config = at.node.config
    drawn = {exit_.outcome for exit_ in graph.exits[at.id]}
    if not at.drawn or not isinstance(config, Approval) or "returned" in drawn:
        return
    if config.allow_return is False:
        return
    line = Line(at.id, loop.header, "returned", {"loop": {"max": back.limit}})
    yield fix(
        RULE.text("let-return", node=at.id, header=loop.header),
        *add_edges(graph.design, [line]),
    )
