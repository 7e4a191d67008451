"""The networkx view of a design: nodes, and the outcomes by which edges leave them.

One model for all types: a node takes exactly one of its outcomes (an inclusive one: at least one),
and then all edges of that outcome at once. An outcome whose edges carry rules is followed by a
*choice*, a node that is not drawn: it takes the first outcome whose rule holds. So rules only ever
stand on the edges of conditions, inclusives and choices.

`edges` lead forward. back edges stand apart, with the exits that take them, so that what only looks
at edges sees one round of every loop. The nodes in a container are a graph of their own, below
`inner`, whose root is an *entry* that is not drawn: it leads to all nodes that begin an item.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from heapq import heappop, heappush

import networkx as nx
from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.join import Join

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
class BackEdge:
    """An edge that leads back, which is none of the graph's edges; a run takes it `limit` times.

    `given`: the drawing says how often. `edge.edge` is None for an approval's `rejectTo`.
    `at_once`: an approval returns by it, which ends the iteration whatever else goes on in it.
    """

    edge: GraphEdge
    limit: int
    given: bool
    at_once: bool = False


@dataclass(frozen=True)
class Exit:
    """An outcome of a node and the edges it takes, all at once; `when` chooses it, if ruled."""

    outcome: str
    edges: tuple[GraphEdge, ...]
    back: tuple[BackEdge, ...] = ()
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
    drawn: bool = field(init=False, repr=False, compare=False)
    ruled: bool = field(init=False, repr=False, compare=False)
    """Whether rules choose its outcome."""
    every: bool = field(init=False, repr=False, compare=False)
    """Whether it takes all outcomes whose rules hold, and not the first of them only."""
    stops: bool = field(init=False, repr=False, compare=False)
    """Whether it is an end that stops the run as soon as a run comes to it."""
    mode: str | int | None = field(init=False, repr=False, compare=False)
    """The mode that a join names; None for joins that name none, and for all other nodes."""

    instant: bool = field(init=False, repr=False, compare=False)
    """Whether it is over as soon as it begins."""

    def __post_init__(self) -> None:
        # Found out once: these are asked for far more often than there are nodes.
        kind, config = self.node.kind, self.node.config
        drawn = self.choice_of is None and not self.entry
        ruled = not self.entry and (self.choice_of is not None or kind.rules)
        named = drawn and isinstance(config, Join) and "mode" in config.model_fields_set
        self.__dict__.update(
            drawn=drawn,
            ruled=ruled,
            every=drawn and kind.every,
            stops=isinstance(config, End) and (config.terminate or config.fail),
            mode=config.mode if named and isinstance(config, Join) else None,
            instant=not drawn or ruled or kind.instant,
        )


@dataclass(frozen=True)
class Graph:
    """Nodes in canonical order (a choice right after its node), with their exits and edges in.

    The order follows the edges, so that it does not depend on how a canvas orders its nodes.
    """

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
    tails: frozenset[str] = frozenset()
    """The nodes that run at their first taken edge, since all that follows stops the run."""
    mishaps: frozenset[str] = frozenset()
    """Nodes that only lead to ends that stop the run, and that no run comes to if all goes well."""

    shared_tails: frozenset[str] = frozenset()
    """Stop tails that several branches of one run may come to, each of which goes on with it alone."""

    def needs(self, name: str) -> int | None:
        """How many taken edges in are enough to run a node; None: all edges have to be settled."""
        if name in self.tails:
            return 1 if len(self.into[name]) > 1 else None
        mode = self.nodes[name].mode
        enough = 1 if mode in ("any", "one") else mode
        return enough if isinstance(enough, int) and enough < len(self.into[name]) else None

    def full(self, name: str) -> bool:
        """Whether a node runs only if every edge in is taken, and is skipped else."""
        return self.nodes[name].mode == "all" and len(self.into[name]) > 1

    def forks(self, name: str) -> bool:
        """Whether several branches may be under way at once behind a node."""
        exits = self.exits[name]
        several = self.nodes[name].every and len(exits) > 1
        return several or any(len(exit_.edges) + len(exit_.back) > 1 for exit_ in exits)

    def levels(self) -> "Iterator[Graph]":
        """This graph, and those within its containers, the outer ones first."""
        stack = [self]
        while stack:
            graph = stack.pop()
            yield graph
            stack += reversed(list(graph.inner.values()))

    @cached_property
    def back(self) -> tuple[BackEdge, ...]:
        """Every back edge, in the order of their sources."""
        return tuple(
            back_edge
            for exits in self.exits.values()
            for exit_ in exits
            for back_edge in exit_.back
        )

    def out(self, node: str) -> tuple[GraphEdge, ...]:
        return self._out[node]

    @cached_property
    def _out(self) -> Mapping[str, tuple[GraphEdge, ...]]:
        return {
            name: exits[0].edges
            if len(exits) == 1
            else tuple(edge for exit_ in exits for edge in exit_.edges)
            for name, exits in self.exits.items()
        }

    def undrawn(self, node: str) -> tuple[str, ...]:
        """Outcomes that lead to an invisible, terminating end."""
        at = self.nodes[node]
        if not at.drawn or not at.node.kind.undrawn:
            return ()
        drawn = {exit_.outcome for exit_ in self.exits[node]}
        return tuple(outcome for outcome in at.node.kind.undrawn if outcome not in drawn)

    def with_tails(self, tails: frozenset[str], mishaps: frozenset[str]) -> "Graph":
        """This graph with its stop tails, and what belongs to mishaps alone."""
        return self._keeping(replace(self, tails=tails, mishaps=mishaps))

    def with_shared_tails(self, shared: frozenset[str]) -> "Graph":
        """This graph, whose stop tails that several branches may come to are these."""
        return self._keeping(replace(self, shared_tails=shared)) if shared else self

    def _keeping(self, changed: "Graph") -> "Graph":
        """A graph of the same nodes and edges, with what is known of these."""
        known = self.__dict__.keys() - {one.name for one in fields(self)}
        changed.__dict__.update({name: self.__dict__[name] for name in known})
        return changed

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
        return tuple(
            name for name, at in self.nodes.items() if at.drawn and at.node.type == "start"
        )

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """All nodes, each after those that lead to it, ties in canonical order. Raises if cyclic."""
        if not self.acyclic:
            raise ValueError("edges that lead round in a circle have no order")
        return self._sorted

    @cached_property
    def _sorted(self) -> tuple[str, ...]:
        """The nodes in topological order, without those on cycles and behind them."""
        names = list(self.nodes)
        place = {name: index for index, name in enumerate(names)}
        if all(place[edge.source] < place[edge.target] for edge in self.edges):
            return tuple(names)
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


def outcome_of(node: Node, edge: Edge) -> str:
    """The outcome of `node` by which an edge leaves; any handle will do where there is only one
    besides `error`."""
    outcomes = node.kind.outcomes
    if edge.handle in outcomes or len([one for one in outcomes if one != "error"]) > 1:
        return edge.handle or outcomes[0]
    return outcomes[0] if outcomes else "default"
