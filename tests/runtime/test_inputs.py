"""Data that starts a run, against the schema of a design."""

import pytest
from proflow_runtime.programs.inputs import violations

CLOSED = {
    "type": "object",
    "properties": {"amount": {"type": "number"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({"amount": 1, "tenant_id": 1, "initiator_id": "li"}, []),
        ({"amount": "1", "tenant_id": 1}, ["/amount"]),
        ({"amount": 1, "tenant_id": 1, "amuont": 1}, [""]),
    ],
)
def test_a_closed_schema_need_not_declare_what_every_run_has(data, pointers):
    assert [one.pointer for one in violations(data, CLOSED)] == pointers


def test_a_schema_may_ask_for_what_every_run_has():
    schema = {**CLOSED, "additionalProperties": True, "required": ["initiator_id"]}
    assert violations({"tenant_id": 1, "initiator_id": 7}, schema) == []
    assert len(violations({"tenant_id": 1}, schema)) == 1
