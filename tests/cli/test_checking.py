"""`proflow check`: files and folders, and every way to report."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from cli.conftest import DESIGNS, Done, Proflow

DIAGNOSTIC = [
    *("code", "name", "level", "message", "pointer", "line", "column", "end_line", "end_column"),
    *("node", "edge", "help", "path", "fixes", "key", "arguments"),
]
BROKEN = '{"nodes": [{"id": "a", "type": "start"}, {"id": "b", "type": "aprove"}], "edges": []}'


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.json"
    path.write_text(BROKEN)
    return path


def test_a_sound_design_is_fine(inside: Proflow, purchase: Path) -> None:
    done = inside("check", purchase)
    assert done.code == 0
    assert done.err == "1 file checked, none with errors\n"


def test_problems_are_told_as_json(inside: Proflow, broken: Path, purchase: Path) -> None:
    done = inside("check", broken, purchase, "--format", "json")
    assert done.code == 1
    assert done.json["ok"] is False
    first, second = done.json["files"]
    assert list(first) == ["path", "workflow", "ok", "diagnostics"]
    assert (first["ok"], second["ok"], second["workflow"]) == (False, True, "purchase-approval")
    assert all(list(one) == DIAGNOSTIC for one in first["diagnostics"])
    assert "PF102" in [one["code"] for one in first["diagnostics"]]


@pytest.mark.parametrize("format", ["sarif", "github", "text"])
def test_other_formats_name_the_rule_and_the_place(
    inside: Proflow, broken: Path, format: str
) -> None:
    done = inside("check", broken, "--format", format)
    assert done.code == 1
    assert "PF102" in done.out
    assert "broken.json" in done.out
    if format == "sarif":
        assert done.json["version"] == "2.1.0"


def test_strict_makes_warnings_errors(inside: Proflow) -> None:
    design = DESIGNS / "hostile-names" / "design.json"
    assert inside("check", design).code == 0
    assert inside("check", design, "--strict").code == 1


def test_a_folder_is_searched_for_designs(inside: Proflow, tmp_path: Path) -> None:
    shutil.copytree(DESIGNS / "guide-sample", tmp_path / "deep" / "er")
    (tmp_path / "package.json").write_text('{"name": "canvas"}')
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.json").write_text(BROKEN)
    done = inside("check", tmp_path, "--format", "json")
    assert done.code == 0
    assert [Path(file["path"]).name for file in done.json["files"]] == ["design.json"]
    assert "package.json` is not a design: skipped" in done.err
    assert "node_modules" not in done.err


def test_a_broken_design_in_a_folder_is_not_passed_over(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"nodes": [')
    done = inside("check", tmp_path)
    assert done.code == 1
    assert "PF001" in done.out


def test_a_file_that_is_named_must_be_a_design(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "canvas"}')
    done = inside("check", "package.json")
    assert done.code == 1
    assert "error[PF003]" in done.out


def test_a_folder_without_designs_is_told(inside: Proflow, tmp_path: Path) -> None:
    done = inside("check", tmp_path)
    assert done.code == 1
    assert "there is no design below" in done.err


def test_files_that_cannot_be_read_are_told(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'{"nodes": "\xe9"}')
    for path, code in (
        ("missing.json", "PF005"),
        ("latin.json", "PF002"),
        ("a\n\x1b[31m", "PF005"),
    ):
        done = inside("check", path)
        assert done.code == 1
        assert f"error[{code}]" in done.out
        assert "\x1b" not in done.out


def test_handlers_are_looked_for_in_their_module(inside: Proflow, tmp_path: Path) -> None:
    design = DESIGNS / "purchase-approval" / "design.json"
    (tmp_path / "only_pay.py").write_text(
        "from proflow_runtime import handler\n@handler\nasync def pay_supplier(task): ...\n"
    )
    done = inside("check", design, "--handlers", "only_pay", "--format", "json")
    assert done.code == 1
    (file,) = done.json["files"]
    found = [one for one in file["diagnostics"] if one["code"] == "PF305"]
    assert found
    assert not any("pay_supplier" in one["message"] for one in found)
    assert inside("check", design, "--handlers", "nowhere.at.all").code == 2


def drawn(name: str, node: Mapping[str, object], output: str | None = None) -> str:
    end = {"id": "done", "type": "end", "data": {"output": output}}
    nodes = [{"id": "begin", "type": "start"}, node, end]
    edges = [{"source": "begin", "target": "x"}, {"source": "x", "target": "done"}]
    return json.dumps({"id": name, "nodes": nodes, "edges": edges})


def codes(done: Done) -> list[str]:
    return [one["code"] for file in done.json["files"] for one in file["diagnostics"]]


def test_what_a_handler_says_it_returns_is_held_against_what_is_read_of_it(
    inside: Proflow, tmp_path: Path
) -> None:
    (tmp_path / "typed.py").write_text(
        "from typing import TypedDict\n"
        "from proflow_runtime import handler\n"
        "class Receipt(TypedDict):\n    number: str\n"
        "@handler\nasync def pay(task) -> Receipt: ...\n"
    )
    node = {"id": "x", "type": "task", "data": {"handler": "pay"}}
    (tmp_path / "a.json").write_text(drawn("a", node, "${steps.x.output.nummer}"))
    assert codes(inside("check", "a.json", "--format", "json")) == []
    done = inside("check", "a.json", "--handlers", "typed", "--format", "json")
    assert codes(done) == ["PF303"]


def test_calls_are_followed_through_all_designs_that_are_checked_together(
    inside: Proflow, tmp_path: Path
) -> None:
    for name, other in (("a", "b"), ("b", "a"), ("c", "bb")):
        node = {"id": "x", "type": "subprocess", "data": {"workflow": other}}
        (tmp_path / f"{name}.json").write_text(drawn(name, node))
    assert codes(inside("check", "a.json", "--format", "json")) == []
    done = inside("check", ".", "--format", "json")
    assert codes(done) == ["PF311", "PF311", "PF319"]
    (tmp_path / "broken.json").write_text('{"nodes": [')
    assert "PF319" not in codes(inside("check", ".", "--format", "json"))


def test_no_colours_without_a_terminal(inside: Proflow, broken: Path) -> None:
    assert "\x1b" not in inside("check", broken).out


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_colours_on_a_terminal(proflow: Proflow, broken: Path) -> None:
    import pty
    import subprocess
    import sys

    def shown(**more: str) -> bytes:
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "proflow_runtime.commands", "check", str(broken)]
        env = {**environment, "TERM": "xterm", **more}
        subprocess.run(command, stdout=theirs, stderr=subprocess.DEVNULL, env=env, check=False)
        os.close(theirs)
        found = os.read(ours, 65536)
        os.close(ours)
        return found

    assert b"\x1b[1;31m" in shown()
    assert b"\x1b" not in shown(NO_COLOR="1")
    assert b"\x1b" not in shown(TERM="dumb")


def test_explain_knows_codes_and_names(inside: Proflow) -> None:
    assert inside("explain", "PF304").out == inside("explain", "reference-may-be-missing").out
    assert "PF304" in inside("explain").out
    unknown = inside("explain", "reference-may-be-mising")
    assert unknown.code == 2
    assert "did you mean `reference-may-be-missing`?" in unknown.err


@pytest.mark.parametrize("kind", ["design", "definition"])
def test_schemas_are_printed_as_they_are_published(inside: Proflow, kind: str) -> None:
    from proflow_schemas.published import published

    done = inside("schema", kind)
    assert done.out == published()[f"{kind}.schema.json"]
    assert json.loads(done.out)["$schema"].endswith("2020-12/schema")
