"""The contract between compiler and runtime: definitions, JSON Schemas of designs, errors.

The names that are exported here are public. All modules of the package are internal.
"""

from typing import TYPE_CHECKING

from proflow_schemas.errors import ProFlowError
from proflow_schemas.lazy import exporting

if TYPE_CHECKING:
    from proflow_schemas.definition import FORMAT, Definition, UnknownFormatError
    from proflow_schemas.published import definition_schema, design_schema

__all__ = [
    "FORMAT",
    "Definition",
    "ProFlowError",
    "UnknownFormatError",
    "definition_schema",
    "design_schema",
]

__getattr__ = exporting(
    __name__,
    {
        "FORMAT": "definition",
        "Definition": "definition",
        "UnknownFormatError": "definition",
        "definition_schema": "published",
        "design_schema": "published",
    },
)
