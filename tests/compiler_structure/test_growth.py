"""Lowering and emitting take work that grows with the design, whatever its branches share."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from proflow_compiler.emit import Imports, emit_module, outlining
from proflow_compiler.graph import Exit, Graph, build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.lowering.canvas import canvas_of
from proflow_compiler.reader import read
from proflow_compiler.rules import run_checks
from proflow_compiler.structuring import structure
from proflow_schemas.expressions import checking
from work import counted

from benchmarks.designs import Drawing, Loose, shared_tail


def graph_of(drawing: Drawing) -> Graph:
    (design,) = read(json.dumps(drawing.json()).encode(), "drawn.json").designs
    return build_graph(design)


def switch(size: int) -> Drawing:
    """A condition with so many cases."""
    drawing = Drawing("switch")
    condition = drawing.node("condition", after=[(drawing.node("start", after=[]), None, None)])
    cases: list[Loose] = []
    for index in range(size):
        rule = {"when": f"event.data.x == {index}"} if index else {"default": True}
        after: list[Loose] = [(condition, f"case-{index}", rule)]
        cases.append((drawing.node("task", {"handler": "work"}, after=after), None, None))
    drawing.node("end", after=cases)
    return drawing


@pytest.mark.parametrize("draw", [shared_tail, switch])
def test_structuring_grows_with_the_design(draw: Any) -> None:
    small, large = graph_of(draw(200)), graph_of(draw(800))
    lower(graph_of(draw(20)))  # what is found out once per process
    _, few = counted(lambda: lower(small))
    _, many = counted(lambda: lower(large))
    assert many < 4 * 1.3 * few


def test_a_tail_shared_by_regions_is_structured_as_regions_and_one_function() -> None:
    found = structure(graph_of(shared_tail(60)))
    assert {one.code for one in found.diagnostics} == {"PF209"}
    assert len(found.diagnostics) > 10


class Gone(tuple[Exit, ...]):
    """The exits of a node; counts how many of them are looked at."""

    looked = 0

    def __iter__(self) -> Iterator[Exit]:
        Gone.looked += len(self)
        return super().__iter__()


def test_the_canvas_looks_at_the_exits_of_a_node_a_few_times_not_once_for_each_edge() -> None:
    graph = graph_of(switch(300))
    exits: Any = graph.exits
    for name in exits:
        exits[name] = Gone(exits[name])
    Gone.looked = 0
    canvas_of(graph)
    assert Gone.looked < 5 * len(graph.edges)


def test_each_op_is_measured_once_before_it_is_emitted(monkeypatch: pytest.MonkeyPatch) -> None:
    definition, _ = lower(graph_of(shared_tail(300)))
    measured: list[int] = []
    spread = outlining.spread
    monkeypatch.setattr(outlining, "spread", lambda op: measured.append(id(op)) or spread(op))
    emit_module(definition, Imports())
    assert measured
    assert len(measured) < 3 * 300
    assert len(measured) == len(set(measured))


def test_what_branches_share_is_checked_in_work_that_grows_with_the_design() -> None:
    small, large = graph_of(shared_tail(300)), graph_of(shared_tail(1_200))
    run_checks(graph_of(shared_tail(30)))
    _, few = counted(lambda: run_checks(small))
    _, many = counted(lambda: run_checks(large))
    assert many < 4 * 1.3 * few


def test_types_are_not_checked_again_in_the_next_version_of_a_drawing() -> None:
    first, second = graph_of(switch(30)), graph_of(switch(30))
    run_checks(first)
    before = checking._checked.cache_info().misses
    run_checks(second)
    assert checking._checked.cache_info().misses == before
