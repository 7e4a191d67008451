"""What is wrong with a design: diagnostics, located in its file."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: an error stops the compilation; `--strict` makes warnings errors."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Related:
    """Another place that has to do with a problem, and what it has to do with it."""

    pointer: str
    message: str


@dataclass(frozen=True)
class Diagnostic:
    """One problem, with one cause, at one place.

    `pointer` is the JSON pointer of the value that is wrong (`""`: the whole file), in the file as
    it was given; `span` narrows it to a part of a string value (offsets into the string). `line`
    and `column` (from 1, in code points) are filled in when it is rendered, or by a reader that
    could not parse the file. `path` is a walk through the design that shows the problem: node ids;
    `choices` are nodes, on it or beside it, with the outcomes they have to take for that.
    `on_key` says that the key is wrong, not its value. `label` stands beside the underlined text.
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


def has_errors(diagnostics: Iterable[Diagnostic], *, strict: bool = False) -> bool:
    """Whether these stop a compilation."""
    bad = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return any(diagnostic.level in bad for diagnostic in diagnostics)
