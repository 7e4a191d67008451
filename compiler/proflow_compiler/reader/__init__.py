"""Internal: reads files of any accepted shape into the internal form of designs.

The shape of a file is recognised by its structure, not by its name. All problems of a file are
collected; a design is returned only if it has no error.
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
    """The result of reading one file.

    Attributes:
        designs: The designs without errors.
        diagnostics: All problems of the file, with lines and columns, in the order of the text.
        source: The file.
        select: The code of the row that was selected, if any.
        texts: The pointers of strings in the file that were read as JSON.
        types: The node types that designs may use.
    """

    designs: list[Design]
    diagnostics: list[Diagnostic]
    source: Source = field(repr=False)
    select: str | None = None
    texts: tuple[str, ...] = ()
    types: NodeTypes = field(default=BUILT_IN_TYPES, repr=False)

    def again(self, text: bytes) -> "Reading":
        """Read another text with the same path, selection and node types."""
        return read(text, self.source.path, select=self.select, types=self.types)

    def reports(self, more: Iterable[Diagnostic] = ()) -> list[FileReport]:
        """Group the diagnostics by design, for rendering.

        If the file has several designs, diagnostics outside of all of them come last, in a report
        of the file.

        Args:
            more: The diagnostics of later stages.
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
    """Read the designs of a file. Bad input never raises an exception.

    Args:
        data: The bytes of the file.
        path: The path for messages; a design without an id is named after it.
        select: The code of the row to read, if the file is an exported table.
        types: The node types that designs may use.
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
    """Read the designs of a file. A file that cannot be read is a diagnostic, not an exception.

    Args:
        path: The file; `PATH#code` selects one row of an exported table.
        types: The node types that designs may use.
    """
    loaded = load(path)
    if loaded.problem is not None:
        return Reading([], [loaded.problem], Source(loaded.path), loaded.select, types=types)
    return read(loaded.data, loaded.path, select=loaded.select, types=types)
