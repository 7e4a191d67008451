"""`proflow graph`: draws a design as Mermaid, DOT or SVG."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from proflow_schemas.language import Text, Texts
from proflow_schemas.language.system_errors import reason

from proflow_compiler.commands.terminal import Handlers, echo, note, usage

TEXTS = Texts(
    "graph",
    {
        "not-a-run": Text(
            "--run: `{run:raw}` is not a run: {error:raw}",
            "--run：`{run:raw}` 不是运行结果：{error:raw}",
        ),
        "other-design": Text(
            "--run: it is a run of `{workflow:raw}`, not of `{design:raw}`",
            "--run：这是 `{workflow:raw}` 的运行，不是 `{design:raw}` 的",
        ),
        "other-node": Text(
            "the run has a node `{name:raw}`, which is not in the design",
            "运行中的节点 `{name:raw}` 不在设计中",
        ),
        "highlighted": Text(
            "{code:raw}: {message:raw}: the path is highlighted",
            "{code:raw}：{message:raw}：已标出路径",
        ),
        "cannot-read": Text(
            "--run: cannot read `{path:raw}`: {reason:raw}",
            "--run：无法读取 `{path:raw}`：{reason:raw}",
        ),
        "not-json": Text("--run: `{path:raw}` is not JSON", "--run：`{path:raw}` 不是 JSON"),
    },
)


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
            usage(TEXTS("not-a-run", run=run, error=error))
        if states.workflow is not None and states.workflow != design.id:
            usage(TEXTS("other-design", workflow=states.workflow, design=design.id))
        for name in sorted(states.nodes.keys() - design.nodes.keys()):
            note(TEXTS("other-node", name=name))
    draw = {"mermaid": drawing.mermaid, "dot": drawing.dot, "svg": drawing.svg}[format]
    refuted = refutation(design)
    if refuted is not None:
        note(TEXTS("highlighted", code=refuted.code, message=refuted.message))
    echo(draw(drawing.figure(design, states, refuted.path if refuted else ())))


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        usage(TEXTS("cannot-read", path=path, reason=reason(error)))
    except (ValueError, RecursionError):
        usage(TEXTS("not-json", path=path))
