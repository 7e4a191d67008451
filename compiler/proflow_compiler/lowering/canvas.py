"""Builds the canvas of a definition: the nodes, and edges with the outcomes that take them."""

from proflow_schemas.definition import Canvas, CanvasEdge, CanvasNode

from proflow_compiler.graph import Graph, GraphEdge, GraphNode

CHOICE = "choice"
"""The canvas type of a choice that was made for rules on edges, and is not drawn as a node."""


def canvas_of(graph: Graph) -> Canvas:
    """Return the nodes and edges of all levels, outer levels first.

    The first nodes inside a container have no edge into them.
    """
    nodes: list[CanvasNode] = []
    edges: list[CanvasEdge] = []
    for level in graph.levels():
        nodes += [_node(level, at) for at in level.nodes.values() if not at.entry]
        choosing = {name for name, at in level.nodes.items() if _chooses(level, at)}
        edges += [
            _edge(edge, edge.source in choosing)
            for edge in level.edges
            if not level.nodes[edge.source].entry
        ]
        edges += [_edge(back.edge, back.edge.source in choosing, back=True) for back in level.back]
    return Canvas(nodes=nodes, edges=edges)


def _node(level: Graph, at: GraphNode) -> CanvasNode:
    return CanvasNode(
        id=at.id,
        type=at.node.type if at.choice_of is None else CHOICE,
        label=at.node.label,
        parent=level.container,
        needs="all" if level.full(at.id) else level.needs(at.id),
        stops=at.stops,
        mishap=at.id in level.failure_paths,
    )


def _chooses(graph: Graph, at: GraphNode) -> bool:
    """Return True if a node has several outcomes, so that its edges have to name theirs."""
    if at.ruled:
        return True
    possible = {exit_.outcome for exit_ in graph.exits[at.id]}
    silent = graph.leading_nowhere.get(at.id, ())
    return len(possible) + len(graph.undrawn(at.id)) + len(silent) > 1


def _edge(edge: GraphEdge, by_outcome: bool, *, back: bool = False) -> CanvasEdge:
    return CanvasEdge(
        source=edge.source,
        target=edge.target,
        outcome=edge.outcome if by_outcome else None,
        back=back,
    )
