"""Divides a graph into acyclic bodies by collapsing each loop and container into a single vertex.

Inner loops and containers are collapsed first. See `bodies` for the result.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proflow_schemas.step_ids import exit_id, step_id

from proflow_compiler.graph import Exit as GraphExit
from proflow_compiler.graph import Graph, GraphEdge, GraphNode
from proflow_compiler.graph.loops import Loop, natural_loops
from proflow_compiler.structuring.bodies import Body, Edge, Exit, Vertex
from proflow_compiler.structuring.concurrent_edges import exits_concurrent
from proflow_compiler.structuring.program import Again, Call, Container, Leave, Repeat, Step


def body_of(graph: Graph) -> Body:
    """Return the body of the outermost level of a sound design.

    Its vertices hold the bodies of loops and containers.
    """
    levels = list(graph.levels())
    taken = {name for level in levels for name in level.nodes}
    inner: dict[str, Body] = {}
    for level in reversed(levels):
        found = _Level(level, taken, inner).body()
        if level.container is None:
            return found
        inner[level.container] = found
    raise AssertionError("the outermost level has no container")


class _Level:
    """Builds the body of one level: of the whole design, or inside a container."""

    def __init__(self, graph: Graph, taken: set[str], inner: Mapping[str, Body]) -> None:
        self.graph, self.taken, self.inner = graph, taken, inner
        self.loops = natural_loops(graph)
        self.headers = {loop.header for loop in self.loops}
        self.vertices: dict[str, Vertex] = {}
        self.rank: dict[str, int] = {}
        """Vertex → the position of its node in the graph, which decides the order of vertices."""
        self.rank_of = {name: index for index, name in enumerate(graph.nodes)}
        self.at = {name: name for name in graph.nodes}
        """Node → the vertex that currently holds it."""
        self.returns: dict[str, list[str]] = {header: [] for header in self.headers}
        """Loop header → the `Again` vertices of its back edges."""
        self.leaves: dict[str, list[str]] = {}
        """Node → vertices that end all concurrent work, by stopping the run or the iteration."""
        self.tried: dict[str, int] = {}
        """Name in use → how many variants of it were tried."""
        forks = set(filter(graph.forks, graph.nodes)) if self.loops else set()
        self.concurrent = {loop.header for loop in self.loops if not forks.isdisjoint(loop.nodes)}
        """The headers of loops in which several nodes may run concurrently."""
        self.finish = None if graph.container is None else self.free(f"{graph.container} done")

    def body(self) -> Body:
        """Build the body; to be called once."""
        for name, index in self.rank_of.items():
            if name in self.graph.reachable and not self.graph.nodes[name].stops:
                self._add(self._node(self.graph.nodes[name], index), index)
        self._arm()
        shared = sorted(self.graph.shared_tails, key=self.rank_of.__getitem__)
        tails = {step_id(name): self._tail(name) for name in shared}
        for loop in reversed(self.loops):
            self._collapse(loop)
        found = self._body(self.graph.starts[0], self.vertices, self.finish)
        return replace(found, tails=tails)

    def _tail(self, name: str) -> Body:
        """Move a shared stop tail and everything behind it into a body of its own."""
        vertices: dict[str, Vertex] = {}
        stack = [name]
        while stack:
            at = stack.pop()
            if at not in vertices:
                vertices[at] = self.vertices.pop(at)
                stack += vertices[at].targets()
        return self._body(name, vertices, None)

    def _body(self, root: str, vertices: Mapping[str, Vertex], finish: str | None) -> Body:
        ordered = sorted(vertices, key=lambda name: self.rank[name])
        found = {name: vertices[name] for name in ordered}
        if not any(target == finish for vertex in found.values() for target in vertex.targets()):
            return Body(root, found)
        assert finish is not None
        return Body(root, {**found, finish: Vertex(finish, None, finish)}, finish)

    def _add(self, vertex: Vertex, rank: int) -> None:
        self.vertices[vertex.name] = vertex
        self.rank[vertex.name] = rank

    def free(self, name: str) -> str:
        """Return `name`, or a variant of it that is not used in the design, and reserve it."""
        found = name
        while found in self.taken:
            count = self.tried[name] = self.tried.get(name, 0) + 1
            found = f"{name}?" if count == 1 else f"{name}?{count}"
        self.taken.add(found)
        return found

    def _node(self, at: GraphNode, rank: int) -> Vertex:
        graph, name, kind = self.graph, at.id, at.node.kind
        exits = [self._exit(at, drawn, rank) for drawn in graph.exits[name]]
        if self.finish is not None and at.drawn and kind.kind != "end":
            exits += self._endings(at, self.finish)
        container = at.drawn and kind.container
        return Vertex(
            name,
            Container(name) if container else Step(name),
            name,
            tuple(exits),
            graph.undrawn(name),
            every=at.every and len(exits) > 1,
            takes_time=not at.instant,
            needs=graph.needs(name),
            full=graph.full(name),
            inner=self.inner[name] if container else None,
        )

    def _exit(self, at: GraphNode, drawn: GraphExit, rank: int) -> Exit:
        edges = [Edge(self._target(edge), edge) for edge in drawn.edges]
        for back in drawn.back:
            header = back.edge.target
            if header not in self.headers:
                continue
            name = self.free(f"again {header}")
            at_once = back.at_once and header in self.concurrent
            self._add(Vertex(name, Again(at.id, header, back.limit, at_once), name), rank)
            if at_once:
                self.leaves.setdefault(at.id, []).append(name)
            else:
                self.returns[header].append(name)
            edges.append(Edge(name, back.edge))
        if not edges and self.finish is not None:
            edges.append(Edge(self.finish))  # the container is empty
        return Exit(drawn.outcome, tuple(edges))

    def _target(self, edge: GraphEdge) -> str:
        """Return the vertex that an edge leads to.

        An edge to an end that stops the run, or to a shared stop tail, gets a vertex of its own, so
        that edges to the same end do not wait for each other.
        """
        target = edge.target
        tail = target in self.graph.shared_tails
        if not tail and not self.graph.nodes[target].stops:
            return target
        name = target
        statement: Step | Call = Step(target)
        if len(self.graph.into[target]) > 1:
            name, statement = self.free(f"stop {target}"), Call(step_id(target), once=tail)
        self._add(Vertex(name, statement, name, takes_time=tail), self.rank_of[target])
        self.leaves.setdefault(edge.source, []).append(name)
        return name

    def _endings(self, at: GraphNode, finish: str) -> Iterator[Exit]:
        """Yield exits to the finish, for outcomes that end an item as no edge is drawn for them."""
        kind = at.node.kind
        drawn = {one.outcome for one in self.graph.exits[at.id]}
        outcomes = ("default",) if kind.rules else kind.outcomes
        if kind.rules and drawn:
            return
        for outcome in outcomes:
            if outcome not in drawn and outcome not in kind.undrawn and outcome != "error":
                yield Exit(outcome, (Edge(finish),))

    def _arm(self) -> None:
        """Merge each node that may trigger a wait with the wait, which has to be set up first."""
        loop_of: dict[str, str] = {}
        for loop in self.loops:
            loop_of |= dict.fromkeys(loop.nodes, loop.header)
        for name in list(self.vertices):
            wait = self._wait_after(name)
            if wait is None or wait in self.headers or loop_of.get(name) != loop_of.get(wait):
                continue
            waiting = self.vertices.pop(wait)
            self.at[wait] = name
            self.vertices[name] = replace(
                self.vertices[name],
                statement=Step(wait, trigger=name),
                outcome_of=wait,
                exits=waiting.exits,
                undrawn=waiting.undrawn,
            )

    def _wait_after(self, name: str) -> str | None:
        """Return the wait that a node may trigger: its only successor, without others before it."""
        at = self.graph.nodes.get(name)
        if at is None or not at.drawn or not at.node.kind.triggers:
            return None
        match self.vertices[name].exits:
            case (Exit(outcome, (Edge(target),)),) if outcome != "error":
                after = self.graph.nodes.get(target)
                if after is None or not after.drawn or not after.node.kind.awaits:
                    return None
                return target if len(self.graph.into[target]) == 1 else None
        return None

    def _collapse(self, loop: Loop) -> None:
        """Replace the vertices of a loop by a single one that holds them as its body."""
        names = {self.at[node] for node in loop.nodes} | set(self.returns[loop.header])
        names |= {leaf for node in loop.nodes for leaf in self.leaves.get(node, ())}
        joins = self._joins_of(names)
        vertices = {
            name: self.vertices.pop(name) for name in [*names, *joins] if name in self.vertices
        }
        leaving = _Leaving(self, loop.header, vertices)
        exits = leaving.collect()
        header = vertices[loop.header]
        inner = self._body(loop.header, leaving.vertices, leaving.finish)
        several = len(exits) > 1
        self.vertices[loop.header] = Vertex(
            loop.header,
            Repeat(loop.header),
            leaving.node if several else loop.header,
            exits,
            every=exits_concurrent(inner, leaving.exit_of),
            takes_time=True,
            needs=header.needs,
            full=header.full,
            inner=inner,
        )
        self.at |= dict.fromkeys([*loop.nodes, *joins], loop.header)

    def _joins_of(self, inside: Collection[str]) -> list[str]:
        """Return the joins of mode `all` whose edges all come from inside the loop.

        They are moved into the loop. A join takes no time, so this changes nothing for the run, but
        if the branches of an iteration end in a join, the loop has a single exit instead of one for
        each branch.
        """
        found: dict[str, None] = {}
        stack = [name for name in inside if name in self.vertices]
        while stack:
            for target in self.vertices[stack.pop()].targets():
                if target in inside or target in found or not self._is_join(target):
                    continue
                sources = {self.at[edge.source] for edge in self.graph.into[target]}
                if all(source in inside or source in found for source in sources):
                    found[target] = None
                    stack.append(target)
        return list(found)

    def _is_join(self, name: str) -> bool:
        vertex = self.vertices.get(name)
        if vertex is None or name not in self.graph.nodes or name in self.headers:
            return False
        return vertex.full and not vertex.takes_time and vertex.inner is None


_Group = list[tuple[str, str, tuple[Edge, ...]]]
"""Edges out of a loop to the same targets: (vertex, its outcome, the edges)."""


@dataclass
class _Leaving:
    """Redirects the edges that leave a loop to the finish of its body, and makes exits of them."""

    level: _Level
    header: str
    vertices: dict[str, Vertex]
    finish: str = ""
    node: str = ""
    """The id whose outcomes are the exits, if there are several."""
    exit_of: dict[str, str] = field(default_factory=dict)
    """`Leave` vertex → the name of the exit that it records."""

    def collect(self) -> tuple[Exit, ...]:
        """Return the exits of the loop, and redirect the edges of the body."""
        self.finish = self.level.free(f"{self.header} done")
        found = list(self._groups().values())
        if len(found) == 1:
            self._redirect([(name, outcome, self.finish) for name, outcome, _ in found[0]])
            (_, outcome, edges), *_ = found[0]
            return (Exit(outcome, edges),)
        if found:
            self.node = self.level.free(exit_id(self.header))
        exits: list[Exit] = []
        for group, exit_name in zip(found, self._named(found), strict=True):
            exits.append(Exit(exit_name, group[0][2]))
            notes = [(name, outcome, self._note(exit_name, name)) for name, outcome, _ in group]
            self._redirect(notes)
        return tuple(exits)

    def _groups(self) -> dict[tuple[str, ...], _Group]:
        """Group the edges that leave the loop by their targets.

        Edges into vertices that count their edges stay apart, each in a group of its own.
        """
        groups: dict[tuple[str, ...], _Group] = {}
        for name in sorted(self.vertices, key=lambda one: self.level.rank[one]):
            for exit_ in self.vertices[name].exits:
                edges = tuple(edge for edge in exit_.edges if edge.target not in self.vertices)
                if not edges:
                    continue
                key = tuple(sorted(edge.target for edge in edges))
                if any(self._counts(edge.target) for edge in edges):
                    key = (*key, name, exit_.outcome)
                groups.setdefault(key, []).append((name, exit_.outcome, edges))
        return groups

    def _counts(self, target: str) -> bool:
        vertex = self.level.vertices.get(target)
        return vertex is not None and vertex.counts

    def _named(self, groups: Sequence[_Group]) -> list[str]:
        """Name each group after its target and, if other groups share the target, its source."""
        targets = [self._target(group) for group in groups]
        found: list[str] = []
        for group, target in zip(groups, targets, strict=True):
            vertex, outcome, _ = group[0]
            name = target
            if targets.count(target) > 1:
                name += f" after {vertex}" + ("" if outcome == "default" else f" {outcome}")
            count, free = 1, name
            while free in found:
                count += 1
                free = f"{name} ({count})"
            found.append(free)
        return found

    def _target(self, group: _Group) -> str:
        _, outcome, edges = group[0]
        vertex = self.level.vertices.get(edges[0].target)
        if vertex is None:
            return outcome
        return vertex.statement.to if isinstance(vertex.statement, Again) else vertex.name

    def _note(self, exit_name: str, after: str) -> str:
        """Add a vertex that records the exit, and return its name."""
        name = self.level.free(f"leave {exit_name}")
        self.level.rank[name] = self.level.rank[after]
        exit_ = Exit("default", (Edge(self.finish),))
        self.vertices[name] = Vertex(name, Leave(self.node, exit_name), name, (exit_,))
        self.exit_of[name] = exit_name
        return name

    def _redirect(self, leaving: Sequence[tuple[str, str, str]]) -> None:
        """Replace the edges that leave the loop: (vertex, outcome, new target)."""
        for name, outcome, target in leaving:
            vertex = self.vertices[name]
            exits = [
                exit_ if exit_.outcome != outcome else Exit(outcome, self._kept(exit_, target))
                for exit_ in vertex.exits
            ]
            self.vertices[name] = replace(vertex, exits=tuple(exits))

    def _kept(self, exit_: Exit, target: str) -> tuple[Edge, ...]:
        inside = [edge for edge in exit_.edges if edge.target in self.vertices]
        edge = next(edge.origin for edge in exit_.edges if edge.target not in self.vertices)
        return (*inside, Edge(target, edge))
