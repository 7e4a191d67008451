"""Applies the fixes of a file's diagnostics until none is left that helps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.diagnostics.json_text import JsonText
from proflow_compiler.diagnostics.patching import Replacement, replaced, replacements
from proflow_compiler.pipeline import Compilation

MOST_ROUNDS = 50
"""How often a file is checked anew: fixes of one round may have to wait for others."""

Compile = Callable[[str], Compilation]


@dataclass(frozen=True)
class Applied:
    """A fix that was applied, and what it mended."""

    diagnostic: Diagnostic
    fix: Fix


@dataclass(frozen=True)
class Fixing:
    """A text as it is fixed, and what was applied to it so far."""

    text: str
    compilation: Compilation
    applied: tuple[Applied, ...] = ()

    @property
    def errors(self) -> tuple[int, int]:
        """How many there are: of the reading, then of the checks, which begin when it has none."""
        reading = sum(one.level is Level.ERROR for one in self.compilation.reading.diagnostics)
        return reading, sum(one.level is Level.ERROR for one in self.compilation.diagnostics)


def fix_text(text: str, compile: Compile, *, unsafe: bool = False) -> Fixing:
    """Apply the first safe fix of each diagnostic, with `unsafe` the first at all, in turn.

    A fix is applied whole or not at all. One may bring errors to light that it has not made: of all
    states that the text was in, the last of those with the fewest errors is given.
    """
    fixing = best = Fixing(text, compile(text))
    seen = {text}
    for _ in range(MOST_ROUNDS):
        following = _improved(fixing, list(_chosen(fixing, unsafe)), compile)
        if following is None or following.text in seen:
            break
        fixing = following
        seen.add(fixing.text)
        if fixing.errors <= best.errors:
            best = fixing
    return best


@dataclass(frozen=True)
class _Change:
    applied: Applied
    replacements: Sequence[Replacement]


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
    """Whether the later of two replacements does not stand clear of the one before it.

    Members that are put behind the same one stand behind each other.
    """
    if one.start == one.end == other.start == other.end:
        return not one.text.startswith(",") or not other.text.startswith(",")
    if one.start == one.end or other.start == other.end:
        return other.start <= one.end
    return other.start < one.end


def _improved(fixing: Fixing, changes: Sequence[_Change], compile: Compile) -> Fixing | None:
    """With these applied, or with half of them where they make it worse together."""
    if not changes:
        return None
    parts = sorted(
        (part for change in changes for part in change.replacements),
        key=lambda part: (part.start, part.end),
    )
    text = replaced(fixing.text, parts)
    done = (*fixing.applied, *(change.applied for change in changes))
    after = Fixing(text, compile(text), done)
    if len(changes) == 1 or after.errors <= fixing.errors:
        return after
    return _improved(fixing, changes[: len(changes) // 2], compile)
