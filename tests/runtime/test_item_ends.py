"""What is not drawn of an approval in a container ends its item, and not the run."""

import json
from typing import Any

import pytest
from parity.driving import drive
from parity.environments import graph_of
from parity.playing import TARGETS, Target
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from reference import Answer, Outside, play


def design() -> dict[str, Any]:
    """A foreach of two approvals side by side before a task, and an end behind it."""
    return {
        "id": "each",
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "lines", "type": "foreach", "data": {"items": "event.data.lines"}},
            {"id": "buyer", "type": "approval", "parentId": "lines", "data": {}},
            {"id": "seller", "type": "approval", "parentId": "lines", "data": {}},
            {"id": "book", "type": "task", "parentId": "lines", "data": {"handler": "work"}},
            {"id": "end", "type": "end", "data": {"output": "${steps.lines.output}"}},
        ],
        "edges": [
            {"source": "start", "target": "lines"},
            {"source": "buyer", "target": "book"},
            {"source": "seller", "target": "book"},
            {"source": "lines", "target": "end"},
        ],
    }


@pytest.mark.parametrize("target", TARGETS)
def test_a_rejection_ends_its_item_and_others_go_on(target: Target) -> None:
    drawn = design()
    answers = {
        "buyer[0]": Answer("rejected", 3600),
        "seller[0]": Answer("approved", 7200),
        "buyer[1]": Answer("approved", 10800),
        "seller[1]": Answer("approved", 14400),
    }
    outside = Outside({"tenant_id": 1, "lines": [1, 2]}, answers, outputs={"book": "booked"})
    (one,) = read(json.dumps(drawn).encode(), "each.json").designs
    definition, problems = compile_design(one)
    assert definition is not None, problems
    story = drive(definition, target, outside)
    assert (story.status, story.result) == ("completed", "completed")
    assert story.output == [None, "booked"]
    assert story.ended == 14400
    assert "book[0]" not in story.steps
    assert story.nodes["seller"][0] == "cancelled"
    run = play(graph_of(drawn), outside)
    assert (run.status, run.output, run.ended) == ("completed", [None, "booked"], 14400)
