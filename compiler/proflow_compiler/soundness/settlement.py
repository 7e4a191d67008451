"""Finds the nodes that are settled (finished or skipped) whenever a given node begins.

A node begins once all its edges in are settled, so after all its predecessors. A join that needs
only some of its edges, or a stop tail, may begin before the others are settled. Nodes behind a loop
begin after all nodes of the loop are settled.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

from proflow_compiler.graph import Graph
from proflow_compiler.graph.loops import Loop


class Settlement:
    """What is settled before each node of an acyclic graph with one start.

    Attributes:
        order: The nodes that the start reaches, in topological order.
        bit: The bit of each of them, by its index in `order`.
    """

    def __init__(self, graph: Graph, loops: Sequence[Loop]) -> None:
        self._graph = graph
        self._loops = loops
        self.order = [name for name in graph.topological if name in graph.reachable]
        self.bit = {name: 1 << index for index, name in enumerate(self.order)}

    def leads(self, x: str, y: str) -> bool:
        """Return True if some path leads from `x` to `y`."""
        return self.bit[x] & self.before[y] != 0

    def settled(self, x: str, y: str) -> bool:
        """Return True if `x` is always settled when `y` begins."""
        return self.bit[x] & self.surely[y] != 0

    @cached_property
    def before(self) -> dict[str, int]:
        """For each node, the bit set of nodes with a path to it."""
        found: dict[str, int] = {}
        for name in self.order:
            before = 0
            for edge in self._graph.into[name]:
                if edge.source in found:
                    before |= found[edge.source] | self.bit[edge.source]
            found[name] = before
        return found

    @cached_property
    def surely(self) -> dict[str, int]:
        """For each node, the bit set of nodes that are always settled when it begins."""
        graph = self._graph
        if not self._loops and not any(map(graph.needs, self.order)):
            return self.before
        found: dict[str, int] = {}
        for name in self.order:
            each = [
                found[edge.source] | self.bit[edge.source] | self._left.get(edge.index, 0)
                for edge in graph.into[name]
                if edge.source in found
            ]
            needed = graph.needs(name)
            found[name] = _in_all_but(each, needed - 1) if needed else _union(each)
        return found

    @cached_property
    def _left(self) -> dict[int, int]:
        """For each edge that leaves loops, the bit set of the nodes of these loops."""
        found: dict[int, int] = {}
        for loop in self._loops:
            nodes = _union(self.bit[name] for name in loop.nodes)
            for name in loop.nodes:
                for edge in self._graph.out(name):
                    if edge.target not in loop.nodes and not self._graph.nodes[edge.target].stops:
                        found[edge.index] = found.get(edge.index, 0) | nodes
        return found


def _union(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found


def _in_all_but(sets: Sequence[int], few: int) -> int:
    """Return the bits that at most `few` of the sets lack.

    The number of sets that lack a bit is counted for all bits at once: `digits[i]` holds, for every
    bit, the i-th binary digit of its count.
    """
    every = _union(sets)
    digits: list[int] = []
    for one in sets:
        carry, index = every & ~one, 0
        while carry:
            if index == len(digits):
                digits.append(0)
            digits[index], carry = digits[index] ^ carry, digits[index] & carry
            index += 1
    more, equal = 0, every
    for index in range(max(len(digits), few.bit_length()) - 1, -1, -1):
        digit = digits[index] if index < len(digits) else 0
        if few >> index & 1:
            equal &= digit
        else:
            more |= equal & digit
            equal &= ~digit
    return every & ~more
