"""The whole order on one screen: read → validate → check → lower → emit.

All problems of a file are collected; none raises. A design with an error in one stage does not
enter the next.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from proflow_schemas.definition import Definition
from proflow_schemas.handlers import Handlers, types_among

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, has_errors
from proflow_compiler.diagnostics.rendering import FileReport
from proflow_compiler.fixes.proving import proven
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.lowering.splitting import split_into_parts, unsplittable
from proflow_compiler.reader import Reading, read_file
from proflow_compiler.rules import Calls, run_checks


@dataclass(frozen=True)
class Compilation:
    """What became of a file: the definitions of its sound designs, and everything found in it."""

    reading: Reading
    definitions: list[Definition]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    """Of the checks and the lowering; the reading has its own."""

    @property
    def reports(self) -> list[FileReport]:
        return self.reading.reports(self.diagnostics)

    def has_errors(self, *, strict: bool = False) -> bool:
        return has_errors([*self.reading.diagnostics, *self.diagnostics], strict=strict)


def compile_file(path: str, *, handlers: Handlers | None = None) -> Compilation:
    """Compile `PATH`, or one row of it: `PATH#code`; `handlers` are those that the host has."""
    with collecting_later():
        return compile_reading(read_file(path, types=types_among(handlers)), handlers=handlers)


def compile_reading(
    reading: Reading,
    *,
    handlers: Handlers | None = None,
    calls: Calls | None = None,
    stored: bool = False,
    timezone: str | None = None,
) -> Compilation:
    """Compile the designs of a file; `calls` are those of all designs that are known.

    `stored`: they are to be stored, and run beside others by one function. `timezone` is that of
    designs that name none, if it is known.
    """
    calls = calls_among([reading]) if calls is None else calls
    definitions: list[Definition] = []
    diagnostics: list[Diagnostic] = []
    for design in reading.designs:
        definition, found = compile_design(
            design, handlers=handlers, calls=calls, stored=stored, timezone=timezone
        )
        diagnostics += found
        if definition is not None:
            definitions.append(definition)

    def check(design: Design) -> list[Diagnostic]:
        graph = build_graph(design)
        return run_checks(
            graph,
            handlers=handlers,
            calls=calls,
            stored=stored,
            timezone=timezone,
            fixing=False,
        )

    sound, found = proven(reading, diagnostics, check)
    return Compilation(replace(reading, diagnostics=sound), definitions, found)


def calls_among(readings: Sequence[Reading]) -> Calls:
    """The calls among all designs of these files. One design alone says nothing of others."""
    designs = [design for reading in readings for design in reading.designs]
    readable = not any(has_errors(reading.diagnostics) for reading in readings)
    return Calls.among(designs, complete=readable and len(designs) > 1)


def compile_design(
    design: Design,
    *,
    handlers: Handlers | None = None,
    calls: Calls | None = None,
    stored: bool = False,
    timezone: str | None = None,
) -> tuple[Definition | None, list[Diagnostic]]:
    """Check and lower one design that was read without error; None if it has one now."""
    graph = build_graph(design)
    diagnostics = run_checks(
        graph, handlers=handlers, calls=calls, stored=stored, timezone=timezone
    )
    if has_errors(diagnostics):
        return None, diagnostics
    whole, found = lower(graph)
    definition = split_into_parts(whole)
    if (problem := unsplittable(definition, design)) is not None:
        others = [one for one in [*diagnostics, *found] if one.code != problem.code]
        return None, [*others, problem]
    return definition, [*diagnostics, *found]


@contextmanager
def collecting_later() -> Iterator[None]:
    """No garbage is collected within this block.

    A compilation makes a great many objects that all live until its end: to go through them again
    and again costs a third of the time at 10,000 nodes, and frees nothing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
