"""Turns branches at the end of functions into guards: the longest case is not nested any more."""

from collections.abc import Sequence
from typing import Any

from proflow_schemas.definition import (
    AgainOp,
    AnyOp,
    BranchOp,
    CallOp,
    Case,
    LeaveOp,
    StopOp,
    blocks_of,
    walk,
)
from proflow_schemas.outcomes import Outcomes

from proflow_compiler.emit.endings import Ending, Endings, Guards
from proflow_compiler.emit.inlining import Blocks, with_blocks

_SHORT = 3
"""Blocks with fewer ops are read as well under their condition."""
_LONG = 6


def guarded(blocks: Blocks, outcomes: Outcomes) -> Blocks:
    """The same program, nested less."""
    guarding = _Guarding(outcomes, Endings(blocks.functions, blocks.parts))
    return Blocks(
        guarding.block(blocks.steps, tail=True),
        {name: guarding.block(one, tail=True) for name, one in blocks.functions.items()},
        {name: guarding.block(one, tail=True) for name, one in blocks.parts.items()},
    )


class _Guarding:
    def __init__(self, outcomes: Outcomes, endings: Endings) -> None:
        self._outcomes, self._endings = outcomes, endings

    def block(self, block: Sequence[AnyOp], *, tail: bool) -> list[AnyOp]:
        """A block; `tail` says that its function is over where it arrives."""
        found: list[AnyOp] = []
        rest = list(block)
        while rest:
            *first, last = rest
            found += [self._inside(op, tail=False) for op in first]
            rest = []
            first = [_merged(op) for op in first]
            last = _merged(last)
            if tail and isinstance(last, BranchOp):
                gone = self._gone(last.node, first)
                last, rest = self._split(last, gone)
            found.append(self._inside(last, tail=tail))
        return found

    def _inside(self, op: Any, *, tail: bool) -> Any:
        inner = blocks_of(op)
        if not any(inner):
            return op
        if isinstance(op, BranchOp):
            returns = tail or isinstance(op, Guards)
            return with_blocks(op, [self.block(one, tail=returns) for one in inner])
        return with_blocks(op, [self.block(one, tail=True) for one in inner])

    def _gone(self, node: str, before: Sequence[AnyOp]) -> set[str]:
        """The outcomes of a node by which the run ends, as the op before says."""
        match before:
            case [*_, BranchOp() as op] if op.node == node:
                ended = [case for case in op.cases if Ending.ARRIVES not in self._of(case)]
                return {outcome for case in ended for outcome in case.outcomes}
        return set()

    def _of(self, case: Case) -> Ending:
        return self._endings.of(case.steps)

    def _split(self, op: BranchOp, gone: set[str]) -> tuple[BranchOp, list[AnyOp]]:
        """Guards, and what the function goes on with after them; or the branch as it is."""
        longest = max(op.cases, key=lambda case: (_size(case.steps), "error" not in case.outcomes))
        others = [case for case in op.cases if case is not longest]
        covered = gone.union(*(case.outcomes for case in op.cases))
        known = self._outcomes.of(op.node)
        open_ = [outcome for outcome in known if outcome not in covered]
        if not known:
            return op, []
        ended = others and not open_ and all(Ending.ARRIVES not in self._of(one) for one in others)
        if not ended and _size(longest.steps) < (_SHORT if others else _LONG):
            return op, []
        if open_:
            others.append(Case(outcomes=open_, steps=[]))
        elif not others:
            return op, []
        guards = Guards.model_construct(id=op.id, node=op.node, cases=others)
        return guards, list(longest.steps)


def _merged(op: AnyOp) -> AnyOp:
    """A branch in which outcomes that go on alike share a case."""
    if not isinstance(op, BranchOp):
        return op
    cases: list[Case] = []
    for case in op.cases:
        same = [one for one in cases if one.steps == case.steps] if _is_brief(case) else []
        if same:
            outcomes = [*same[0].outcomes, *case.outcomes]
            cases[cases.index(same[0])] = same[0].model_copy(update={"outcomes": outcomes})
        else:
            cases.append(case)
    return op if len(cases) == len(op.cases) else op.model_copy(update={"cases": cases})


def _is_brief(case: Case) -> bool:
    """Whether a case does no more than say where it goes on."""
    match case.steps:
        case [LeaveOp() | AgainOp() | CallOp() | StopOp()]:
            return True
    return False


def _size(block: Sequence[AnyOp]) -> int:
    return sum(1 for _ in walk(list(block)))
