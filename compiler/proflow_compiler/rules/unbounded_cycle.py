"""PF206: a cycle that runs enter at several nodes, so that it is no natural loop."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of, pointed
from proflow_compiler.graph import Graph, GraphEdge
from proflow_compiler.mending.returning import enter_once
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.certainty import drawn_path

if TYPE_CHECKING:
    import networkx as nx

_MOST = 20
"""The most cycles reported for a level."""

RULE = Rule(
    code="PF206",
    name="unbounded-cycle",
    level=Level.ERROR,
    fixable=True,
    summary="""edges that lead round in a circle which runs enter at several nodes, so that it has no
beginning; prints the circle and the edges that enter it""",
    why="""
A circle is a loop if all runs enter it at one node: each iteration begins there, and the edges that
lead back to it are its back edges. If runs enter it at two nodes, nobody can tell where an iteration
begins, what it repeats, and which nodes wait for which. The message shows the circle; below it stand
the edges that enter it.
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
    {"source": "check", "target": "draft", "sourceHandle": "rejected"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "check", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "check"},
    {"source": "check", "target": "done"},
    {"source": "check", "target": "draft", "sourceHandle": "rejected",
     "data": {"loop": {"max": 3}}}
  ]
}
""",
    fix="""
Lead all edges that enter the circle to one node of it, with which each iteration then begins. Or lead
back to a node before the circle, over which every run comes.
""",
    texts={
        "no-beginning": Text(
            "the circle {path:path} has no beginning: runs enter it at {entries:and}",
            "循环 {path:path} 没有唯一的起点：运行会从 {entries:and} 进入",
        ),
        "enters-circle": Text("enters the circle at `{node}`", "从 `{node}` 进入循环"),
        "enters": Text("enters it at `{node}`", "从 `{node}` 进入"),
        "one-entry": Text(
            "lead all edges that enter it to one of its nodes, where each iteration begins",
            "将所有进入的连线指向其中一个节点，每一轮从那里开始",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        if len(level.graph.starts) == 1 and not level.graph.acyclic:
            yield from _check(level.graph)


def _check(graph: Graph) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each strongly connected component."""
    import networkx as nx

    left: nx.DiGraph[str] = nx.DiGraph(graph.digraph.subgraph(graph.reachable))
    parts = [part for part in nx.strongly_connected_components(left) if _turns(left, part)]
    position = {name: index for index, name in enumerate(graph.nodes)}
    for part in sorted(parts, key=lambda part: min(position[name] for name in part))[:_MOST]:
        entering = [
            edge
            for name in sorted(part, key=position.__getitem__)
            for edge in graph.into[name]
            if edge.source not in part and edge.source in graph.reachable
        ]
        if entering:
            cycle = _shortest(left, part, entering[0].target)
            yield _diagnostic(graph, cycle, entering)


def _diagnostic(graph: Graph, cycle: list[str], entering: Sequence[GraphEdge]) -> Diagnostic:
    path = drawn_path(graph, cycle)
    first = entering[0]
    entries = list(dict.fromkeys(graph.nodes[edge.target].node.id for edge in entering))
    node = graph.nodes[first.target].node
    others = [edge for edge in entering[1:] if edge.target != first.target]
    return RULE.diagnostic(
        RULE.text("no-beginning", path=path, entries=entries),
        _place(graph, first),
        node=node.id,
        edge=None if first.edge is None else first.edge.key,
        label=RULE.text("enters-circle", node=node.id),
        related=tuple(
            Related(
                _place(graph, edge),
                RULE.text("enters", node=graph.nodes[edge.target].node.id),
            )
            for edge in others[:3]
        ),
        path=path,
        help=RULE.text("one-entry"),
        fixes=enter_once(graph, entering),
    )


def _place(graph: Graph, edge: GraphEdge) -> str:
    drawn = edge.edge
    return (
        place_of(graph.nodes[edge.source].node)
        if drawn is None
        else pointed(drawn.pointer, "target")
    )


def _turns(digraph: "nx.DiGraph[str]", part: set[str]) -> bool:
    return len(part) > 1 or any(digraph.has_edge(name, name) for name in part)


def _shortest(digraph: "nx.DiGraph[str]", part: set[str], entry: str) -> list[str]:
    """Return a shortest cycle through `entry` within its strongly connected component."""
    came: dict[str, str] = {}
    queue = deque([entry])
    while True:
        name = queue.popleft()
        for target in digraph.successors(name):
            if target == entry:
                path = [entry, name]
                while path[-1] != entry:
                    path.append(came[path[-1]])
                return path[::-1] if len(path) > 2 or name != entry else [entry, entry]
            if target in part and target not in came:
                came[target] = name
                queue.append(target)
