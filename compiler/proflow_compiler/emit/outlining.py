"""Bounds the size of functions: code that nests too deep or is too long is moved into others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from proflow_schemas.definition import (
    AgainOp,
    AnyOp,
    BranchOp,
    CallOp,
    Definition,
    EndOp,
    ForeachOp,
    LeaveOp,
    LoopOp,
    ParallelOp,
    RegionOp,
    RepeatOp,
    StopOp,
    WaitOp,
    blocks_of,
)
from proflow_schemas.outcomes import Outcomes
from proflow_schemas.step_ids import step_id

from proflow_compiler.emit.endings import Guards
from proflow_compiler.emit.extents import MOST_LEVELS, Extent, spread
from proflow_compiler.emit.guarding import add_guards
from proflow_compiler.emit.inlining import Blocks, inline_functions, with_blocks

MOST_LOCAL_FUNCTIONS = 3
"""A program with more functions has them outside of the workflow's function."""
_HEAVY = 0.5
"""In a function that is too large, a statement may have at most this share of the maximum."""


@dataclass(frozen=True, slots=True)
class Title:
    """What a function is named after: a node, and the purpose of the function for it."""

    node: str
    purpose: str


@dataclass(frozen=True)
class Program:
    """The blocks of a definition as functions of bounded size and nesting."""

    steps: Sequence[AnyOp]
    functions: Mapping[str, Sequence[AnyOp]]
    parts: Mapping[str, Sequence[AnyOp]]
    titles: Mapping[str, Title]
    outcomes: Outcomes
    local: bool
    """True if functions are defined in the workflow's function, and see its variables."""


def extract_functions(definition: Definition) -> Program:
    """Arrange a definition into as few functions as remain readable."""
    drawn = Blocks(
        definition.steps,
        definition.functions,
        {name: part.steps for name, part in definition.parts.items()},
    )
    outcomes = Outcomes(drawn.all())
    blocks = add_guards(inline_functions(drawn), outcomes)
    outline = _Outline(blocks, bounded=False)
    local = outline.is_small and not definition.parts
    if not local:
        outline = _Outline(blocks, bounded=True, spreads=outline.spreads)
    return Program(outline.steps, outline.functions, outline.parts, outline.titles, outcomes, local)


@dataclass
class _Outline:
    """Visits all blocks, inner ones first, and moves code into functions.

    `bounded`: besides nesting, the number of branches and statements of a function is bounded, and
    functions are defined outside of the workflow's function.
    """

    blocks: Blocks
    bounded: bool
    spreads: dict[int, tuple[AnyOp, int]] = field(default_factory=dict)
    """`id` of an op → the op, which keeps the id valid, and the result of `spread`."""
    functions: dict[str, Sequence[AnyOp]] = field(default_factory=dict)
    titles: dict[str, Title] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)
    steps: Sequence[AnyOp] = ()
    parts: dict[str, Sequence[AnyOp]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.functions = dict.fromkeys(self.blocks.functions, ())
        self.titles = {name: Title(name, "path") for name in self.functions}
        self.steps, self.extent = self._body(self.blocks.steps)
        for name, block in self.blocks.functions.items():
            self.functions[name], self.extents[name] = self._body(block)
        self.parts = {name: self._body(part)[0] for name, part in self.blocks.parts.items()}

    @property
    def is_small(self) -> bool:
        """True if all functions can be defined in the workflow's function."""
        whole = self.extent
        for extent in self.extents.values():
            whole += extent.inside(1, branches=1, statements=1)
        return (
            len(self.functions) <= MOST_LOCAL_FUNCTIONS
            and whole.levels <= MOST_LEVELS
            and whole.fits
        )

    def _body(self, block: Sequence[AnyOp]) -> tuple[Sequence[AnyOp], Extent]:
        """Return the body of a function, and its extent."""
        return self._bounded(*self._ops(block))

    def _bounded(self, ops: list[AnyOp], extents: list[Extent]) -> tuple[Sequence[AnyOp], Extent]:
        """Return as much of a body as fits into a function, then a call of one with the rest."""
        whole = Extent.of_all(extents)
        if not self.bounded or whole.fits:
            return ops, whole
        for index, extent in enumerate(extents):
            if extent.load > _HEAVY:
                ops[index], extents[index] = self._split_op(ops[index], extent)
        whole = Extent.of_all(extents)
        if whole.fits:
            return ops, whole
        starts = _cuts(ops, extents)
        rest: list[AnyOp] = []
        for start, stop in reversed(list(zip(starts, [*starts[1:], len(ops)], strict=True))):
            block = [*ops[start:stop], *rest]
            extent = Extent.of_all(extents[start:stop])
            if start:
                rest = [self._function(block, extent, Title(block[0].node, "rest"))]
        return block, extent

    def _ops(self, block: Sequence[AnyOp]) -> tuple[list[AnyOp], list[Extent]]:
        found = [self._op(op) for op in block]
        return [op for op, _ in found], [extent for _, extent in found]

    def _op(self, op: AnyOp) -> tuple[AnyOp, Extent]:
        inner = blocks_of(op)
        match op:
            case BranchOp():
                matched = len(op.cases) > 2 and not isinstance(op, Guards)
                found = [self._case(case.steps, 2 if matched else 1) for case in op.cases]
                extent = Extent.of_all(extent for _, extent in found)
                extent = extent.inside(0, len(op.cases) + matched, 1 if matched else len(op.cases))
            case RepeatOp() | LoopOp() | ForeachOp() | ParallelOp() | RegionOp():
                found = [self._inner(one, _purpose(op), op.node) for one in inner]
                extent = Extent.of_all((Extent(self._spread(op)), *(extent for _, extent in found)))
                extent = extent.inside(0, 1, 2)
            case WaitOp() if op.armed_with:
                levels = max(1 + self._spread(one) for one in op.armed_with)
                return op, Extent(levels, 1, 2 + len(op.armed_with))
            case EndOp() | StopOp() | AgainOp() | CallOp():
                return op, Extent(self._spread(op))
            case _:
                return op, Extent(self._spread(op), 0, 1)
        return with_blocks(op, [steps for steps, _ in found]), extent

    def _spread(self, op: AnyOp) -> int:
        known = self.spreads.get(id(op))
        if known is None:
            known = self.spreads[id(op)] = op, spread(op)
        return known[1]

    def _case(self, block: Sequence[AnyOp], deeper: int) -> tuple[Sequence[AnyOp], Extent]:
        """Return the block of a case, or a call of a function if it nests too deep."""
        ops, extents = self._ops(block)
        extent = Extent.of_all(extents)
        if deeper + extent.levels > MOST_LEVELS and not _is_call(ops):
            return [self._move_block(ops, extents, "rest")], Extent(deeper)
        return ops, extent.inside(deeper)

    def _inner(
        self, block: Sequence[AnyOp], purpose: str, node: str
    ) -> tuple[Sequence[AnyOp], Extent]:
        """Return the block of an inner function, or a call of a function if it nests too deep."""
        ops, extent = self._body(block)
        if not ops or is_expression(ops):
            return ops, Extent()
        if 1 + extent.levels > MOST_LEVELS:
            title = Title(ops[0].node if purpose == "branch" else node, purpose)
            return [self._function(ops, extent, title)], Extent()
        return ops, extent.inside(1, 1, 1)

    def _move_block(self, ops: list[AnyOp], extents: list[Extent], purpose: str) -> CallOp:
        """Move a block into a new function and return its call."""
        block, extent = self._bounded(ops, extents)
        return self._function(block, extent, Title(ops[0].node, purpose))

    def _function(self, block: Sequence[AnyOp], extent: Extent, title: Title) -> CallOp:
        """Add a function with this body and return its call."""
        name, count = f"{title.node}/{title.purpose}", 1
        while name in self.functions:
            count += 1
            name = f"{title.node}/{title.purpose}/{count}"
        self.titles[name], self.functions[name], self.extents[name] = title, block, extent
        first = block[0].node
        return CallOp(id=step_id(first), node=first, function=name)

    def _split_op(self, op: AnyOp, extent: Extent) -> tuple[AnyOp, Extent]:
        """Return the op with its largest blocks moved into functions."""
        inner: list[Any] = blocks_of(op)
        if isinstance(op, WaitOp):
            return op, extent
        own = 0 if isinstance(op, BranchOp) else 1
        measured = [self._ops(one) for one in inner]
        extents = [Extent.of_all(found) for _, found in measured]
        order = list(range(len(inner)))
        if isinstance(op, BranchOp):
            order.sort(key=lambda index: -extents[index].load)
        for index in order:
            if isinstance(op, BranchOp) and extent.load <= _HEAVY:
                break
            if not inner[index] or is_expression(inner[index]):
                continue
            call = self._move_block(*measured[index], _purpose(op))
            if not isinstance(op, BranchOp | ParallelOp | RegionOp):
                self.titles[call.function] = Title(op.node, _purpose(op))
            inner[index] = [call]
            extent = Extent(
                extent.levels,
                extent.branches - extents[index].branches - own,
                extent.statements - extents[index].statements - own,
            )
        return with_blocks(op, inner), extent


def _cuts(ops: Sequence[AnyOp], extents: Sequence[Extent]) -> list[int]:
    """Return the indices at which to split the ops into functions of similar size."""
    load = Extent.of_all(extents).load
    share = load / max(ceil(load), 1)
    last = max(index for index, extent in enumerate(extents) if extent.load)
    starts = [0]
    taken = Extent()
    for index, op in enumerate(ops):
        after = taken + extents[index]
        follows = isinstance(op, BranchOp) and index and ops[index - 1].node == op.node
        full = not after.fits or taken.load >= share
        if taken.load and full and not follows and index <= last:
            starts.append(index)
            after = extents[index]
        taken = after
    return starts


def _purpose(op: Any) -> str:
    match op:
        case ForeachOp():
            return "item"
        case LoopOp() | RepeatOp():
            return "iteration"
        case BranchOp():
            return "rest"
        case _:
            return "branch"


def _is_call(block: Sequence[AnyOp]) -> bool:
    return len(block) == 1 and isinstance(block[0], CallOp)


def is_expression(block: Sequence[AnyOp]) -> bool:
    """Return True if a block is a single call whose arguments are known in advance."""
    match block:
        case [CallOp() | LeaveOp()]:
            return True
        case [EndOp() as op]:
            return op.output is None
    return False
