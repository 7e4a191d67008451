"""Finds functions that several concurrent blocks call.

The functions that can be reached from a block are kept as the bits of an integer. Only functions
with several calls need a bit: the first function that two blocks share is one of these. This way a
deep program is traversed once, not once for each fork.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from proflow_compiler.structuring.program import Block, Call, inner_blocks, statements


class SharedCalls:
    """The calls among the functions of one body; they are not recursive."""

    def __init__(self, main: Block, functions: Mapping[str, Block]) -> None:
        self._functions = functions
        calls: Counter[str] = Counter()
        for block in (main, *functions.values()):
            calls.update(_called(block, functions))
        self._bit: dict[str, int] = {}
        for function, count in calls.items():
            if count > 1:
                self._bit[function] = 1 << len(self._bit)
        self._reached: dict[int, int] = {}
        """`id` of a block → the bits of the functions that can be reached from it."""

    def among(self, starts: Sequence[tuple[int, Block]]) -> list[tuple[int, str]]:
        """Return the functions that several of the blocks reach.

        Args:
            starts: Concurrent blocks, each with the vertex it starts at.

        Returns:
            (start, function) for each block that reaches a function which an earlier block reaches
            too, in reading order of the calls.
        """
        if not self._bit or not self._overlap(starts):
            return []
        found: list[tuple[int, str]] = []
        known: dict[str, int] = {}
        for start, begins in starts:
            stack = [begins]
            while stack:
                for function in _called(stack.pop(), self._functions):
                    if function not in known:
                        known[function] = start
                        stack.append(self._functions[function])
                    elif known[function] != start:
                        found.append((start, function))
                        known[function] = start
        return found

    def _overlap(self, starts: Sequence[tuple[int, Block]]) -> bool:
        """Return True if two of the blocks reach a common function."""
        seen = 0
        for _, block in starts:
            reached = self._reach(block)
            if seen & reached:
                return True
            seen |= reached
        return False

    def _reach(self, block: Block) -> int:
        """Return the bits of the functions that a block reaches, computing inner blocks first."""
        known = self._reached
        stack = [block]
        while stack:
            at = stack[-1]
            if id(at) in known:
                stack.pop()
                continue
            inner = list(self._next(at))
            waiting = [one for one in inner if id(one) not in known]
            if waiting:
                stack += waiting
                continue
            reached = 0
            for one in inner:
                reached |= known[id(one)]
            for statement in at:
                if isinstance(statement, Call):
                    reached |= self._bit.get(statement.function, 0)
            known[id(at)] = reached
            stack.pop()
        return known[id(block)]

    def _next(self, block: Block) -> Iterator[Block]:
        """Yield the blocks directly inside a block, and the functions that it calls directly."""
        for statement in block:
            if isinstance(statement, Call):
                if statement.function in self._functions:
                    yield self._functions[statement.function]
            else:
                yield from inner_blocks(statement)


def _called(block: Block, functions: Mapping[str, Block]) -> Iterator[str]:
    """Yield the functions that a block calls, in reading order, without those of stop tails."""
    for statement in statements(block):
        if isinstance(statement, Call) and statement.function in functions:
            yield statement.function
