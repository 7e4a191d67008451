"""`proflow check --fix`, `--diff` and `--unsafe-fixes`."""

import json
from pathlib import Path

import pytest
from cli.conftest import Proflow

TWICE = """{
  "name": "\u91c7购",
  "nodes": [
    { "id": "开始", "type": "start" , "label":"提交"},
    { "id": "审批", "type": "aproval", "data": {"aproverIds": ["r"], "approverType": "role"} },
    { "id": "结束", "type": "end" }
  ],
  "edges": [
    { "source": "开始", "target": "审批" },
    { "source": "开始", "target": "审批" },
    { "source": "审批", "target": "结束" }
  ]
}
"""
MENDED = TWICE.replace('"aproval"', '"approval"').replace("aproverIds", "approverIds")
FIXED = MENDED.replace(',\n    { "source": "开始", "target": "审批" }', "", 1)
STOPS = """{
  "nodes": [
    {"id": "a", "type": "start"},
    {"id": "b", "type": "task", "data": {"handler": "work"}},
    {"id": "c", "type": "task", "data": {"handler": "work"}},
    {"id": "d", "type": "end"}
  ],
  "edges": [
    {"source": "a", "target": "b"},
    {"source": "a", "target": "c"},
    {"source": "c", "target": "d"}
  ]
}"""
GOES_ON = STOPS.replace('"d"}\n  ]', '"d"},\n    {"source": "b", "target": "d"}\n  ]')


@pytest.mark.parametrize("breaks", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_safe_fixes_change_nothing_else(
    inside: Proflow, tmp_path: Path, breaks: str, mark: bytes
) -> None:
    path = tmp_path / "采购.json"
    path.write_bytes(mark + TWICE.replace("\n", breaks).encode())
    done = inside("check", path, "--fix")
    assert done.code == 0
    assert path.read_bytes() == mark + FIXED.replace("\n", breaks).encode()
    assert "fixed PF102: write `approval`" in done.err
    assert "fixed PF105: remove the second of the two" in done.err
    assert "1 file checked, none with errors" in done.err
    assert inside("check", path, "--fix").err == "1 file checked, none with errors\n"


def test_a_minified_file_stays_one(inside: Proflow, tmp_path: Path) -> None:
    def small(text: str) -> str:
        return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)

    path = tmp_path / "a.json"
    path.write_text(small(TWICE), encoding="utf-8")
    assert inside("check", path, "--fix").code == 0
    assert path.read_text(encoding="utf-8") == small(FIXED)


def test_a_difference_is_shown_and_nothing_is_written(inside: Proflow, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(TWICE, encoding="utf-8")
    done = inside("check", "a.json", "--diff")
    assert done.code == 1
    assert done.out.startswith("--- a.json\n+++ a.json\n@@ ")
    assert '-    { "source": "开始", "target": "审批" },\n' in done.out
    assert "3 fixes would be applied, no files with errors would be left" in done.err
    assert path.read_text(encoding="utf-8") == TWICE
    path.write_text(FIXED, encoding="utf-8")
    done = inside("check", "a.json", "--diff", "--fix")
    assert (done.code, done.out) == (0, "")


def test_the_end_of_a_file_without_a_line_break_is_marked(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(TWICE.replace("\n", ""), encoding="utf-8")
    done = inside("check", "a.json", "--diff")
    assert done.out.count("\\ No newline at end of file\n") == 2


def test_what_changes_a_run_is_applied_only_if_asked_for(inside: Proflow, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(STOPS)
    done = inside("check", path, "--fix")
    assert done.code == 1
    assert "unsafe fix: complete the run when `b` is done: draw an edge to `d`" in done.out
    assert path.read_text() == STOPS
    assert inside("check", path, "--diff").out == ""
    assert (
        '+    {"source": "b", "target": "d"}'
        in inside("check", path, "--diff", "--unsafe-fixes").out
    )
    assert inside("check", path, "--fix", "--unsafe-fixes").code == 0
    assert path.read_text() == GOES_ON


def test_options_that_do_not_go_together_are_refused(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(STOPS)
    assert inside("check", "a.json", "--unsafe-fixes").code == 2
    assert inside("check", "a.json", "--diff", "--format", "json").code == 2


def test_a_report_is_of_what_remains(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(TWICE, encoding="utf-8")
    (tmp_path / "b.json").write_text(STOPS)
    done = inside("check", ".", "--fix", "--format", "json")
    assert done.code == 1
    first, second = done.json["files"]
    assert (first["ok"], first["diagnostics"]) == (True, [])
    assert [one["code"] for one in second["diagnostics"]] == ["PF205"]
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == FIXED


def test_a_read_only_file_is_not_written(inside: Proflow, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(TWICE, encoding="utf-8")
    path.chmod(0o444)
    done = inside("check", path, "--fix")
    assert done.code == 1
    assert "the file is read-only" in done.err
    assert path.read_text(encoding="utf-8") == TWICE
    assert path.stat().st_mode & 0o777 == 0o444


def test_a_link_is_followed_and_the_mode_is_kept(inside: Proflow, tmp_path: Path) -> None:
    path = tmp_path / "real.json"
    path.write_text(TWICE, encoding="utf-8")
    path.chmod(0o640)
    (tmp_path / "link.json").symlink_to(path)
    assert inside("check", "link.json", "--fix").code == 0
    assert (tmp_path / "link.json").is_symlink()
    assert path.read_text(encoding="utf-8") == FIXED
    assert path.stat().st_mode & 0o777 == 0o640


def test_only_the_row_that_is_named_is_fixed(inside: Proflow, tmp_path: Path) -> None:
    graph = json.loads(TWICE)
    nodes = {"nodes": graph["nodes"], "edges": [*graph["edges"]]}
    rows = [{"code": code, "tenant_id": 1, "nodes": nodes, "config": {}} for code in ("a", "b")]
    text = json.dumps(rows, indent=1, ensure_ascii=False)
    path = tmp_path / "rows.json"
    path.write_text(text, encoding="utf-8")
    assert inside("check", "rows.json#b", "--fix").code == 0
    made = json.loads(path.read_text(encoding="utf-8"))
    assert made[0] == rows[0]
    assert made[1]["nodes"]["nodes"][1]["type"] == "approval"
    first = json.dumps(rows[0], indent=1, ensure_ascii=False).replace("\n", "\n ")
    assert first in path.read_text(encoding="utf-8")
    assert inside("check", "rows.json#a", "rows.json", "--fix").code == 0


def test_what_cannot_be_read_is_left_alone(inside: Proflow, tmp_path: Path) -> None:
    for name, data in (("cut.json", b'{"nodes": ['), ("latin.json", b'{"nodes": "\xe9"}')):
        (tmp_path / name).write_bytes(data)
        assert inside("check", name, "--fix").code == 1
        assert (tmp_path / name).read_bytes() == data
    assert inside("check", "missing.json", "--fix").code == 1


def test_a_process_without_a_terminal_fixes_too(proflow: Proflow, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(TWICE, encoding="utf-8")
    assert "\x1b" not in proflow("check", "a.json", "--diff").out
    assert proflow("check", "a.json", "--fix").code == 0
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == FIXED


def test_bounds_that_nobody_gave_are_written(inside: Proflow, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    text = """{
  "nodes": [
    {"id": "a", "type": "start"},
    {"id": "b", "type": "task", "data": {"handler": "work"}},
    {"id": "c", "type": "approval", "data": {"approverIds": ["1"]}},
    {"id": "d", "type": "end"}
  ],
  "edges": [
    {"source": "a", "target": "b"},
    {"source": "b", "target": "c"},
    {"source": "c", "target": "d"},
    {"source": "c", "target": "b", "sourceHandle": "returned"}
  ]
}"""
    path.write_text(text)
    done = inside("check", path, "--fix")
    assert "fixed PF216: say that it is at most 10 times" in done.err
    bound = '"sourceHandle": "returned", "data": {"loop": {"max": 10}}}'
    assert path.read_text() == text.replace('"sourceHandle": "returned"}', bound)
    assert done.code == 0
