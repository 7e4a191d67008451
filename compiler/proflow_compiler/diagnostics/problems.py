"""The problems a reader finds, and their codes."""

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
"""Code → name of everything a reader reports."""


@dataclass
class Problems:
    """Collects diagnostics; one per cause."""

    found: list[Diagnostic] = field(default_factory=list)
    budget: int = 20_000
    """Words that may still be compared to find what was meant: thousands of typing errors must
    not take minutes."""
    zones: list[str] = field(default_factory=list)
    """Where time zones stand that nothing reads."""
    texts: list[str] = field(default_factory=list)
    """The texts of a file that were read as JSON, by their pointers."""

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

    def did_you_mean(self, word: str, known: Collection[str]) -> str | None:
        """The help that names the closest known word, while the budget lasts."""
        return meant(self.closest(word, known))

    def closest(self, word: str, known: Collection[str]) -> str | None:
        """The closest known word, while the budget lasts."""
        self.budget -= len(known)
        return closest(word, known) if self.budget >= 0 else None


def shown(value: Any) -> str:
    """A text or number for a message, short and on one line."""
    text = str(value)
    text = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text[:61])
    return text if len(text) <= 60 else text[:59] + "…"


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
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
    """The help that names the closest known word, if one is close; letter case does not matter."""
    return meant(closest(word, known, cutoff=cutoff))


def meant(close: str | None) -> str | None:
    """The help that names a word, if there is one."""
    return f"did you mean `{shown(close)}`?" if close is not None else None


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known word that is closest to this one, if one is close."""
    word = word.lower()[:100]
    folded = {
        one.lower(): one
        for one in known
        if len(one) <= 100 and 2 * min(len(one), len(word)) >= cutoff * (len(one) + len(word))
    }
    close = get_close_matches(word, folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None
