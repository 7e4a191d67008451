"""Fixes of large designs: some are proven, and of the others it is said that they were not tried."""

import json
from typing import Any

import pytest
from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.diagnostics.rendering import render
from proflow_compiler.fixes import proving
from proflow_compiler.fixes.proving import with_proven_fixes
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import read
from proflow_compiler.rules import run_checks
from proflow_runtime.service.diagnostics import diagnostics

FLAWS = 4


def design(length: int) -> str:
    """Conditions of which each has a rule that says the same as one before; padded to a length."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}]
    edges: list[dict[str, Any]] = []
    last = "start"
    for index in range(FLAWS):
        name = f"c{index}"
        nodes.append({"id": name, "type": "condition"})
        edges.append({"source": last, "target": name})
        for place in range(2):
            nodes.append({"id": f"t{index}{place}", "type": "task", "data": {"handler": "work"}})
            edges.append(
                {"source": name, "target": f"t{index}{place}", "data": {"when": "event.data.x"}}
            )
            edges.append({"source": f"t{index}{place}", "target": "end"})
        last = name
    text = json.dumps({"id": "large", "description": "", "nodes": nodes, "edges": edges})
    return text.replace('"description": ""', f'"description": "{"x" * (length - len(text))}"', 1)


def checked(text: str) -> tuple[list[Diagnostic], int]:
    """The diagnostics with fixes or without, and how often the design was checked again."""
    reading = read(text.encode(), "large.json")
    times = 0

    def check(design: Design) -> list[Diagnostic]:
        nonlocal times
        times += 1
        return run_checks(build_graph(design), fixing=False)

    found = run_checks(build_graph(reading.designs[0]))
    return [
        one for one in with_proven_fixes(reading, found, check)[1] if one.fixes or one.untried
    ], times


def test_all_fixes_of_a_small_design_are_tried() -> None:
    found, times = checked(design(0))
    assert len(found) >= FLAWS
    assert all(one.fixes and not one.untried for one in found)
    assert times >= FLAWS


def test_a_large_design_is_offered_what_can_be_proven() -> None:
    found, times = checked(design(proving.BUDGET + 1))
    assert times == 1
    assert [len(one.fixes) for one in found] == [1] + [0] * (len(found) - 1)
    assert all(one.untried for one in found[1:])


@pytest.mark.parametrize("length", [proving.LARGEST + 1, 2 * proving.LARGEST])
def test_of_the_fixes_of_a_huge_design_it_is_said_that_they_were_not_tried(length: int) -> None:
    text = design(length)
    found, times = checked(text)
    assert times == 0
    assert all(not one.fixes and one.untried for one in found)
    source = read(text.encode(), "large.json").source
    assert "fixes were not tried" in render(found, source)
    shown = json.loads(render(found, source, "json"))["files"][0]["diagnostics"]
    assert [one["fixes_untried"] for one in shown] == [one.untried for one in found]
    (model, *_) = diagnostics(shown)
    assert model.fixes_untried == found[0].untried > 0
    assert set(model.model_dump()) == set(shown[0])
