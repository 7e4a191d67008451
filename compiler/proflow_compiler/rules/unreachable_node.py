"""PF204: a node that no run reaches."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.mending.joining import continue_without_missing
from proflow_compiler.mending.removing import remove_dead_nodes
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF204",
    name="unreachable-node",
    level=Level.ERROR,
    fixable=True,
    summary="a node that cannot be reached from the `start`",
    why="""
No path leads from the `start` to the node, so it would never run. Usually an edge was forgotten or
was deleted together with a node before it. Reported is the first node of each part of the drawing
that hangs in the air; those behind it are reached as soon as it is.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "archive", "type": "task", "data": {"handler": "archive"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "done"},
    {"source": "archive", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "archive", "type": "task", "data": {"handler": "archive"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "archive"},
    {"source": "archive", "target": "done"}
  ]
}
""",
    fix="Draw an edge that leads to the node, or remove the node.",
    texts={
        "the-start": Text("the start", "开始节点"),
        "item-start": Text("the start of an item of `{container}`", "`{container}` 单项的起点"),
        "no-path": Text(
            "no path leads from {begin:raw} to `{name}`",
            "没有从{begin}到 `{name}` 的路径",
        ),
        "never-runs": Text("never runs", "永远不会执行"),
        "draw-edge": Text(
            "draw an edge that leads here, or remove the node",
            "画一条通向这里的连线，或移除该节点",
        ),
        "no-run": Text(
            "no run reaches `{name}`: none takes all edges into it",
            "没有运行会到达 `{name}`：它的进入连线不会全部执行",
        ),
        "other-mode": Text(
            "name another mode, such as `active`, or remove what can never run",
            "改用其他模式（例如 `active`），或移除永远不会执行的部分",
        ),
    },
)

_MOST_MENDED = 20
"""If more parts than this are unreachable, no fixes are searched."""


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        if level.graph.starts and len(level.reached) < len(level.graph.nodes):
            yield from _check(level)


def _check(level: GraphFacts) -> Iterator[Diagnostic]:
    import networkx as nx

    graph = level.graph
    lost = graph.digraph.subgraph(name for name in graph.nodes if name not in level.reached)
    parts = nx.condensation(lost)
    position = {name: index for index, name in enumerate(graph.nodes)}
    heads = [
        min(parts.nodes[part]["members"], key=position.__getitem__)
        for part, edges_in in parts.in_degree()
        if edges_in == 0
    ]
    jumped = {
        back_edge.edge.target for back_edge in graph.back if back_edge.edge.source in level.reached
    }
    for name in sorted(heads, key=position.__getitem__):
        if name in jumped:
            continue  # jump-into-loop reports it
        begin = (
            RULE.text("the-start")
            if graph.container is None
            else RULE.text("item-start", container=graph.container)
        )
        yield RULE.diagnostic(
            RULE.text("no-path", begin=begin, name=name),
            place_of(graph.nodes[name].node),
            node=name,
            label=RULE.text("never-runs"),
            help=RULE.text("draw-edge"),
            fixes=remove_dead_nodes(graph, name, heads) if len(heads) <= _MOST_MENDED else (),
        )


def behind_joins(level: GraphFacts, name: str) -> Diagnostic:
    """Report a join of mode `all` which never runs, since every run that misses an edge is stopped.

    The rule deadlocked-join, which finds it, reports joins that a run skips and then goes on.
    """
    node = level.drawn[name]
    return RULE.diagnostic(
        RULE.text("no-run", name=name),
        node.pointer_to("mode"),
        node=name,
        label=RULE.text("never-runs"),
        help=RULE.text("other-mode"),
        fixes=(continue_without_missing(node),),
    )
