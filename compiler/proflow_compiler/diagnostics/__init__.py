"""Internal: diagnostics, the problems that are found in a design, with their fixes.

Every stage of the compiler reports problems as `Diagnostic` objects. Other modules of this package
find their lines and columns (`source`), render them (`rendering`), and make and apply fixes
(`design_edits`, `patching`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from proflow_schemas.language import Language, as_json, in_language


class Level(StrEnum):
    """The severity of a diagnostic. Errors stop a compilation; with `--strict`, warnings do too."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Related:
    """Another location in the file that a problem involves, and a message about it."""

    pointer: str
    message: str


@dataclass(frozen=True)
class Edit:
    """One operation of a JSON Patch (RFC 6902) on the file as it was saved.

    The edits of a fix are applied in order. So a pointer refers to the document as the edits before
    it left it.

    Attributes:
        op: The operation.
        pointer: The JSON pointer of its target, the `path` of a JSON Patch.
        value: The new value, of `add` and `replace`.
        source: The JSON pointer that `move` takes the value from, the `from` of a JSON Patch.
    """

    op: Literal["add", "remove", "replace", "move"]
    pointer: str
    value: Any = None
    source: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the edit for JSON reports: a JSON Patch operation with `pointer` for `path`."""
        found: dict[str, Any] = {"op": self.op, "pointer": self.pointer}
        if self.op in ("add", "replace"):
            found["value"] = self.value
        elif self.op == "move":
            found["from"] = self.source
        return found


@dataclass(frozen=True)
class Fix:
    """A change of the file that solves a problem.

    Attributes:
        title: What the fix does.
        safe: True if no run behaves differently, or if nothing else can have been meant.
        edits: The changes, in the order in which they are applied.
        alternative: True if it is a second choice, which is only offered after another fix that
            works.
    """

    title: str
    safe: bool
    edits: tuple[Edit, ...]
    alternative: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the fix as JSON reports show it."""
        edits = [edit.as_json() for edit in self.edits]
        return {"title": self.title, "safe": self.safe, "edits": edits}


@dataclass(frozen=True)
class Diagnostic:
    """One problem in a design, with one cause and one location.

    Attributes:
        code: The code of the rule, such as `PF210`.
        name: The name of the rule, such as `deadlocked-join`.
        level: The severity.
        message: What is wrong, in English; a `Message` if it can be said in other languages.
        pointer: The JSON pointer of the value that is wrong, in the file as it was given; `""` is
            the whole file.
        span: The part of a string value that is wrong, as offsets into the string.
        node: The id of the node that has the problem.
        edge: The id of the edge that has the problem, or `source → target` if it has no id.
        help: What to do.
        path: A path through the design that shows the problem, as node ids.
        choices: Nodes on the path or beside it, with the outcomes that they take in the example.
        label: A text beside the underlined part.
        line: The line, from 1. It is filled in when the diagnostic is rendered, or by the reader if
            it could not parse the file.
        column: The column, from 1, in code points.
        end_line: The line where the location ends.
        end_column: The column after its last character.
        on_key: True if the key is wrong, not its value.
        related: Other locations that the problem involves.
        fixes: Changes that solve the problem, the likeliest first.
        untried: How many further fixes were left out, because checking the design again with each
            of them would take too long.
    """

    code: str
    name: str
    level: Level
    message: str
    pointer: str = ""
    span: tuple[int, int] | None = None
    node: str | None = None
    edge: str | None = None
    help: str | None = None
    path: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    label: str | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    on_key: bool = False
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()
    untried: int = 0

    @property
    def key(self) -> str | None:
        """The name of the message in the catalogue of texts; None if it is in none."""
        return as_json(self.message).get("key")

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the message, as JSON values, so that others can word it themselves."""
        found: Mapping[str, Any] = as_json(self.message).get("arguments", {})
        return found


def said_in(diagnostic: Diagnostic, language: Language) -> Diagnostic:
    """Say a diagnostic in another language: its message, help, labels, and the titles of fixes."""
    return replace(
        diagnostic,
        message=in_language(diagnostic.message, language),
        help=None if diagnostic.help is None else in_language(diagnostic.help, language),
        label=None if diagnostic.label is None else in_language(diagnostic.label, language),
        related=tuple(
            replace(one, message=in_language(one.message, language)) for one in diagnostic.related
        ),
        fixes=tuple(
            replace(one, title=in_language(one.title, language)) for one in diagnostic.fixes
        ),
    )


def has_errors(diagnostics: Iterable[Diagnostic], *, strict: bool = False) -> bool:
    """Return True if any of these diagnostics stops a compilation.

    Args:
        diagnostics: The diagnostics.
        strict: Count warnings as errors.
    """
    bad = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return any(diagnostic.level in bad for diagnostic in diagnostics)
