"""Every pattern is checked, compiles to both targets, runs as it should; its page is up to date."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from fixtures.cases import differences
from parity.playing import TARGETS, Target, compiled, play
from patterns.page import BASIC, PAGE, Pattern, page, patterns
from proflow_compiler.diagnostics import Level

ALL = patterns()
RUNS = [
    pytest.param(pattern, run, id=f"{pattern.folder.name}-{run['name']}")
    for pattern in ALL
    for run in json.loads((pattern.folder / "runs.json").read_text(encoding="utf-8"))
]
SUPPORTED = ("yes", "no", "in part", "natural loops", "one after the other")


@cache
def played(location: str, target: Target, outside: str) -> dict[str, Any]:
    return play(compiled(location), target, **json.loads(outside))


def ran(pattern: Pattern, run: Mapping[str, Any], target: Target) -> dict[str, Any]:
    outside = {key: value for key, value in run.items() if key not in ("name", "expect")}
    return played(pattern.location, target, json.dumps(outside))


def test_there_are_all_twenty_and_those_of_countersigning() -> None:
    assert [pattern.number for pattern in ALL] == list(range(1, len(ALL) + 1))
    assert len(ALL) == len(BASIC) + 8


@pytest.mark.parametrize("pattern", ALL, ids=lambda one: one.folder.name)
def test_a_pattern_is_sound(pattern: Pattern) -> None:
    found = [*pattern.compilation.reading.diagnostics, *pattern.compilation.diagnostics]
    assert [one.message for one in found if one.level is not Level.INFO] == []
    assert pattern.rejection if pattern.number not in BASIC else pattern.supported in SUPPORTED


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("pattern", "run"), RUNS)
def test_a_pattern_runs_as_expected(
    pattern: Pattern, run: Mapping[str, Any], target: Target
) -> None:
    assert differences(run["expect"], ran(pattern, run, target)) == []


@pytest.mark.parametrize(("pattern", "run"), RUNS)
def test_both_targets_take_the_same_steps(pattern: Pattern, run: Mapping[str, Any]) -> None:
    interpreted, generated = (ran(pattern, run, target) for target in TARGETS)
    assert interpreted == generated


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--snapshot-update"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
