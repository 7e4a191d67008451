"""The networkx view of a design: nodes, and the outcomes by which edges leave them.

One model for all types: a node takes exactly one of its outcomes (an inclusive one: at least one),
and then all edges of that outcome at once. An outcome whose edges carry rules is followed by a
*choice*, a node that is not drawn: it takes the first outcome whose rule holds. So rules only ever
stand on the edges of conditions, inclusives and choices.

`edges` lead forward. Ways back stand apart, with the exits that take them, so that what only looks
at edges sees one round of every loop. The nodes in a container are a graph of their own, below
`inner`, whose root is an *entry* that is not drawn: it leads to all nodes that begin an item.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush

import networkx as nx
from proflow_schemas.nodes import Approval

from proflow_compiler.design import Design, Edge, Node


@dataclass(frozen=True)
class GraphEdge:
    """An edge of the graph; `edge` is the drawn one, None for the edge that leads into a choice."""

    index: int
    source: str
    target: str
    outcome: str
    edge: Edge | None


DEFAULT_RETURNS = 10
"""How often a run may return where nobody said so."""


@dataclass(frozen=True)
class WayBack:
    """An edge that leads back, which is none of the graph's edges; a run takes it `limit` times.

    `given`: somebody said how often. `edge.edge` is None for an approval's `rejectTo`.
    """

    edge: GraphEdge
    limit: int
    given: bool


@dataclass(frozen=True)
class Exit:
    """An outcome of a node and the edges it takes, all at once; `when` chooses it, if ruled."""

    outcome: str
    edges: tuple[GraphEdge, ...]
    back: tuple[WayBack, ...] = ()
    when: str | None = None
    default: bool = False
    rule: Edge | None = None


@dataclass(frozen=True)
class GraphNode:
    """A drawn node, or a choice (`choice_of` is the outcome of `node` that it follows).

    Or the entry of a container `node`, whose one outcome begins an item.
    """

    id: str
    node: Node
    choice_of: str | None = None
    entry: bool = False

    @property
    def drawn(self) -> bool:
        return self.choice_of is None and not self.entry

    @property
    def ruled(self) -> bool:
        """Whether rules choose its outcome."""
        return not self.entry and (self.choice_of is not None or self.node.kind.rules)

    @property
    def every(self) -> bool:
        """Whether it takes all outcomes whose rules hold, and not the first of them only."""
        return self.drawn and self.node.kind.every


@dataclass(frozen=True)
class Graph:
    """Nodes in file order (a choice right after its node), with their exits and edges in."""

    design: Design
    nodes: Mapping[str, GraphNode]
    edges: Sequence[GraphEdge]
    exits: Mapping[str, tuple[Exit, ...]]
    into: Mapping[str, tuple[GraphEdge, ...]] = field(repr=False)
    container: str | None = None
    """The container whose item this is."""
    root: str | None = None
    """The entry, if it is one."""
    inner: "Mapping[str, Graph]" = field(default_factory=dict)
    """What the containers among the nodes hold."""

    def levels(self) -> "Iterator[Graph]":
        """This graph, and those within its containers, the outer ones first."""
        stack = [self]
        while stack:
            graph = stack.pop()
            yield graph
            stack += reversed(list(graph.inner.values()))

    @cached_property
    def back(self) -> tuple[WayBack, ...]:
        """Every way back, in file order of its source."""
        return tuple(way for exits in self.exits.values() for exit_ in exits for way in exit_.back)

    def out(self, node: str) -> tuple[GraphEdge, ...]:
        return tuple(edge for exit_ in self.exits[node] for edge in exit_.edges)

    def undrawn(self, node: str) -> tuple[str, ...]:
        """Outcomes that lead to an invisible, terminating end."""
        at = self.nodes[node]
        if not at.drawn:
            return ()
        drawn = {exit_.outcome for exit_ in self.exits[node]}
        return tuple(outcome for outcome in at.node.kind.undrawn if outcome not in drawn)

    @cached_property
    def digraph(self) -> "nx.DiGraph[str]":
        """Nodes and edges for networkx's algorithms; several edges between two nodes are one."""
        digraph: nx.DiGraph[str] = nx.DiGraph()
        digraph.add_nodes_from(self.nodes)
        digraph.add_edges_from((edge.source, edge.target) for edge in self.edges)
        return digraph

    @cached_property
    def starts(self) -> tuple[str, ...]:
        if self.root is not None:
            return (self.root,)
        return tuple(name for name, at in self.nodes.items() if at.node.type == "start")

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """All nodes, each after those that lead to it, ties in file order. Raises if cyclic."""
        if not self.acyclic:
            raise ValueError("edges that lead round in a circle have no order")
        return self._sorted

    @cached_property
    def _sorted(self) -> tuple[str, ...]:
        """The nodes in topological order, without those on cycles and behind them."""
        names = list(self.nodes)
        place = {name: index for index, name in enumerate(names)}
        left = {name: len(edges) for name, edges in self.into.items()}
        ready = [place[name] for name in names if not left[name]]
        found: list[str] = []
        while ready:
            name = names[heappop(ready)]
            found.append(name)
            for exit_ in self.exits[name]:
                for edge in exit_.edges:
                    left[edge.target] -= 1
                    if not left[edge.target]:
                        heappush(ready, place[edge.target])
        return tuple(found)

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The place of each node in the topological order. Raises if cyclic."""
        return {name: index for index, name in enumerate(self.topological)}

    @cached_property
    def acyclic(self) -> bool:
        return len(self._sorted) == len(self.nodes)

    @cached_property
    def reachable(self) -> frozenset[str]:
        """What the starts lead to, themselves included."""
        found = set(self.starts)
        stack = list(self.starts)
        while stack:
            for edge in self.out(stack.pop()):
                if edge.target not in found:
                    found.add(edge.target)
                    stack.append(edge.target)
        return frozenset(found)

    @cached_property
    def dominator_tree(self) -> "DominatorTree":
        """Who dominates whom, for an acyclic graph with exactly one start."""
        return DominatorTree.of(self)

    @cached_property
    def dominators(self) -> Mapping[str, str]:
        """Immediate dominator of each node that the start reaches; the start maps to itself."""
        if self.acyclic:
            return self.dominator_tree.parent
        return {
            **nx.immediate_dominators(self.digraph, self.starts[0]),
            self.starts[0]: self.starts[0],
        }


@dataclass(frozen=True)
class DominatorTree:
    """The dominator tree of what the start reaches; the root is its own parent.

    `jump` holds an ancestor far up for each node, so that any question about two nodes takes
    logarithmic time whatever the depth (Myers, "An applicative random-access stack", 1983).
    """

    parent: Mapping[str, str]
    depth: Mapping[str, int]
    jump: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, graph: Graph) -> "DominatorTree":
        root = graph.starts[0]
        parent: dict[str, str] = {root: root}
        depth: dict[str, int] = {root: 0}
        jump: dict[str, str] = {root: root}
        tree = cls(parent, depth, jump)
        for name in graph.topological:
            if name == root:
                continue
            above: str | None = None
            for edge in graph.into[name]:
                if edge.source in depth:
                    above = edge.source if above is None else tree.meet(above, edge.source)
            if above is None:
                continue
            parent[name] = above
            depth[name] = depth[above] + 1
            far = jump[above]
            even = depth[above] - depth[far] == depth[far] - depth[jump[far]]
            jump[name] = jump[far] if even else above
        return tree

    def meet(self, a: str, b: str) -> str:
        """The nearest node that dominates both, which may be one of them."""
        a = self.ancestor(a, self.depth[b])
        b = self.ancestor(b, self.depth[a])
        while a != b:
            a, b = (
                (self.jump[a], self.jump[b])
                if self.jump[a] != self.jump[b]
                else (self.parent[a], self.parent[b])
            )
        return a

    def ancestor(self, node: str, depth: int) -> str:
        """The dominator of `node` at this depth; `node` itself if it is no deeper."""
        while self.depth[node] > depth:
            far = self.jump[node]
            node = far if self.depth[far] >= depth else self.parent[node]
        return node

    def dominates(self, a: str, b: str) -> bool:
        """Whether every way to `b` goes over `a`, or is `a`."""
        return self.ancestor(b, self.depth[a]) == a

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """What each node immediately dominates, in topological order."""
        found: dict[str, list[str]] = {name: [] for name in self.parent}
        for name, above in self.parent.items():
            if name != above:
                found[above].append(name)
        return {name: tuple(below) for name, below in found.items()}


def build_graph(design: Design) -> Graph:
    """The graph of a design whose edges are sound in shape (no dangling end)."""
    building = _Building(design)
    order: list[str | None] = [None]
    for container in order:
        order += building.containers(container)
    found: dict[str | None, Graph] = {}
    for container in reversed(order):
        inner = {name: found[name] for name in building.containers(container)}
        found[container] = building.level(container, inner)
    return found[None]


class _Building:
    """Builds the graphs of a design, one for each level of containers."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.drawn: dict[str, list[Edge]] = {name: [] for name in design.nodes}
        self.members: dict[str | None, list[str]] = {}
        for name, node in design.nodes.items():
            self.members.setdefault(node.parent, []).append(name)
        for edge in design.edges:
            if design.nodes[edge.source].parent == design.nodes[edge.target].parent:
                self.drawn[edge.source].append(edge)
        self.returns = _returns(design)
        self.edges: list[GraphEdge] = []

    def containers(self, container: str | None) -> list[str]:
        """The containers that stand in one."""
        nodes = self.design.nodes
        return [name for name in self.members.get(container, ()) if nodes[name].kind.container]

    def level(self, container: str | None, inner: dict[str, Graph]) -> Graph:
        design = self.design
        members = self.members.get(container, [])
        self.edges = []
        nodes: dict[str, GraphNode] = {}
        exits: dict[str, tuple[Exit, ...]] = {}
        root: str | None = None
        if container is not None:
            root = self._free(f"{container}?item")
            nodes[root] = GraphNode(root, design.nodes[container], entry=True)
            led_to = {
                edge.target
                for name in members
                for edge in self.drawn[name]
                if not self._is_back(edge)
            }
            begin = [name for name in members if name not in led_to]
            edges = tuple(self._add(root, name, "item", None) for name in begin)
            exits[root] = (Exit("item", edges),)
        for name in members:
            self._node(design.nodes[name], nodes, exits)
        into: dict[str, list[GraphEdge]] = {name: [] for name in nodes}
        for graph_edge in self.edges:
            into[graph_edge.target].append(graph_edge)
        return Graph(
            design,
            nodes,
            self.edges,
            exits,
            {name: tuple(found) for name, found in into.items()},
            container,
            root,
            inner,
        )

    def _node(
        self, node: Node, nodes: dict[str, GraphNode], exits: dict[str, tuple[Exit, ...]]
    ) -> None:
        name, drawn = node.id, self.drawn[node.id]
        nodes[name] = GraphNode(name, node)
        if node.kind.rules:
            exits[name] = self._ruled(name, drawn, handles=True)
            return
        by_outcome: dict[str, list[Edge]] = defaultdict(list)
        for edge in drawn:
            by_outcome[outcome_of(node, edge)].append(edge)
        own: list[Exit] = []
        for outcome, group in by_outcome.items():
            if not any(edge.when is not None or edge.default for edge in group):
                own.append(self._exit(name, outcome, group))
                continue
            choice = self._free(f"{name}?{outcome}")
            nodes[choice] = GraphNode(choice, node, choice_of=outcome)
            own.append(Exit(outcome, (self._add(name, choice, outcome, None),)))
            exits[choice] = self._ruled(choice, group, handles=False)
        if isinstance(node.config, Approval) and node.config.reject_to in self.drawn:
            assert node.config.reject_to is not None
            edge_back = GraphEdge(-1, name, node.config.reject_to, "rejected", None)
            if "rejected" not in by_outcome:
                own.append(Exit("rejected", (), (WayBack(edge_back, DEFAULT_RETURNS, False),)))
        exits[name] = tuple(own)

    def _ruled(self, source: str, out: Sequence[Edge], *, handles: bool) -> tuple[Exit, ...]:
        return tuple(
            replace(
                self._exit(source, outcome, group),
                when=next((edge.when for edge in group if edge.when is not None), None),
                default=not any(edge.when is not None for edge in group),
                rule=next((edge for edge in group if edge.when is not None), None),
            )
            for outcome, group in _by_rule(out, handles)
        )

    def _exit(self, source: str, outcome: str, group: Sequence[Edge]) -> Exit:
        return Exit(
            outcome,
            tuple(
                self._add(source, edge.target, outcome, edge)
                for edge in group
                if not self._is_back(edge)
            ),
            tuple(
                WayBack(
                    GraphEdge(-1, source, edge.target, outcome, edge),
                    DEFAULT_RETURNS if edge.loop is None else edge.loop,
                    edge.loop is not None,
                )
                for edge in group
                if self._is_back(edge)
            ),
        )

    def _is_back(self, edge: Edge) -> bool:
        return edge.loop is not None or edge.index in self.returns

    def _add(self, source: str, target: str, outcome: str, edge: Edge | None) -> GraphEdge:
        self.edges.append(GraphEdge(len(self.edges), source, target, outcome, edge))
        return self.edges[-1]

    def _free(self, name: str) -> str:
        while name in self.design.nodes:
            name += "?"
        return name


def _returns(design: Design) -> set[int]:
    """Edges by which an approval returns to a node from which other edges lead to it."""
    found = {
        edge.index: edge
        for edge in design.edges
        if edge.handle == "returned" and design.nodes[edge.source].type == "approval"
    }
    if not found:
        return set()
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(design.nodes)
    digraph.add_edges_from(
        (edge.source, edge.target)
        for edge in design.edges
        if edge.loop is None and edge.index not in found
    )
    parts = nx.condensation(digraph)
    part: dict[str, int] = parts.graph["mapping"]
    before: dict[int, int] = {}
    for number in nx.topological_sort(parts):
        before[number] = 1 << number
        for earlier in parts.predecessors(number):
            before[number] |= before[earlier]
    return {
        index for index, edge in found.items() if before[part[edge.source]] >> part[edge.target] & 1
    }


def outcome_of(node: Node, edge: Edge) -> str:
    """The outcome of `node` by which an edge leaves; any handle will do where there is only one
    besides `error`."""
    outcomes = node.kind.outcomes
    if edge.handle in outcomes or len([one for one in outcomes if one != "error"]) > 1:
        return edge.handle or outcomes[0]
    return outcomes[0] if outcomes else "default"


def _by_rule(edges: Sequence[Edge], handles: bool) -> list[tuple[str, list[Edge]]]:
    """Ruled edges grouped into outcomes, in the order in which their rules are tried.

    With `handles`, edges with the same one are one outcome, named by it; other edges are named by
    their target. (In a choice, the handle only tells which outcome it follows.)
    """
    groups: dict[str, list[Edge]] = {}
    named = {edge.handle for edge in edges if handles}
    for edge in edges:
        if handles and edge.handle is not None:
            groups.setdefault(edge.handle, []).append(edge)
            continue
        name, count = edge.target, 1
        while name in groups or name in named:
            count += 1
            name = f"{edge.target}#{count}"
        groups[name] = [edge]

    def rank(item: tuple[str, list[Edge]]) -> float:
        priorities = [edge.priority for edge in item[1] if edge.priority is not None]
        return min(priorities, default=float("inf"))

    return sorted(groups.items(), key=rank)
