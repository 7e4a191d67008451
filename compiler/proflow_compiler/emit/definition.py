"""A definition as the file that the interpreter reads."""

from proflow_schemas.definition import Definition


def emit_definition(definition: Definition) -> str:
    """The text of `<id>.definition.json`."""
    return definition.to_json()
