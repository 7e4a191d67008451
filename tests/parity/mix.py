"""What a random design is made of, and what happened in its run: names to count."""

from collections.abc import Iterator

from proflow_compiler.graph import Graph
from proflow_schemas.definition import AnyOp, Definition, blocks, walk
from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.join import Join
from reference import Run
from reference.tails import WRONG

OPS = {
    "region": "region",
    "parallel": "parallel",
    "call": "function",
    "repeat": "loop that is drawn",
    "foreach": "foreach",
    "loop": "loop container",
    "invoke-step": "subprocess",
    "leave": "several exits of a loop",
}

LEAST = {
    "region": 0.1,
    "parallel": 0.1,
    "function": 0.05,
    "loop that is drawn": 0.03,
    "foreach": 0.05,
    "loop container": 0.02,
    "subprocess": 0.2,
    "inclusive": 0.1,
    "early join": 0.05,
    "terminating end": 0.05,
    "stop right behind an answer": 0.05,
    "shared stop tail": 0.05,
    "join that needs all": 0.1,
    "loop without a bound": 0.03,
    "return out of a branch": 0.03,
    "error edge": 0.2,
    "container in a container": 0.005,
    "armed wait": 0.02,
    "second round": 0.03,
    "join left out as the run stops": 0.02,
    "returned beside others": 0.005,
    "subprocess that was left": 0.003,
    "second item": 0.02,
    "error taken": 0.1,
    "several outcomes at once": 0.01,
    "retried": 0.05,
    "parts": 0.2,
    "completed": 0.5,
    "failed": 0.05,
    "waiting": 0.03,
}
"""The least share of sound designs, or of their runs, in which each of these is to be seen."""


def seen_in(graph: Graph, definition: Definition, run: Run) -> set[str]:
    return {*_drawn(graph), *_lowered(definition), *_happened(graph, run)}


def _drawn(graph: Graph) -> Iterator[str]:
    for level in graph.levels():
        if level.container is not None and level.inner:
            yield "container in a container"
        if any(not way.given for way in level.back):
            yield "loop without a bound"
        for name, at in level.nodes.items():
            config = at.node.config
            if at.every:
                yield "inclusive"
            if level.full(name):
                yield "join that needs all"
            if name in level.tails and not at.stops and len(level.into[name]) > 1:
                yield "shared stop tail"
            if at.stops and any(edge.outcome in WRONG for edge in level.into[name]):
                yield "stop right behind an answer"
            if isinstance(config, Join) and config.mode not in ("active", "all", "one"):
                yield "early join"
            if isinstance(config, End) and config.terminate:
                yield "terminating end"
            if any(exit_.outcome == "error" for exit_ in level.exits[name]):
                yield "error edge"


def _lowered(definition: Definition) -> Iterator[str]:
    for block in blocks(definition):
        for op in walk(block):
            found: AnyOp = op
            if found.fn in OPS:
                yield OPS[found.fn]
            if found.fn == "wait-step" and found.armed_with:
                yield "armed wait"
            if found.fn == "again" and found.at_once:
                yield "return out of a branch"


def _happened(graph: Graph, run: Run) -> Iterator[str]:
    yield run.status
    if run.stops and run.status in ("completed", "failed"):
        full = (name for level in graph.levels() for name in level.nodes if level.full(name))
        if any(run.nodes[name].status == "skipped" for name in full):
            yield "join left out as the run stops"
    if run.abandoned & {name for name in graph.nodes if any(w.at_once for w in graph.back)}:
        yield "returned beside others"
    if any(one.status == "cancelled" and one.ended != run.ended for one in run.calls):
        yield "subprocess that was left"
    for one in run.executions:
        if one.step.endswith("#2"):
            yield "second round"
        if "[1]" in one.step:
            yield "second item"
    for outcome in run.outcomes.values():
        if outcome == "error":
            yield "error taken"
        if isinstance(outcome, list) and len(outcome) > 1:
            yield "several outcomes at once"
    if any(happened.attempts > 1 for happened in run.nodes.values()):
        yield "retried"
