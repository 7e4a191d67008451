import json
from dataclasses import replace
from typing import Any

import pytest
from proflow_compiler.diagnostics import Diagnostic, Edit, Fix, Level, Related
from proflow_compiler.diagnostics.rendering import (
    FileReport,
    check_report,
    locate,
    render,
    render_files,
)
from proflow_compiler.diagnostics.source import Source

TEXT = """{
  "nodes": [
    {"id": "sign", "type": "join",
      "data": {"mode": "all"}}
  ]
}
"""
SOURCE = Source("designs/contract.json", TEXT)
JOIN = Diagnostic(
    "PF210",
    "deadlocked-join",
    Level.ERROR,
    "join `sign` can wait for ever: `legal` is skipped on some runs",
    pointer="/nodes/0/data/mode",
    node="sign",
    label="needs every edge in to be taken",
    path=("start", "amount", "sign"),
    help="use `active` to wait only for branches that were chosen",
)


def test_text_shows_the_place_the_path_and_the_help() -> None:
    assert render([JOIN], SOURCE) == (
        "error[PF210]: join `sign` can wait for ever: `legal` is skipped on some runs\n"
        " --> designs/contract.json:4:24 (/nodes/0/data/mode)\n"
        "  |\n"
        '4 |       "data": {"mode": "all"}}\n'
        "  |                        ^^^^^ needs every edge in to be taken\n"
        "  |\n"
        "  = path: start → amount → sign\n"
        "  = help: use `active` to wait only for branches that were chosen\n"
    )


def test_a_span_a_key_and_a_related_place_are_underlined() -> None:
    span = replace(JOIN, span=(1, 3), path=(), help=None, label=None)
    assert "                        " + " ^^\n" in render([span], SOURCE)
    key = replace(span, span=None, on_key=True)
    assert render([key], SOURCE).splitlines()[4] == "  |" + " " * 16 + "^^^^^^"
    related = replace(key, related=(Related("/nodes/0/id", "the join"),))
    assert " ::: designs/contract.json:3:12\n" in render([related], SOURCE)
    assert " ------ the join" in render([related], SOURCE)


def test_hidden_characters_are_shown_and_wide_ones_take_two_columns() -> None:
    text = '{"label": "很\u202e\x1b", "type": "x"}'
    source = Source("a\x1b.json", json.dumps(json.loads(text, strict=False), ensure_ascii=False))
    problem = replace(JOIN, pointer="/type", label=None, path=(), help=None, message="a\nb\u2066")
    lines = render([problem], source).splitlines()
    assert lines[0] == "error[PF210]: a<U+000A>b<U+2066>"
    assert lines[1] == " --> a<U+001B>.json:1:31 (/type)"
    assert "很<U+202E>\\u001b" in lines[3]
    assert lines[4].index("^") == lines[3].index('"x"') + 1


def test_a_long_line_is_cut_around_the_place() -> None:
    value = {"a": "x" * 100_000, "b": "here", "c": "y" * 100_000}
    source = Source("x.json", json.dumps(value))
    lines = render([replace(JOIN, pointer="/b")], source).splitlines()
    assert all(len(line) < 150 for line in lines)
    assert lines[3].index('"here"') == lines[4].index("^")


def test_a_file_without_a_text_is_rendered_without_an_excerpt() -> None:
    problem = replace(JOIN, pointer="", line=1, column=1, path=())
    assert render([problem], Source("x.json")).splitlines()[1] == " --> x.json:1:1"


def test_json_has_the_documented_keys_and_order() -> None:
    later = replace(JOIN, pointer="/nodes/0/id", path=(), level=Level.WARNING)
    report = json.loads(render([JOIN, later], SOURCE, "json", workflow="contract"))
    (file,) = report["files"]
    assert report["ok"] is False
    assert (file["path"], file["workflow"], file["ok"]) == (SOURCE.path, "contract", False)
    assert [one["pointer"] for one in file["diagnostics"]] == ["/nodes/0/id", "/nodes/0/data/mode"]
    assert file["diagnostics"][1] == {
        "code": "PF210",
        "name": "deadlocked-join",
        "level": "error",
        "message": JOIN.message,
        "pointer": "/nodes/0/data/mode",
        "line": 4,
        "column": 24,
        "end_line": 4,
        "end_column": 29,
        "node": "sign",
        "edge": None,
        "help": JOIN.help,
        "path": ["start", "amount", "sign"],
        "fixes": [],
        "key": None,
        "arguments": {},
    }


def test_fixes_are_told_in_every_format_but_that_of_github() -> None:
    mode = Edit("replace", "/nodes/0/data/mode", "active")
    fixes = (Fix("wait for chosen branches only", False, (mode,)), Fix("drop it", True, ()))
    fixed = replace(JOIN, fixes=fixes)
    assert render([fixed], SOURCE).endswith(
        "  = unsafe fix: wait for chosen branches only\n  = fix: drop it\n"
    )
    (file,) = json.loads(render([fixed], SOURCE, "json"))["files"]
    assert file["diagnostics"][0]["fixes"][0] == {
        "title": "wait for chosen branches only",
        "safe": False,
        "edits": [{"op": "replace", "pointer": "/nodes/0/data/mode", "value": "active"}],
    }
    (run,) = json.loads(render([fixed], SOURCE, "sarif"))["runs"]
    assert run["results"][0]["fixes"][0] == {
        "description": {"text": "wait for chosen branches only"},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": "designs/contract.json"},
                "replacements": [
                    {
                        "deletedRegion": {
                            "startLine": 4,
                            "startColumn": 24,
                            "endLine": 4,
                            "endColumn": 29,
                        },
                        "insertedContent": {"text": '"active"'},
                    }
                ],
            }
        ],
    }
    assert render([fixed], SOURCE, "github") == render([JOIN], SOURCE, "github")


@pytest.mark.parametrize(
    ("level", "strict", "ok"),
    [
        (Level.INFO, True, True),
        (Level.WARNING, False, True),
        (Level.WARNING, True, False),
        (Level.ERROR, False, False),
    ],
)
def test_warnings_fail_only_when_strict(level: Level, strict: bool, ok: bool) -> None:
    files = [FileReport(SOURCE, [replace(JOIN, level=level)]), FileReport(SOURCE, [])]
    report = check_report(files, strict=strict)
    assert (report["ok"], report["files"][0]["ok"], report["files"][1]["ok"]) == (ok, ok, True)


def walk(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(one for below in inner for one in walk(below))]


def test_sarif_has_what_2_1_0_requires() -> None:
    related = replace(JOIN, related=(Related("/nodes/0/id", "the join"),), level=Level.INFO)
    other = Source("/tmp/a b/流程.json", TEXT)
    log = json.loads(
        render_files([FileReport(SOURCE, [JOIN, related]), FileReport(other, [JOIN])], "sarif")
    )
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert len(run["results"]) == 3
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            physical = location["physicalLocation"]
            assert physical["artifactLocation"]["uri"].isascii()
            assert " " not in physical["artifactLocation"]["uri"]
            region = physical["region"]
            assert region["startLine"] >= 1
            assert region["startColumn"] >= 1
            assert (region["endLine"], region["endColumn"]) >= (
                region["startLine"],
                region["startColumn"],
            )
    uris = {one["uri"] for one in walk(log) if isinstance(one, dict) and "uri" in one}
    assert uris == {
        "designs/contract.json",
        "file:///tmp/a%20b/%E6%B5%81%E7%A8%8B.json",
    }


def test_github_annotations_cannot_be_broken_out_of() -> None:
    source = Source("a,b:c.json", TEXT)
    problem = replace(JOIN, message="50% of\r\n::error::x", help=None, path=())
    line = render([problem], source, "github")
    assert line.count("\n") == 1
    assert line == (
        "::error file=a%2Cb%3Ac.json,line=4,endLine=4,col=24,endColumn=29,"
        "title=PF210 deadlocked-join::50%25 of<U+000D>%0A::error::x\n"
    )


def test_nothing_to_report_renders_as_nothing_or_an_empty_report() -> None:
    assert render([], SOURCE) == ""
    assert render([], SOURCE, "github") == ""
    assert json.loads(render([], SOURCE, "json"))["ok"] is True
    assert json.loads(render([], SOURCE, "sarif"))["runs"][0]["results"] == []


def test_diagnostics_are_put_in_the_order_of_the_text() -> None:
    found = [
        replace(JOIN, pointer=pointer) for pointer in ("/nodes/0/data/mode", "", "/nodes/0/id")
    ]
    assert [one.pointer for one in locate(found, SOURCE)] == [
        "",
        "/nodes/0/id",
        "/nodes/0/data/mode",
    ]
