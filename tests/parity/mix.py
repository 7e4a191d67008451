"""What a random design is made of, and what happened in its run: names to count."""

from collections.abc import Iterator

from proflow_compiler.graph import Graph
from proflow_schemas.definition import AnyOp, Definition, blocks, walk
from proflow_schemas.nodes import End, Join
from reference import Run

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
    "error edge": 0.2,
    "container in a container": 0.005,
    "armed wait": 0.02,
    "second round": 0.03,
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
    return {*_drawn(graph), *_lowered(definition), *_happened(run)}


def _drawn(graph: Graph) -> Iterator[str]:
    for level in graph.levels():
        if level.container is not None and level.inner:
            yield "container in a container"
        for name, at in level.nodes.items():
            config = at.node.config
            if at.every:
                yield "inclusive"
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


def _happened(run: Run) -> Iterator[str]:
    yield run.status
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
