"""Writes a definition as the JSON file that the interpreter reads."""

from proflow_schemas.definition import Definition


def emit_definition(definition: Definition) -> str:
    """Return the text of `<id>.definition.json`."""
    return definition.to_json()
