"""Definitions as released versions wrote them: each format is read and run as it was then, or refused.

`definition-N/` has definitions of format N, written once and never again, and what a run of them came
to. They are no snapshots: where one of them runs otherwise, runs in flight would break.
"""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from parity.playing import TARGETS, Target, play
from proflow_schemas import FORMAT, Definition, UnknownFormatError
from proflow_schemas.definition import AnyOp, blocks, walk

FOLDER = Path(__file__).parent
READ = sorted(FOLDER.glob("definition-2/*/definition.json"))


def loaded(path: Path) -> Definition:
    return Definition.model_validate_json(path.read_bytes())


def test_the_current_format_is_among_them() -> None:
    assert FORMAT == "proflow/definition@2"


def test_they_have_every_op() -> None:
    """What is not among them could change unseen."""
    ops = {type(op) for path in READ for block in blocks(loaded(path)) for op in walk(block)}
    union, _ = get_args(AnyOp)
    assert ops == {*get_args(union)}


@pytest.mark.parametrize("path", READ, ids=lambda path: path.parent.name)
def test_a_definition_is_read_as_it_was_written(path: Path) -> None:
    written = json.loads(path.read_bytes())
    definition = loaded(path)
    assert definition.format == written["format"] == "proflow/definition@2"
    assert definition.digest == written["digest"], "a run is pinned to its definition by the digest"
    assert json.loads(definition.to_json()) == written


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", READ, ids=lambda path: path.parent.name)
def test_a_definition_runs_as_it_did(path: Path, target: Target) -> None:
    told: dict[str, Any] = json.loads((path.parent / "run.json").read_bytes())
    children = [loaded(one) for one in sorted(path.parent.glob("child-*.json"))]
    run = play(loaded(path), target, children=children, **told["outside"])
    found = {key: run[key] for key in ("status", "result", "output", "error")}
    found["nodes"] = {
        node: [state["status"], state["outcome"]] for node, state in run["nodes"].items()
    }
    found["steps"] = [step["id"] for step in run["steps"]]
    assert found == told["expected"]


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("path", READ[:1], ids=lambda path: path.parent.name)
def test_another_format_is_refused_by_name(path: Path, number: int) -> None:
    written = {**json.loads(path.read_bytes()), "format": f"proflow/definition@{number}"}
    message = (
        f"the definition of `{written['id']}` has the format `proflow/definition@{number}`;"
        " this version of ProFlow reads `proflow/definition@2` only"
    )
    with pytest.raises(UnknownFormatError, match=re.escape(message)) as refused:
        Definition.model_validate(written)
    assert refused.value.is_older == (number == 1)
