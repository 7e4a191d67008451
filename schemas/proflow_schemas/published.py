"""The published JSON Schemas (draft 2020-12), derived from the models.

`design.schema.json` describes the canonical shapes of a design for editors (`"$schema"`), and
`definition.schema.json` what a design compiles to. `python -m proflow_schemas.published` writes
both beside this module.
"""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DIRECTORY = Path(__file__).parent
FILES = {"design": "design.schema.json", "definition": "definition.schema.json"}


@cache
def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of one model; what it accepts, the model accepts, and the other way round."""
    schema = model.model_json_schema(mode="validation", by_alias=True)
    _drop_titles(schema)
    return schema


def _drop_titles(schema: Any) -> None:
    """Titles only repeat the keys."""
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if isinstance(part.get("title"), str):
                del part["title"]
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
