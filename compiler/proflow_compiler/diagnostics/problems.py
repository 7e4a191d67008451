"""Collects the problems that the reader finds, and suggests known words for unknown ones."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related

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


def shown(value: Any) -> str:
    """Write a value for a message, shortened to 60 characters and on one line."""
    text = str(value)
    text = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text[:61])
    return text if len(text) <= 60 else text[:59] + "…"


def kind_of(value: Any) -> str:
    """Return the type of a JSON value in words, with its article: `a text`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return a help that suggests the known word closest to an unknown one; None if none is close.

    Args:
        word: The unknown word; its letter case is ignored.
        known: The known words.
        cutoff: The least similarity, from 0 to 1.
    """
    return meant(closest(word, known, cutoff=cutoff))


def meant(close: str | None) -> str | None:
    """Return a help that suggests a word; None without a word."""
    return f"did you mean `{shown(close)}`?" if close is not None else None


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word closest to an unknown one; None if none is close.

    Args:
        word: The unknown word; its letter case is ignored.
        known: The known words.
        cutoff: The least similarity, from 0 to 1.
    """
    word = word.lower()[:100]
    folded = {
        one.lower(): one
        for one in known
        if len(one) <= 100 and 2 * min(len(one), len(word)) >= cutoff * (len(one) + len(word))
    }
    close = get_close_matches(word, folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None
