"""`proflow schema`: prints the published JSON Schemas."""

from typing import Annotated, Literal

import typer

from proflow_compiler.commands.terminal import Handlers, echo


def schema(
    kind: Annotated[
        Literal["design", "definition"],
        typer.Argument(metavar="design|definition", help="Which one."),
    ],
    handlers: Handlers = None,
) -> None:
    """Print the JSON Schema of designs or of definitions."""
    import json

    from proflow_schemas.published import definition_schema, design_schema

    if kind == "definition":
        published = definition_schema()
    elif handlers is None:
        published = design_schema()
    else:
        from proflow_compiler.commands.loading import handler_types

        published = design_schema(handler_types(handlers))
    echo(json.dumps(published, ensure_ascii=False, indent=2) + "\n")
