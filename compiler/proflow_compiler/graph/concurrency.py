"""Finds which edges and nodes of an acyclic graph one run can take together.

Two edges can be taken in one run in two cases:

- They leave the same node by one outcome (or by outcomes that can be taken at once).
- An edge into the source of the later one is the other edge, or can be taken together with it.

The algorithm sweeps the nodes in topological order. An edge is *open* while its source has been
processed and its target has not; only open edges are compared. Edges that exclude each other and
that can be taken together with the same other edges share a *slot*. So a chain, or a condition with
all its cases, occupies one slot, and time grows with the number of slots in use at once.

If more than `MANY` edges lead into one node, they are *gathered*: they share a slot although some
of them can be taken together. That is enough, as what can be taken together with the node is what
can be taken together with any of them; whether two of them can be taken together is noted when the
second one is opened.

The result is exact for acyclic graphs in which all combinations of choices are possible.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from proflow_compiler.graph.model import Exit, GraphEdge
from proflow_compiler.graph.runs import taken_at_once

Watched = Mapping[tuple[str, str | None], int]
"""Maps a node (outcome None), or an outcome of a node, to the bit that stands for it."""


MANY = 16
"""If more edges than this lead into one node, they are gathered."""


class Branching(Protocol):
    """An acyclic graph: nodes in topological order, their outcomes, and the edges into them.

    `proflow_compiler.graph.runs.Runs` is one.
    """

    @property
    def order(self) -> Sequence[str]: ...
    @property
    def exits(self) -> Mapping[str, Sequence[Exit]]: ...
    @property
    def into(self) -> Mapping[str, Sequence[GraphEdge]]: ...
    def every(self, name: str) -> bool:
        """Return True if a node can take several outcomes at once."""
        ...


class Concurrency:
    """Which edges and nodes one of these runs can take together.

    Attributes:
        concurrent: For each watched node or outcome, the bits of those watched nodes and outcomes
            that precede it in topological order and that a run can take together with it.
        concurrent_edges: For each node that one run can reach by two edges, two such edges; None
            if the edges into the node are gathered.
    """

    def __init__(
        self, runs: Branching, watched: Watched | None = None, *, ungathered: Collection[str] = ()
    ) -> None:
        """Analyse the runs.

        Args:
            runs: The graph to analyse.
            watched: The nodes and outcomes to report in `concurrent`.
            ungathered: Nodes whose edges in are never gathered, so that `concurrent_edges` always has
                two edges for them.
        """
        self._runs = runs
        self._gathering = {
            name for name, into in runs.into.items() if len(into) > MANY and name not in ungathered
        }
        self._gathered: dict[str, int] = {}
        """For each node whose edges in are gathered, their slot."""
        self._watched = watched or {}
        self._noticed = {name for name, _ in self._watched}
        """The nodes that are watched, or of which an outcome is."""
        self.concurrent: dict[tuple[str, str | None], int] = {}
        self.concurrent_edges: dict[str, tuple[GraphEdge, GraphEdge] | None] = {}
        self._slot: dict[int, int] = {}
        """The slot of each open edge, by its index."""
        self._rows: list[int] = []
        """For each slot, the slots of edges that can be taken with its own; some may be empty by now."""
        self._marks: list[int] = []
        """For each slot, the bits of what is watched and can be taken together with its edges."""
        self._edge_count: list[int] = []
        """For each slot, the number of its open edges."""
        self._open = 0
        """The slots with open edges, as bits."""
        for name in runs.order:
            if not self._pass_on(name):
                self._process(name)

    def _pass_on(self, name: str) -> bool:
        """Shortcut for a node that changes nothing: hand its slot on to its edges out.

        That is right if all edges in share the slot, and no two edges out can be taken together.

        Returns:
            False if the node is not that simple; then nothing has changed.
        """
        runs, slots = self._runs, self._slot
        into, exits = runs.into[name], runs.exits[name]
        if not into or name in self._noticed or (len(exits) > 1 and runs.every(name)):
            return False
        slot = slots[into[0].index]
        if len(into) > 1 and any(slots[edge.index] != slot for edge in into):
            return False
        onward: list[int] = []
        for exit_ in exits:
            before = len(onward)
            for edge in exit_.edges:
                if edge.target in runs.into:
                    if edge.target in self._gathering:
                        return False
                    onward.append(edge.index)
            if len(onward) > before + 1:
                return False
        for edge in into:
            del slots[edge.index]
        for index in onward:
            slots[index] = slot
        count = self._edge_count[slot] + len(onward) - len(into)
        self._edge_count[slot] = count
        if not count:
            self._open ^= 1 << slot
        elif count == len(onward):
            self._rows[slot] &= self._open  # drops slots that are empty by now
        return True

    def _process(self, name: str) -> None:
        """Close the edges into a node and open those out of it."""
        slots = self._close(name)
        rows, marks = 0, 0
        for slot in slots:
            rows |= self._rows[slot]
            marks |= self._marks[slot]
        rows &= self._open
        runs = self._runs
        watched = self._watched.get((name, None), 0) if self._watched else 0
        if watched:
            self.concurrent[name, None] = marks
        noticed = watched
        groups: list[tuple[list[GraphEdge], int]] = []
        for exits in taken_at_once(runs.every(name), runs.exits[name]):
            chosen = self._notice(name, exits, marks) if self._watched else 0
            noticed |= chosen
            edges = [edge for exit_ in exits for edge in exit_.edges if edge.target in runs.into]
            groups.append((edges, marks | watched | chosen))
        if noticed:
            for slot in indices(rows):
                self._marks[slot] |= noticed
        self._leave(slots, rows, groups)

    def _close(self, name: str) -> list[int]:
        """Close the edges into a node, and return their slots, each once."""
        slots: dict[int, GraphEdge] = {}
        before = 0
        for edge in self._runs.into[name]:
            slot = self._slot.pop(edge.index)
            if slot not in slots:
                if (together := self._rows[slot] & before) and name not in self.concurrent_edges:
                    self.concurrent_edges[name] = slots[next(indices(together))], edge
                slots[slot] = edge
                before |= 1 << slot
            self._edge_count[slot] -= 1
            if not self._edge_count[slot]:
                self._open ^= 1 << slot
        return list(slots)

    def _notice(self, name: str, exits: tuple[Exit, ...], marks: int) -> int:
        """Record what can be taken with these outcomes of a node, and return their bits."""
        bits = [self._watched.get((name, exit_.outcome), 0) for exit_ in exits]
        every = 0
        for bit in bits:
            every |= bit
        for exit_, bit in zip(exits, bits, strict=True):
            if bit:
                self.concurrent[name, exit_.outcome] = marks | (every & ~bit)
        return every

    def _leave(
        self, slots: list[int], rows: int, groups: list[tuple[list[GraphEdge], int]]
    ) -> None:
        """Open the edges out of a node.

        Args:
            slots: The slots of the edges into the node, for reuse.
            rows: The slots of edges that can be taken together with the node, as bits.
            groups: Edges out, with their marks. Edges of one group can be taken together, edges of
                two groups cannot.
        """
        alike = [slot for slot in slots if self._rows[slot] & self._open == rows]
        fresh = 0
        for edges, marks in groups:
            gathered: list[GraphEdge] = []
            if self._gathering:
                gathered = [edge for edge in edges if edge.target in self._gathering]
                edges = [edge for edge in edges if edge.target not in self._gathering]
            gathered_slots = self._slots_of(gathered)
            group = gathered_slots
            if len(edges) == 1 and not gathered:
                slot = next((one for one in alike if self._fits(one, marks)), None)
                if slot is None:
                    slot = self._new(rows, marks)
                    fresh |= 1 << slot
                    alike.append(slot)
                elif not self._edge_count[slot]:
                    self._rows[slot] = rows  # drops slots that are empty by now
                self._hold(edges[0], slot, marks)
            elif edges:
                first = next((one for one in alike if not self._edge_count[one]), None)
                own = [first] if first is not None else []
                while len(own) < len(edges):
                    own.append(self._new(0, marks))
                    fresh |= 1 << own[-1]
                group |= _bits(own)
                for edge, slot in zip(edges, own, strict=True):
                    self._rows[slot] = rows | (group ^ (1 << slot))
                    self._hold(edge, slot, marks)
                alike = [one for one in alike if one not in own]
            for edge in gathered:
                self._gather(edge, rows, group, marks)
        if fresh:
            for slot in indices(rows):
                self._rows[slot] |= fresh

    def _slots_of(self, gathered: Sequence[GraphEdge]) -> int:
        """Return the slots of gathered edges as bits; targets without one get one."""
        slots = 0
        for edge in gathered:
            if edge.target not in self._gathered:
                self._gathered[edge.target] = self._new(0, 0)
            elif slots >> self._gathered[edge.target] & 1:
                self.concurrent_edges.setdefault(edge.target)
            slots |= 1 << self._gathered[edge.target]
        return slots

    def _gather(self, edge: GraphEdge, rows: int, group: int, marks: int) -> None:
        """Open an edge in the slot that all edges to its target share.

        Args:
            edge: The edge.
            rows: The slots of edges that can be taken together with it, as bits.
            group: The slots of the edges that are opened together with it, as bits.
            marks: The bits of what is watched and can be taken together with it.
        """
        slot = self._gathered[edge.target]
        bit = 1 << slot
        if rows & bit:
            self.concurrent_edges.setdefault(edge.target)
        others = (rows | group) & ~bit
        for other in indices(others & ~self._rows[slot]):
            self._rows[other] |= bit
        self._rows[slot] |= others
        before = self._marks[slot] if self._edge_count[slot] else 0
        self._hold(edge, slot, marks)
        self._marks[slot] = before | marks

    def _fits(self, slot: int, marks: int) -> bool:
        return not self._edge_count[slot] or self._marks[slot] == marks

    def _new(self, rows: int, marks: int) -> int:
        self._rows.append(rows)
        self._marks.append(marks)
        self._edge_count.append(0)
        return len(self._rows) - 1

    def _hold(self, edge: GraphEdge, slot: int, marks: int) -> None:
        if not self._edge_count[slot]:
            self._open ^= 1 << slot
            self._marks[slot] = marks
        self._edge_count[slot] += 1
        self._slot[edge.index] = slot


def indices(bits: int) -> Iterator[int]:
    """Yield the positions of the bits that are set, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _bits(positions: list[int]) -> int:
    """Return an integer with bits at these positions (adding bits one by one takes quadratic time)."""
    text = bytearray(max(positions) // 8 + 1)
    for position in positions:
        text[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(text, "little")
