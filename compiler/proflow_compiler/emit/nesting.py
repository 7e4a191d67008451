"""Places local functions: inside the innermost function that contains all of their calls."""

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
"""The `id`s of the function bodies around a block, outermost first."""


_DEEPEST = 2
"""Functions are defined in the workflow's function, or one level deeper."""


class Nesting:
    """The local functions of a program, by the function that they are defined in."""

    def __init__(self, program: Program, order: Sequence[str]) -> None:
        """Place the functions of a program.

        Args:
            program: The program.
            order: Its functions, callees before callers.
        """
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
        """Return the functions to define in the function with this block, callees first."""
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
    """Return the longest common prefix of the paths."""
    first = paths[0]
    for at in range(min(map(len, paths))):
        if any(path[at] != first[at] for path in paths):
            return first[:at]
    return min(paths, key=len)
