"""Blocks of a definition as statements of Python functions over `flow`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from proflow_schemas.definition import (
    AgainOp,
    AnyOp,
    ApprovalOp,
    BranchOp,
    CallOp,
    Case,
    ChooseOp,
    Definition,
    EndOp,
    ForeachOp,
    InvokeOp,
    LeaveOp,
    LoopOp,
    ParallelOp,
    PartOp,
    RegionOp,
    RepeatOp,
    RetryPolicy,
    SendOp,
    SetOp,
    SleepOp,
    StopOp,
    TaskOp,
    WaitOp,
)

from proflow_compiler.emit.endings import RETURNS, Ending, Endings
from proflow_compiler.emit.literals import Source, comment, comment_id, literal
from proflow_compiler.emit.names import Names, identifier
from proflow_compiler.emit.outlining import Program, Title
from proflow_compiler.emit.rendering import macro

BUILTIN = "proflow:"
_APPROVAL_OUTCOMES = ("approved", "rejected", "timeout", "returned")
_WAIT_OUTCOMES = ("received", "timeout")
_RETURNED = {
    Ending.ENDS: "ended",
    Ending.ENDS | Ending.ARRIVES: "ended",
    Ending.AGAIN | Ending.ARRIVES: "again",
    Ending.ENDS | Ending.AGAIN | Ending.ARRIVES: "over",
}
"""The variable for what a block returned: of each type one of its own."""

_Step = (
    TaskOp
    | ApprovalOp
    | WaitOp
    | SleepOp
    | SendOp
    | InvokeOp
    | SetOp
    | ChooseOp
    | ForeachOp
    | LoopOp
)
"""What is drawn, and commented on."""


class Body:
    """Writes the functions of one definition, line by line."""

    def __init__(
        self,
        definition: Definition,
        program: Program,
        names: Names,
        retries: Mapping[RetryPolicy, Source],
        handlers: Mapping[str, Source],
        *,
        local: bool,
    ) -> None:
        self.program, self.parts = program, definition.parts
        self.names, self.retries, self.handlers = names, retries, handlers
        self.local = local
        self.endings = Endings(program.functions, program.parts)
        self.lines: list[str] = []
        self.used = {"Result"}
        """What the functions mention of the runtime."""
        self.known: dict[str, tuple[str, Sequence[str]]] = {}
        """Node → the expression of its outcome, in the block that is being written, and all
        outcomes it may take."""
        self.labels = {node.id: node.label for node in definition.canvas.nodes}
        self.functions = {
            name: self._name(program.titles[name]) for name in reversed(self.endings.order)
        }

    def shared(self, level: int) -> None:
        """The functions of the definition, each after those it calls."""
        for name in self.endings.order:
            argument = "" if self.local else "flow: Flow"
            block = self.program.functions[name]
            self._function(self.functions[name], argument, block, level)
            self._line(0, "")

    def part(self, part: str, name: str) -> None:
        """The function that runs a part."""
        block = self.program.parts[part]
        ending = self.endings.of(block)
        self._line(0, f"async def {name}(flow: Flow) -> {ending.annotation}:")
        self._whole(block, 1, ending)

    def main(self, name: str) -> None:
        ending = self.endings.of(self.program.steps) | Ending.ENDS
        self._line(0, f"async def {name}(flow: Flow) -> {ending.annotation}:")
        if self.local:
            self.shared(1)
        self._whole(self.program.steps, 1, ending)

    def _line(self, level: int, text: str) -> None:
        self.lines.append(f"{'    ' * level}{text}")

    def _name(self, title: Title) -> str:
        if title.purpose in ("item", "round"):
            return self.names.claim(f"{identifier(title.node)}_{title.purpose}")
        return self.names.of(title.node, title.purpose)

    def _function(
        self, name: str, argument: str, block: Sequence[AnyOp], level: int, *, skip: bool = False
    ) -> None:
        ending = self.endings.of(block)
        if Ending.AGAIN in ending:
            self.used.add("Again")
        if not ending:
            self.used.add("NoReturn")
        self._line(level, f"async def {name}({argument}) -> {ending.annotation}:")
        if not block:
            self._line(level + 1, '"""Goes straight on."""')
        with self._inside():
            self._whole(block, level + 1, ending, skip=skip)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """A block inside another: it sees the variables around it, and not the other way round."""
        around = self.known
        self.known = dict(around)
        yield
        self.known = around

    def _whole(
        self, block: Sequence[AnyOp], level: int, ending: Ending, *, skip: bool = False
    ) -> None:
        """The body of a function; what may return something says so where it returns nothing."""
        closed = self._block(block, level, tail=True, skip=skip)
        if not closed and ending & RETURNS:
            self._line(level, "return None")

    def _block(self, block: Sequence[AnyOp], level: int, *, tail: bool, skip: bool = False) -> bool:
        """Statements; whether the last one returns.

        `tail` says that the function is over where this block arrives. `skip` leaves out the
        comment of the first op, which stands elsewhere.
        """
        closed = False
        for index, op in enumerate(block):
            last = tail and index == len(block) - 1
            if index and not isinstance(op, BranchOp | StopOp | EndOp | AgainOp | LeaveOp | CallOp):
                self._line(0, "")
            following = block[index + 1] if index + 1 < len(block) else None
            branched = isinstance(following, BranchOp) and following.node == op.node
            commented = not (skip and index == 0)
            closed = self._op(op, level, tail=last, branched=branched, commented=commented)
        return closed

    def _op(self, op: AnyOp, level: int, *, tail: bool, branched: bool, commented: bool) -> bool:
        """One op; whether it returns. `branched` says that a branch by its outcome follows."""
        match op:
            case BranchOp():
                self._branch(op, level, tail=tail)
            case CallOp():
                name = self.functions[op.function]
                call = f"await {name}({'' if self.local else 'flow'})"
                if op.once:
                    call = f"await {self._once(op)}"
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case ParallelOp():
                arms = [
                    self._callee(arm.steps, Title(arm.name, "branch"), level) for arm in op.arms
                ]
                call = macro("groups", "parallel", arms, op.needs)
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case RegionOp():
                self.used.add("Branch")
                branches = [
                    (task, self._callee(task.steps, Title(task.name, "branch"), level))
                    for task in op.tasks
                ]
                call = macro("groups", "region", branches)
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case PartOp():
                self._line(level, f"# {op.part}, from {comment_id(op.node)} on")
                call = macro("groups", "part", op, self.parts[op.part].reads)
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case RepeatOp():
                body = self._callee(op.steps, Title(op.node, "round"), level, above=False)
                call = macro("groups", "repeat", op, body)
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case EndOp():
                self._line(level, macro("endings", "end", op))
                return True
            case StopOp():
                self._line(level, macro("endings", "stop", op, self._stopped(op)))
                return True
            case AgainOp():
                self._line(level, macro("endings", "again", op))
                return True
            case LeaveOp():
                self._line(level, macro("endings", "leave", op))
            case _:
                self._step(op, level, branched=branched, commented=commented)
        return False

    def _comment(self, op: AnyOp, level: int) -> None:
        label = self.labels.get(op.node, "")
        node = comment_id(op.node)
        text = comment(label)
        self._line(level, f"# {node} · {text}" if text and text != node else f"# {node}")

    def _step(self, op: AnyOp, level: int, *, branched: bool, commented: bool = True) -> None:
        """One op that is a statement."""
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
                target = self._target(op, "choice", "", outcomes, branched and not op.every)
                text = macro("decisions", "choose", op, target)
            case TaskOp():
                text = self._task(op)
            case InvokeOp():
                text = macro("steps", "invoke", op)
            case SendOp():
                text = macro("steps", "send", op)
            case SleepOp():
                text = macro("steps", "sleep", op)
            case SetOp():
                text = macro("steps", "set", op)
            case ForeachOp():
                body = self._callee(op.steps, Title(op.node, "item"), level, above=False)
                text = macro("groups", "foreach", op, body)
            case LoopOp():
                body = self._callee(op.steps, Title(op.node, "round"), level, above=False)
                text = macro("groups", "rounds", op, body)
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
        self.known[op.node] = (name + attribute, outcomes)
        return Source(name)

    def _outcome(self, node: str) -> tuple[str, Sequence[str]]:
        """The expression of the outcome that a node took, and its outcomes as far as is known."""
        return self.known.get(node) or (f"flow.outcome_of({literal(node)})", ())

    def _stopped(self, op: StopOp) -> Source:
        outcome, _ = self._outcome(op.node)
        return Source(outcome if op.node in self.known else f'{outcome} or "stopped"')

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

    def _awaited(self, call: str, found: Ending, level: int, *, tail: bool) -> bool:
        """What may return something that its function has to; whether it always returns."""
        if not found & RETURNS:
            self._line(level, call)
            return False
        if tail or Ending.ARRIVES not in found:
            self._line(level, f"return {call}")
            return True
        name = _RETURNED[found]
        self._line(level, f"{name} = {call}")
        self._line(level, f"if {name} is not None:")
        self._line(level + 1, f"return {name}")
        return False

    def _callee(
        self, block: Sequence[AnyOp], title: Title, level: int, *, above: bool = True
    ) -> Source:
        """The function of a block that something else runs; `above`: its comment stands above it.

        A block that only goes on with a function is that function.
        """
        match block:
            case [CallOp(once=True) as op]:
                return Source(f"lambda: {self._once(op)}")
            case [CallOp(function=function)]:
                name = self.functions[function]
                return Source(name if self.local else f"lambda: {name}(flow)")
        name = self._name(title)
        skip = False
        if above and block and isinstance(block[0], _Step):
            skip = not (isinstance(block[0], WaitOp) and block[0].armed_with)
        if skip:
            self._comment(block[0], level)
        self._function(name, "", block, level, skip=skip)
        self._line(0, "")
        return Source(name)

    def _once(self, op: CallOp) -> str:
        """The call of a function that only the first of several paths goes on with."""
        name = self.functions[op.function]
        body = name if self.local else f"lambda: {name}(flow)"
        return f"flow.once({literal(op.node)}, {body})"

    def _branch(self, op: BranchOp, level: int, *, tail: bool) -> None:
        outcome, outcomes = self._outcome(op.node)
        if len(op.cases) > 2:
            self._line(level, f"match {outcome}:")
            for case in op.cases:
                pattern = " | ".join(map(literal, case.outcomes))
                self._line(level + 1, f"case {pattern}:")
                self._case(case, level + 2, tail=tail)
            return
        returned = True
        for case in op.cases:
            word = "if" if returned else "elif"
            self._line(level, f"{word} {_condition(outcome, case.outcomes, outcomes)}:")
            returned = self._case(case, level + 1, tail=tail)

    def _case(self, case: Case, level: int, *, tail: bool) -> bool:
        """Whether its last statement returns."""
        if not case.steps:
            self._line(level, "pass")
        with self._inside():
            return self._block(case.steps, level, tail=tail)


def _condition(outcome: str, taken: Sequence[str], outcomes: Sequence[str]) -> str:
    """The shortest condition under which one of the outcomes was taken."""
    others = [one for one in outcomes if one not in taken]
    if len(taken) == 1:
        return f"{outcome} == {literal(taken[0])}"
    if len(others) == 1:
        return f"{outcome} != {literal(others[0])}"
    return f"{outcome} in {literal(tuple(taken))}"
