"""Definitions of another format are refused by its name."""

import json

import pytest
from proflow_schemas.definition import Definition, UnknownFormatError, is_older
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("format", "older"),
    [
        ("proflow/definition@1", True),
        ("proflow/definition@2", False),
        ("proflow/definition@3", False),
        ("proflow/definition@0", False),
        ("proflow/definition@01x", False),
        ("", False),
    ],
)
def test_older_formats_are_told_from_newer_and_foreign_ones(format: str, older: bool) -> None:
    assert is_older(format) is older


@pytest.mark.parametrize("format", ["proflow/definition@1", "proflow/definition@3", "other"])
def test_a_definition_of_another_format_is_refused_by_name(format: str) -> None:
    value = {"format": format, "id": "leave", "steps": [{"fn": "unheard-of"}]}
    for read in (
        lambda: Definition.model_validate(value),
        lambda: Definition.model_validate_json(json.dumps(value)),
    ):
        with pytest.raises(UnknownFormatError) as raised:
            read()
        assert str(raised.value) == (
            f"the definition of `leave` has the format `{format}`;"
            " this version of ProFlow reads `proflow/definition@2` only"
        )
        assert (raised.value.format, raised.value.workflow) == (format, "leave")


def test_a_format_that_is_no_text_is_a_mistake_like_any_other() -> None:
    with pytest.raises(ValidationError):
        Definition.model_validate({"format": 2})


def test_a_definition_that_names_its_doubles_is_read_without_them() -> None:
    canvas = {"nodes": [], "edges": []}
    trigger = {"event": "leave/start"}
    value = {"id": "leave", "name": "Leave", "triggers": [trigger], "canvas": canvas, "steps": []}
    plain = Definition.model_validate(value)
    for read in (
        lambda: Definition.model_validate({**value, "doubles": ["amount"]}),
        lambda: Definition.model_validate_json(json.dumps({**value, "doubles": ["amount"]})),
    ):
        assert read() == plain
        assert "doubles" not in read().to_json()
