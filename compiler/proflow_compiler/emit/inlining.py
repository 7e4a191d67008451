"""Inlines functions that are called once.

Structuring bounds how deep a definition nests, and so creates functions with a single caller.
Python code is easier to read without them, as long as it does not nest too deep.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any

from proflow_schemas.definition import AnyOp, CallOp, blocks_of, walk

from proflow_compiler.emit.endings import Endings

_DEEPEST = 10
"""The deepest nesting that inlining creates; `outlining` may reduce it later."""


@dataclass(frozen=True)
class Blocks:
    """The blocks of a program: the main block, the functions and the parts."""

    steps: Sequence[AnyOp]
    functions: Mapping[str, Sequence[AnyOp]]
    parts: Mapping[str, Sequence[AnyOp]]

    def all(self) -> Iterable[Sequence[AnyOp]]:
        """Yield every block that is not nested in another."""
        yield self.steps
        yield from self.functions.values()
        yield from self.parts.values()


def inline_functions(blocks: Blocks) -> Blocks:
    """Return the same program with functions inlined that are called once."""
    calls: Counter[str] = Counter()
    for block in blocks.all():
        for op in walk(list(block)):
            if isinstance(op, CallOp):
                calls[op.function] += 2 if op.once else 1
    single = {name for name, count in calls.items() if count == 1}
    inlining = _Inlining(single)
    for name in Endings(blocks.functions, blocks.parts).order:
        inlining.functions[name] = inlining.block(blocks.functions[name], 0)
    steps, _ = inlining.block(blocks.steps, 0)
    parts = {name: inlining.block(part, 0)[0] for name, part in blocks.parts.items()}
    functions = {
        name: inlining.functions[name][0]
        for name in blocks.functions
        if name not in inlining.placed
    }
    return Blocks(steps, functions, parts)


class _Inlining:
    """Inlines the functions `single` into the blocks it is given, callees first."""

    def __init__(self, single: set[str]) -> None:
        self._single = single
        self.functions: dict[str, tuple[list[AnyOp], int]] = {}
        """Functions that were processed, and how deep blocks nest in them."""
        self.placed: set[str] = set()

    def block(self, block: Sequence[AnyOp], depth: int) -> tuple[list[AnyOp], int]:
        """Return a block with calls inlined, and how deep blocks nest in it."""
        found: list[AnyOp] = []
        height = 0
        for op in block:
            if isinstance(op, CallOp) and op.function in self._single:
                steps, inner = self.functions[op.function]
                if depth + inner <= _DEEPEST:
                    self.placed.add(op.function)
                    found += steps
                    height = max(height, inner)
                    continue
            filled, inner = self._op(op, depth)
            found.append(filled)
            height = max(height, inner)
        return found, height

    def _op(self, op: AnyOp, depth: int) -> tuple[AnyOp, int]:
        inner = blocks_of(op)
        if not any(inner):
            return op, 0
        done = [self.block(one, depth + 1) for one in inner]
        height = 1 + max(deep for _, deep in done)
        return with_blocks(op, [steps for steps, _ in done]), height


def with_blocks(op: Any, inner: Sequence[Sequence[Any]]) -> Any:
    """Return the op with its inner blocks replaced, in the order of `blocks_of`."""
    if all(map(_is_same, inner, blocks_of(op))):
        return op
    for parts in ("cases", "arms", "tasks"):
        if hasattr(op, parts):
            held = [
                part.model_copy(update={"steps": list(steps)})
                for part, steps in zip(getattr(op, parts), inner, strict=True)
            ]
            return op.model_copy(update={parts: held})
    name = "steps" if hasattr(op, "steps") else "armed_with"
    return op.model_copy(update={name: list(inner[0])})


def _is_same(block: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(block) == len(other) and all(map(is_, block, other))
