"""Internal: what is wrong with a design: diagnostics, located in its file."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal


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
class Edit:
    """One operation of a JSON Patch (RFC 6902) on the file as it was saved.

    `value` belongs to `add` and `replace`, `source` (the patch's `from`) to `move`. The edits of a
    fix are applied in turn, so that each pointer leads into what those before it have left.
    """

    op: Literal["add", "remove", "replace", "move"]
    pointer: str
    value: Any = None
    source: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The edit as it stands in reports: the operation, with `pointer` for the patch's `path`."""
        found: dict[str, Any] = {"op": self.op, "pointer": self.pointer}
        if self.op in ("add", "replace"):
            found["value"] = self.value
        elif self.op == "move":
            found["from"] = self.source
        return found


@dataclass(frozen=True)
class Fix:
    """A change of the file after which the problem is gone.

    `safe`: it changes nothing that a run does, or says the only thing that can be meant. The title
    of any other fix says what changes. `alternative`: it is a second choice, which nobody is to
    take for the likeliest, so that it is only offered behind another one that mends.
    """

    title: str
    safe: bool
    edits: tuple[Edit, ...]
    alternative: bool = False

    def as_json(self) -> dict[str, Any]:
        """The fix as it stands in reports."""
        edits = [edit.as_json() for edit in self.edits]
        return {"title": self.title, "safe": self.safe, "edits": edits}


@dataclass(frozen=True)
class Diagnostic:
    """One problem, with one cause, at one place.

    Attributes:
        code: The code of the rule, such as `PF210`.
        name: The name of the rule, such as `deadlocked-join`.
        level: How bad it is.
        message: What is wrong.
        pointer: The JSON pointer of the value that is wrong, in the file as it was given; `""` is
            the whole file.
        span: The part of a string value that is wrong, as offsets into the string.
        node: The id of the node that is concerned.
        edge: The id of the edge that is concerned.
        help: What to do.
        path: A walk through the design that shows the problem: node ids.
        choices: Nodes, on the path or beside it, with the outcomes they have to take for that.
        label: What stands beside the underlined text.
        line: The line, from 1; filled in when it is rendered, or by a reader that could not parse
            the file.
        column: The column, from 1, in code points.
        end_line: The line where it ends.
        end_column: The column behind its end.
        on_key: True if the key is wrong, not its value.
        related: Other places that have to do with it.
        fixes: Changes that mend it, the likeliest first.
        untried: How many more fixes were left out, because the design would have to be checked anew
            more often than its size allows.
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


def has_errors(diagnostics: Iterable[Diagnostic], *, strict: bool = False) -> bool:
    """Whether these stop a compilation."""
    bad = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return any(diagnostic.level in bad for diagnostic in diagnostics)
