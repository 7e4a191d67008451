"""Applies the fixes of a file's diagnostics, and checks it again, until no fix is left."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.diagnostics.json_text import JsonText
from proflow_compiler.diagnostics.patching import Replacement, replaced, replacements
from proflow_compiler.pipeline import Compilation

MAX_ITERATIONS = 50
"""How often a file is fixed and checked again; overlapping fixes take several iterations."""

Compile = Callable[[str], Compilation]
"""Compiles a text."""


@dataclass(frozen=True)
class Applied:
    """A fix that was applied, and the diagnostic that it solved."""

    diagnostic: Diagnostic
    fix: Fix


@dataclass(frozen=True)
class FixedText:
    """A text after some fixes.

    Attributes:
        text: The text.
        compilation: The result of compiling it.
        applied: The fixes so far, in the order in which they were applied.
    """

    text: str
    compilation: Compilation
    applied: tuple[Applied, ...] = ()

    @property
    def errors(self) -> tuple[int, int]:
        """The number of errors of the reading, then of the checks.

        Checks only begin when the reading has no errors, so comparing these pairs compares
        progress.
        """
        reading = sum(one.level is Level.ERROR for one in self.compilation.reading.diagnostics)
        return reading, sum(one.level is Level.ERROR for one in self.compilation.diagnostics)


def fix_text(text: str, compile: Compile, *, unsafe: bool = False) -> FixedText:
    """Apply the first safe fix of each diagnostic, again and again until nothing changes.

    A fix is applied completely or not at all. It may reveal errors that were hidden before.

    Args:
        text: The text of a design.
        compile: Compiles a text.
        unsafe: Also apply the first fix of a diagnostic that has no safe one.

    Returns:
        The last of the states with the fewest errors.
    """
    current = best = FixedText(text, compile(text))
    seen = {text}
    for _ in range(MAX_ITERATIONS):
        following = _improved(current, list(_chosen(current, unsafe)), compile)
        if following is None or following.text in seen:
            break
        current = following
        seen.add(current.text)
        if current.errors <= best.errors:
            best = current
    return best


@dataclass(frozen=True)
class _Change:
    applied: Applied
    replacements: Sequence[Replacement]


def _chosen(current: FixedText, unsafe: bool) -> Iterator[_Change]:
    """Choose one fix of each diagnostic; of fixes that overlap, the first."""
    document = JsonText(current.text)
    chosen: list[Replacement] = []
    found = current.compilation
    for one in [*found.reading.diagnostics, *found.diagnostics]:
        fix = next((fix for fix in one.fixes if fix.safe), None)
        if fix is None and unsafe:
            fix = next(iter(one.fixes), None)
        if fix is None:
            continue
        change = _Change(Applied(one, fix), replacements(document, fix.edits))
        both = sorted([*chosen, *change.replacements], key=lambda part: (part.start, part.end))
        if change.replacements and not any(_overlap(a, b) for a, b in pairwise(both)):
            chosen = both
            yield change


def _overlap(one: Replacement, other: Replacement) -> bool:
    """True if two replacements, given in the order of the text, cannot both be applied.

    Several new members may be inserted after the same one.
    """
    if one.start == one.end == other.start == other.end:
        return not one.text.startswith(",") or not other.text.startswith(",")
    if one.start == one.end or other.start == other.end:
        return other.start <= one.end
    return other.start < one.end


def _improved(current: FixedText, changes: Sequence[_Change], compile: Compile) -> FixedText | None:
    """Apply these changes, or only half of them if all together cause more errors."""
    if not changes:
        return None
    parts = sorted(
        (part for change in changes for part in change.replacements),
        key=lambda part: (part.start, part.end),
    )
    text = replaced(current.text, parts)
    done = (*current.applied, *(change.applied for change in changes))
    after = FixedText(text, compile(text), done)
    if len(changes) == 1 or after.errors <= current.errors:
        return after
    return _improved(current, changes[: len(changes) // 2], compile)
