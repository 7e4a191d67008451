"""Whether a run may go on with a definition that was compiled again."""

import copy
import json
from typing import Any

import pytest
from fixtures.test_snapshots import definitions
from proflow_runtime.dispatch.outdated import is_same_program


def bodies() -> dict[str, dict[str, Any]]:
    return {name: json.loads(one.to_json()) for name, one in definitions().items()}


def shuffled(value: Any) -> Any:
    """With the lists turned around whose order decides nothing."""
    if isinstance(value, list):
        return [shuffled(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: shuffled(one) for key, one in value.items()}
    for key in {"arms", "cases", "tasks", "after"} & found.keys():
        if isinstance(found[key], list):  # reminders have an `after`, too
            found[key] = found[key][::-1]
    return found


@pytest.mark.parametrize("name", sorted(definitions()))
def test_labels_formats_and_orders_without_meaning_make_no_other_program(name: str) -> None:
    body = bodies()[name]
    other = {**shuffled(body), "format": "proflow/definition@1", "digest": "", "name": "other"}
    assert is_same_program(body, other)


@pytest.mark.parametrize("name", sorted(definitions()))
def test_another_step_makes_another_program(name: str) -> None:
    body = bodies()[name]
    other = copy.deepcopy(body)
    other["steps"].insert(0, {"fn": "sleep-step", "id": "new", "node": "new", "seconds": 1})
    assert not is_same_program(body, other)


def test_what_a_handler_is_given_keeps_its_order() -> None:
    op = {"fn": "task-step", "id": "a", "node": "a", "handler": "h"}
    one = {"steps": [{**op, "input": {"cases": [{"steps": 1}, {"steps": 2}]}}]}
    other = {"steps": [{**op, "input": {"cases": [{"steps": 2}, {"steps": 1}]}}]}
    assert not is_same_program(one, other)
