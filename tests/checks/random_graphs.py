"""Small random graphs, and every run they can have, by brute force."""

from collections.abc import Iterator
from itertools import pairwise, product

from hypothesis import strategies as st
from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.graph import Graph, build_graph
from proflow_schemas.nodes import NODE_TYPES
from proflow_schemas.settings import Settings

Run = tuple[frozenset[str], frozenset[int], frozenset[str]]
"""Nodes that are taken, edges that are taken, and nodes that stop the run by an undrawn outcome."""


def design_of(kinds: list[str], edges: list[tuple[int, int, str | None]]) -> Design:
    """Nodes `n0 …` of these types; of a condition each handle is an outcome with a rule."""
    nodes: dict[str, Node] = {}
    for index, kind in enumerate(kinds):
        given = {"handler": "work"} if kind == "task" else {}
        config = NODE_TYPES[kind].config.model_validate(given)
        at = f"/nodes/{index}"
        nodes[f"n{index}"] = Node(f"n{index}", kind, f"n{index}", config, at, at)
    drawn = [
        Edge(
            place,
            f"e{place}",
            f"n{source}",
            f"n{target}",
            f"/edges/{place}",
            handle=handle,
            when=f"event.data.c{source} == '{handle}'" if kinds[source] == "condition" else None,
        )
        for place, (source, target, handle) in enumerate(edges)
    ]
    return Design("random", "random", nodes, tuple(drawn), Settings())


@st.composite
def acyclic(draw: st.DrawFn, *, most: int = 7) -> Graph:
    """A graph with one start in which every edge leads to a later node."""
    count = draw(st.integers(3, most))
    kind = st.sampled_from(["task", "condition", "condition", "approval", "join"])
    kinds = ["start", *(draw(kind) for _ in range(count - 2)), "end"]
    handles: dict[str, list[str | None]] = {
        "condition": ["a", "b"],
        "approval": ["approved", "rejected", "timeout"],
    }
    edges: dict[tuple[int, int, str | None], None] = {}
    for source in range(count - 1):
        for _ in range(draw(st.integers(1, 3))):
            target = draw(st.integers(source + 1, count - 1))
            edges[source, target, draw(st.sampled_from(handles.get(kinds[source], [None])))] = None
    return build_graph(design_of(kinds, list(edges)))


@st.composite
def layered(draw: st.DrawFn) -> Graph:
    """A graph whose edges lead to the next layer, or to the end: branches that fork and cross."""
    kinds = ["start"]
    layers: list[list[int]] = [[0]]
    for width in [1, *draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))]:
        layers.append([len(kinds) + index for index in range(width)])
        kinds += draw(
            st.lists(st.sampled_from(["task", "condition"]), min_size=width, max_size=width)
        )
    layers.append([len(kinds)])
    kinds.append("end")
    edges: dict[tuple[int, int, str | None], None] = {}
    for above, below in pairwise(layers):
        for source in above:
            for _ in range(draw(st.integers(1, 3))):
                target = draw(st.sampled_from([*below, *below, *below, *layers[-1]]))
                handle = draw(st.sampled_from("abc")) if kinds[source] == "condition" else None
                edges[source, target, handle] = None
    return build_graph(design_of(kinds, list(edges)))


@st.composite
def any_edges(draw: st.DrawFn) -> Graph:
    """A graph of tasks with edges in any direction."""
    count = draw(st.integers(2, 7))
    pairs = st.tuples(st.integers(0, count - 2), st.integers(1, count - 1), st.none())
    edges = draw(st.lists(pairs, max_size=12, unique=True))
    return build_graph(design_of(["start", *["task"] * (count - 2), "end"], edges))


def runs(graph: Graph) -> Iterator[Run]:
    """Every combination of outcomes: one of each node, undrawn ones included."""
    options: list[list[str]] = []
    for name in graph.topological:
        drawn = [exit_.outcome for exit_ in graph.exits[name]]
        options.append([*drawn, *graph.undrawn(name)[:1]] or [""])
    for chosen in product(*options):
        outcome = dict(zip(graph.topological, chosen, strict=True))
        taken, edges, stops = set(graph.starts), set(), set()
        for name in graph.topological:
            if name not in taken:
                continue
            leaving = [edge for edge in graph.out(name) if edge.outcome == outcome[name]]
            edges.update(edge.index for edge in leaving)
            taken.update(edge.target for edge in leaving)
            if outcome[name] in graph.undrawn(name):
                stops.add(name)
        yield frozenset(taken), frozenset(edges), frozenset(stops)
