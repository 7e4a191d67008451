"""The compiler's part of the `proflow` command, and the only module of the compiler that prints.

Exit codes: 0 fine, 1 problems found, 2 usage, 70 a defect of this program, 130 interrupted. Heavy imports are made inside the
commands, so that `--help` answers at once.
"""

import functools
import keyword
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, ParamSpec, TextIO, TypeVar

import typer

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    help="Checks workflows drawn in ProFlow, compiles them for Inngest, and runs them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def echo(text: str) -> None:
    """Print a finished text as it is; a closed pipe ends the command quietly."""
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes again at exit; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def is_colored(stream: TextIO) -> bool:
    """Whether colours are wanted: on a terminal only, and not if the environment says no."""
    dumb = os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR")
    return stream.isatty() and not dumb


def note(message: str) -> None:
    """Say something on the side."""
    typer.echo(f"note: {safe(message)}", err=True)


def refuse(message: str) -> NoReturn:
    """End with a problem: exit code 1."""
    typer.echo(f"error: {safe(message)}", err=True)
    raise typer.Exit(1)


def usage(message: str) -> NoReturn:
    """End with a mistake in how the command was called: exit code 2."""
    typer.echo(f"error: {safe(message)}", err=True)
    raise typer.Exit(2)


def safe(message: str) -> str:
    """One line that cannot steer a terminal."""
    from proflow_compiler.excerpt import visible

    return visible(" ".join(message.split("\n")))


def call(command: Callable[[], object]) -> None:
    """Run the command; whatever happens, a person reads a line and no traceback.

    `PROFLOW_TRACEBACK=1` shows the traceback of a defect.
    """
    # Closed by the caller: what is written goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        command()
    except OSError as error:
        typer.echo(f"error: {safe(error.strerror or str(error)).lower()}", err=True)
        raise SystemExit(1) from None
    except Exception as error:
        if os.environ.get("PROFLOW_TRACEBACK"):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{os.path.basename(where.filename)}:{where.lineno}"
        shown = safe(f"{type(error).__name__}: {error}")
        typer.echo(f"error: a defect of proflow at {at}: {shown}", err=True)
        raise SystemExit(70) from None


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Ctrl-C ends a command with one line and exit code 130."""

    @functools.wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None

    return inner


Report = Literal["text", "json", "sarif", "github"]
Handlers = Annotated[
    str | None, typer.Option(metavar="MODULE", help="The module that holds the handlers.")
]
Timezone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE",
        envvar="PROFLOW_TIMEZONE",
        help="That of designs which name none, such as Asia/Shanghai; runs take UTC without.",
    ),
]


def check_timezone(name: str | None) -> None:
    """End the command for a time zone that does not exist."""
    from proflow_schemas.times import closest_timezone, is_timezone

    from proflow_compiler.problems import meant

    if name is None or is_timezone(name):
        return
    help = meant(closest_timezone(name))
    usage(f"--timezone: there is no time zone `{name[:60]}`" + (f"; {help}" if help else ""))


@app.command()
@guarded
def compile(
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files or folders.")],
    target: Annotated[
        Literal["python", "definition"], typer.Option(help="What to make of them.")
    ] = "python",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where to write.")
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="The Inngest client that modules import."),
    ] = None,
    handlers: Handlers = None,
    timezone: Timezone = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if what is there is stale.")
    ] = False,
) -> None:
    """Write designs as Python modules, or as definitions."""
    from collections import Counter

    from proflow_compiler.emit import HANDLERS, Imports, emit, emit_definition, emit_module
    from proflow_compiler.loading import (
        compile_all,
        handler_signatures,
        stop_at_errors,
        uses_unknown_types,
    )
    from proflow_compiler.writing import stale, write_files

    if client is not None and not _is_name(client, with_attribute=True):
        usage(f"--client: `{client}` is not MODULE:NAME")
    if handlers is not None and not _is_name(handlers):
        usage(f"--handlers: `{handlers}` is not the name of a module")
    if check_only and output is None:
        usage("--check: name the directory to compare with by -o")
    check_timezone(timezone)
    compilations = compile_all(paths, timezone=timezone)
    if handlers is not None and uses_unknown_types(compilations):
        # Else the module need not be there where modules are generated.
        known = handler_signatures(handlers)
        compilations = compile_all(paths, handlers=known, timezone=timezone)
    stop_at_errors(compilations, show_warnings=True)
    definitions = [definition for one in compilations for definition in one.definitions]
    for one, count in Counter(definition.id for definition in definitions).items():
        if count > 1:
            refuse(f"{count} designs have the id `{one}`, and functions need ids of their own")
    imports = Imports(handlers=handlers) if client is None else Imports(client, handlers)
    if output is None:
        if len(definitions) != 1:
            usage(f"{len(definitions)} designs do not fit on stdout: name a directory by -o")
        if target == "python":
            echo(emit_module(definitions[0], imports))
        else:
            echo(emit_definition(definitions[0]))
        return
    if target == "python":
        files = emit(definitions, imports)
    else:
        files = {f"{one.id}.definition.json": emit_definition(one) for one in definitions}
    if (output / HANDLERS).exists():
        files.pop(HANDLERS, None)
    try:
        if check_only:
            if found := stale(output, files):
                refuse("not up to date: " + ", ".join(f"`{output / name}`" for name in found))
            return
        write_files(output, files)
    except OSError as error:
        refuse(f"cannot write below `{output}`: {(error.strerror or str(error)).lower()}")
    for name in files:
        note(f"wrote `{output / name}`")


@app.command()
@guarded
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The design that runs now.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The one that would replace it.")],
    handlers: Handlers = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to tell it.")] = "text",
) -> None:
    """Tell what changed between two designs, and which runs in flight survive it."""
    import json

    from proflow_compiler.diff import compare, comparison_json, comparison_text
    from proflow_compiler.loading import compiled_design, handler_types

    types = handler_types(handlers)
    found = compare(compiled_design(old, types=types), compiled_design(new, types=types))
    if format == "json":
        told = comparison_json(found, old, new)
        echo(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        echo(comparison_text(found, color=is_colored(sys.stdout)))
    raise typer.Exit(0 if found.ok else 1)


@app.command()
@guarded
def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="A code such as PF304, the name of a rule, or a node type; all rules without.",
        ),
    ] = None,
    handlers: Handlers = None,
) -> None:
    """Tell what a diagnostic means and how to fix it, or what a node type does."""
    from proflow_compiler.explain import UnknownRuleError, index
    from proflow_compiler.explain import explain as explained
    from proflow_compiler.loading import handler_types
    from proflow_compiler.node_pages import page

    if code is None:
        echo(index())
        return
    if (kind := handler_types(handlers).get(code)) is not None:
        echo(page(kind))
        return
    try:
        echo(explained(code))
    except UnknownRuleError as error:
        usage(str(error))


@app.command()
@guarded
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

    from proflow_compiler.loading import handler_types

    made = design_schema(handler_types(handlers)) if kind == "design" else definition_schema()
    echo(json.dumps(made, ensure_ascii=False, indent=2) + "\n")


@app.command()
@guarded
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
    """Draw a design, if you like with what became of it in a run; of an unsound one the path that
    shows why is highlighted.
    """
    from proflow_compiler import drawing
    from proflow_compiler.loading import handler_types, one_design, refutation

    design = one_design(path, types=handler_types(handlers))
    states = None
    if run is not None:
        try:
            states = drawing.run_states(_json_of(run))
        except drawing.StatesError as error:
            usage(f"--run: `{run}` is no run: {error}")
        if states.workflow is not None and states.workflow != design.id:
            usage(f"--run: it is a run of `{states.workflow}`, not of `{design.id}`")
        for name in sorted(states.nodes.keys() - design.nodes.keys()):
            note(f"the run has a node `{name}`, which the design has not")
    draw = {"mermaid": drawing.mermaid, "dot": drawing.dot, "svg": drawing.svg}[format]
    refuted = refutation(design)
    if refuted is not None:
        note(f"{refuted.code}: {refuted.message}: the path is highlighted")
    echo(draw(drawing.figure(design, states, refuted.path if refuted else ())))


@app.command()
@guarded
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write; made if it is missing.")
    ] = Path(),
) -> None:
    """Write a starter: a design, its handlers, an app, and tests that pass."""
    from proflow_compiler.starter import starter
    from proflow_compiler.writing import write_files

    files = starter()
    try:
        if there := [name for name in files if os.path.lexists(folder / name)]:
            listed = ", ".join(f"`{folder / name}`" for name in there)
            refuse(f"nothing was written, because it would overwrite {listed}")
        write_files(folder, files)
    except OSError as error:
        refuse(f"cannot write below `{folder}`: {(error.strerror or str(error)).lower()}")
    for name in files:
        note(f"wrote `{folder / name}`")
    note(f"`{folder / 'README.md'}` says what to do next")


def _json_of(path: Path) -> Any:
    import json

    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        usage(f"--run: cannot read `{path}`: {(error.strerror or str(error)).lower()}")
    except (ValueError, RecursionError):
        usage(f"--run: `{path}` is not JSON")


def _is_name(text: str, *, with_attribute: bool = False) -> bool:
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *([name] if with_attribute else [])]
    return bool(colon) == with_attribute and all(
        part.isidentifier() and not keyword.iskeyword(part) for part in parts
    )
