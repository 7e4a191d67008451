"""What one run can take together.

Two edges can be taken in one run if their sources are one node left by one outcome (or by outcomes
that can be taken at once), or if an edge into the later source is the other edge or can be taken
together with it. Nodes are gone through in topological order; only edges whose source is done and
whose target is not are compared. Edges that exclude each other and can be taken with the same
others share a *slot*: so a chain, a condition with all its cases, or a block that closes, costs
nothing, and the rest a time that grows with how much can be open at once.

Many edges into one node are *gathered*: they share a slot though some of them can be taken together.
What can be taken with the node is what can be taken with any of them, and whether two of them can be
taken together is known when the second is opened.

Exact for acyclic graphs whose choices are independent.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from proflow_compiler.graph.model import Exit, GraphEdge
from proflow_compiler.graph.runs import taken_at_once

Watched = Mapping[tuple[str, str | None], int]
"""A node, or an outcome of it → the bit it is known by."""


MANY = 16
"""More edges than this into one node are gathered."""


class Branching(Protocol):
    """Nodes in topological order, with the outcomes they can be left by, and the edges between."""

    @property
    def order(self) -> Sequence[str]: ...
    @property
    def exits(self) -> Mapping[str, Sequence[Exit]]: ...
    @property
    def into(self) -> Mapping[str, Sequence[GraphEdge]]: ...
    def every(self, name: str) -> bool:
        """Whether a node can be left by several outcomes at once."""
        ...


class Concurrency:
    """What happens together in one of these runs.

    `beside`: for each watched node or outcome, the bits of those watched before it, in topological
    order, that a run can take with it. `meeting`: for each node that a run comes to over two
    edges, two such edges; None where they have been gathered.
    """

    def __init__(
        self, runs: Branching, watched: Watched | None = None, *, apart: Collection[str] = ()
    ) -> None:
        """`apart`: nodes of which two such edges are wanted, however many lead there."""
        self._runs = runs
        self._gathering = {
            name for name, into in runs.into.items() if len(into) > MANY and name not in apart
        }
        self._gathered: dict[str, int] = {}
        """For each node with gathered edges, their slot."""
        self._watched = watched or {}
        self.concurrent: dict[tuple[str, str | None], int] = {}
        self.concurrent_edges: dict[str, tuple[GraphEdge, GraphEdge] | None] = {}
        self._slot: dict[int, int] = {}
        """Of each open edge."""
        self._rows: list[int] = []
        """For each slot, the slots of edges that can be taken with its own; stale ones too."""
        self._marks: list[int] = []
        """For each slot, what is watched and can be taken with its edges."""
        self._held: list[int] = []
        """For each slot, how many open edges it holds."""
        self._open = 0
        """The slots that hold any."""
        for name in runs.order:
            if not self._follow(name):
                self._pass(name)

    def _follow(self, name: str) -> bool:
        """Open the only edge out of a node in place of the only one into it, if that is all."""
        runs = self._runs
        into, exits = runs.into[name], runs.exits[name]
        if len(into) != 1 or len(exits) != 1:
            return False
        outcome = exits[0].outcome
        watched = self._watched
        if watched and ((name, None) in watched or (name, outcome) in watched):
            return False
        slot = self._slot[into[0].index]
        edges = [edge for edge in exits[0].edges if edge.target in runs.into]
        if len(edges) != 1 or self._held[slot] != 1 or edges[0].target in self._gathering:
            return False
        del self._slot[into[0].index]
        self._slot[edges[0].index] = slot
        self._rows[slot] &= self._open
        return True

    def _pass(self, name: str) -> None:
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
        """Close the edges into a node; their slots, each once."""
        slots: dict[int, GraphEdge] = {}
        before = 0
        for edge in self._runs.into[name]:
            slot = self._slot.pop(edge.index)
            if slot not in slots:
                if (together := self._rows[slot] & before) and name not in self.concurrent_edges:
                    self.concurrent_edges[name] = slots[next(indices(together))], edge
                slots[slot] = edge
                before |= 1 << slot
            self._held[slot] -= 1
            if not self._held[slot]:
                self._open ^= 1 << slot
        return list(slots)

    def _notice(self, name: str, exits: tuple[Exit, ...], marks: int) -> int:
        """The bits of watched outcomes that can be taken at once."""
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
        """Open the edges out of a node: of one group all together, of two groups only one."""
        alike = [slot for slot in slots if self._rows[slot] & self._open == rows]
        fresh = 0
        for edges, marks in groups:
            gathered: list[GraphEdge] = []
            if self._gathering:
                gathered = [edge for edge in edges if edge.target in self._gathering]
                edges = [edge for edge in edges if edge.target not in self._gathering]
            beside = self._slots_of(gathered)
            group = beside
            if len(edges) == 1 and not gathered:
                slot = next((one for one in alike if self._fits(one, marks)), None)
                if slot is None:
                    slot = self._new(rows, marks)
                    fresh |= 1 << slot
                    alike.append(slot)
                elif not self._held[slot]:
                    self._rows[slot] = rows  # without those that were open before
                self._hold(edges[0], slot, marks)
            elif edges:
                first = next((one for one in alike if not self._held[one]), None)
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
        """The slots of edges that are gathered, new ones where they are the first, as bits."""
        slots = 0
        for edge in gathered:
            if edge.target not in self._gathered:
                self._gathered[edge.target] = self._new(0, 0)
            elif slots >> self._gathered[edge.target] & 1:
                self.concurrent_edges.setdefault(edge.target)
            slots |= 1 << self._gathered[edge.target]
        return slots

    def _gather(self, edge: GraphEdge, rows: int, group: int, marks: int) -> None:
        """Open an edge in the slot of those that lead where it does.

        `rows` are the slots of edges that can be taken with it, `group` those of the edges that
        are opened together with it.
        """
        slot = self._gathered[edge.target]
        bit = 1 << slot
        if rows & bit:
            self.concurrent_edges.setdefault(edge.target)
        others = (rows | group) & ~bit
        for other in indices(others & ~self._rows[slot]):
            self._rows[other] |= bit
        self._rows[slot] |= others
        before = self._marks[slot] if self._held[slot] else 0
        self._hold(edge, slot, marks)
        self._marks[slot] = before | marks

    def _fits(self, slot: int, marks: int) -> bool:
        return not self._held[slot] or self._marks[slot] == marks

    def _new(self, rows: int, marks: int) -> int:
        self._rows.append(rows)
        self._marks.append(marks)
        self._held.append(0)
        return len(self._rows) - 1

    def _hold(self, edge: GraphEdge, slot: int, marks: int) -> None:
        if not self._held[slot]:
            self._open ^= 1 << slot
            self._marks[slot] = marks
        self._held[slot] += 1
        self._slot[edge.index] = slot


def indices(bits: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _bits(places: list[int]) -> int:
    """An integer with bits at these places; adding them up one by one would take a square."""
    text = bytearray(max(places) // 8 + 1)
    for place in places:
        text[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(text, "little")
