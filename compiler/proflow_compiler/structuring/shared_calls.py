"""Which functions blocks that run at once would both call.

The functions that each block leads to are kept as the bits of an integer. Only functions called at
several places need a bit: what two blocks both lead to, they first meet in one of these. So a deep
program is gone through once, not once for each place at which something runs at once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from proflow_compiler.structuring.program import Block, Call, inner_blocks, statements


class SharedCalls:
    """The functions of one round and who calls them; functions do not call themselves."""

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
        """Of each block, by its identity, the bits of the functions it leads to."""

    def among(self, starts: Sequence[tuple[int, Block]]) -> list[tuple[int, str]]:
        """The functions that a block leads to after another one did, each with where it starts.

        Args:
            starts: The blocks, each with the place at which it starts.

        Returns:
            In the order in which a reader comes to the calls; each function as often as another
            block leads to it than the one before.
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
        seen = 0
        for _, block in starts:
            reached = self._reach(block)
            if seen & reached:
                return True
            seen |= reached
        return False

    def _reach(self, block: Block) -> int:
        """The bits of the functions that a block leads to, those of inner blocks first."""
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
        """The blocks right inside a block, and the functions that it calls itself."""
        for statement in block:
            if isinstance(statement, Call):
                if statement.function in self._functions:
                    yield self._functions[statement.function]
            else:
                yield from inner_blocks(statement)


def _called(block: Block, functions: Mapping[str, Block]) -> Iterator[str]:
    """The functions that a block calls, in reading order; those of stop tails are no such ones."""
    for statement in statements(block):
        if isinstance(statement, Call) and statement.function in functions:
            yield statement.function
