"""The published JSON Schemas (draft 2020-12), derived from the models.

`design.schema.json` describes the canonical shapes of a design, for text editors (`"$schema"`).
`definition.schema.json` describes what a design is compiled to. `python -m proflow_schemas.published`
writes both next to this module.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from proflow_schemas.configs import Config
from proflow_schemas.definition import Definition
from proflow_schemas.node_types import BUILT_IN_TYPES, NodeType, NodeTypes
from proflow_schemas.settings import Settings

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DIRECTORY = Path(__file__).parent
MAX_ID = 200
"""The most characters of a node's id."""
FILES = {"design": "design.schema.json", "definition": "definition.schema.json"}


@cache
def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model; both accept the same values."""
    schema = model.model_json_schema(mode="validation", by_alias=True)
    _drop_titles(schema)
    return schema


def _drop_titles(schema: Any) -> None:
    """Remove the titles, which only repeat the keys."""
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if isinstance(part.get("title"), str):
                del part["title"]
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def definition_schema() -> dict[str, Any]:
    """Return the JSON Schema of a definition, which is what a design is compiled to."""
    schema = model_schema(Definition)
    return {
        "$schema": DRAFT,
        "$id": "urn:proflow:schema:definition:1",
        "title": "ProFlow definition",
        **schema,
        "required": ["format", *schema["required"]],
    }


def design_schema(types: NodeTypes = BUILT_IN_TYPES) -> dict[str, Any]:
    """Return the JSON Schema of a design in its canonical shapes: that of the guide, and React Flow's.

    Further keys of a host's canvas are allowed, except inside of `config`.

    Args:
        types: The node types that designs may use.
    """
    settings = model_schema(Settings)
    definitions: dict[str, Any] = dict(settings.get("$defs", {}))
    for kind in types.all.values():
        definitions.update(_node_definitions(kind))
    return {
        "$schema": DRAFT,
        "$id": "urn:proflow:schema:design:1",
        "title": "ProFlow design",
        "description": "a workflow drawn in a ProFlow canvas",
        "type": "object",
        "required": ["nodes"],
        "properties": {
            "$schema": {"type": "string"},
            "nodes": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/node"}},
            "edges": {"type": ["array", "null"], "items": {"$ref": "#/$defs/edge"}},
            "viewport": True,
            **{name: _or_null(schema) for name, schema in settings["properties"].items()},
            "id": {"anyOf": [{"$ref": "#/$defs/id"}, {"type": "null"}]},
        },
        "not": settings["not"],
        "$defs": {
            **definitions,
            "id": {"type": ["string", "integer"], "minLength": 1, "maxLength": MAX_ID},
            "node": _node_schema(types),
            "edge": _EDGE,
        },
    }


_EDGE: dict[str, Any] = {
    "type": "object",
    "required": ["source", "target"],
    "properties": {
        "source": {"$ref": "#/$defs/id"},
        "target": {"$ref": "#/$defs/id"},
        "sourceHandle": {
            "type": ["string", "integer", "null"],
            "description": "the outcome of the source that the edge leaves by",
        },
        "data": {
            "type": ["object", "null"],
            "properties": {
                "when": {
                    "type": ["string", "null"],
                    "pattern": "\\S",
                    "format": "cel",
                    "description": "the rule: a CEL expression",
                },
                "condition": {
                    "type": ["object", "array", "null"],
                    "description": "the rule: `{field, operator, value}`, or groups of them",
                },
                "default": {"type": ["boolean", "null"]},
                "priority": {"type": ["number", "null"]},
                "loop": {
                    "description": "the edge leads back, and a run takes it at most `max` times",
                    "anyOf": [
                        {
                            "type": "object",
                            "required": ["max"],
                            "properties": {"max": {"type": "integer", "minimum": 1}},
                        },
                        {"enum": [None, False]},
                    ],
                },
            },
            "not": {
                "required": ["when", "condition"],
                "properties": {
                    "when": {"type": "string"},
                    "condition": {"type": ["object", "array"]},
                },
            },
        },
    },
    "not": {
        "anyOf": [
            {"required": [key]} for key in ("when", "condition", "default", "priority", "loop")
        ]
    },
}


def edge_data_schema() -> dict[str, Any]:
    """Return the JSON Schemas of the keys of an edge's `data`."""
    properties: dict[str, Any] = _EDGE["properties"]["data"]["properties"]
    return properties


def _node_schema(types: NodeTypes) -> dict[str, Any]:
    spellings = {kind.name: [kind.name, *kind.aliases] for kind in types.all.values()}
    known = [spelling for names in spellings.values() for spelling in names]
    drawn_only = ["note", "comment", "sticky", "annotation", "group"]
    return {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"$ref": "#/$defs/id"},
            "type": {"description": "what the node does", "examples": list(spellings)},
            "label": {"description": "the name that people read"},
            "parentId": {
                "type": ["string", "integer", "null"],
                "description": "the `foreach` or `loop` that the node is inside of, or a group",
            },
            "data": {
                "type": ["object", "null"],
                "properties": {"config": {"type": ["object", "null"]}},
            },
            "config": {"type": ["object", "null"], "description": "the config of the type"},
        },
        "anyOf": [
            _typed({"enum": [*known, *drawn_only]}),
            _in_data(_typed({"enum": known})),
            _in_data({"required": ["name"], "properties": {"name": {"enum": known}}}),
        ],
        "allOf": [
            {"if": _typed({"enum": names}), "then": {"$ref": f"#/$defs/node-{name}"}}
            for name, names in spellings.items()
        ],
    }


def _node_definitions(kind: NodeType) -> dict[str, Any]:
    """Return the schemas of a type: its config alone, its config among the keys of a host, and the node
    with the places where its config may be."""
    model: type[Config] = kind.config
    schema = dict(model_schema(model))
    definitions: dict[str, Any] = dict(schema.pop("$defs", {}))
    name = model.__name__
    properties: dict[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    bare = {key: value for key, value in schema.items() if key != "additionalProperties"}
    bare["properties"] = {
        key: value if key in required else _or_null(value) for key, value in properties.items()
    }
    definitions[f"{name}Config"] = schema
    definitions[f"{name}Data"] = bare
    content: dict[str, Any] = _holds("content")
    others = [key for key in properties if key != "content"]
    if "content" in properties and others:
        content["not"] = {"anyOf": [{"required": [key]} for key in others]}
    config = {"$ref": f"#/$defs/{name}Config"}
    definitions[f"node-{kind.name}"] = {
        "if": _holds("config"),
        "then": {"properties": {"config": config}},
        "else": {
            "if": _in_data(_holds("config")),
            "then": {"properties": {"data": {"properties": {"config": config}}}},
            "else": {
                "if": _in_data(content),
                "then": {"properties": {"data": {"properties": {"content": config}}}},
                "else": {
                    **({"required": ["data"]} if required else {}),
                    "properties": {
                        "data": {
                            "if": {"type": "object"},
                            "then": {"$ref": f"#/$defs/{name}Data"},
                            "else": not required,
                        }
                    },
                },
            },
        },
    }
    return definitions


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": ["type"], "properties": {"type": schema}}


def _in_data(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": ["data"], "properties": {"data": {"type": "object", **schema}}}


def _holds(key: str) -> dict[str, Any]:
    return {"required": [key], "properties": {key: {"type": "object", "minProperties": 1}}}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def published() -> dict[str, str]:
    """Return the text of each published schema, by file name."""
    schemas = {"design": design_schema(), "definition": definition_schema()}
    return {
        FILES[name]: json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        for name, schema in schemas.items()
    }


def main() -> None:
    """Write the published schemas next to this module."""
    for name, text in published().items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
