"""Random designs in random worlds: reference, interpreter and generated code tell the same story."""

import json
import os
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, reject, settings
from hypothesis import strategies as st
from parity.playing import TARGETS, play
from parity.worlds import as_arguments, random_outside
from proflow_compiler.diagnostics import Level
from proflow_compiler.graph import Graph, build_graph
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from reference import Run
from reference import play as play_reference

from benchmarks.designs import blocks

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "80"))
"""Random programs; more of them with `PROFLOW_EXAMPLES=1000`."""

Story = dict[str, Any]
"""`status`, `result`, and for each drawn node its status, outcome, start in seconds and attempts."""


def told_by_reference(run: Run, graph: Graph) -> Story:
    nodes = {
        name: (happened.status, happened.outcome, happened.started, happened.attempts)
        for name, happened in run.nodes.items()
    }
    return {"status": run.status, "result": run.result, "nodes": _comparable(nodes, graph)}


def told_by_target(run: dict[str, Any], graph: Graph) -> Story:
    began = datetime.fromisoformat(run["started_at"])

    def seconds(time: str | None) -> float | None:
        return None if time is None else (datetime.fromisoformat(time) - began).total_seconds()

    nodes = {
        name: (node["status"], node["outcome"], seconds(node["started_at"]), node["attempts"])
        for name, node in run["nodes"].items()
    }
    return {"status": run["status"], "result": run["result"], "nodes": _comparable(nodes, graph)}


def _comparable(nodes: dict[str, tuple[Any, ...]], graph: Graph) -> dict[str, tuple[Any, ...]]:
    """Outcomes where there is more than one, attempts where there can be; nothing undrawn."""
    found = {}
    for name, (status, outcome, started, attempts) in nodes.items():
        at = graph.nodes[name]
        if at.choice_of is not None:
            continue
        several = at.ruled or len(at.node.kind.outcomes) > 1
        tried = at.node.type == "task" and status in ("completed", "failed")
        found[name] = (status, outcome if several else None, started, attempts if tried else None)
    return found


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    # A seed does not shrink to a smaller design, only sizes do.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(size=st.integers(4, 22), random=st.randoms(use_true_random=True))
def test_random_programs_run_alike(size: int, random: Random) -> None:
    check(size, random)


def check(size: int, random: Random) -> None:
    drawing = blocks(size, random)
    (design,) = read(json.dumps(drawing.json()).encode(), "design.json").designs
    definition, problems = compile_design(design)
    errors = [problem.name for problem in problems if problem.level is Level.ERROR]
    if definition is None:
        assert set(errors) == {"unstructured-concurrency"}
        reject()
    graph = build_graph(design)
    outside = random_outside(drawing, random)
    note(f"{drawing.json()}\n{outside}")
    expected = told_by_reference(play_reference(graph, outside), graph)
    runs = [
        play(definition, target, data=outside.data, **as_arguments(outside)) for target in TARGETS
    ]
    for run, target in zip(runs, TARGETS, strict=True):
        assert told_by_target(run, graph) == expected, target
        ids = [step["id"] for step in run["steps"] if step["status"] == "completed"]
        assert len(ids) == len(set(ids)), f"{target}: a step was done twice"
    assert runs[0] == runs[1]
