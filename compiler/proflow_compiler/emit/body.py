"""Blocks of a definition as statements of Python functions over `flow`."""

from collections.abc import Mapping, Sequence
from typing import Any

from proflow_schemas.definition import (
    AnyOp,
    ApprovalOp,
    BranchOp,
    CallOp,
    Case,
    ChooseOp,
    Definition,
    EndOp,
    ParallelOp,
    RetryPolicy,
    SendOp,
    SetOp,
    SleepOp,
    StopOp,
    TaskOp,
    WaitOp,
)

from proflow_compiler.emit.endings import Ending, Endings
from proflow_compiler.emit.literals import Source, comment, comment_id, literal
from proflow_compiler.emit.names import Names
from proflow_compiler.emit.rendering import macro

BUILTIN = "proflow:"
_APPROVAL_OUTCOMES = ("approved", "rejected", "timeout", "returned")
_WAIT_OUTCOMES = ("received", "timeout")
_RETURNED = {
    Ending.ENDS: "Result",
    Ending.ARRIVES: "None",
    Ending.ENDS | Ending.ARRIVES: "Result | None",
}


class Body:
    """Writes the functions of one definition, line by line."""

    def __init__(
        self,
        definition: Definition,
        names: Names,
        retries: Mapping[RetryPolicy, Source],
        handlers: Mapping[str, Source],
        *,
        local: bool,
    ) -> None:
        self.definition = definition
        self.names, self.retries, self.handlers = names, retries, handlers
        self.local = local
        self.endings = Endings(definition.functions)
        self.lines: list[str] = []
        self.outcomes: dict[str, tuple[str, Sequence[str]]] = {}
        """Node → the expression of its outcome, and all outcomes it may take."""
        self.labels = {node.id: node.label for node in definition.canvas.nodes}
        self.functions = {name: names.of(name, "path") for name in reversed(self.endings.order)}

    def shared(self, level: int) -> None:
        """The functions of the definition, each after those it calls."""
        for name in self.endings.order:
            argument = "" if self.local else "flow: Flow"
            block = self.definition.functions[name]
            self._function(self.functions[name], argument, block, level)
            self._line(0, "")

    def main(self, name: str) -> None:
        ending = self.endings.of(self.definition.steps) | Ending.ENDS
        self._line(0, f"async def {name}(flow: Flow) -> {_RETURNED[ending]}:")
        if self.local:
            self.shared(1)
        self._whole(self.definition.steps, 1, ending)

    def _line(self, level: int, text: str) -> None:
        self.lines.append(f"{'    ' * level}{text}")

    def _function(
        self, name: str, argument: str, block: Sequence[AnyOp], level: int, *, skip: bool = False
    ) -> None:
        ending = self.endings.of(block)
        self._line(level, f"async def {name}({argument}) -> {_RETURNED[ending]}:")
        if not block:
            self._line(level + 1, '"""Goes straight on."""')
        self._whole(block, level + 1, ending, skip=skip)

    def _whole(
        self, block: Sequence[AnyOp], level: int, ending: Ending, *, skip: bool = False
    ) -> None:
        """The body of a function; what may return a result says so where it returns none."""
        closed = self._block(block, level, ending, tail=True, skip=skip)
        if not closed and ending == Ending.ENDS | Ending.ARRIVES:
            self._line(level, "return None")

    def _block(
        self,
        block: Sequence[AnyOp],
        level: int,
        ending: Ending,
        *,
        tail: bool,
        skip: bool = False,
    ) -> bool:
        """Statements; whether the last one returns.

        `ending` is of the function; `tail` says that it is over where this block arrives. `skip`
        leaves out the comment of the first op, which stands elsewhere.
        """
        closed = False
        for index, op in enumerate(block):
            last = tail and index == len(block) - 1
            if index and not isinstance(op, BranchOp | StopOp | EndOp | CallOp):
                self._line(0, "")
            commented = not (skip and index == 0)
            match op:
                case BranchOp():
                    self._branch(op, level, ending, tail=last)
                    closed = False
                case CallOp():
                    closed = self._call(op, level, ending, tail=last)
                case ParallelOp():
                    closed = self._parallel(op, level, ending, tail=last)
                case EndOp():
                    self._line(level, macro("endings", "end", op))
                    closed = True
                case StopOp():
                    outcome = Source(self._outcome(op.node)[0])
                    self._line(level, macro("endings", "stop", op, outcome))
                    closed = True
                case _:
                    following = block[index + 1] if index + 1 < len(block) else None
                    branched = isinstance(following, BranchOp) and following.node == op.node
                    self._step(op, level, branched=branched, commented=commented)
                    closed = False
        return closed

    def _comment(self, op: AnyOp, level: int) -> None:
        label = self.labels.get(op.node, "")
        node = comment_id(op.node)
        text = comment(label)
        self._line(level, f"# {node} · {text}" if text and text != node else f"# {node}")

    def _step(self, op: Any, level: int, *, branched: bool, commented: bool = True) -> None:
        """One op that is a statement; `branched` says that a branch by its outcome follows."""
        armed = self._armed(op, level) if isinstance(op, WaitOp) and op.armed_with else None
        if commented:
            self._comment(op, level)
        match op:
            case ApprovalOp():
                target = self._target(op, "decision", ".outcome", _APPROVAL_OUTCOMES, branched)
                text = macro("decisions", "approve", op, target)
            case WaitOp():
                target = self._target(op, "received", ".outcome", _WAIT_OUTCOMES, branched)
                text = macro("decisions", "wait", op, target, armed)
            case ChooseOp():
                outcomes = [rule.outcome for rule in op.rules]
                outcomes += [] if op.default is None else [op.default]
                target = self._target(op, "choice", "", outcomes, branched)
                text = macro("decisions", "choose", op, target)
            case TaskOp():
                text = self._task(op)
            case SendOp():
                text = macro("steps", "send", op)
            case SleepOp():
                text = macro("steps", "sleep", op)
            case SetOp():
                text = macro("steps", "set", op)
            case _:
                raise TypeError(f"`{op.fn}` is no statement")
        self._line(level, text)

    def _task(self, op: TaskOp) -> str:
        retry = self.retries.get(op.retry) if op.retry is not None else None
        if op.handler.startswith(BUILTIN):
            method = Source(op.handler.removeprefix(BUILTIN))
            return macro("steps", "builtin", op, method, retry)
        return macro("steps", "run", op, self.handlers[op.handler], retry)

    def _target(
        self, op: Any, purpose: str, attribute: str, outcomes: Sequence[str], branched: bool
    ) -> Source | None:
        """The variable that holds what a step came to, if a branch needs it."""
        if not branched:
            return None
        name = self.names.of(op.node, purpose)
        self.outcomes[op.node] = (name + attribute, outcomes)
        return Source(name)

    def _outcome(self, node: str) -> tuple[str, Sequence[str]]:
        if node not in self.outcomes:
            raise ValueError(f"a branch of `{node}` does not follow its step")
        return self.outcomes[node]

    def _armed(self, op: WaitOp, level: int) -> Source:
        """The function that does what a wait is armed together with."""
        first = op.armed_with[0]
        name = self.names.of(first.node, "step")
        self._comment(first, level)
        self._line(level, f"async def {name}() -> None:")
        for one in op.armed_with:
            self._step(one, level + 1, branched=False, commented=one is not first)
        self._line(0, "")
        return Source(name)

    def _call(self, op: CallOp, level: int, ending: Ending, *, tail: bool) -> bool:
        found = self.endings.functions[op.function]
        call = f"await {self.functions[op.function]}({'' if self.local else 'flow'})"
        if found == Ending.ARRIVES:
            self._line(level, call)
            return False
        return self._awaited(call, found, level, ending, tail=tail)

    def _awaited(self, call: str, found: Ending, level: int, ending: Ending, *, tail: bool) -> bool:
        """What may return a result of the function that calls it; whether it always returns."""
        if found == Ending.ENDS or (tail and Ending.ENDS in ending):
            self._line(level, f"return {call}")
            return True
        self._line(level, f"ended = {call}")
        self._line(level, "if ended is not None:")
        self._line(level + 1, "return ended")
        return False

    def _parallel(self, op: ParallelOp, level: int, ending: Ending, *, tail: bool) -> bool:
        names = []
        for arm in op.arms:
            match arm.steps:
                case [CallOp(function=function)] if self.local:
                    names.append(self.functions[function])
                    continue
            name = self.names.of(arm.name, "branch")
            names.append(name)
            first = arm.steps[0] if arm.steps else None
            above = isinstance(
                first, TaskOp | ApprovalOp | SleepOp | SendOp | SetOp | ChooseOp
            ) or (isinstance(first, WaitOp) and not first.armed_with)
            if first is not None and above:
                self._comment(first, level)
            self._function(name, "", arm.steps, level, skip=above)
            self._line(0, "")
        call = f"await flow.parallel({', '.join(names)})"
        found = self.endings.of([op])
        if found == Ending.ARRIVES:
            self._line(level, call)
            return False
        return self._awaited(call, found, level, ending, tail=tail)

    def _branch(self, op: BranchOp, level: int, ending: Ending, *, tail: bool) -> None:
        outcome, outcomes = self._outcome(op.node)
        if len(op.cases) > 2:
            self._line(level, f"match {outcome}:")
            for case in op.cases:
                pattern = " | ".join(map(literal, case.outcomes))
                self._line(level + 1, f"case {pattern}:")
                self._case(case, level + 2, ending, tail=tail)
            return
        returned = True
        for case in op.cases:
            word = "if" if returned else "elif"
            self._line(level, f"{word} {_condition(outcome, case.outcomes, outcomes)}:")
            returned = self._case(case, level + 1, ending, tail=tail)

    def _case(self, case: Case, level: int, ending: Ending, *, tail: bool) -> bool:
        """Whether its last statement returns."""
        if not case.steps:
            self._line(level, "pass")
        return self._block(case.steps, level, ending, tail=tail)


def _condition(outcome: str, taken: Sequence[str], outcomes: Sequence[str]) -> str:
    """The shortest condition under which one of the outcomes was taken."""
    others = [one for one in outcomes if one not in taken]
    if len(taken) == 1:
        return f"{outcome} == {literal(taken[0])}"
    if len(others) == 1:
        return f"{outcome} != {literal(others[0])}"
    return f"{outcome} in {literal(tuple(taken))}"
