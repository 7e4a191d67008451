"""Applies the fixes of a file's diagnostics until none is left that helps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.fixes.json_text import JsonText
from proflow_compiler.fixes.patching import Replacement, replaced, replacements
from proflow_compiler.pipeline import Compilation

MOST_ROUNDS = 50
"""How often a file is checked anew: fixes of one round may have to wait for others."""

Compile = Callable[[str], Compilation]


@dataclass(frozen=True)
class Applied:
    """A fix that was applied, and what it mended."""

    diagnostic: Diagnostic
    fix: Fix


@dataclass
class Fixing:
    """A text as it is fixed, and what was applied to it so far."""

    text: str
    compilation: Compilation
    applied: list[Applied] = field(default_factory=list)


def fix_text(text: str, compile: Compile, *, unsafe: bool = False) -> Fixing:
    """Apply the first safe fix of each diagnostic, with `unsafe` the first at all, in turn.

    A fix is applied whole or not at all, and never if the text had more errors then.
    """
    fixing = Fixing(text, compile(text))
    seen = {text}
    for _ in range(MOST_ROUNDS):
        chosen = list(_chosen(fixing, unsafe))
        if not _improve(fixing, chosen, compile) or fixing.text in seen:
            break
        seen.add(fixing.text)
    return fixing


@dataclass(frozen=True)
class _Change:
    applied: Applied
    replacements: Sequence[Replacement]

    @property
    def place(self) -> int:
        return self.replacements[0].start


def _chosen(fixing: Fixing, unsafe: bool) -> Iterator[_Change]:
    """One fix of each diagnostic, of those in each other's way the first."""
    document = JsonText(fixing.text)
    taken: list[Replacement] = []
    found = fixing.compilation
    for one in [*found.reading.diagnostics, *found.diagnostics]:
        fix = next((fix for fix in one.fixes if fix.safe), None)
        if fix is None and unsafe:
            fix = next(iter(one.fixes), None)
        if fix is None:
            continue
        change = _Change(Applied(one, fix), replacements(document, fix.edits))
        both = sorted([*taken, *change.replacements], key=lambda part: (part.start, part.end))
        if change.replacements and not any(_touch(a, b) for a, b in pairwise(both)):
            taken = both
            yield change


def _touch(one: Replacement, other: Replacement) -> bool:
    """Whether the later of two replacements does not stand clear of the one before it."""
    if one.start == one.end or other.start == other.end:
        return other.start <= one.end
    return other.start < one.end


def _improve(fixing: Fixing, changes: Sequence[_Change], compile: Compile) -> bool:
    """Apply these, or of those that make it worse together as many as go."""
    if not changes:
        return False
    parts = sorted(
        (part for change in changes for part in change.replacements), key=lambda part: part.start
    )
    text = replaced(fixing.text, parts)
    after = compile(text)
    if _errors(after) <= _errors(fixing.compilation):
        fixing.text, fixing.compilation = text, after
        fixing.applied += [change.applied for change in changes]
        return True
    # Only the half that comes first: the places of the other have moved by then.
    return len(changes) > 1 and (
        _improve(fixing, changes[: len(changes) // 2], compile)
        or _improve(fixing, changes[len(changes) // 2 :], compile)
    )


def _errors(compilation: Compilation) -> tuple[int, int]:
    """How many there are: of the reading, then of the checks, which begin when it has none."""
    read = sum(one.level is Level.ERROR for one in compilation.reading.diagnostics)
    return read, sum(one.level is Level.ERROR for one in compilation.diagnostics)
