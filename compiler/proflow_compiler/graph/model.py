"""The graph of a design: nodes, and the outcomes by which edges leave them.

One model serves all node types. A node takes exactly one of its outcomes (an inclusive node takes
at least one), and then all edges of that outcome at once. If edges of an outcome carry rules, the
outcome leads to a *choice*, a node that is not drawn and that takes the first outcome whose rule
holds. So only conditions, inclusive nodes and choices have edges with rules.

`Graph.edges` lead forward. Back edges are kept apart, in the exits that take them, so that an
algorithm that follows `edges` sees one iteration of every loop. The content of a container is a
graph of its own, in `Graph.inner`. Its root is an *entry*, a node that is not drawn and that leads
to all nodes at which an item begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.join import Join

from proflow_compiler.design import Design, Edge, Node

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class GraphEdge:
    """An edge of the graph.

    Attributes:
        index: The position in `Graph.edges`; -1 for back edges.
        source: The id of the node that it leaves.
        target: The id of the node that it leads to.
        outcome: The outcome of `source` that takes it.
        edge: The drawn edge; None if it is not drawn (an edge into a choice or from an entry, or a
            back edge that stands for `rejectTo`).
    """

    index: int
    source: str
    target: str
    outcome: str
    edge: Edge | None


DEFAULT_RETURNS = 10
"""How often a run may take a back edge for which the drawing sets no limit."""


@dataclass(frozen=True)
class BackEdge:
    """An edge that begins the next iteration of a loop; not one of `Graph.edges`.

    Attributes:
        edge: Its source, target and outcome; `edge.edge` is None for an approval's `rejectTo`.
        limit: How often a run may take it.
        given: True if the drawing states the limit.
        at_once: True if an approval returns by it: this ends the iteration at once, and cancels
            what other branches do in it.
    """

    edge: GraphEdge
    limit: int
    given: bool
    at_once: bool = False


@dataclass(frozen=True)
class Exit:
    """An outcome of a node and its edges, which are taken all at once.

    Attributes:
        outcome: The name of the outcome.
        edges: The edges that lead forward.
        back: The back edges.
        when: The rule (a CEL expression) that selects the outcome; None if no rule does.
        default: True if rules select outcomes here, and this one is taken if none holds.
        rule: The drawn edge that carries the rule.
    """

    outcome: str
    edges: tuple[GraphEdge, ...]
    back: tuple[BackEdge, ...] = ()
    when: str | None = None
    default: bool = False
    rule: Edge | None = None


@dataclass(frozen=True)
class GraphNode:
    """A drawn node, a choice behind one of its outcomes, or the entry of a container.

    Attributes:
        id: The id: of the drawn node, or a derived one.
        node: The drawn node; for a choice, the node that it follows; for an entry, the container.
        choice_of: The outcome of `node` that a choice follows; None for other nodes.
        entry: True for the entry of a container, whose only outcome begins an item.
        drawn: True if the node is in the drawing: neither a choice nor an entry.
    """

    id: str
    node: Node
    choice_of: str | None = None
    entry: bool = False
    drawn: bool = field(init=False, repr=False, compare=False)
    ruled: bool = field(init=False, repr=False, compare=False)
    """True if rules select its outcome."""
    every: bool = field(init=False, repr=False, compare=False)
    """True if it takes all outcomes whose rules hold, not only the first (an inclusive node)."""
    stops: bool = field(init=False, repr=False, compare=False)
    """True if it is an end that stops the run as soon as the run reaches it."""
    mode: str | int | None = field(init=False, repr=False, compare=False)
    """The explicit mode of a join; None for joins without one, and for all other nodes."""

    instant: bool = field(init=False, repr=False, compare=False)
    """True if it takes no time: it finishes as soon as it begins."""

    def __post_init__(self) -> None:
        # Computed once, since they are read many times for each node.
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
    """The graph of one level of a design: the drawing, or the content of a container.

    Attributes:
        design: The design.
        nodes: The nodes by id, in canonical order, a choice right after its node. The order follows
            the edges, so that it does not depend on the order of nodes in the file.
        edges: The edges that lead forward.
        exits: The outcomes of each node, with their edges and back edges.
        into: The edges into each node.
    """

    design: Design
    nodes: Mapping[str, GraphNode]
    edges: Sequence[GraphEdge]
    exits: Mapping[str, tuple[Exit, ...]]
    into: Mapping[str, tuple[GraphEdge, ...]] = field(repr=False)
    container: str | None = None
    """The container whose content this is; None for the outermost level."""
    root: str | None = None
    """The node at which this graph begins if it is no `start`: the entry of a container, or the
    header of a loop."""
    inner: "Mapping[str, Graph]" = field(default_factory=dict)
    """The graphs of the containers among the nodes."""
    tails: frozenset[str] = frozenset()
    """Stop tails: nodes that run at their first taken edge, since all paths from them stop the run."""
    failure_paths: frozenset[str] = frozenset()
    """The nodes that only lead to ends that stop the run, and that a run reaches only if something
    went wrong. (Definitions call them mishaps.)"""

    shared_tails: frozenset[str] = frozenset()
    """Stop tails that several branches of one run can reach; each branch runs them for itself."""

    def needs(self, name: str) -> int | None:
        """Return how many taken edges in are enough to run a node.

        Returns:
            The number; None if the node waits until all its edges in are settled (taken or not).
        """
        if name in self.tails:
            return 1 if len(self.into[name]) > 1 else None
        mode = self.nodes[name].mode
        enough = 1 if mode in ("any", "one") else mode
        return enough if isinstance(enough, int) and enough < len(self.into[name]) else None

    def full(self, name: str) -> bool:
        """Return True if a node runs only if every edge in is taken (a join of mode `all`)."""
        return self.nodes[name].mode == "all" and len(self.into[name]) > 1

    def forks(self, name: str) -> bool:
        """Return True if several branches can run at once behind a node."""
        exits = self.exits[name]
        several = self.nodes[name].every and len(exits) > 1
        return several or any(len(exit_.edges) + len(exit_.back) > 1 for exit_ in exits)

    def levels(self) -> "Iterator[Graph]":
        """Yield this graph and the graphs of all containers in it, outer ones first."""
        stack = [self]
        while stack:
            graph = stack.pop()
            yield graph
            stack += reversed(list(graph.inner.values()))

    @cached_property
    def back(self) -> tuple[BackEdge, ...]:
        """All back edges, in the order of their sources."""
        return tuple(
            back_edge
            for exits in self.exits.values()
            for exit_ in exits
            for back_edge in exit_.back
        )

    def out(self, node: str) -> tuple[GraphEdge, ...]:
        """Return the edges out of a node, of all its outcomes, without back edges."""
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
        """Return the outcomes of a node that have no edge, and therefore stop the run."""
        at = self.nodes[node]
        if not at.drawn or not at.node.kind.undrawn:
            return ()
        drawn = {exit_.outcome for exit_ in self.exits[node]}
        return tuple(outcome for outcome in at.node.kind.undrawn if outcome not in drawn)

    @cached_property
    def leading_nowhere(self) -> Mapping[str, tuple[str, ...]]:
        """For some nodes, the outcomes that end their branch silently.

        They have no edge, and neither end nor fail the run (see `undrawn`). Nodes without such
        outcomes are left out.
        """
        found: dict[str, tuple[str, ...]] = {}
        for name, at in self.nodes.items():
            kind = at.node.kind
            if not at.drawn or kind.rules:
                continue
            if silent := _unrouted(kind.outcomes, kind.undrawn):
                drawn = [exit_.outcome for exit_ in self.exits[name]]
                if left := tuple([one for one in silent if one not in drawn]):
                    found[name] = left
        return found

    def with_tails(self, tails: frozenset[str], failure_paths: frozenset[str]) -> "Graph":
        """Return this graph with these stop tails and failure paths (see `stop_tails`)."""
        return self._keeping(replace(self, tails=tails, failure_paths=failure_paths))

    def with_shared_tails(self, shared: frozenset[str]) -> "Graph":
        """Return this graph with these stop tails shared by several branches."""
        return self._keeping(replace(self, shared_tails=shared)) if shared else self

    def _keeping(self, changed: "Graph") -> "Graph":
        """Copy cached properties to a graph with the same nodes and edges."""
        known = self.__dict__.keys() - {one.name for one in fields(self)}
        changed.__dict__.update({name: self.__dict__[name] for name in known})
        return changed

    @cached_property
    def digraph(self) -> "nx.DiGraph[str]":
        """Nodes and edges as a networkx graph; parallel edges are merged into one."""
        import networkx as nx

        digraph: nx.DiGraph[str] = nx.DiGraph()
        digraph.add_nodes_from(self.nodes)
        digraph.add_edges_from((edge.source, edge.target) for edge in self.edges)
        return digraph

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """The nodes at which runs begin: the root, or else the `start` nodes (a sound graph has one)."""
        if self.root is not None:
            return (self.root,)
        return tuple(
            name for name, at in self.nodes.items() if at.drawn and at.node.type == "start"
        )

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """All nodes in topological order, with ties in canonical order.

        Raises:
            ValueError: The graph is cyclic.
        """
        if not self.acyclic:
            raise ValueError("a cyclic graph has no topological order")
        return self._sorted

    @cached_property
    def _sorted(self) -> tuple[str, ...]:
        """The nodes in topological order, without those on cycles and behind cycles."""
        names = list(self.nodes)
        position = {name: index for index, name in enumerate(names)}
        if all(position[edge.source] < position[edge.target] for edge in self.edges):
            return tuple(names)
        left = {name: len(edges) for name, edges in self.into.items()}
        ready = [position[name] for name in names if not left[name]]
        found: list[str] = []
        while ready:
            name = names[heappop(ready)]
            found.append(name)
            for exit_ in self.exits[name]:
                for edge in exit_.edges:
                    left[edge.target] -= 1
                    if not left[edge.target]:
                        heappush(ready, position[edge.target])
        return tuple(found)

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The index of each node in the topological order.

        Raises:
            ValueError: The graph is cyclic.
        """
        return {name: index for index, name in enumerate(self.topological)}

    @cached_property
    def acyclic(self) -> bool:
        """True if the edges, without back edges, form no cycle."""
        return len(self._sorted) == len(self.nodes)

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The nodes that some path from a start reaches, with the starts."""
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
        """The dominator tree of an acyclic graph with exactly one start."""
        return DominatorTree.of(self)

    @cached_property
    def dominators(self) -> Mapping[str, str]:
        """The immediate dominator of each node that the start reaches; the start maps to itself.

        Unlike `dominator_tree`, it is defined for cyclic graphs as well.
        """
        if self.acyclic:
            return self.dominator_tree.parent
        import networkx as nx

        return {
            **nx.immediate_dominators(self.digraph, self.starts[0]),
            self.starts[0]: self.starts[0],
        }


@cache
def _unrouted(outcomes: tuple[str, ...], undrawn: tuple[str, ...]) -> tuple[str, ...]:
    """Return the outcomes that lead nowhere unless an edge is drawn for them."""
    return tuple(one for one in outcomes if one not in undrawn and one != "error")


@dataclass(frozen=True)
class DominatorTree:
    """The dominator tree of the nodes that the start reaches.

    Attributes:
        parent: The immediate dominator of each node; the root is its own parent.
        depth: The depth of each node; that of the root is 0.
        jump: For each node an ancestor further up, chosen so that `common_dominator`, `ancestor`
            and `dominates` take logarithmic time (Myers, "An applicative random-access stack",
            1983).
    """

    parent: Mapping[str, str]
    depth: Mapping[str, int]
    jump: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, graph: Graph) -> "DominatorTree":
        """Build the tree of an acyclic graph with exactly one start."""
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
                    above = (
                        edge.source if above is None else tree.common_dominator(above, edge.source)
                    )
            if above is None:
                continue
            parent[name] = above
            depth[name] = depth[above] + 1
            far = jump[above]
            even = depth[above] - depth[far] == depth[far] - depth[jump[far]]
            jump[name] = jump[far] if even else above
        return tree

    def common_dominator(self, a: str, b: str) -> str:
        """Return the nearest common dominator of two nodes, which may be one of them."""
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
        """Return the dominator of `node` at this depth, or `node` itself if it is not deeper."""
        while self.depth[node] > depth:
            far = self.jump[node]
            node = far if self.depth[far] >= depth else self.parent[node]
        return node

    def dominates(self, a: str, b: str) -> bool:
        """Return True if every path to `b` goes through `a`, or if `a` is `b`."""
        return self.ancestor(b, self.depth[a]) == a

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that each node immediately dominates, in topological order."""
        found: dict[str, list[str]] = {name: [] for name in self.parent}
        for name, above in self.parent.items():
            if name != above:
                found[above].append(name)
        return {name: tuple(below) for name, below in found.items()}


def outcome_of(node: Node, edge: Edge) -> str:
    """Return the outcome of `node` to which an edge belongs.

    If the node has only one outcome besides `error`, an edge with any other handle belongs to it.
    """
    outcomes = node.kind.outcomes
    if edge.handle in outcomes or len([one for one in outcomes if one != "error"]) > 1:
        return edge.handle or outcomes[0]
    return outcomes[0] if outcomes else "default"
