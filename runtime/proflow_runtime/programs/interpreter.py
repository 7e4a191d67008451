"""Runs a definition without generating code.

Each op is compiled once into a closure over `Flow`; every replay only calls the closures. A block that
ends in a call or a branch returns the next block instead of awaiting it, so that a long chain of
functions needs no deep stack.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

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
    RegionTask,
    RepeatOp,
    SendOp,
    SetOp,
    SleepOp,
    StopOp,
    TaskOp,
    WaitOp,
    blocks,
    walk,
)
from proflow_schemas.outcomes import Outcomes
from proflow_schemas.step_ids import loop_of, outcome_of_choice

from proflow_runtime.flow import Flow
from proflow_runtime.flow.counting import InnerList
from proflow_runtime.flow.structures import Branch, Exit, Source
from proflow_runtime.handlers.registry import NOTIFY, Registry
from proflow_runtime.programs.decorator import Body
from proflow_runtime.values import lazily
from proflow_runtime.values.results import Again, Result
from proflow_runtime.values.retry import Retry

Ended: TypeAlias = Result | Again | None
"""The result of a block: an end, a back edge, or None if the run continues behind the block."""

Instruction: TypeAlias = Callable[[Flow], Awaitable[Ended]]


@dataclass(slots=True)
class _Block:
    """Instructions, and how to find the next block once all of them have completed."""

    instructions: tuple[Instruction, ...] = ()
    follow: Callable[[Flow], _Block | None] | None = None

    async def run(self, flow: Flow) -> Ended:
        block: _Block | None = self
        while block is not None:
            for instruction in block.instructions:
                result = await instruction(flow)
                if result is not None:
                    return result
            block = None if block.follow is None else block.follow(flow)
        return None

    async def run_out(self, flow: Flow) -> Result | None:
        """Run a block that no back edge leaves."""
        ended = await self.run(flow)
        if isinstance(ended, Again):
            raise ValueError(f"the back edge to `{ended.to}` leads to no enclosing loop")
        return ended


async def _absorb(flow: Flow) -> Result:
    return flow.absorbed()


_ABSORBED = _Block((_absorb,))


@dataclass(frozen=True)
class Program:
    """The body of a workflow, and the bodies of the parts that it is split into, by name."""

    body: Body
    parts: Mapping[str, Body]


def interpret(definition: Definition, registry: Registry) -> Program:
    """Make the bodies of a definition, which do the same as the functions of a generated module.

    Args:
        definition: A compiled design.
        registry: The handlers that the definition names.

    Returns:
        The body of the workflow, and those of its parts; `workflow` makes Inngest handlers of them.

    A handler that the registry lacks blocks the node that needs it (`BlockedError`), and no other.
    """
    compiler = _Compiler(registry, definition)
    program = compiler.block(definition.steps)
    parts = {name: compiler.block(part.steps).run_out for name, part in definition.parts.items()}
    compiler.compile_functions()
    return Program(program.run_out, parts)


def require_handlers(definition: Definition, registry: Registry) -> None:
    """Check that a registry has all handlers and channels that a definition names.

    Args:
        definition: A compiled design.
        registry: The handlers and channels.

    Raises:
        UnknownHandlerError: If the definition names a handler that the registry lacks.
        UnknownChannelError: If it names a channel that is not registered.
        MissingExtraError: If it sends e-mail, and the extra `email` is not installed.
    """
    registry.require(op.handler for op in _ops(definition) if isinstance(op, TaskOp))
    registry.channels.require(literal_channels(definition))


def literal_channels(definition: Definition) -> list[str]:
    """Return the channels that a definition's notifications name literally, sorted."""
    inputs = [
        op.input
        for op in _ops(definition)
        if isinstance(op, TaskOp) and op.handler == NOTIFY and isinstance(op.input, dict)
    ]
    channels = [lazily(one.get("channel") or "inApp") for one in inputs]
    return sorted({one for one in channels if isinstance(one, str)})


def _ops(definition: Definition) -> list[AnyOp]:
    return [op for block in blocks(definition) for op in walk(block)]


class _Compiler:
    def __init__(self, registry: Registry, definition: Definition) -> None:
        self._registry = registry
        self._sources = definition.functions
        self._parts = definition.parts
        self._functions: dict[str, _Block] = {name: _Block() for name in self._sources}
        self._outcomes = Outcomes(blocks(definition))

    def compile_functions(self) -> None:
        for name, ops in self._sources.items():
            compiled = self.block(ops)
            function = self._functions[name]
            function.instructions, function.follow = compiled.instructions, compiled.follow

    def block(self, ops: Sequence[AnyOp]) -> _Block:
        match list(ops):
            case [*first, CallOp() as op]:
                return _Block(self._instructions(first), self._called(op))
            case [*first, BranchOp() as op]:
                return _Block(self._instructions(first), self._chosen(op))
            case first:
                return _Block(self._instructions(first))

    def _called(self, op: CallOp) -> Callable[[Flow], _Block | None]:
        function, node = self._functions[op.function], op.node
        if not op.once:
            return lambda _: function
        return lambda flow: function if flow.enters(node) else _ABSORBED

    def _instructions(self, ops: Sequence[AnyOp]) -> tuple[Instruction, ...]:
        return tuple(self._instruction(op) for op in ops)

    def _chosen(self, op: BranchOp) -> Callable[[Flow], _Block | None]:
        cases: dict[str, _Block] = {}
        for case in op.cases:
            block = self.block(case.steps)
            for outcome in case.outcomes:
                cases.setdefault(outcome, block)
        passing = dict.fromkeys(self._outcomes.of(op.node))
        return partial(_block_of, op.node, op.node in self._outcomes.exits, passing | cases)

    def _instruction(self, op: AnyOp) -> Instruction:
        match op:
            case TaskOp():
                return self._task(op)
            case ApprovalOp():
                return self._approval(op)
            case WaitOp():
                return self._wait(op)
            case SleepOp():
                return _sleep(op)
            case SendOp():
                return _send(op)
            case InvokeOp():
                return _invoke(op)
            case SetOp():
                return _set(op)
            case ChooseOp():
                return _choose(op)
            case PartOp():
                return _part(op, self._parts[op.part].reads)
            case BranchOp():
                return self._branch(op)
            case ParallelOp():
                return self._parallel(op)
            case RegionOp():
                return self._region(op)
            case RepeatOp():
                return self._repeat(op)
            case AgainOp():
                return _again(op)
            case LeaveOp():
                return _leave(op)
            case ForeachOp():
                return self._foreach(op)
            case LoopOp():
                return self._loop(op)
            case EndOp():
                return _end(op)
            case StopOp():
                return _stop(op)
            case CallOp():
                raise ValueError(f"the call of `{op.function}` is not the last of its block")

    def _task(self, op: TaskOp) -> Instruction:
        node, handler, input = op.node, self._registry.find(op.handler), lazily(op.input)
        retry = None if op.retry is None else Retry.of(op.retry)
        timeout, catch = op.timeout, op.catch

        async def task(flow: Flow) -> None:
            await flow.run(node, handler, input, retry=retry, timeout=timeout, catch=catch)

        return task

    def _approval(self, op: ApprovalOp) -> Instruction:
        approve = partial(
            Flow.approve,
            node=op.node,
            approvers=op.approval.approvers,
            approver_expression=lazily(op.approval.approver_expression),
            timeout=_timedelta(op.timeout),
            timeout_action=op.timeout_action,
            event=op.event,
            match=op.match,
            policy=op.approval,
        )

        async def approval(flow: Flow) -> None:
            await approve(flow)

        return approval

    def _wait(self, op: WaitOp) -> Instruction:
        node, event, match, timeout = op.node, op.event, op.match, _timedelta(op.timeout)
        companion = self.block(op.armed_with) if op.armed_with else None

        async def wait(flow: Flow) -> None:
            armed_with = None if companion is None else partial(companion.run, flow)
            await flow.wait(node, event, match=match, timeout=timeout, armed_with=armed_with)

        return wait

    def _branch(self, op: BranchOp) -> Instruction:
        chosen = self._chosen(op)

        async def branch(flow: Flow) -> Ended:
            block = chosen(flow)
            return None if block is None else await block.run(flow)

        return branch

    def _parallel(self, op: ParallelOp) -> Instruction:
        arms, needs = [self.block(arm.steps).run for arm in op.arms], op.needs

        async def parallel(flow: Flow) -> Ended:
            return await flow.parallel(*(partial(arm, flow) for arm in arms), needs=needs)

        return parallel

    def _region(self, op: RegionOp) -> Instruction:
        tasks = [
            (self._name(task.name), self.block(task.steps).run, self._edges(task), task)
            for task in op.tasks
        ]

        async def region(flow: Flow) -> Ended:
            return await flow.region(
                *(
                    Branch(name, partial(run, flow), after, task.needs, task.leaves)
                    for name, run, after, task in tasks
                )
            )

        return region

    def _name(self, source: str) -> str:
        """Return the name of what a branch depends on; a loop with several exits goes by its header."""
        return loop_of(source) if source in self._outcomes.exits else source

    def _edges(self, task: RegionTask) -> list[Source]:
        found: list[Source] = []
        for edge in task.after:
            name = self._name(edge.source)
            if not edge.outcomes:
                found.append(name)
            elif edge.source in self._outcomes.exits:
                found.append(Exit(name, *edge.outcomes))
            else:
                found.append((name, *edge.outcomes))
        return found

    def _repeat(self, op: RepeatOp) -> Instruction:
        node, block = op.node, self.block(op.steps)

        async def repeat(flow: Flow) -> Ended:
            return await flow.repeat(node, partial(block.run, flow))

        return repeat

    def _foreach(self, op: ForeachOp) -> Instruction:
        node, block, items = op.node, self.block(op.steps), op.items
        settings: dict[str, Any] = {
            "item_steps": op.item_steps,
            "least_steps": op.least_steps,
            "lists": tuple(map(InnerList.of, op.lists)),
            "alias": op.alias,
            "max_concurrency": op.max_concurrency,
            "result": op.result,
            "catch": op.catch,
        }

        async def foreach(flow: Flow) -> None:
            await flow.foreach(node, items, partial(block.run_out, flow), **settings)

        return foreach

    def _loop(self, op: LoopOp) -> Instruction:
        node, block = op.node, self.block(op.steps)
        settings: dict[str, Any] = {
            "condition": op.condition,
            "max_iterations": op.max_iterations,
            "result": op.result,
            "catch": op.catch,
        }

        async def loop(flow: Flow) -> None:
            await flow.loop(node, partial(block.run_out, flow), **settings)

        return loop


def _block_of(
    node: str, is_loop: bool, cases: Mapping[str, _Block | None], flow: Flow
) -> _Block | None:
    """Return the block for a node's outcome or a loop's exit; None if the case has no block."""
    drawn = loop_of(node) if is_loop else node
    outcome = flow.exit_of(drawn) if is_loop else flow.outcome_of(node)
    if outcome is None or outcome not in cases:
        raise flow.unexpected(outcome, of=drawn)
    return cases[outcome]


def _sleep(op: SleepOp) -> Instruction:
    node, duration, until = op.node, _timedelta(op.seconds), lazily(op.until)

    async def sleep(flow: Flow) -> None:
        if duration is None:
            await flow.sleep_until(node, until)
        else:
            await flow.sleep(node, duration)

    return sleep


def _send(op: SendOp) -> Instruction:
    node, event, data = op.node, op.event, lazily(op.data)

    async def send(flow: Flow) -> None:
        await flow.send(node, event, data)

    return send


def _invoke(op: InvokeOp) -> Instruction:
    node, workflow, input, timeout = op.node, op.workflow, lazily(op.input), _timedelta(op.timeout)
    catch = op.catch

    async def invoke(flow: Flow) -> None:
        await flow.invoke(node, workflow, input, timeout=timeout, catch=catch)

    return invoke


def _part(op: PartOp, reads: Sequence[str]) -> Instruction:
    node, name = op.node, op.part

    async def part(flow: Flow) -> Result | None:
        return await flow.part(node, name, reads)

    return part


def _set(op: SetOp) -> Instruction:
    node, values = op.node, op.values

    async def compute(flow: Flow) -> None:
        flow.set(node, values)

    return compute


def _choose(op: ChooseOp) -> Instruction:
    (node, after), default = _chosen_for(op), op.default
    rules = {rule.outcome: rule.when for rule in op.rules}

    async def choose(flow: Flow) -> None:
        flow.choose(node, rules, default, after=after)

    async def choose_every(flow: Flow) -> None:
        flow.choose_every(node, rules, default, after=after)

    return choose_every if op.every else choose


def _chosen_for(op: ChooseOp | AgainOp) -> tuple[str, str | None]:
    """Return the node that `Flow` is given, and its outcome if rules on its edges are meant."""
    if op.outcome_of is None:
        return op.node, None
    return op.outcome_of, outcome_of_choice(op.node, op.outcome_of)


def _again(op: AgainOp) -> Instruction:
    (node, after), to, limit, at_once = _chosen_for(op), op.to, op.limit, op.at_once

    async def again(flow: Flow) -> Again:
        return flow.again(node, to=to, limit=limit, after=after, at_once=at_once)

    return again


def _leave(op: LeaveOp) -> Instruction:
    loop, exit = loop_of(op.node), op.exit

    async def leave(flow: Flow) -> None:
        flow.leave(loop, to=exit)

    return leave


def _end(op: EndOp) -> Instruction:
    node, status, output, terminate = op.node, op.status, lazily(op.output), op.terminate

    async def end(flow: Flow) -> Result:
        if op.fail:
            return flow.fail(node, status, output=output)
        return flow.end(node, status, output=output, terminate=terminate)

    return end


def _stop(op: StopOp) -> Instruction:
    node = op.node

    async def stop(flow: Flow) -> Result:
        return flow.stop(node, flow.outcome_of(node) or "stopped")

    return stop


def _timedelta(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
