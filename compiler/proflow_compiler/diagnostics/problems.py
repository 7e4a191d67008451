"""Collects the problems that the reader finds."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related
from proflow_compiler.diagnostics.similar_words import closest

NAMES: dict[str, str] = {
    "PF001": "invalid-json",
    "PF002": "not-utf8",
    "PF003": "unknown-format",
    "PF004": "duplicate-key",
    "PF005": "unreadable-file",
    "PF006": "unknown-selection",
    "PF101": "schema-violation",
    "PF102": "unknown-node-type",
    "PF103": "duplicate-node-id",
    "PF104": "dangling-edge",
    "PF105": "duplicate-edge",
    "PF106": "unknown-handle",
    "PF107": "ignored-element",
    "PF108": "ambiguous-rules",
    "PF110": "duplicate-design",
    "PF111": "dialect",
    "PF112": "container-border",
    "PF320": "unread-key",
}
"""The names of the rules that the reader reports, by code."""


@dataclass
class Problems:
    """Collects the diagnostics of one file while it is read.

    Attributes:
        found: The diagnostics so far.
        budget: How many more words may be compared to find what was meant, so that thousands of
            typing errors do not take minutes.
        zones: The pointers of time zones that nothing reads.
        texts: The pointers of strings in the file that were read as JSON.
    """

    found: list[Diagnostic] = field(default_factory=list)
    budget: int = 20_000
    zones: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(
        self,
        code: str,
        message: str,
        pointer: str = "",
        *,
        level: Level = Level.ERROR,
        help: str | None = None,
        label: str | None = None,
        node: str | None = None,
        edge: str | None = None,
        on_key: bool = False,
        related: tuple[Related, ...] = (),
        fixes: Iterable[Fix] = (),
    ) -> None:
        """Add a diagnostic with these attributes; its name follows from the code."""
        self.found.append(
            Diagnostic(
                code=code,
                name=NAMES[code],
                level=level,
                message=message,
                pointer=pointer,
                help=help,
                label=label,
                node=node,
                edge=edge,
                on_key=on_key,
                related=related,
                fixes=tuple(fixes),
            )
        )

    def closest(self, word: str, known: Collection[str]) -> str | None:
        """Return the closest known word; None if none is close or the budget is used up."""
        self.budget -= len(known)
        return closest(word, known) if self.budget >= 0 else None
