"""Builds the graph of a design: one graph for each level of containers.

Edges of a node that belong to the same outcome are grouped into exits. Where edges of an outcome
carry rules, a *choice* node is inserted (see `proflow_compiler.graph.model`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from proflow_schemas.node_types.approval import Approval
from proflow_schemas.step_ids import choice_id

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.graph.back_edges import order_level
from proflow_compiler.graph.model import (
    DEFAULT_RETURNS,
    BackEdge,
    Exit,
    Graph,
    GraphEdge,
    GraphNode,
    outcome_of,
)
from proflow_compiler.graph.order import canonical_order
from proflow_compiler.graph.stop_tails import shared_tails, stop_tails


def build_graph(design: Design) -> Graph:
    """Build the graph of a design.

    Args:
        design: A design whose edges all begin and end at nodes that exist.

    Returns:
        The graph of the outermost level. `Graph.inner` holds those of its containers.
    """
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
    """Builds the graphs of all levels of a design."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.drawn: dict[str, list[Edge]] = {name: [] for name in design.nodes}
        for edge in design.edges:
            if design.nodes[edge.source].parent == design.nodes[edge.target].parent:
                self.drawn[edge.source].append(edge)
        self.members: dict[str | None, list[str]] = {}
        for name in canonical_order(design, self.drawn):
            self.members.setdefault(design.nodes[name].parent, []).append(name)
        self.back: set[int] = set()
        for container, names in self.members.items():
            found = order_level(design, container, names, self.drawn)
            self.members[container] = found.names
            self.back |= found.back
        self.edges: list[GraphEdge] = []

    def containers(self, container: str | None) -> list[str]:
        """Return the containers directly within a container (None: on the outermost level)."""
        nodes = self.design.nodes
        return [name for name in self.members.get(container, ()) if nodes[name].kind.container]

    def level(self, container: str | None, inner: dict[str, Graph]) -> Graph:
        """Build the graph of a level from the graphs of the containers on it."""
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
            first = [name for name in members if name not in led_to]
            edges = tuple(self._add(root, name, "item", None) for name in first)
            exits[root] = (Exit("item", edges),)
        for name in members:
            self._node(design.nodes[name], nodes, exits)
        into: dict[str, list[GraphEdge]] = {name: [] for name in nodes}
        for graph_edge in self.edges:
            into[graph_edge.target].append(graph_edge)
        graph = Graph(
            design,
            nodes,
            self.edges,
            exits,
            {name: tuple(found) for name, found in into.items()},
            container,
            root,
            inner,
        )
        graph = graph.with_tails(*stop_tails(graph))
        return graph.with_shared_tails(shared_tails(graph))

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
        for outcome, group in sorted(by_outcome.items(), key=lambda one: _sort_key(node, one[0])):
            if not any(edge.when is not None or edge.default for edge in group):
                own.append(self._exit(name, outcome, group))
                continue
            choice = self._free(choice_id(name, outcome))
            nodes[choice] = GraphNode(choice, node, choice_of=outcome)
            own.append(Exit(outcome, (self._add(name, choice, outcome, None),)))
            exits[choice] = self._ruled(choice, group, handles=False)
        if isinstance(node.config, Approval) and node.config.reject_to in self.drawn:
            assert node.config.reject_to is not None
            edge_back = GraphEdge(-1, name, node.config.reject_to, "rejected", None)
            if "rejected" not in by_outcome:
                own.append(Exit("rejected", (), (BackEdge(edge_back, DEFAULT_RETURNS, False),)))
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
                BackEdge(
                    GraphEdge(-1, source, edge.target, outcome, edge),
                    DEFAULT_RETURNS if edge.loop is None else edge.loop,
                    edge.loop is not None,
                    at_once=edge.handle == "returned"
                    and isinstance(self.design.nodes[edge.source].config, Approval),
                )
                for edge in group
                if self._is_back(edge)
            ),
        )

    def _is_back(self, edge: Edge) -> bool:
        return edge.index in self.back

    def _add(self, source: str, target: str, outcome: str, edge: Edge | None) -> GraphEdge:
        self.edges.append(GraphEdge(len(self.edges), source, target, outcome, edge))
        return self.edges[-1]

    def _free(self, name: str) -> str:
        while name in self.design.nodes:
            name += "?"
        return name


def _by_rule(edges: Sequence[Edge], handles: bool) -> list[tuple[str, list[Edge]]]:
    """Group edges with rules into outcomes, in the order in which the rules are evaluated.

    With `handles`, edges with the same handle are one outcome, which has the name of the handle.
    All other edges are outcomes of their own, with the name of their target. (The handle of an edge
    out of a choice only says which outcome of the node the choice follows.)
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


def _sort_key(node: Node, outcome: str) -> tuple[int, str]:
    """Return a sort key: outcomes in the order of the node type, unknown ones last, by name."""
    known = node.kind.outcomes
    return (known.index(outcome) if outcome in known else len(known), outcome)
