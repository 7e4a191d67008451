"""Small random graphs, and every run they can have, by brute force."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, product
from typing import Any

from hypothesis import strategies as st
from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.graph import Graph, build_graph
from proflow_schemas.node_types import NODE_TYPES
from proflow_schemas.settings import Settings

Run = tuple[frozenset[str], frozenset[int], frozenset[str]]
"""Nodes that are taken, edges that are taken, and nodes that stop the run by an undrawn outcome."""


NEEDED = {"task": {"handler": "work"}, "wait": {"event": "e"}}
EdgeOf = tuple[int, int, str | None]


def design_of(kinds: Sequence[str], edges: Sequence[EdgeOf], back: Sequence[EdgeOf] = ()) -> Design:
    """Nodes `n0 …` of these types, `join:all` being a join of that mode, `end:terminate` an end.

    Of a condition or an inclusive each handle is an outcome with a rule, `else` the default.
    `back` are ways back, which may be taken once.
    """
    nodes: dict[str, Node] = {}
    types: list[str] = []
    for index, text in enumerate(kinds):
        kind, _, mode = text.partition(":")
        given: dict[str, Any] = dict(NEEDED.get(kind, {}))
        if kind == "join" and mode:
            given["mode"] = int(mode) if mode.isdigit() else mode
        elif mode:
            given[mode] = True
        config = NODE_TYPES[kind].config.model_validate(given)
        at = f"/nodes/{index}"
        nodes[f"n{index}"] = Node(f"n{index}", kind, f"n{index}", config, at, at)
        types.append(kind)
    drawn = [
        Edge(
            place,
            f"e{place}",
            f"n{source}",
            f"n{target}",
            f"/edges/{place}",
            handle=handle,
            when=f"event.data.c{source}{handle}"
            if NODE_TYPES[types[source]].rules and handle != "else"
            else None,
            loop=1 if place >= len(edges) else None,
        )
        for place, (source, target, handle) in enumerate([*edges, *back])
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
    edges: dict[EdgeOf, None] = {}
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
    edges: dict[EdgeOf, None] = {}
    for above, below in pairwise(layers):
        for source in above:
            for _ in range(draw(st.integers(1, 3))):
                target = draw(st.sampled_from([*below, *below, *below, *layers[-1]]))
                handle = draw(st.sampled_from("abc")) if kinds[source] == "condition" else None
                edges[source, target, handle] = None
    return build_graph(design_of(kinds, list(edges)))


KINDS = [
    *("task", "task", "condition", "condition", "parallel", "inclusive", "approval", "wait"),
    *(*["join:all"] * 4, "join:one", "join:one", "join", "join:any", "join:2"),
    *("end", "end:terminate", "end:fail"),
]
HANDLES: dict[str, list[str | None]] = {
    "condition": ["a", "b", "c", "else"],
    "inclusive": ["a", "b", "else"],
    "approval": ["approved", "approved", "rejected", "timeout"],
    "task": [None, None, None, "error"],
    "wait": ["received", "received", "timeout"],
}


@st.composite
def drawings(draw: st.DrawFn, *, most: int = 11) -> tuple[list[str], list[EdgeOf]]:
    """Types and edges of an acyclic design of any shape: few of them form blocks."""
    count = draw(st.integers(most // 2, most))
    kind = st.sampled_from(KINDS)
    kinds = ["start", *(draw(kind) for _ in range(count - 2)), "end"]
    edges: dict[EdgeOf, None] = {}

    def link(source: int, target: int) -> None:
        handles = HANDLES.get(kinds[source].partition(":")[0], [None])
        edges[source, target, draw(st.sampled_from(handles))] = None

    leaving = [index for index in range(count) if not kinds[index].startswith("end")]
    for target in range(1, count):
        for _ in range(draw(st.integers(1, 3)) if "join" in kinds[target] else 1):
            link(draw(st.sampled_from([one for one in leaving if one < target])), target)
    for source in leaving:
        if draw(st.integers(0, 9)) or not any(edge[0] == source for edge in edges):
            link(source, draw(st.integers(source + 1, count - 1)))
    return kinds, list(edges)


@st.composite
def unstructured(draw: st.DrawFn) -> Graph:
    """The graph of an acyclic design of any shape."""
    return build_graph(design_of(*draw(drawings())))


@st.composite
def any_edges(draw: st.DrawFn) -> Graph:
    """A graph of tasks with edges in any direction."""
    count = draw(st.integers(2, 7))
    pairs = st.tuples(st.integers(0, count - 2), st.integers(1, count - 1), st.none())
    edges = draw(st.lists(pairs, max_size=12, unique=True))
    return build_graph(design_of(["start", *["task"] * (count - 2), "end"], edges))


def runs(graph: Graph, *, full: bool = False) -> Iterator[Run]:
    """Every combination of outcomes of each node, those that stop the run or lead nowhere too.

    `full`: a join of mode `all` is taken only if all of its edges are, else if any is.
    """
    options = [_options(graph, name) for name in graph.topological]
    for chosen in product(*options):
        outcomes = dict(zip(graph.topological, chosen, strict=True))
        taken = set(graph.starts)
        edges: set[int] = set()
        stops: set[str] = set()
        for name in graph.topological:
            needed = {edge.index for edge in graph.into[name]} if graph.full(name) else set()
            if full and not needed <= edges:
                taken.discard(name)
            if name not in taken:
                continue
            leaving = [edge for edge in graph.out(name) if edge.outcome in outcomes[name]]
            edges.update(edge.index for edge in leaving)
            taken.update(edge.target for edge in leaving)
            if outcomes[name] & {*graph.undrawn(name)}:
                stops.add(name)
        yield frozenset(taken), frozenset(edges), frozenset(stops)


def _options(graph: Graph, name: str) -> list[frozenset[str]]:
    """The sets of outcomes that a node can be left by."""
    at, exits = graph.nodes[name], graph.exits[name]
    ruled = [exit_.outcome for exit_ in exits if not exit_.default or not at.every]
    if at.every:
        several = [combinations(ruled, count) for count in range(1, len(ruled) + 1)]
        default = [frozenset((exit_.outcome,)) for exit_ in exits if exit_.default]
        return [*(frozenset(some) for sets in several for some in sets), *default] or [frozenset()]
    stopping = graph.undrawn(name)
    nowhere = {*at.node.kind.outcomes} - {*ruled, *stopping, "error"} if at.drawn else set()
    if at.ruled:
        nowhere = set()
    return [frozenset((one,)) for one in (*ruled, *stopping[:1], *sorted(nowhere))] or [frozenset()]
