"""Internal: reads designs: whatever shape they were drawn in, into one internal form.

Shapes are told by structure. Every problem of a file is collected; a design is returned only if
it has no error.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.rendering import FileReport, locate
from proflow_compiler.diagnostics.source import Source
from proflow_compiler.reader.decode import MAX_BYTES, MAX_DEPTH, decode
from proflow_compiler.reader.designs import read_designs
from proflow_compiler.reader.files import load

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Reading", "read", "read_file"]


@dataclass(frozen=True)
class Reading:
    """The sound designs of a file, and all problems of it, located and in the order of the text."""

    designs: list[Design]
    diagnostics: list[Diagnostic]
    source: Source = field(repr=False)
    select: str | None = None
    texts: tuple[str, ...] = ()
    """The texts of the file that were read as JSON, by their pointers."""
    types: NodeTypes = field(default=BUILT_IN_TYPES, repr=False)
    """The node types that were known."""

    def again(self, text: bytes) -> "Reading":
        """The same reading of another text."""
        return read(text, self.source.path, select=self.select, types=self.types)

    def reports(self, more: Iterable[Diagnostic] = ()) -> list[FileReport]:
        """These diagnostics and those of later checks, for rendering: one report a design.

        What belongs to no sound design of several comes last, in a report of the file.
        """
        found = [*self.diagnostics, *more]
        path = self.source.path
        if len(self.designs) < 2:
            workflow = self.designs[0].id if self.designs else None
            return [FileReport(self.source, found, workflow)]
        reports = []
        for design in self.designs:
            own: list[Diagnostic] = []
            others: list[Diagnostic] = []
            for one in found:
                inside = f"{one.pointer}/".startswith(f"{design.pointer}/")
                (own if inside else others).append(one)
            found = others
            reports.append(FileReport(self.source, own, design.id, f"{path}#{design.id}"))
        return [*reports, FileReport(self.source, found)] if found else reports


def read(
    data: bytes, path: str, *, select: str | None = None, types: NodeTypes = BUILT_IN_TYPES
) -> Reading:
    """Read the designs of a file; of an array of rows, `select` names one by its code.

    `path` is for messages, and gives a design without an id its name. `types` are those that it may
    use. Never raises on bad input.
    """
    decoded = decode(data, path)
    if decoded.diagnostics:
        return Reading([], list(decoded.diagnostics), decoded.source, select, types=types)
    problems = Problems()
    designs = read_designs(decoded.value, path, select, problems, types)
    found = locate(problems.found, decoded.source)
    texts = tuple(dict.fromkeys(problems.texts))
    return Reading(designs, found, decoded.source, select, texts, types)


def read_file(path: str, *, types: NodeTypes = BUILT_IN_TYPES) -> Reading:
    """Read `PATH`, or one of an exported array of rows: `PATH#code`."""
    loaded = load(path)
    if loaded.problem is not None:
        return Reading([], [loaded.problem], Source(loaded.path), loaded.select, types=types)
    return read(loaded.data, loaded.path, select=loaded.select, types=types)
