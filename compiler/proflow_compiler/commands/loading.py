"""Turns the arguments of a command into compiled designs, or ends the command with an error."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer
from proflow_schemas.definition import Definition
from proflow_schemas.handlers import (
    Handlers,
    HandlersModule,
    handlers_module,
    signatures,
    types_among,
)
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes
from proflow_schemas.signatures import HandlerError

from proflow_compiler.commands.inputs import Inputs, read_inputs
from proflow_compiler.commands.terminal import is_colored, language, note, refuse, usage
from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Level, has_errors
from proflow_compiler.diagnostics.rendering import FileReport, render_files
from proflow_compiler.graph import build_graph
from proflow_compiler.pipeline import (
    Compilation,
    calls_among,
    compile_reading,
    garbage_collection_paused,
)
from proflow_compiler.reader import read_file
from proflow_compiler.rules import run_checks

if TYPE_CHECKING:
    from proflow_compiler.commands.fixing_files import FixedFiles
TEXTS = Texts(
    "loading",
    {
        "no-module": Text(
            "--handlers: there is no module `{name:raw}`{meant:raw}",
            "--handlers：模块 `{name:raw}` 不存在{meant:raw}",
        ),
        "meant": Text("; did you mean `{name:raw}`?", "；是否想写 `{name:raw}`？"),
        "handlers": Text("--handlers: {message:raw}", "--handlers：{message:raw}"),
        "skipped": Text("`{path:raw}` is not a design: skipped", "`{path:raw}` 不是设计，已跳过"),
        "none-below": Text("there is no design below `{path:raw}`", "`{path:raw}` 下没有设计"),
        "folder": Text(
            "`{path:raw}` is a folder: name one design",
            "`{path:raw}` 是文件夹：请指定一个设计",
        ),
        "several": Text(
            "`{path:raw}` holds several designs: name one of {names:raw}",
            "`{path:raw}` 包含多个设计：请从 {names:raw} 中指定一个",
        ),
        "cannot-import": Text(
            "--handlers: `{name:raw}` cannot be imported: {type:raw}: {error:raw}",
            "--handlers：无法导入 `{name:raw}`：{type:raw}: {error:raw}",
        ),
    },
)

UNKNOWN_TYPE = "PF102"


def compile_all(
    paths: Sequence[str],
    *,
    handlers: Handlers | None = None,
    stored: bool = False,
    timezone: str | None = None,
) -> list[Compilation]:
    """Compile files, and the designs within folders.

    Args:
        paths: Files and folders.
        handlers: The handlers of the host; None if they are not known.
        stored: True if the designs will be stored in the database.
        timezone: The time zone of designs that name none; None if it is not known.
    """
    with garbage_collection_paused():
        inputs = inputs_of(paths, types_among(handlers))
        calls = calls_among(inputs.readings)
        return [
            compile_reading(
                one,
                handlers=handlers,
                calls=calls,
                stored=stored,
                timezone=timezone,
                lacks={} if stored else None,
            )
            for one in inputs.readings
        ]


def fix_all(
    paths: Sequence[str],
    *,
    handlers: Handlers | None = None,
    stored: bool = False,
    unsafe: bool = False,
    timezone: str | None = None,
) -> "FixedFiles":
    """Fix files, and the designs within folders, in memory; see `fix_readings`."""
    from proflow_compiler.commands.fixing_files import fix_readings

    with garbage_collection_paused():
        readings = inputs_of(paths, types_among(handlers)).readings
        return fix_readings(
            readings, handlers=handlers, stored=stored, unsafe=unsafe, timezone=timezone
        )


def inputs_of(paths: Sequence[str], types: NodeTypes = BUILT_IN_TYPES) -> Inputs:
    """Read the designs that paths name; end the command if one is a folder without a design."""
    inputs = read_inputs(paths, types=types)
    for path in inputs.skipped:
        note(TEXTS("skipped", path=path))
    if inputs.empty:
        refuse(TEXTS("none-below", path=inputs.empty[0]))
    return inputs


def compiled(path: str, *, handlers: Handlers | None, types: NodeTypes | None = None) -> Definition:
    """Compile the only design of a file to its definition; see `compiled_design`."""
    return compiled_design(path, handlers=handlers, types=types)[1]


def compiled_design(
    path: str, *, handlers: Handlers | None = None, types: NodeTypes | None = None
) -> tuple[Design, Definition]:
    """Compile the only design of a file. If it has errors, show them and end the command.

    Args:
        path: The file, or one row of it: `PATH#code`.
        handlers: The handlers of the host, to check calls against; None if they are not known.
        types: The node types that the design may use; None: the built-in ones and those of
            `handlers`.

    Returns:
        The design and its definition.
    """
    if os.path.isdir(path):
        usage(TEXTS("folder", path=path))
    with garbage_collection_paused():
        reading = read_file(path, types=types or types_among(handlers))
        compilation = compile_reading(reading, handlers=handlers)
    if compilation.has_errors():
        typer.echo(
            render_files(compilation.reports, color=is_colored(sys.stderr), language=language()),
            err=True,
            nl=False,
        )
        raise typer.Exit(1)
    at = _only(path, [one.id for one in compilation.definitions])
    return compilation.reading.designs[at], compilation.definitions[at]


def one_design(path: str, *, types: NodeTypes = BUILT_IN_TYPES) -> Design:
    """Read the only design of a file without checking it. If it cannot be read, end the command."""
    if os.path.isdir(path):
        usage(TEXTS("folder", path=path))
    reading = read_file(path, types=types)
    if has_errors(reading.diagnostics):
        typer.echo(
            render_files(reading.reports(), color=is_colored(sys.stderr), language=language()),
            err=True,
            nl=False,
        )
        raise typer.Exit(1)
    return reading.designs[_only(path, [design.id for design in reading.designs])]


def refutation(design: Design) -> Diagnostic | None:
    """Return the first error of a design that has a path as an example, or None."""
    found = run_checks(build_graph(design))
    return next((one for one in found if one.level is Level.ERROR and one.path), None)


def _only(path: str, ids: Sequence[str]) -> int:
    if len(ids) != 1:
        names = ", ".join(f"`{path}#{one}`" for one in ids)
        usage(TEXTS("several", path=path, names=names))
    return 0


def stop_at_errors(compilations: Sequence[Compilation], *, show_warnings: bool = False) -> None:
    """If there are errors, show them with the warnings and end the command.

    Args:
        compilations: The results of compiling files.
        show_warnings: Show the warnings even if there are no errors.
    """
    reports = [report for one in compilations for report in one.reports]
    if any(one.has_errors() for one in compilations):
        show(reports, Level.ERROR, Level.WARNING)
        raise typer.Exit(1)
    if show_warnings:
        show(reports, Level.WARNING)


def show(reports: Sequence[FileReport], *levels: Level) -> None:
    """Print the diagnostics of these levels on stderr."""
    chosen = [
        replace(report, diagnostics=[one for one in report.diagnostics if one.level in levels])
        for report in reports
    ]
    text = render_files(chosen, color=is_colored(sys.stderr), language=language())
    typer.echo(text, err=True, nl=False)


def load_handlers(name: str) -> HandlersModule:
    """Import the module that holds the handlers. The current directory is searched as well."""
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return handlers_module(importlib.import_module(name))
    except ModuleNotFoundError as error:
        usage(
            TEXTS(
                "no-module",
                name=error.name or name,
                meant=_meant(name, error),
            )
        )
    except HandlerError as error:
        refuse(TEXTS("handlers", message=str(error)))
    except Exception as error:
        refuse(TEXTS("cannot-import", name=name, type=type(error).__name__, error=error))


def _meant(name: str, error: ModuleNotFoundError) -> str:
    if not name.endswith(".py") or error.name not in (None, name):
        return ""
    return TEXTS("meant", name=name.removesuffix(".py").strip("./").replace("/", "."))


def uses_unknown_types(compilations: Sequence[Compilation]) -> bool:
    """Return True if designs use unknown node types, which may be those of a host."""
    return any(
        problem.code == UNKNOWN_TYPE for one in compilations for problem in one.reading.diagnostics
    )


def handler_signatures(module: str | None) -> Handlers | None:
    """Return the handlers of a module with their inputs and outputs; None without a module."""
    return None if module is None else signatures(load_handlers(module))


def handler_types(module: str | None) -> NodeTypes:
    """Return the node types that designs may use: the built-in ones and those of a module."""
    return types_among(handler_signatures(module))
