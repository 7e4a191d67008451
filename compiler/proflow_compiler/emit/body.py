"""Writes the blocks of a program as Python functions that call `flow`."""

import re
from collections.abc import Mapping, Sequence

from proflow_schemas.definition import (
    AgainOp,
    AnyOp,
    ApprovalOp,
    BranchOp,
    CallOp,
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
from proflow_schemas.node_types import method_of
from proflow_schemas.step_ids import loop_of, outcome_of_choice

from proflow_compiler.emit.arguments import inner_lists
from proflow_compiler.emit.branching import Branches
from proflow_compiler.emit.endings import RETURNS, Ending, Guards
from proflow_compiler.emit.literals import Source, described, docstring, literal, mention
from proflow_compiler.emit.names import Names, identifier
from proflow_compiler.emit.nesting import Nesting
from proflow_compiler.emit.outlining import Program, Title, is_expression
from proflow_compiler.emit.rendering import macro

_RETURNED = {
    Ending.ENDS: "ended",
    Ending.ENDS | Ending.FALLS_THROUGH: "ended",
    Ending.AGAIN | Ending.FALLS_THROUGH: "again",
    Ending.ENDS | Ending.AGAIN | Ending.FALLS_THROUGH: "over",
}
"""The variable that holds what a block returned, by its type."""
_PURPOSES = {
    "path": "Go on with {}.",
    "rest": "Go on from {}.",
    "branch": "Run the branch that begins with {}.",
    "item": "Run one item of {}.",
    "iteration": "Run one iteration of {}.",
}
"""The docstrings of functions outside of the workflow's function."""

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
"""Ops of drawn nodes, which get their label as a comment."""

_Plain = TaskOp | SleepOp | SendOp | InvokeOp | SetOp
"""Ops that are a single statement."""


_ANOTHER = re.compile(r"(.+)\?([0-9]*)")
"""A variant of a name, made by structuring because the name was in use."""


class FunctionWriter(Branches):
    """Writes the functions of one definition, line by line, to `lines`."""

    def __init__(
        self,
        definition: Definition,
        program: Program,
        names: Names,
        retries: Mapping[RetryPolicy, Source],
        handlers: Mapping[str, Source],
    ) -> None:
        super().__init__(program, names)
        self.parts, self.retries, self.handlers = definition.parts, retries, handlers
        self.local = program.local
        self.nesting = Nesting(program, self.endings.order)
        self.used = {"Result"}
        """Names of the runtime and the standard library that have to be imported."""
        self.labels = {node.id: node.label for node in definition.canvas.nodes}
        self.functions = {name: self._name(program.titles[name]) for name in self.endings.called}

    def shared(self) -> None:
        """Write the functions outside of the workflow's function, in order of their first calls."""
        if self.local:
            return
        for name in self.endings.called:
            title, block = self.program.titles[name], self.program.functions[name]
            self._function(
                self.functions[name],
                block,
                0,
                argument="flow: Flow",
                doc=_PURPOSES[title.purpose].format(self._described(title.node)),
                skip=block[0].node == title.node,
            )
            self._line(0, "")

    def part(self, part: str, name: str) -> None:
        """Write the function that runs a part.

        Args:
            part: The part.
            name: The name of the function.
        """
        block = self.program.parts[part]
        ending = self.endings.of(block)
        self._line(0, f"async def {name}(flow: Flow) -> {ending.annotation}:")
        self._doc(f"Run the part that begins with {self._described(block[0].node)}.", 1)
        self._whole(block, 1, ending)

    def main(self, name: str, doc: str) -> None:
        """Write the function of the workflow.

        Args:
            name: Its name.
            doc: Its docstring.
        """
        ending = self.endings.of(self.program.steps) | Ending.ENDS
        self._line(0, f"async def {name}(flow: Flow) -> {ending.annotation}:")
        self._doc(doc, 1)
        self._nested(self.program.steps, 1)
        self._whole(self.program.steps, 1, ending)

    def _doc(self, text: str, level: int) -> None:
        self._line(level, docstring(text))

    def _described(self, node: str) -> str:
        return described(self._drawn(node), self.labels.get(node, ""))

    def _name(self, title: Title) -> str:
        if title.purpose in ("item", "iteration"):
            return self.names.claim(f"{identifier(title.node)}_{title.purpose}")
        if title.purpose == "rest":
            return self.names.claim(f"from_{identifier(self._drawn(title.node))}")
        return self.names.of(self._drawn(title.node), title.purpose)

    def _function(
        self,
        name: str,
        block: Sequence[AnyOp],
        level: int,
        *,
        argument: str = "",
        doc: str | None = None,
        skip: bool = False,
    ) -> None:
        ending = self.endings.of(block)
        if Ending.AGAIN in ending:
            self.used.add("Again")
        if not ending:
            self.used.add("NoReturn")
        word = "async def" if self.endings.awaits(block) else "def"
        self._line(level, f"{word} {name}({argument}) -> {ending.annotation}:")
        if doc is not None:
            self._doc(doc, level + 1)
        with self._inside():
            self._nested(block, level + 1)
            self._whole(block, level + 1, ending, skip=skip)

    def _nested(self, block: Sequence[AnyOp], level: int) -> None:
        """Write the functions that are defined inside this one."""
        for name in self.nesting.within(block):
            block = self.program.functions[name]
            above = _opens(block)
            if above:
                self._comment(block[0], level)
            self._function(self.functions[name], block, level, skip=above)
            self._line(0, "")

    def _whole(
        self, block: Sequence[AnyOp], level: int, ending: Ending, *, skip: bool = False
    ) -> None:
        """Write the body of a function, with a final `return None` if it may return a value."""
        around, self.returns = self.returns, bool(ending & RETURNS)
        closed = self._block(block, level, tail=True, skip=skip)
        self.returns = around
        if not closed and ending & RETURNS:
            self._line(level, "return None")

    def _block(self, block: Sequence[AnyOp], level: int, *, tail: bool, skip: bool = False) -> bool:
        """Write the statements of a block; return True if the last one returns.

        `tail`: the function returns when the block falls through. `skip`: the comment of the first
        op is written elsewhere.
        """
        closed = False
        for index, op in enumerate(block):
            last = tail and index == len(block) - 1
            before = block[index - 1] if index else None
            if before is not None and self._apart(before, op):
                self._line(0, "")
            following = block[index + 1] if index + 1 < len(block) else None
            branched = isinstance(following, BranchOp) and following.node == op.node
            commented = not (skip and index == 0)
            closed = self._op(op, level, tail=last, branched=branched, commented=commented)
        return closed

    def _op(self, op: AnyOp, level: int, *, tail: bool, branched: bool, commented: bool) -> bool:
        """Write one op; return True if it returns.

        `branched`: a branch on its outcome follows.
        """
        match op:
            case BranchOp():
                return self._branch(op, level, tail=tail)
            case CallOp():
                return self._awaited(self._call(op), self.endings.of([op]), level, tail=tail)
            case ParallelOp():
                arms = [self._callee(arm.steps, level) for arm in op.arms]
                call = macro("groups", "parallel", arms, op.needs)
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case RegionOp():
                return self._region(op, level, tail=tail)
            case PartOp():
                self._line(level, f"# {op.part}, from {mention(op.node)} on")
                call = macro("groups", "part", op, self.parts[op.part].reads)
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case RepeatOp():
                body = self._callee(op.steps, level, Title(op.node, "iteration"))
                call = macro("groups", "repeat", op, body)
                return self._awaited(call, self.endings.of([op]), level, tail=tail)
            case AgainOp(at_once=True) if not self.returns:
                self._line(level, self._expression(op))  # it raises
                return True
            case EndOp() | StopOp() | AgainOp():
                self._line(level, f"return {self._expression(op)}")
                return True
            case LeaveOp():
                self._line(level, self._expression(op))
            case _:
                self._step(op, level, branched=branched, commented=commented)
        return False

    def _apart(self, before: AnyOp, op: AnyOp) -> bool:
        """Return True if an empty line separates two ops."""
        if isinstance(before, Guards):
            return False  # guards end with an empty line
        if isinstance(op, BranchOp | StopOp | EndOp | AgainOp | LeaveOp | CallOp):
            return False
        return not (isinstance(before, _Plain) and isinstance(op, _Plain)) or self._labelled(op)

    def _labelled(self, op: AnyOp) -> bool:
        """Return True if the label of a step says more than its id."""
        return described(op.node, self.labels.get(op.node, "")) != mention(op.node)

    def _expression(self, op: AnyOp) -> str:
        """Return the call that an op is, if it is a single expression."""
        match op:
            case EndOp():
                return macro("endings", "end", op)
            case StopOp():
                return macro("endings", "stop", op, self._stopped(op))
            case AgainOp():
                return macro("endings", "again", op, *_chosen_for(op))
            case LeaveOp():
                return macro("endings", "leave", loop_of(op.node), self.exits.of(op.node, op.exit))
            case CallOp():
                return self._call(op)
            case _:
                raise TypeError(f"`{op.fn}` is no expression")

    def _call(self, op: CallOp) -> str:
        if op.once:
            return f"await flow.once({literal(op.node)}, {self._function_of(op)})"
        call = f"{self.functions[op.function]}({'' if self.local else 'flow'})"
        return f"await {call}" if self.endings.awaits([op]) else call

    def _function_of(self, op: CallOp) -> str:
        """Return the called function as an expression that can be called without arguments."""
        name = self.functions[op.function]
        return name if self.local else self._partial(f"{name}(flow)")

    def _partial(self, call: str) -> str:
        """Turn a call into a `partial` that makes it later."""
        self.used.add("partial")
        function, _, arguments = call.partition("(")
        return f"partial({function}, {arguments}"

    def _comment(self, op: AnyOp, level: int) -> None:
        """Write the label of a step as a comment, if it says more than its id."""
        if isinstance(op, ChooseOp) and op.outcome_of is not None:
            return
        if self._labelled(op):
            self._line(level, f"# {described(op.node, self.labels[op.node])}")

    def _step(self, op: AnyOp, level: int, *, branched: bool, commented: bool = True) -> None:
        """Write an op that is a statement."""
        armed = self._armed(op, level) if isinstance(op, WaitOp) and op.armed_with else None
        if commented:
            self._comment(op, level)
        match op:
            case ApprovalOp():
                target = self._target(op.node, "decision", ".outcome", branched)
                text = macro("decisions", "approve", op, target)
            case WaitOp():
                target = self._target(op.node, "received", ".outcome", branched)
                text = macro("decisions", "wait", op, target, armed)
            case ChooseOp():
                target = self._target(op.node, "choice", "", branched and not op.every)
                text = macro("decisions", "choose", op, target, *_chosen_for(op))
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
                body = self._callee(op.steps, level, Title(op.node, "item"))
                if op.lists:
                    self.used.add("InnerList")
                text = macro("groups", "foreach", op, body, inner_lists(op.lists))
            case LoopOp():
                body = self._callee(op.steps, level, Title(op.node, "iteration"))
                text = macro("groups", "loop", op, body)
            case _:
                raise TypeError(f"`{op.fn}` is no statement")
        self._line(level, text)

    def _task(self, op: TaskOp) -> str:
        retry = self.retries.get(op.retry) if op.retry is not None else None
        method = method_of(op.handler)
        if method is not None:
            return macro("steps", "builtin", op, Source(method), retry)
        return macro("steps", "run", op, self.handlers[op.handler], retry)

    def _stopped(self, op: StopOp) -> Source:
        outcome = self._outcome(op.node)
        return Source(outcome.source if outcome.certain else f'{outcome.source} or "stopped"')

    def _armed(self, op: WaitOp, level: int) -> Source:
        """Write the function that runs as soon as a wait is set up, and return its name."""
        first = op.armed_with[0]
        name = self.names.of(first.node, "step")
        self._comment(first, level)
        self._line(level, f"async def {name}() -> None:")
        for one in op.armed_with:
            self._step(one, level + 1, branched=False, commented=one is not first)
        self._line(0, "")
        return Source(name)

    def _awaited(self, call: str, found: Ending, level: int, *, tail: bool) -> bool:
        """Write a call whose result may have to be returned; return True if it always is."""
        if not found & RETURNS:
            self._line(level, call)
            return False
        if tail or Ending.FALLS_THROUGH not in found:
            self._line(level, f"return {call}")
            return True
        name = _RETURNED[found]
        self._line(level, f"{name} = {call}")
        self._line(level, f"if {name} is not None:")
        self._line(level + 1, f"return {name}")
        return False

    def _region(self, op: RegionOp, level: int, *, tail: bool) -> bool:
        self.used.add("Branch")
        names = self._branch_names([task.name for task in op.tasks])
        branches = [
            (
                names[task.name],
                self._callee(task.steps, level) if task.steps else None,
                [self._edge(edge.source, edge.outcomes, names) for edge in task.after],
                task,
            )
            for task in op.tasks
        ]
        call = macro("groups", "region", branches)
        return self._awaited(call, self.endings.of([op]), level, tail=tail)

    def _branch_names(self, tasks: Sequence[str]) -> dict[str, str]:
        """Return the names of the branches of a region; numbers tell undrawn ones apart."""
        found: dict[str, str] = {}
        taken = set(tasks)
        for task in tasks:
            name = self._drawn(task)
            again = _ANOTHER.fullmatch(name)
            if again is not None and name not in self.labels:
                plain, count = again[1], 1
                name = plain
                while name in taken:
                    count += 1
                    name = f"{plain} ({count})"
            taken.add(name)
            found[task] = name
        return found

    def _edge(self, source: str, outcomes: Sequence[str], names: Mapping[str, str]) -> Source:
        """Return an edge into a branch of a region, as source."""
        name = names.get(source) or self._drawn(source)
        if not outcomes:
            return literal(name)
        if source not in self.program.outcomes.exits:
            return literal((name, *outcomes))
        self.used.add("Exit")
        exits = [self.exits.of(source, one) for one in outcomes]
        return Source(f"Exit({', '.join((literal(name), *exits))})")

    def _callee(self, block: Sequence[AnyOp], level: int, title: Title | None = None) -> Source:
        """Write a function for a block and return an expression for it.

        A block that is a single call needs no function. Without a title, the function is named
        after its first op, whose comment is written above it.
        """
        if not block:
            return Source("lambda: None")
        if is_expression(block):
            (op,) = block
            if isinstance(op, CallOp) and not op.once:
                return Source(self._function_of(op))
            return Source(self._partial(self._expression(op).removeprefix("await ")))
        above = title is None and _opens(block)
        name = self._name(title or Title(block[0].node, _purpose(block[0])))
        if above:
            self._comment(block[0], level)
        self._function(name, block, level, skip=above)
        self._line(0, "")
        return Source(name)


def _purpose(first: AnyOp) -> str:
    """Return the purpose of a function named after its first op, as part of its name."""
    match first:
        case StopOp():
            return "stop"
        case AgainOp():
            return "again"
        case _:
            return "branch"


def _opens(block: Sequence[AnyOp]) -> bool:
    """Return True if the comment of a block's first op can be written above its function."""
    first = block[0]
    return isinstance(first, _Step) and not (isinstance(first, WaitOp) and first.armed_with)


def _chosen_for(op: ChooseOp | AgainOp) -> tuple[str, str | None]:
    """Return the node that chooses here, and the outcome whose edges have the rules, if any."""
    if op.outcome_of is None:
        return op.node, None
    return op.outcome_of, outcome_of_choice(op.node, op.outcome_of)
