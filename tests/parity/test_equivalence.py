"""Random designs in random environments: the reference, the interpreter and generated code do the
same steps at the same times, and tell the same of every node."""

import json
import os
from collections import Counter
from math import sqrt
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from parity.clarifying import clarify
from parity.comparing import differences
from parity.driving import drive
from parity.environments import random_outside
from parity.growing import grow
from parity.mix import LEAST, seen_in
from parity.playing import TARGETS
from parity.regressions import Regression, as_json, regressions
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering.splitting import split_into_parts
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from reference import Outside, play

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "250"))
"""Random designs; more of them with `PROFLOW_EXAMPLES=2000`."""


@pytest.mark.long
def test_random_designs_of_every_construct_run_as_they_mean() -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(size=st.integers(3, 24), random=st.randoms(use_true_random=True))
    def grown(size: int, random: Random) -> None:
        drawing = grow(size, random)
        clarify(drawing, random)
        outside = random_outside(drawing, random)
        note(as_json(drawing.json(), outside))
        found = check(drawing.json(), outside)
        seen["sound"] += bool(found)
        seen.update(found)

    grown()
    print(seen)
    assert seen["sound"] > EXAMPLES / 2
    expected = {what: share * seen["sound"] for what, share in LEAST.items()}
    # Hypothesis draws others whenever the code around it changes: chance explains some lack.
    rare = {what for what, count in expected.items() if seen[what] < count - 3 * sqrt(count)}
    assert not rare


@pytest.mark.parametrize("case", regressions(), ids=str)
def test_what_once_ran_otherwise_runs_as_it_means(case: Regression) -> None:
    assert check(case.design, case.outside)


def check(drawn: dict[str, Any], outside: Outside) -> set[str]:
    """Run a design with both targets, if it is sound; what was seen."""
    reading = read(json.dumps(drawn).encode(), "design.json")
    (design,) = reading.designs
    definition, _ = compile_design(design)
    if definition is None:
        return set()
    graph = build_graph(design)
    run = play(graph, outside)
    stories = [drive(definition, target, outside) for target in TARGETS]
    for target, story in zip(TARGETS, stories, strict=True):
        found = differences(graph, run, story)
        assert not found, "\n".join([target, *found])
    assert stories[0] == stories[1]
    short = split_into_parts(definition, most_unsplit=4, part_steps=3)
    target = TARGETS[len(graph.nodes) % 2]
    if short.parts:
        found = differences(graph, run, drive(short, target, outside), parts=True)
        assert not found, "\n".join([f"{target}, in parts", *found])
    return {*seen_in(graph, definition, run), *(["parts"] if short.parts else [])}
