"""`proflow diff`: compares two versions of a design, and says which runs survive the change."""

import sys
from typing import Annotated, Literal

import typer
from proflow_schemas.language import said

from proflow_compiler.commands.terminal import Handlers, Lang, echo, is_colored, language


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The design that runs now.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The one that would replace it.")],
    handlers: Handlers = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to report it.")] = "text",
    lang: Lang = None,
) -> None:
    """Compare two versions of a design, and say which runs in flight survive the change."""
    import json

    from proflow_compiler.commands.loading import compiled_design, handler_types
    from proflow_compiler.diff import compare, comparison_json, comparison_text

    types = handler_types(handlers)
    found = compare(compiled_design(old, types=types), compiled_design(new, types=types))
    if format == "json":
        report = said(comparison_json(found, old, new), language())
        echo(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    else:
        echo(comparison_text(found, color=is_colored(sys.stdout), language=language()))
    raise typer.Exit(0 if found.ok else 1)
