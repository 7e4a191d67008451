"""Turns branches at the end of functions into guards, so that the longest case is not nested."""

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
"""Blocks with fewer ops read just as well when nested."""
_LONG = 6
"""The same for the only case of a branch."""


def add_guards(blocks: Blocks, outcomes: Outcomes) -> Blocks:
    """Return the same program with less nesting.

    Args:
        blocks: The blocks of the program.
        outcomes: The possible outcomes of its nodes.
    """
    guarding = _Guarding(outcomes, Endings(blocks.functions, blocks.parts))
    return Blocks(
        guarding.block(blocks.steps, tail=True),
        {name: guarding.block(one, tail=True) for name, one in blocks.functions.items()},
        {name: guarding.block(one, tail=True) for name, one in blocks.parts.items()},
    )


class _Guarding:
    """Rewrites the blocks of one program."""

    def __init__(self, outcomes: Outcomes, endings: Endings) -> None:
        self._outcomes, self._endings = outcomes, endings

    def block(self, block: Sequence[AnyOp], *, tail: bool) -> list[AnyOp]:
        """Return a block with guards; `tail`: its function returns when the block falls through."""
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
        """Return the outcomes of a node for which the preceding op already ended the run."""
        match before:
            case [*_, BranchOp() as op] if op.node == node:
                ended = [case for case in op.cases if Ending.FALLS_THROUGH not in self._of(case)]
                return {outcome for case in ended for outcome in case.outcomes}
        return set()

    def _of(self, case: Case) -> Ending:
        return self._endings.of(case.steps)

    def _split(self, op: BranchOp, gone: set[str]) -> tuple[BranchOp, list[AnyOp]]:
        """Return guards and the ops that follow them; or the branch unchanged and no ops."""
        longest = max(op.cases, key=lambda case: (_size(case.steps), "error" not in case.outcomes))
        others = [case for case in op.cases if case is not longest]
        covered = gone.union(*(case.outcomes for case in op.cases))
        known = self._outcomes.of(op.node)
        open_ = [outcome for outcome in known if outcome not in covered]
        if not known:
            return op, []
        ended = (
            others
            and not open_
            and all(Ending.FALLS_THROUGH not in self._of(one) for one in others)
        )
        if not ended and _size(longest.steps) < (_SHORT if others else _LONG):
            return op, []
        if open_:
            others.append(Case(outcomes=open_, steps=[]))
        elif not others:
            return op, []
        guards = Guards.model_construct(id=op.id, node=op.node, cases=others)
        return guards, list(longest.steps)


def _merged(op: AnyOp) -> AnyOp:
    """Return the branch with short equal cases merged into one."""
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
    """Return True if a case only says where to continue."""
    match case.steps:
        case [LeaveOp() | AgainOp() | CallOp() | StopOp()]:
            return True
    return False


def _size(block: Sequence[AnyOp]) -> int:
    return sum(1 for _ in walk(list(block)))
