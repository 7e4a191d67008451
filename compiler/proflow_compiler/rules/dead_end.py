"""PF205: a path that stops before an `end`."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.graph import BackEdge
from proflow_compiler.mending.completing import end_after
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.certainty import drawn_path, path_to
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF205",
    name="dead-end",
    level=Level.ERROR,
    fixable=True,
    summary="""a node, or an outcome of one, that nothing follows though it is no `end`, and a loop
that is never left""",
    why="""
Every path has to lead to an `end`, which says what the run's result is. Where a path just stops,
an edge was forgotten. The outcomes `rejected`, `timeout` and `returned` of an approval and
`timeout` of a wait may stay undrawn: they end the run with that status. So may `error`: it fails
the run. In a container a path may stop anywhere: that ends the item.

A loop that no edge leaves is a dead end too: all it can do is to use up its bound, and fail.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "manager", "type": "approval"},
    {"id": "tell", "type": "notify", "data": {"to": "applicant"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "manager"},
    {"source": "manager", "target": "done", "sourceHandle": "approved"},
    {"source": "manager", "target": "tell", "sourceHandle": "rejected"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "manager", "type": "approval"},
    {"id": "tell", "type": "notify", "data": {"to": "applicant"}},
    {"id": "done", "type": "end"},
    {"id": "refused", "type": "end", "data": {"status": "rejected"}}
  ],
  "edges": [
    {"source": "begin", "target": "manager"},
    {"source": "manager", "target": "done", "sourceHandle": "approved"},
    {"source": "manager", "target": "tell", "sourceHandle": "rejected"},
    {"source": "tell", "target": "refused"}
  ]
}
""",
    fix="Draw an edge to what comes next, or to an `end`.",
    texts={
        "outcome": Text(
            "nothing follows when `{name}` is left by {outcomes:or}",
            "`{name}` 从 {outcomes:or} 出口离开后没有后续节点",
        ),
        "node": Text(
            "nothing follows `{name}`, which is no `end`",
            "`{name}` 没有后续节点，也不是 `end`",
        ),
        "stops": Text("the path stops here", "路径到此中断"),
        "draw-edge": Text(
            "draw an edge from here to what comes next, or to an `end`",
            "画一条连线到后续节点或 `end`",
        ),
        "endless": Text(
            "no path leads out of the loop from `{target}` to `{node}`",
            "从 `{target}` 到 `{node}` 的循环没有出口",
        ),
        "always-back": Text("always leads back", "总是返回"),
        "draw-exit": Text("draw an edge that leaves the loop", "画一条离开循环的连线"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        ends = any(at.node.type == "end" for at in level.graph.nodes.values())
        if ends and level.graph.container is None:  # else missing-end reports it
            yield from _stops(level)
        if level.ordered:
            yield from _endless(level)


def _stops(level: GraphFacts) -> Iterator[Diagnostic]:
    """Report nodes and outcomes that nothing follows."""
    exits, leading_nowhere = level.graph.exits, level.graph.leading_nowhere
    for name, node in level.drawn.items():
        drawn = exits[name]
        outcomes = leading_nowhere.get(name, ())
        if not outcomes and (drawn or not node.kind.rules):
            continue
        yield RULE.diagnostic(
            RULE.text("outcome", name=name, outcomes=outcomes)
            if drawn
            else RULE.text("node", name=name),
            place_of(node),
            node=name,
            label=RULE.text("stops"),
            help=RULE.text("draw-edge"),
            fixes=end_after(
                level.graph.design, name, outcomes if drawn or len(outcomes) > 1 else ()
            ),
        )


def _endless(level: GraphFacts) -> Iterator[Diagnostic]:
    """Report loops that are never left, so that runs fail when they exceed the limit."""
    graph = level.graph
    if not level.loops:
        return
    import networkx as nx

    after: nx.DiGraph[str] = nx.DiGraph(graph.digraph.subgraph(level.reached))
    after.add_edges_from((one.edge.source, one.edge.target) for one in graph.back)
    parts = nx.condensation(after)
    back_edges: dict[int, BackEdge] = {}
    for back_edge in graph.back:
        if back_edge.edge.source in level.reached:
            back_edges.setdefault(parts.graph["mapping"][back_edge.edge.source], back_edge)
    for part, back_edge in back_edges.items():
        names = parts.nodes[part]["members"]
        if parts.out_degree(part) or any(_ends(level, name) for name in names):
            continue
        source, target = back_edge.edge.source, back_edge.edge.target
        node = graph.nodes[source].node
        yield RULE.diagnostic(
            RULE.text("endless", target=target, node=node.id),
            place_of(node),
            node=node.id,
            label=RULE.text("always-back"),
            path=drawn_path(graph, (*path_to(graph, source), target)),
            help=RULE.text("draw-exit"),
        )


def _ends(level: GraphFacts, name: str) -> bool:
    """Return True if a run, or an item, may end at a node."""
    graph = level.graph
    exits = graph.exits[name]
    return not exits or bool(graph.undrawn(name)) or name in graph.leading_nowhere
