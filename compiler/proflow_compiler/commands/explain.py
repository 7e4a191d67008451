"""`proflow explain`: explains a rule or a node type."""

from typing import Annotated

import typer

from proflow_compiler.commands.terminal import Handlers, Lang, echo, language, usage


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="A code such as PF304, the name of a rule, or a node type; without it, all rules.",
        ),
    ] = None,
    handlers: Handlers = None,
    lang: Lang = None,
) -> None:
    """Explain what a diagnostic means and how to fix it, or what a node type does."""
    from proflow_compiler.commands.loading import handler_types
    from proflow_compiler.explain import UnknownRuleError, index
    from proflow_compiler.explain import explain as explained
    from proflow_compiler.explain.node_pages import page

    if code is None:
        echo(index(language()))
        return
    if (kind := handler_types(handlers).get(code)) is not None:
        echo(page(kind, language()))
        return
    try:
        echo(explained(code, language()))
    except UnknownRuleError as error:
        usage(str(error))
