"""Where functions stand that several blocks call: in the innermost function around all of these."""

from collections.abc import Sequence

from proflow_schemas.definition import (
    AnyOp,
    CallOp,
    ForeachOp,
    LoopOp,
    ParallelOp,
    RegionOp,
    RepeatOp,
    WaitOp,
    blocks_of,
)

from proflow_compiler.emit.outlining import Program, is_expression

_Path = tuple[int, ...]
"""The blocks that are bodies of functions, from the workflow's own inwards, by identity."""


_DEEPEST = 2
"""Functions stand in the workflow's, or in one right inside of it."""


class Nesting:
    """The functions of a program by the function that they stand in."""

    def __init__(self, program: Program, order: Sequence[str]) -> None:
        """`order`: the functions, each after those it calls."""
        self._within: dict[int, list[str]] = {}
        if not program.local:
            return
        self._calls: dict[str, list[_Path]] = {name: [] for name in order}
        self._visit(program.steps, (id(program.steps),))
        for name in reversed(order):
            around = _common(self._calls[name])[:_DEEPEST]
            self._within.setdefault(around[-1], []).insert(0, name)
            block = program.functions[name]
            self._visit(block, (*around, id(block)))

    def within(self, block: Sequence[AnyOp]) -> Sequence[str]:
        """The functions that stand in the one with this block, each after those it calls."""
        return self._within.get(id(block), ())

    def _visit(self, block: Sequence[AnyOp], path: _Path) -> None:
        for op in block:
            if isinstance(op, CallOp):
                self._calls[op.function].append(path)
            closes = isinstance(op, ParallelOp | RegionOp | RepeatOp | ForeachOp | LoopOp | WaitOp)
            for inner in blocks_of(op):
                own = closes and not is_expression(inner)
                self._visit(inner, (*path, id(inner)) if own else path)


def _common(paths: Sequence[_Path]) -> _Path:
    """What all paths begin with."""
    first = paths[0]
    for at in range(min(map(len, paths))):
        if any(path[at] != first[at] for path in paths):
            return first[:at]
    return min(paths, key=len)
