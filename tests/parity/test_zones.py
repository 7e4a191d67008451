"""Delays until local times: the reference and both targets go on at the same moment."""

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity.driving import drive
from parity.playing import TARGETS, Target
from proflow_compiler.graph import build_graph
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from proflow_schemas.times import timezones
from reference import Outside, play

BEGAN = Outside({}).began.replace(tzinfo=None)
ZONES = st.sampled_from(sorted(timezones()))
TIMES = st.timedeltas(timedelta(days=-2), timedelta(days=300)).map(lambda after: BEGAN + after)


def delays(times: list[Any], zone: str | None) -> bytes:
    """A design that waits until one time after the other."""
    names = [f"d{index}" for index in range(len(times))]
    nodes = [
        {"id": "start", "type": "start"},
        *(
            {"id": name, "type": "delay", "data": {"until": until}}
            for name, until in zip(names, times, strict=True)
        ),
        {"id": "end", "type": "end"},
    ]
    edges = [{"source": a, "target": b} for a, b in pairwise(["start", *names, "end"])]
    settings = {} if zone is None else {"timezone": zone}
    return json.dumps({"id": "delays", **settings, "nodes": nodes, "edges": edges}).encode()


def check(design: bytes, outside: Outside, targets: tuple[Target, ...] = TARGETS) -> None:
    (read_design,) = read(design, "delays.json").designs
    definition, _ = compile_design(read_design)
    assert definition is not None
    expected = play(build_graph(read_design), outside)
    for target in targets:
        story = drive(definition, target, outside)
        assert story.status == expected.status
        found = {name: node[2] for name, node in story.nodes.items()}
        # The engine's clock counts milliseconds.
        wanted = {name: one.started for name, one in expected.nodes.items()}
        assert found.keys() == wanted.keys()
        for name, at in found.items():
            assert at == pytest.approx(wanted[name], abs=0.0011)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(times=st.lists(TIMES, min_size=1, max_size=3), zone=st.none() | ZONES, default=ZONES)
def test_local_times_are_those_of_the_design_or_else_the_default(
    times: list[datetime], zone: str | None, default: str
) -> None:
    texts = [time.replace(microsecond=0).isoformat() for time in times]
    check(delays(texts, zone), Outside({"tenant_id": 1}, timezone=default))


def test_what_is_computed_is_read_in_the_same_zone() -> None:
    data = {"tenant_id": 1, "day": "2026-03-08", "ms": 1_773_100_000_000, "s": 1_773_200_000}
    times = ["${event.data.day}T02:30", "${event.data.ms}", "${event.data.s}"]
    check(delays(times, "America/New_York"), Outside(data))
    check(delays(times, None), Outside(data, timezone="Asia/Shanghai"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("value", [0, 86_400, "1999-12-31T23:59:59Z", "", None, True, "soon"])
def test_a_computed_value_that_is_no_time_fails_the_node_and_says_so(
    target: Target, value: Any
) -> None:
    outside = Outside({"tenant_id": 1, "due": value})
    check(delays(["${event.data.due}"], "UTC"), outside, (target,))
    (design,) = read(delays(["${event.data.due}"], "UTC"), "delays.json").designs
    definition, _ = compile_design(design)
    assert definition is not None
    story = drive(definition, target, outside)
    assert story.nodes["d0"][0] == "failed"
    assert story.error is not None
    assert story.error.startswith("time of `d0`: ")


@pytest.mark.parametrize("target", TARGETS)
def test_a_part_of_a_long_run_has_the_zone_that_the_run_began_with(target: Target) -> None:
    times: list[Any] = ["2026-01-05T00:00"] * 600
    times[550] = "2026-01-05T18:00"
    check(delays(times, None), Outside({"tenant_id": 1}, timezone="Asia/Shanghai"), (target,))
