"""The random designs and worlds contain what they are meant to put to the test."""

import json
from collections import Counter
from random import Random

from parity.worlds import random_outside
from proflow_compiler.graph import build_graph
from proflow_compiler.lower import lower
from proflow_compiler.reader import read
from proflow_schemas.definition import WaitOp, walk
from proflow_schemas.nodes import End
from reference import play

from benchmarks.designs import blocks

DESIGNS = 300
WANTED = (
    *("approval-step", "branch", "call", "choose", "parallel", "send-step", "set-step"),
    *("sleep-step", "stop", "task-step", "wait-step", "armed", "functions", "retried"),
    *("completed", "failed", "waiting", "pending", "skipped", "cancelled"),
    *("several results", "result stopped", "result rejected", "result returned", "result timeout"),
)


def test_the_mix_of_random_programs_has_every_construct_and_every_course() -> None:
    seen: Counter[str] = Counter()
    for seed in range(DESIGNS):
        random = Random(seed)
        drawing = blocks(random.randint(4, 22), random)
        (design,) = read(json.dumps(drawing.json()).encode(), "design.json").designs
        graph = build_graph(design)
        definition, problems = lower(graph)
        if definition is None:
            assert problems
            seen["refused"] += 1
            continue
        ops = [
            op for block in (definition.steps, *definition.functions.values()) for op in walk(block)
        ]
        seen.update({op.fn for op in ops})
        seen["armed"] += any(isinstance(op, WaitOp) and bool(op.armed_with) for op in ops)
        seen["functions"] += bool(definition.functions)
        run = play(graph, random_outside(drawing, random))
        seen.update({run.status, f"result {run.result}"})
        seen.update({happened.status for happened in run.nodes.values()})
        ends = {
            end.status
            for name, happened in run.nodes.items()
            if isinstance(end := graph.nodes[name].node.config, End)
            and happened.status == "completed"
        }
        seen["several results"] += len(ends) > 1
        seen["retried"] += any(happened.attempts > 1 for happened in run.nodes.values())
    print(seen)
    assert seen["refused"] < DESIGNS // 5
    rare = {what: seen[what] for what in WANTED if seen[what] < DESIGNS // 50}
    assert not rare
