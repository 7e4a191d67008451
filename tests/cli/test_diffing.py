"""`proflow diff`: what it prints, and how it ends."""

import json
from pathlib import Path
from typing import Any

from cli.conftest import Proflow


def written(path: Path, change: Any) -> Path:
    """A copy of the purchase approval, changed, beside it."""
    design = json.loads(path.read_text(encoding="utf-8"))
    change(design)
    other = path.with_name("new.json")
    other.write_text(json.dumps(design), encoding="utf-8")
    return other


def insert(design: Any) -> None:
    """A task before the first approval."""
    approval = next(node["id"] for node in design["nodes"] if node["type"] == "approval")
    for edge in design["edges"]:
        if edge["target"] == approval:
            edge["target"] = "extra"
    design["nodes"].append({"id": "extra", "type": "task", "data": {"config": {"handler": "x"}}})
    design["edges"].append({"id": "extra", "source": "extra", "target": approval})


def move(design: Any) -> None:
    for node in design["nodes"]:
        node["position"] = {"x": 0, "y": 0}
    design["nodes"].reverse()


def test_a_new_layout_is_no_change(inside: Proflow, purchase: Path) -> None:
    done = inside("diff", purchase, written(purchase, move))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("nothing that means something has changed\n")
    assert "✘" not in done.out
    assert done.out.endswith("\nsafe: a run survives wherever it is\n")


def test_positions_behind_a_new_step_are_lost(inside: Proflow, purchase: Path) -> None:
    done = inside("diff", purchase, written(purchase, insert))
    assert done.code == 1
    assert "\n+ task `extra` is new\n" in done.out
    assert "`extra` would run after the fact: it is new before" in done.out
    assert "path: start → " in done.out
    assert "\nunsafe: " in done.out


def test_the_json_has_what_changed_and_every_position(inside: Proflow, purchase: Path) -> None:
    done = inside("diff", purchase, written(purchase, insert), "--format", "json")
    told = done.json
    assert done.code == 1
    assert list(told) == ["ok", "old", "new", "changes", "positions"]
    assert told["ok"] is False
    assert told["old"]["path"] == str(purchase)
    assert told["old"]["digest"] != told["new"]["digest"]
    kinds = [change["kind"] for change in told["changes"]]
    assert kinds.count("node-added") == 1
    assert kinds.count("edge-added") == 2
    assert kinds.count("edge-removed") == 1
    for position in told["positions"]:
        assert position["survives"] == (position["reason"] is None)
        assert position["path"][-1] == position["node"]


def test_texts_of_a_design_cannot_steer_the_terminal(inside: Proflow, purchase: Path) -> None:
    def spoil(design: Any) -> None:
        design["nodes"][0]["data"]["label"] = "\x1b[2Jgone\u202e"

    done = inside("diff", purchase, written(purchase, spoil))
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\\u{1b}[2Jgone\\u{202e}" in done.out


def test_broken_designs_are_located(inside: Proflow, purchase: Path) -> None:
    def loosen(design: Any) -> None:
        design["edges"][0]["target"] = "nowhere"

    broken = written(purchase, loosen)
    for pair in ((purchase, broken), (broken, purchase)):
        done = inside("diff", *pair)
        assert done.code == 1
        assert done.out == ""
        assert "error[PF104]" in done.err
        assert "new.json:" in done.err


def test_a_missing_argument_a_folder_and_a_missing_file(
    inside: Proflow, purchase: Path, tmp_path: Path
) -> None:
    assert inside("diff", purchase).code == 2
    assert inside("diff", purchase, tmp_path).code == 2
    assert inside("diff", purchase, "nothing.json").code == 1
