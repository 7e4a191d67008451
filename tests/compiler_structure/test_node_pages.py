"""The doc pages of the node types are those that the compiler writes."""

import json
from pathlib import Path

import pytest
from proflow_compiler.explain.node_pages import pages
from proflow_compiler.reader import read
from proflow_schemas.node_types import NODE_TYPES

DOCS = Path(__file__).parents[2] / "docs" / "nodes"
PAGES = pages(NODE_TYPES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--snapshot-update"):
        (DOCS / name).write_text(PAGES[name], encoding="utf-8")
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]


def test_there_is_no_page_of_anything_else() -> None:
    assert {path.name for path in DOCS.iterdir()} == PAGES.keys()


@pytest.mark.parametrize("name", NODE_TYPES)
def test_every_key_of_a_config_is_explained(name: str) -> None:
    rows = [line for line in PAGES[f"{name}.md"].splitlines() if line.startswith("| `")]
    assert len(rows) == len(NODE_TYPES[name].config.model_fields)
    assert all(row.split(" | ")[-1].strip(" |") for row in rows)


@pytest.mark.parametrize("name", NODE_TYPES)
def test_the_example_of_a_page_can_be_read(name: str) -> None:
    node = json.loads(NODE_TYPES[name].example)
    assert node["type"] == name
    others = [{"id": f"other-{kind}", "type": kind} for kind in ("start", "end") if kind != name]
    reading = read(json.dumps({"nodes": [node, *others], "edges": []}).encode(), "x.json")
    assert [one.message for one in reading.diagnostics] == []
    assert node["id"] in reading.designs[0].nodes
