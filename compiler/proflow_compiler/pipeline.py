"""Compiles files by running the stages in order: read, validate, check, lower.

Each stage collects all problems of a design as diagnostics and raises none of them. A design with
an error in one stage does not enter the next. Writing the result as JSON or Python is up to `emit`.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from proflow_schemas.definition import Definition
from proflow_schemas.handlers import Handlers, types_among
from proflow_schemas.readiness import Lacks

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, has_errors
from proflow_compiler.diagnostics.rendering import FileReport
from proflow_compiler.fixes.proving import with_proven_fixes
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.lowering.splitting import split_into_parts, unsplittable
from proflow_compiler.reader import Reading, read_file
from proflow_compiler.rules import Calls, run_checks


@dataclass(frozen=True)
class Compilation:
    """The result of compiling one file.

    Attributes:
        reading: The designs that were read, and the problems found while reading.
        definitions: The definitions of the designs without errors.
        diagnostics: The problems found by the checks and by lowering. Those of the reading are not
            among them.
    """

    reading: Reading
    definitions: list[Definition]
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def reports(self) -> list[FileReport]:
        """All diagnostics of the file, grouped by design, for rendering."""
        return self.reading.reports(self.diagnostics)

    def has_errors(self, *, strict: bool = False) -> bool:
        """Return True if the file has errors.

        Args:
            strict: Count warnings as errors.
        """
        return has_errors([*self.reading.diagnostics, *self.diagnostics], strict=strict)


def compile_file(path: str, *, handlers: Handlers | None = None) -> Compilation:
    """Compile all designs of a file.

    Args:
        path: The file; `PATH#code` selects one row of an exported table.
        handlers: The handlers of the host, to check calls against; None if they are not known.
    """
    with garbage_collection_paused():
        return compile_reading(read_file(path, types=types_among(handlers)), handlers=handlers)


def compile_reading(
    reading: Reading,
    *,
    handlers: Handlers | None = None,
    calls: Calls | None = None,
    stored: bool = False,
    timezone: str | None = None,
    lacks: Lacks | None = None,
) -> Compilation:
    """Compile the designs of a file that was read.

    Args:
        reading: The designs of the file.
        handlers: The handlers of the host, to check calls against; None if they are not known.
        calls: Which designs run which as subprocesses, among all designs that are known; None:
            those of this file.
        stored: True if the designs will be stored in the database, where one Inngest function runs
            all stored designs.
        timezone: The time zone of designs that name none; None if it is not known.
        lacks: What the host lacks of what the designs need; None: the host is not asked.
    """
    calls = calls_among([reading]) if calls is None else calls
    definitions: list[Definition] = []
    diagnostics: list[Diagnostic] = []
    for design in reading.designs:
        definition, found = compile_design(
            design,
            handlers=handlers,
            calls=calls,
            stored=stored,
            timezone=timezone,
            lacks=lacks,
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
            lacks=lacks,
        )

    of_reading, of_checks = with_proven_fixes(reading, diagnostics, check)
    return Compilation(replace(reading, diagnostics=of_reading), definitions, of_checks)


def calls_among(readings: Sequence[Reading]) -> Calls:
    """Return which designs of these files run which others as subprocesses.

    The result is complete, so that a missing subprocess is a mistake, only if all files could be
    read and hold more than one design.
    """
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
    lacks: Lacks | None = None,
) -> tuple[Definition | None, list[Diagnostic]]:
    """Check and lower one design that was read without errors.

    Args:
        design: The design.
        handlers: The handlers of the host, to check calls against; None if they are not known.
        calls: Which designs run which as subprocesses; None if that is not known.
        stored: True if the design will be stored in the database.
        timezone: The time zone of a design that names none; None if it is not known.
        lacks: What the host lacks of what the design needs; None: the host is not asked.

    Returns:
        The definition, or None if the design has errors; and the diagnostics.
    """
    graph = build_graph(design)
    diagnostics = run_checks(
        graph, handlers=handlers, calls=calls, stored=stored, timezone=timezone, lacks=lacks
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
def garbage_collection_paused() -> Iterator[None]:
    """Collect no garbage within the block.

    A compilation makes many objects that all live until its end. At 10,000 nodes, the garbage
    collector would take a third of the time and free nothing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
