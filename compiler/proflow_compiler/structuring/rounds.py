"""Makes the rounds of a graph: every loop becomes one place, every container too, inner ones first.

See `places` for what they are made of.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proflow_schemas.step_ids import exit_id, step_id

from proflow_compiler.graph import Exit, Graph, GraphEdge, GraphNode
from proflow_compiler.graph.loops import Loop, natural_loops
from proflow_compiler.structuring.meetings import taken_together
from proflow_compiler.structuring.places import Link, Place, Round, Way
from proflow_compiler.structuring.program import Again, Call, Container, Leave, Repeat, Step


def round_of(graph: Graph) -> Round:
    """The round of a sound design; what its loops and containers repeat is inside."""
    levels = list(graph.levels())
    taken = {name for level in levels for name in level.nodes}
    inner: dict[str, Round] = {}
    for level in reversed(levels):
        found = _Level(level, taken, inner).round()
        if level.container is None:
            return found
        inner[level.container] = found
    raise AssertionError("the outermost level has no container")


class _Level:
    """Makes the round of one level. Loops are put into one place each, inner ones first."""

    def __init__(self, graph: Graph, taken: set[str], inner: Mapping[str, Round]) -> None:
        self.graph, self.taken, self.inner = graph, taken, inner
        self.loops = natural_loops(graph)
        self.headers = {loop.header for loop in self.loops}
        self.places: dict[str, Place] = {}
        self.rank: dict[str, int] = {}
        """Of each place, that of its node in the graph."""
        self.rank_of = {name: index for index, name in enumerate(graph.nodes)}
        self.at = {name: name for name in graph.nodes}
        """The place that a node is in by now."""
        self.returns: dict[str, list[str]] = {header: [] for header in self.headers}
        """The places of the ways back to each header."""
        self.leaves: dict[str, list[str]] = {}
        """The places out of each node at which all else is left: the run stops, or it returns."""
        self.tried: dict[str, int] = {}
        """How many other names were tried in place of each that was taken."""
        forks = set(filter(graph.forks, graph.nodes)) if self.loops else set()
        self.concurrent = {loop.header for loop in self.loops if not forks.isdisjoint(loop.nodes)}
        """The headers of loops in which several nodes may be under way at once."""
        self.finish = None if graph.container is None else self.free(f"{graph.container} done")

    def round(self) -> Round:
        for name, index in self.rank_of.items():
            if name in self.graph.reachable and not self.graph.nodes[name].stops:
                self._add(self._node(self.graph.nodes[name], index), index)
        self._arm()
        tails = {step_id(name): self._tail(name) for name in self.graph.shared_tails}
        for loop in reversed(self.loops):
            self._collapse(loop)
        found = self._round(self.graph.starts[0], self.places, self.finish)
        return replace(found, tails=tails)

    def _tail(self, name: str) -> Round:
        """Take what a shared stop tail leads to out of this level, as a round of its own."""
        places: dict[str, Place] = {}
        stack = [name]
        while stack:
            at = stack.pop()
            if at not in places:
                places[at] = self.places.pop(at)
                stack += places[at].targets()
        return self._round(name, places, None)

    def _round(self, root: str, places: Mapping[str, Place], finish: str | None) -> Round:
        ordered = sorted(places, key=lambda name: self.rank[name])
        found = {name: places[name] for name in ordered}
        if not any(target == finish for place in found.values() for target in place.targets()):
            return Round(root, found)
        assert finish is not None
        return Round(root, {**found, finish: Place(finish, None, finish)}, finish)

    def _add(self, place: Place, rank: int) -> None:
        self.places[place.name] = place
        self.rank[place.name] = rank

    def free(self, name: str) -> str:
        """A name that nothing in the design has."""
        found = name
        while found in self.taken:
            count = self.tried[name] = self.tried.get(name, 0) + 1
            found = f"{name}?" if count == 1 else f"{name}?{count}"
        self.taken.add(found)
        return found

    def _node(self, at: GraphNode, rank: int) -> Place:
        graph, name, kind = self.graph, at.id, at.node.kind
        ways = [self._way(at, exit_, rank) for exit_ in graph.exits[name]]
        if self.finish is not None and at.drawn and kind.kind != "end":
            ways += self._endings(at, self.finish)
        container = at.drawn and kind.container
        return Place(
            name,
            Container(name) if container else Step(name),
            name,
            tuple(ways),
            graph.undrawn(name),
            every=at.every and len(ways) > 1,
            takes_time=not at.instant,
            needs=graph.needs(name),
            full=graph.full(name),
            inner=self.inner[name] if container else None,
        )

    def _way(self, at: GraphNode, exit_: Exit, rank: int) -> Way:
        links = [Link(self._target(edge), edge) for edge in exit_.edges]
        for way in exit_.back:
            header = way.edge.target
            if header not in self.headers:
                continue
            name = self.free(f"again {header}")
            at_once = way.at_once and header in self.concurrent
            self._add(Place(name, Again(at.id, header, way.limit, at_once), name), rank)
            if at_once:
                self.leaves.setdefault(at.id, []).append(name)
            else:
                self.returns[header].append(name)
            links.append(Link(name, way.edge))
        if not links and self.finish is not None:
            links.append(Link(self.finish))  # nothing is in the container
        return Way(exit_.outcome, tuple(links))

    def _target(self, edge: GraphEdge) -> str:
        """Where an edge leads: to a node, or to a place of its own that stops the run.

        Of those that lead to one end, or to one stop tail, none waits for another.
        """
        target = edge.target
        tail = target in self.graph.shared_tails
        if not tail and not self.graph.nodes[target].stops:
            return target
        name = target
        statement: Step | Call = Step(target)
        if len(self.graph.into[target]) > 1:
            name, statement = self.free(f"stop {target}"), Call(step_id(target), once=tail)
        self._add(Place(name, statement, name, takes_time=tail), self.rank_of[target])
        self.leaves.setdefault(edge.source, []).append(name)
        return name

    def _endings(self, at: GraphNode, finish: str) -> Iterator[Way]:
        """The outcomes that end an item, as nothing is drawn for them."""
        kind = at.node.kind
        drawn = {exit_.outcome for exit_ in self.graph.exits[at.id]}
        outcomes = ("default",) if kind.rules else kind.outcomes
        if kind.rules and drawn:
            return
        for outcome in outcomes:
            if outcome not in drawn and outcome not in kind.undrawn and outcome != "error":
                yield Way(outcome, (Link(finish),))

    def _arm(self) -> None:
        """Put a node that triggers a wait and the wait into one place."""
        loop_of: dict[str, str] = {}
        for loop in self.loops:
            loop_of |= dict.fromkeys(loop.nodes, loop.header)
        for name in list(self.places):
            wait = self._wait_after(name)
            if wait is None or wait in self.headers or loop_of.get(name) != loop_of.get(wait):
                continue
            waiting = self.places.pop(wait)
            self.at[wait] = name
            self.places[name] = replace(
                self.places[name],
                statement=Step(wait, trigger=name),
                settles=wait,
                ways=waiting.ways,
                undrawn=waiting.undrawn,
            )

    def _wait_after(self, name: str) -> str | None:
        """The wait that a node may trigger, and leads to alone."""
        at = self.graph.nodes.get(name)
        if at is None or not at.drawn or not at.node.kind.triggers:
            return None
        match self.places[name].ways:
            case (Way(outcome, (Link(target),)),) if outcome != "error":
                after = self.graph.nodes.get(target)
                if after is None or not after.drawn or not after.node.kind.awaits:
                    return None
                return target if len(self.graph.into[target]) == 1 else None
        return None

    def _collapse(self, loop: Loop) -> None:
        """Put a loop into one place."""
        names = {self.at[node] for node in loop.nodes} | set(self.returns[loop.header])
        names |= {leaf for node in loop.nodes for leaf in self.leaves.get(node, ())}
        joins = self._joins_of(names)
        body = {name: self.places.pop(name) for name in [*names, *joins] if name in self.places}
        leaving = _Leaving(self, loop.header, body)
        ways = leaving.ways()
        header = body[loop.header]
        inner = self._round(loop.header, leaving.body, leaving.finish)
        several = len(ways) > 1
        self.places[loop.header] = Place(
            loop.header,
            Repeat(loop.header),
            leaving.node if several else loop.header,
            ways,
            every=taken_together(inner, leaving.exits),
            takes_time=True,
            needs=header.needs,
            full=header.full,
            inner=inner,
        )
        self.at |= dict.fromkeys([*loop.nodes, *joins], loop.header)

    def _joins_of(self, body: Collection[str]) -> list[str]:
        """Joins of mode `all` that only this body leads to: the loop is left behind them.

        A join takes no time, so it does not matter on which side of the loop it stands. If the
        branches of an iteration meet in one, the loop has one exit instead of one for each branch.
        """
        found: dict[str, None] = {}
        stack = [name for name in body if name in self.places]
        while stack:
            for target in self.places[stack.pop()].targets():
                if target in body or target in found or not self._is_join(target):
                    continue
                sources = {self.at[edge.source] for edge in self.graph.into[target]}
                if all(source in body or source in found for source in sources):
                    found[target] = None
                    stack.append(target)
        return list(found)

    def _is_join(self, name: str) -> bool:
        place = self.places.get(name)
        if place is None or name not in self.graph.nodes or name in self.headers:
            return False
        return place.full and not place.takes_time and place.inner is None


_Group = list[tuple[str, str, tuple[Link, ...]]]
"""What leaves a loop alike: a place, an outcome of it, and its links that leave."""


@dataclass
class _Leaving:
    """Leads the links out of the body of a loop to its finish, and groups them into exits."""

    level: _Level
    header: str
    body: dict[str, Place]
    finish: str = ""
    node: str = ""
    """The id of which the exits are outcomes."""
    exits: dict[str, str] = field(default_factory=dict)
    """The exit that a place of the body notes."""

    def ways(self) -> tuple[Way, ...]:
        """The exits, each with where it leads; changes the body."""
        self.finish = self.level.free(f"{self.header} done")
        found = list(self._groups().values())
        if len(found) == 1:
            self._redirect([(name, outcome, self.finish) for name, outcome, _ in found[0]])
            (_, outcome, links), *_ = found[0]
            return (Way(outcome, links),)
        if found:
            self.node = self.level.free(exit_id(self.header))
        ways: list[Way] = []
        for group, exit_ in zip(found, self._named(found), strict=True):
            ways.append(Way(exit_, group[0][2]))
            notes = [(name, outcome, self._note(exit_, name)) for name, outcome, _ in group]
            self._redirect(notes)
        return tuple(ways)

    def _groups(self) -> dict[tuple[str, ...], _Group]:
        """Links that leave (place, outcome, links), by where they lead."""
        groups: dict[tuple[str, ...], _Group] = {}
        for name in sorted(self.body, key=lambda one: self.level.rank[one]):
            for way in self.body[name].ways:
                links = tuple(link for link in way.links if link.target not in self.body)
                if not links:
                    continue
                key = tuple(sorted(link.target for link in links))
                if any(self._counts(link.target) for link in links):
                    key = (*key, name, way.outcome)
                groups.setdefault(key, []).append((name, way.outcome, links))
        return groups

    def _counts(self, target: str) -> bool:
        place = self.level.places.get(target)
        return place is not None and place.counts

    def _named(self, groups: Sequence[_Group]) -> list[str]:
        """A name for each group: where it leads, and if several lead there, from where."""
        targets = [self._target(group) for group in groups]
        found: list[str] = []
        for group, target in zip(groups, targets, strict=True):
            place, outcome, _ = group[0]
            name = target
            if targets.count(target) > 1:
                name += f" after {place}" + ("" if outcome == "default" else f" {outcome}")
            count, free = 1, name
            while free in found:
                count += 1
                free = f"{name} ({count})"
            found.append(free)
        return found

    def _target(self, group: _Group) -> str:
        _, outcome, links = group[0]
        place = self.level.places.get(links[0].target)
        if place is None:
            return outcome
        return place.statement.to if isinstance(place.statement, Again) else place.name

    def _note(self, exit_: str, after: str) -> str:
        name = self.level.free(f"leave {exit_}")
        self.level.rank[name] = self.level.rank[after]
        way = Way("default", (Link(self.finish),))
        self.body[name] = Place(name, Leave(self.node, exit_), name, (way,))
        self.exits[name] = exit_
        return name

    def _redirect(self, leaving: Sequence[tuple[str, str, str]]) -> None:
        """Let the links that leave by an outcome of a place lead to another place."""
        for name, outcome, target in leaving:
            place = self.body[name]
            ways = [
                way if way.outcome != outcome else Way(outcome, self._kept(way, target))
                for way in place.ways
            ]
            self.body[name] = replace(place, ways=tuple(ways))

    def _kept(self, way: Way, target: str) -> tuple[Link, ...]:
        inside = [link for link in way.links if link.target in self.body]
        edge = next(link.edge for link in way.links if link.target not in self.body)
        return (*inside, Link(target, edge))
