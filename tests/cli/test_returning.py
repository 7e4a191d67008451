"""`proflow run` of designs that return at once, whose joins need all, whose rejections stop."""

import json
from pathlib import Path

import pytest
from cli.conftest import DESIGNS, Proflow
from stored.left_calls import CHILD, PAYING, in_an_item, out_of_time

RETURNED = DESIGNS / "returned-to-the-draft" / "design.json"
DATA = '{"tenant_id": 1}'


def lines(out: str) -> list[str]:
    """The timeline, with one space between its columns."""
    told = out.partition("\n\n")[2].partition("\n\n")[0].splitlines()
    return [" ".join(line.split()) for line in told[1:]]


def test_a_return_is_told_with_what_it_leaves(proflow: Proflow) -> None:
    done = proflow(
        *("run", RETURNED, "--data", DATA, "--answer", "legal=returned@+1h"),
        *("--answer", "legal#2=approved@+1h", "--answer", "finance#2=approved@+1h"),
    )
    assert done.code == 0
    told = lines(done.out)
    assert "+1h ✔ draft/returned legal returned to draft left: finance/wait" in told
    assert told.index("+1h ✔ legal/wait returned") < told.index(
        "+1h ✔ draft/returned legal returned to draft left: finance/wait"
    )
    assert not any("cancelled" in line for line in told)
    assert "completed after 2h, result: completed" in done.out


def test_an_answer_to_what_was_left_is_told_to_be_too_late(proflow: Proflow) -> None:
    done = proflow(
        *("run", RETURNED, "--data", DATA, "--answer", "legal=returned@+1h"),
        *("--answer", "finance=approved@+90m", "--answer", "legal#2=approved@+1h"),
        *("--answer", "finance#2=approved@+1h"),
    )
    assert done.code == 0
    assert "+1h 30m ✔ finance/wait approved, too late" in lines(done.out)
    assert "completed after 2h, result: completed" in done.out


def test_what_was_called_and_left_is_told_to_be_cancelled(proflow: Proflow, tmp_path: Path) -> None:
    for name, caller in (("item", in_an_item), ("time", out_of_time)):
        folder = tmp_path / name
        folder.mkdir()
        for canvas in (PAYING, CHILD, caller(duration="1m")):
            (folder / f"{canvas['id']}.json").write_text(json.dumps(canvas))
    done = proflow("run", tmp_path / "item" / "caller.json", "--data", DATA)
    told = lines(done.out)
    assert "+1s ✔ each[0]/ended ask timeout: ended left: call[0]" in told
    assert "+1s ✔ each[0]/ended-left cancelled what was called" in told
    assert "+1s – call[0] cancelled with its item" in told
    assert "– cancelled call +0s – +1s" in [" ".join(one.split()) for one in done.out.splitlines()]
    done = proflow("run", tmp_path / "time" / "caller.json", "--data", DATA)
    assert "+1s ✔ call/left cancelled what was called" in lines(done.out)


def test_a_return_too_many_fails_with_the_node_and_the_bound(proflow: Proflow) -> None:
    done = proflow("run", RETURNED, "--data", DATA, "--answer", "legal=returned@+1h")
    assert done.code == 1
    assert "back edge `legal → draft` was taken more than 3 times" in done.out


@pytest.mark.parametrize(
    ("name", "results", "after"),
    [
        ("returned-to-the-draft", {"completed", "rejected"}, "seal"),
        ("joint-review", {"completed", "rejected", "returned"}, "pay"),
        ("order-reservation", {"completed", "failed"}, "ship"),
        ("three-departments", {"completed", "rejected", "returned"}, None),
    ],
)
def test_all_outcomes_cover_returns_joins_that_starve_and_stop_tails(
    inside: Proflow, name: str, results: set[str], after: str | None
) -> None:
    """`after` runs only if all have gone well at last."""
    design = DESIGNS / name / "design.json"
    done = inside("run", design, "--all-outcomes", "--format", "json")
    assert done.code == 0, done.err
    found = done.json
    assert found["complete"] is True
    assert (found["uncovered_nodes"], found["uncovered_edges"]) == ([], [])
    assert {run["result"] for run in found["runs"]} == results
    for run in found["runs"]:
        # No run is left waiting for a join that starves.
        assert run["status"] == "completed"
        assert not {node["status"] for node in run["nodes"].values()} & {"running", "waiting"}
        last = {step.partition("#")[0]: outcome for step, outcome in run["decisions"].items()}
        if after is not None:
            well = set(last.values()) <= {"approved", "default"}
            assert (run["nodes"][after]["status"] == "completed") == well, run["decisions"]
    ids = [step["id"] for run in found["runs"] for step in run["steps"]]
    assert ("draft/returned" in ids) == (name == "returned-to-the-draft")
