"""Lowers a checked design to its definition: ops for the program, settings, canvas."""

from collections.abc import Iterator, Sequence
from typing import cast

from proflow_schemas.definition import (
    AnyOp,
    Arm,
    BranchOp,
    CallOp,
    Canvas,
    CanvasEdge,
    CanvasNode,
    Case,
    ChooseOp,
    Definition,
    ParallelOp,
    RetryPolicy,
    Rule,
    StopOp,
    TaskOp,
    WaitOp,
    walk,
)
from proflow_schemas.expressions import double_paths
from proflow_schemas.nodes import Start
from proflow_schemas.step_ids import node_of, step_id

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.function_settings import default_policy, function_settings, triggers_of
from proflow_compiler.graph import Graph, GraphNode
from proflow_compiler.nodes import LOWERINGS
from proflow_compiler.program import Block, Branch, Call, Fork, Program, Step, Stop
from proflow_compiler.structure import Structured, structure

CHOICE = "choice"
"""The type, on the canvas, of a choice that is not drawn."""
INITIATOR = "event.data.initiator_id"
"""Who started the run, unless the start node says otherwise."""


def lower(graph: Graph) -> tuple[Definition | None, list[Diagnostic]]:
    """The definition of a checked design; None if diagnostics say why there is none."""
    found = structured(graph)
    if found.program is None:
        return None, found.diagnostics
    return _definition(graph, found.program), found.diagnostics


def structured(graph: Graph) -> Structured:
    """The structured program of a checked design, or why it has none."""
    return structure(
        graph,
        takes_time=lambda name: _takes_time(graph.nodes[name]),
        early=lambda name: _is_early(graph, name),
    )


def _takes_time(at: GraphNode) -> bool:
    return not at.ruled and not LOWERINGS[at.node.type].instant


def _is_early(graph: Graph, name: str) -> bool:
    at = graph.nodes[name]
    if at.choice_of is not None:
        return False
    return LOWERINGS[at.node.type].needs(at.node, len(graph.into[name])) is not None


def _definition(graph: Graph, program: Program) -> Definition:
    design, settings = graph.design, graph.design.settings
    start = graph.nodes[graph.starts[0]].node.config
    assert isinstance(start, Start)
    policy = default_policy(settings)
    lowering = _Lowering(graph, policy)
    steps = lowering.block(program.main)
    functions = {name: lowering.block(block) for name, block in program.functions.items()}
    policies = [policy, *_policies([steps, *functions.values()])]
    schema = start.input if start.input is not None else settings.input
    return Definition(
        id=design.id,
        name=design.name,
        description=settings.description,
        version=None if settings.version is None else str(settings.version),
        scope=settings.scope,
        task_type=settings.task_type,
        triggers=triggers_of(design, start),
        max_attempts=policy.max_attempts,
        settings=function_settings(settings, policies),
        on_failure=settings.on_failure,
        initiator=start.initiator or (INITIATOR if settings.scope == "tenant" else None),
        doubles=[".".join(path) for path in double_paths(schema)] if schema else [],
        canvas=_canvas(graph),
        functions=functions,
        steps=steps,
    ).with_digest()


def _policies(blocks: list[list[AnyOp]]) -> Iterator[RetryPolicy]:
    for block in blocks:
        for op in walk(block):
            if isinstance(op, TaskOp) and op.retry is not None:
                yield op.retry


class _Lowering:
    """Lowers blocks. How deep they nest is bounded by the structuring."""

    def __init__(self, graph: Graph, policy: RetryPolicy) -> None:
        self.graph = graph
        plain = RetryPolicy(max_attempts=policy.max_attempts)
        self.retry = policy if policy != plain else None
        """The design's policy, if a number of attempts does not say it all."""

    def block(self, block: Block) -> list[AnyOp]:
        ops: list[AnyOp] = []
        held: Sequence[AnyOp] = ()
        for statement in block:
            match statement:
                case Step(name):
                    lowered = self._node(name)
                    if held:
                        lowered = [cast(WaitOp, lowered[0]).model_copy(update={"armed_with": held})]
                        held = ()
                    if self._triggers_wait(name):
                        held = list(lowered)
                    else:
                        ops += lowered
                case Stop(name):
                    ops.append(StopOp(id=step_id(name), node=name))
                case Call(function):
                    name = node_of(function)
                    ops.append(CallOp(id=step_id(name), node=name, function=function))
                case Branch(name, cases):
                    ops.append(
                        BranchOp(
                            id=step_id(name),
                            node=name,
                            cases=[
                                Case(outcomes=case.outcomes, steps=self.block(case.block))
                                for case in cases
                            ],
                        )
                    )
                case Fork(name, arms):
                    ops.append(
                        ParallelOp(
                            id=step_id(name),
                            node=name,
                            arms=[Arm(name=arm.name, steps=self.block(arm.block)) for arm in arms],
                        )
                    )
        return ops

    def _node(self, name: str) -> Sequence[AnyOp]:
        at = self.graph.nodes[name]
        if at.ruled:
            return [self._choice(at)]
        ops = LOWERINGS[at.node.type].lower(at.node)
        if any(exit_.outcome == "error" for exit_ in self.graph.exits[name]):
            ops = [op.model_copy(update={"catch": True}) for op in ops]
        if self.retry is None:
            return ops
        return [
            op.model_copy(update={"retry": self.retry})
            if isinstance(op, TaskOp) and op.retry is None
            else op
            for op in ops
        ]

    def _choice(self, at: GraphNode) -> ChooseOp:
        exits = self.graph.exits[at.id]
        return ChooseOp(
            id=step_id(at.id),
            node=at.id,
            rules=[
                Rule(outcome=exit_.outcome, when=exit_.when)
                for exit_ in exits
                if exit_.when is not None
            ],
            default=next((exit_.outcome for exit_ in exits if exit_.when is None), None),
            outcome_of=None if at.choice_of is None else at.node.id,
        )

    def _triggers_wait(self, name: str) -> bool:
        """Whether a node runs together with the wait after it, once that is armed."""
        at = self.graph.nodes[name]
        out = self.graph.out(name)
        if at.ruled or len(out) != 1 or not LOWERINGS[at.node.type].triggers:
            return False
        after = self.graph.nodes[out[0].target]
        return (
            not after.ruled
            and LOWERINGS[after.node.type].awaits
            and len(self.graph.into[after.id]) == 1
        )


def _canvas(graph: Graph) -> Canvas:
    return Canvas(
        nodes=[
            CanvasNode(
                id=name,
                type=CHOICE if at.choice_of is not None else at.node.type,
                label=at.node.label,
            )
            for name, at in graph.nodes.items()
        ],
        edges=[
            CanvasEdge(
                source=edge.source,
                target=edge.target,
                outcome=edge.outcome if _has_outcomes(graph.nodes[edge.source]) else None,
            )
            for edge in graph.edges
        ],
    )


def _has_outcomes(at: GraphNode) -> bool:
    return at.ruled or len(at.node.kind.outcomes) > 1
