"""The published schemas are fresh, valid, and agree with the models and the reader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from proflow_compiler.reader import read
from proflow_compiler.reader.validate import explain, validator
from proflow_schemas.configs import Config
from proflow_schemas.definition import Canvas, Definition, EndOp, EventTrigger, TaskOp
from proflow_schemas.node_types import NODE_TYPES
from proflow_schemas.published import (
    DIRECTORY,
    definition_schema,
    design_schema,
    model_schema,
    published,
)
from proflow_schemas.settings import Settings
from pydantic import ValidationError

FIXTURES = Path(__file__).parents[2] / "fixtures"
MODELS = sorted(
    {Settings, *(kind.config for kind in NODE_TYPES.values())}, key=lambda m: m.__name__
)
DESIGN = Draft202012Validator(design_schema())


@pytest.mark.parametrize("name", sorted(published()))
def test_the_committed_files_are_fresh(name: str) -> None:
    fresh = published()[name]
    assert (DIRECTORY / name).read_text(encoding="utf-8") == fresh, (
        "run `python -m proflow_schemas.published`"
    )
    Draft202012Validator.check_schema(json.loads(fresh))


def accepts(model: type[Config], value: Any) -> bool:
    try:
        model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


SCALARS = [
    None,
    True,
    False,
    0,
    1,
    2.0,
    2.5,
    -1,
    21,
    101,
    "",
    "x",
    "24h",
    "any",
    "AND",
    "true",
    "3",
]


def values(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values near what a schema allows, right and wrong."""
    wrong = st.sampled_from(SCALARS) | st.just([]) | st.just({}) | st.just(["x"]) | st.just([[1]])
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return st.one_of(wrong, *(values(one, root) for one in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | wrong
    if schema.get("type") == "array":
        return st.lists(values(schema.get("items", {}), root), max_size=3) | wrong
    if schema.get("type") == "object" and "properties" in schema:
        required = schema.get("required", [])
        fields = {key: values(one, root) for key, one in schema["properties"].items()}
        known = st.fixed_dictionaries(
            {key: one for key, one in fields.items() if key in required},
            optional={key: one for key, one in fields.items() if key not in required},
        )
        unknown = st.dictionaries(
            st.sampled_from(["colour", *fields, "approver_ids"]), wrong, max_size=2
        )
        return known | st.tuples(known, unknown).map(lambda two: {**two[0], **two[1]}) | wrong
    if isinstance(inner := schema.get("additionalProperties"), dict):
        return st.dictionaries(st.text(max_size=3), values(inner, root), max_size=3) | wrong
    if schema.get("type") == "string":
        return st.just("some text") | wrong
    return wrong | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("model", MODELS)
def test_models_and_schemas_accept_the_same(model: type[Config]) -> None:
    schema = model_schema(model)
    seen = {True: 0, False: 0}

    @given(values(schema, schema))
    @settings(
        max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    def agree(value: Any) -> None:
        accepted = accepts(model, value)
        seen[accepted] += 1
        assert accepted == validator(model).is_valid(value)
        assert accepted == (not list(explain(model, value)))

    agree()
    assert min(seen.values()) >= 3


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("designs/*/design.json")), ids=str)
def test_the_schema_accepts_the_canonical_designs(path: Path) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    canonical = isinstance(value, dict) and isinstance(value.get("nodes"), list)
    assert DESIGN.is_valid(value) == canonical


CONFIGS = {
    name: values(model_schema(kind.config), model_schema(kind.config))
    for name, kind in NODE_TYPES.items()
}


@st.composite
def designs(draw: st.DrawFn) -> Any:
    """Designs of one node, its config in any of the four places."""
    kind = draw(st.sampled_from(sorted(NODE_TYPES)))
    config = draw(CONFIGS[kind])
    place = draw(st.sampled_from(["config", "data.config", "data.content"]))
    node: dict[str, Any] = {"id": draw(st.sampled_from(["a", 1, "", None, True])), "type": kind}
    if draw(st.integers(0, 4)) == 0:
        node["type"] = draw(st.sampled_from(["tsk", "审批", None, 3]))
    if place == "config":
        node["config"] = config
    else:
        node["data"] = {place.removeprefix("data."): config}
    return {"nodes": [node]}


@given(designs())
@settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
def test_the_schema_and_the_reader_agree_on_nodes(value: Any) -> None:
    found = read(json.dumps(value).encode(), "x.json")
    refused = any(one.code in ("PF101", "PF102") for one in found.diagnostics)
    assert DESIGN.is_valid(value) != refused, found.diagnostics


def test_the_definition_schema_accepts_what_definitions_are_written_as() -> None:
    definition = Definition(
        id="x",
        name="X",
        triggers=[EventTrigger(event="x/start")],
        canvas=Canvas(nodes=[], edges=[]),
        steps=[TaskOp(id="a", node="a", handler="work"), EndOp(id="end", node="end")],
    ).with_digest()
    value = json.loads(definition.to_json())
    schema = Draft202012Validator(definition_schema())
    assert schema.is_valid(value)
    assert not schema.is_valid({**value, "format": "proflow/definition@1"})
    assert not schema.is_valid({key: one for key, one in value.items() if key != "format"})
    value["steps"][0]["fn"] = "task"
    assert not schema.is_valid(value)
