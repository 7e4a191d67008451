"""`fixtures/invalid/<case>/design.json` and, beside it, what is reported: `expected.txt`.

`pytest --snapshot-update` writes `expected.txt` anew.
"""

import json
from pathlib import Path

import pytest
from proflow_compiler.diagnostics.problems import NAMES
from proflow_compiler.diagnostics.rendering import render
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import Reading, read
from proflow_compiler.rules.reading import READING_RULES

INVALID = Path(__file__).parents[2] / "fixtures" / "invalid"
CASES = sorted(case.name for case in INVALID.iterdir() if case.is_dir())


def reading(case: str) -> Reading:
    found = read((INVALID / case / "design.json").read_bytes(), f"{case}/design.json")
    return compile_reading(found).reading


@pytest.mark.parametrize("case", CASES)
def test_reports_what_is_expected(case: str, request: pytest.FixtureRequest) -> None:
    found = reading(case)
    text = render(found.diagnostics, found.source)
    expected = INVALID / case / "expected.txt"
    if request.config.getoption("--snapshot-update"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_problem_has_a_place_and_follows_the_wording(case: str) -> None:
    found = reading(case).diagnostics
    assert any(one.level == "error" for one in found)
    places = [(one.line, one.column) for one in found]
    assert places == sorted(places)
    for one in found:
        assert one.line is not None
        assert one.column is not None
        for text in filter(None, (one.message, one.help)):
            assert not text.endswith(".")
            assert text[0] == "`" or not text[0].isupper() or text.split()[0] in ("JSON",)
        assert one.level != "error" or one.name != "ignored-element"


@pytest.mark.parametrize("case", CASES)
def test_renders_in_every_format(case: str) -> None:
    found = reading(case)
    report = json.loads(render(found.diagnostics, found.source, "json"))
    assert report["ok"] is False
    assert len(report["files"][0]["diagnostics"]) == len(found.diagnostics)
    log = json.loads(render(found.diagnostics, found.source, "sarif"))
    assert len(log["runs"][0]["results"]) == len(found.diagnostics)
    lines = render(found.diagnostics, found.source, "github").splitlines()
    assert len(lines) == len(found.diagnostics)
    coloured = render(found.diagnostics, found.source, color=True)
    assert "\x1b[1;31m" in coloured


def test_every_code_of_the_reader_has_a_case() -> None:
    shown = {one.code for case in CASES for one in reading(case).diagnostics}
    unreachable_from_one_file = {"PF005", "PF006"}
    only_informs = {"PF111"}
    assert shown >= NAMES.keys() - unreachable_from_one_file - only_informs


def test_every_code_of_the_reader_is_explained_under_its_name() -> None:
    assert {rule.code: rule.name for rule in READING_RULES} == NAMES
