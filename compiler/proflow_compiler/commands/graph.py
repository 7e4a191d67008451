"""`proflow graph`: draws a design as Mermaid, DOT or SVG."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from proflow_compiler.commands.terminal import Handlers, echo, note, usage


def graph(
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="A design; `PATH#CODE` selects one of several rows."),
    ],
    format: Annotated[
        Literal["mermaid", "dot", "svg"], typer.Option(help="What to draw it as.")
    ] = "mermaid",
    run: Annotated[
        Path | None,
        typer.Option(metavar="RUN.json", help="A run, to colour the nodes by their status."),
    ] = None,
    handlers: Handlers = None,
) -> None:
    """Draw a design, optionally with the state of each node in a run. If the design has an error
    that a path shows, the path is highlighted.
    """
    from proflow_compiler import drawing
    from proflow_compiler.commands.loading import handler_types, one_design, refutation

    design = one_design(path, types=handler_types(handlers))
    states = None
    if run is not None:
        try:
            states = drawing.run_states(_json_of(run))
        except drawing.StatesError as error:
            usage(f"--run: `{run}` is not a run: {error}")
        if states.workflow is not None and states.workflow != design.id:
            usage(f"--run: it is a run of `{states.workflow}`, not of `{design.id}`")
        for name in sorted(states.nodes.keys() - design.nodes.keys()):
            note(f"the run has a node `{name}`, which is not in the design")
    draw = {"mermaid": drawing.mermaid, "dot": drawing.dot, "svg": drawing.svg}[format]
    refuted = refutation(design)
    if refuted is not None:
        note(f"{refuted.code}: {refuted.message}: the path is highlighted")
    echo(draw(drawing.figure(design, states, refuted.path if refuted else ())))


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        usage(f"--run: cannot read `{path}`: {(error.strerror or str(error)).lower()}")
    except (ValueError, RecursionError):
        usage(f"--run: `{path}` is not JSON")
