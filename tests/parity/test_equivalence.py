"""Random designs in random environments: the reference, the interpreter and generated code do the
same steps at the same times, and tell the same of every node."""

import json
import os
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, reject, settings
from hypothesis import strategies as st
from parity.comparing import differences
from parity.driving import drive
from parity.environments import graph_of, random_outside
from parity.growing import grow
from parity.playing import TARGETS
from parity.regressions import Regression, as_json, regressions
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from reference import Outside, play

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "250"))
"""Random designs; more of them with `PROFLOW_EXAMPLES=2000`."""


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(size=st.integers(3, 24), random=st.randoms())
def test_random_designs_run_as_they_mean(size: int, random: Random) -> None:
    drawing = grow(size, random)
    check(drawing.json(), random_outside(drawing, random))


@pytest.mark.parametrize("case", regressions(), ids=str)
def test_what_once_ran_otherwise_runs_as_it_means(case: Regression) -> None:
    check(case.design, case.outside)


def check(drawn: dict[str, object], outside: Outside) -> None:
    """Run a design with both targets, if it is sound."""
    reading = read(json.dumps(drawn).encode(), "design.json")
    assert reading.designs, reading.diagnostics
    definition, _ = compile_design(reading.designs[0])
    if definition is None:
        reject()
    note(as_json(drawn, outside))
    graph = graph_of(drawn)
    run = play(graph, outside)
    stories = [drive(definition, target, outside) for target in TARGETS]
    for target, story in zip(TARGETS, stories, strict=True):
        found = differences(graph, run, story)
        assert not found, "\n".join([target, *found])
    assert stories[0] == stories[1]
