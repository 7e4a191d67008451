"""Internal: JSON Schemas that users write into designs: what is accepted, and how values are held against them."""

from proflow_schemas.json_schemas.checking import SchemaProblem, schema_problems
from proflow_schemas.json_schemas.patterns import PatternError, matches
from proflow_schemas.json_schemas.validation import SchemaRefusedError, schema_errors

__all__ = [
    "PatternError",
    "SchemaProblem",
    "SchemaRefusedError",
    "matches",
    "schema_errors",
    "schema_problems",
]
