"""Internal: lowers a checked design to its definition.

The definition holds the ops of the structured program, the settings of the Inngest function, and
the canvas that the status of a run is shown on.
"""

from collections.abc import Iterator, Sequence

from proflow_schemas.definition import (
    AgainOp,
    AnyOp,
    Arm,
    BranchOp,
    CallOp,
    Case,
    ChooseOp,
    Definition,
    Dependency,
    LeaveOp,
    ParallelOp,
    RegionOp,
    RegionTask,
    RepeatOp,
    RetryPolicy,
    Rule,
    StopOp,
    TaskOp,
    walk,
)
from proflow_schemas.node_types.start import Start
from proflow_schemas.step_ids import node_of, step_id

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import Graph, GraphNode
from proflow_compiler.lowering.canvas import canvas_of
from proflow_compiler.lowering.function_settings import (
    default_policy,
    function_settings,
    triggers_of,
)
from proflow_compiler.lowering.step_counts import with_item_steps
from proflow_compiler.structuring import structure
from proflow_compiler.structuring.program import (
    Again,
    Block,
    Branch,
    Call,
    Container,
    Fork,
    Leave,
    Program,
    Region,
    Repeat,
    Statement,
    Step,
    Stop,
    Task,
)

INITIATOR = "event.data.initiator_id"
"""Where the starting event names the initiator, unless the start node sets another path."""


def lower(graph: Graph) -> tuple[Definition, list[Diagnostic]]:
    """Lower a design without errors to its definition.

    Returns:
        The definition, with its digest, and diagnostics about the shape of the program (PF209).
    """
    found = structure(graph)
    return _definition(graph, found.program), found.diagnostics


def _definition(graph: Graph, program: Program) -> Definition:
    design, settings = graph.design, graph.design.settings
    start = graph.nodes[graph.starts[0]].node.config
    assert isinstance(start, Start)
    policy = default_policy(settings)
    lowering = _Lowering(graph, policy)
    steps = lowering.block(program.main)
    functions = {name: lowering.block(block) for name, block in program.functions.items()}
    steps, functions = (
        with_item_steps(steps, functions),
        {name: with_item_steps(block, functions) for name, block in functions.items()},
    )
    policies = [policy, *_policies([steps, *functions.values()])]
    schema = start.input if start.input is not None else settings.input
    return Definition(
        id=design.id,
        name=design.name,
        description=settings.description,
        version=None if settings.version is None else str(settings.version),
        scope=settings.scope,
        timezone=settings.timezone,
        task_type=settings.task_type,
        triggers=triggers_of(design, start),
        max_attempts=policy.max_attempts,
        settings=function_settings(settings, policies),
        on_failure=settings.on_failure,
        initiator=start.initiator or (INITIATOR if settings.scope == "tenant" else None),
        input=schema,
        starters=start.starters,
        canvas=canvas_of(graph),
        functions=functions,
        steps=steps,
    ).with_digest()


def _policies(blocks: list[list[AnyOp]]) -> Iterator[RetryPolicy]:
    for block in blocks:
        for op in walk(block):
            if isinstance(op, TaskOp) and op.retry is not None:
                yield op.retry


class _Lowering:
    """Lowers blocks of statements to ops, recursively: structuring bounds how deep blocks nest."""

    def __init__(self, graph: Graph, policy: RetryPolicy) -> None:
        self.nodes = {name: at for level in graph.levels() for name, at in level.nodes.items()}
        self.exits = {name: out for level in graph.levels() for name, out in level.exits.items()}
        self.results = {name: _result(inner) for name, inner in _inner(graph)}
        plain = RetryPolicy(max_attempts=policy.max_attempts)
        self.retry = policy if policy != plain else None
        """The retry policy of the design, if it says more than the number of attempts."""

    def block(self, block: Block) -> list[AnyOp]:
        """Return the ops of a block."""
        return [op for statement in block for op in self._statement(statement)]

    def _statement(self, statement: Statement) -> Sequence[AnyOp]:
        match statement:
            case Step(name, trigger):
                ops = self._node(name)
                if trigger is None:
                    return ops
                return [ops[0].model_copy(update={"armed_with": list(self._node(trigger))})]
            case Container(name, block):
                held = {"steps": self.block(block), "result": self.results[name]}
                return [op.model_copy(update=held) for op in self._node(name)]
            case Repeat(name, block):
                return [RepeatOp(id=step_id(name), node=name, steps=self.block(block))]
            case Again(name, to, limit, at_once):
                again = AgainOp(id=step_id(name), node=name, to=to, limit=limit, at_once=at_once)
                return [again.model_copy(update={"outcome_of": self._chosen_for(name)})]
            case Leave(name, exit_):
                return [LeaveOp(id=step_id(name), node=name, exit=exit_)]
            case Stop(name):
                return [StopOp(id=step_id(name), node=name)]
            case Call(function, once):
                name = node_of(function)
                return [CallOp(id=step_id(name), node=name, function=function, once=once)]
            case Branch(name, cases):
                lowered = [
                    Case(outcomes=case.outcomes, steps=self.block(case.block)) for case in cases
                ]
                return [BranchOp(id=step_id(name), node=name, cases=lowered)]
            case Fork(name, arms, full):
                inner = [Arm(name=arm.name, steps=self.block(arm.block)) for arm in arms]
                node = self._drawn(name)
                return [
                    ParallelOp(
                        id=step_id(name), node=node, arms=inner, needs="all" if full else None
                    )
                ]
            case Region(name, tasks):
                lowered_tasks = [self._task(task) for task in tasks]
                return [RegionOp(id=step_id(name), node=self._drawn(name), tasks=lowered_tasks)]

    def _task(self, task: Task) -> RegionTask:
        return RegionTask(
            name=task.name,
            after=[Dependency(source=one.source, outcomes=one.outcomes) for one in task.after],
            needs="all" if task.full else task.needs,
            leaves=task.leaves,
            steps=self.block(task.block),
        )

    def _drawn(self, name: str) -> str:
        """Return the node as it is drawn: for the entry of a container, the container."""
        return self.nodes[name].node.id if self.nodes[name].entry else name

    def _node(self, name: str) -> Sequence[AnyOp]:
        at = self.nodes[name]
        if at.entry:
            return []
        if at.ruled:
            return [self._choice(at)]
        op = at.node.kind.op(at.node.id, at.node.config)
        if op is None:
            return []
        if any(exit_.outcome == "error" for exit_ in self.exits[name]):
            op = op.model_copy(update={"catch": True})
        if self.retry is not None and isinstance(op, TaskOp) and op.retry is None:
            op = op.model_copy(update={"retry": self.retry})
        return [op]

    def _choice(self, at: GraphNode) -> ChooseOp:
        exits = self.exits[at.id]
        return ChooseOp(
            id=step_id(at.id),
            node=at.id,
            rules=[
                Rule(outcome=exit_.outcome, when=exit_.when)
                for exit_ in exits
                if exit_.when is not None
            ],
            default=next((exit_.outcome for exit_ in exits if exit_.when is None), None),
            every=at.every,
            outcome_of=self._chosen_for(at.id),
        )

    def _chosen_for(self, name: str) -> str | None:
        """Return the node whose edges have the rules of this choice, if it was made for them."""
        at = self.nodes[name]
        return None if at.choice_of is None else at.node.id


def _inner(graph: Graph) -> Iterator[tuple[str, Graph]]:
    for level in graph.levels():
        yield from level.inner.items()


def _result(inner: Graph) -> str | None:
    """Return the node whose output is the output of an item without an end node: the only sink."""
    sinks = [
        name
        for name in inner.reachable
        if inner.nodes[name].drawn
        and inner.nodes[name].node.type != "end"
        and not inner.exits[name]
    ]
    return sinks[0] if len(sinks) == 1 else None
