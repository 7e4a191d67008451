"""What nothing leads to is reported as that, wherever it leads itself."""

import json
from typing import Any

from proflow_compiler.diagnostics import Level
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read


def node(name: str, kind: str, **config: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "config": config}


def test_a_node_that_nothing_leads_to_is_in_no_loop() -> None:
    """It leads to a node of one, so that the way back can be come to from it as well."""
    ways = [
        *(("start", "first", ""), ("first", "draft", "error"), ("draft", "look", "error")),
        *(("look", "again", "approved"), ("again", "draft", "rejected"), ("lost", "again", "")),
    ]
    design = {
        "id": "design",
        "nodes": [
            node("start", "start"),
            node("first", "task", handler="work"),
            node("draft", "task", handler="work"),
            node("look", "approval", approverIds=["1"]),
            node("again", "approval", approverIds=["2"]),
            node("lost", "task", handler="work"),
            node("over", "end", terminate=True),
        ],
        "edges": [
            {"source": source, "target": target, **({"sourceHandle": by} if by else {})}
            for source, target, by in ways
        ],
    }
    found = compile_reading(read(json.dumps(design).encode(), "design.json"))
    told = [one for report in found.reports for one in report.diagnostics]
    errors = {one.code for one in told if one.level == Level.ERROR}
    assert errors == {"PF204", "PF205"}
