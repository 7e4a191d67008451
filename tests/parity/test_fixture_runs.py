"""Every outcome of every fixture, with both targets: as expected, and the same."""

from functools import cache
from typing import Any

import pytest
from fixtures.cases import Case, cases, differences
from parity.playing import TARGETS, Target, compiled, play


@cache
def ran(case_name: str, target: Target) -> dict[str, Any]:
    case = BY_NAME[case_name]
    children = [compiled(path) for path in case.children]
    return play(compiled(case.location), target, **case.world, children=children)


BY_NAME = {str(case): case for case in cases()}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_fixture_runs_as_expected(case: Case, target: Target) -> None:
    assert differences(case.expect, ran(str(case), target)) == []


@pytest.mark.parametrize("case", cases(), ids=str)
def test_both_targets_take_the_same_steps_at_the_same_times(case: Case) -> None:
    interpreted, generated = (ran(str(case), target) for target in TARGETS)
    assert interpreted == generated
