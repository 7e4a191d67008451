"""Keeps only those fixes that work: they remove their problem and cause no other error.

A rule proposes what usually helps. Each proposal is applied to a copy of the file, which is then
read and checked again. So a rule need not foresee what its change means to all other rules.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import accumulate

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.diagnostics.patching import PatchError, in_texts, patched
from proflow_compiler.reader import Reading

Check = Callable[[Design], list[Diagnostic]]
Error = tuple[str, str | None, str | None]
"""The code of an error, its node, and its edge."""

BUDGET = 400_000
"""How many characters are checked again for one file, over all its fixes: some 1,500 nodes."""
LARGEST = 1_500_000
"""A file of up to this many characters is checked again at least once, even beyond the budget."""

_BY_NODE = frozenset({"PF210", "PF211", "PF218"})
"""Problems of a node whose message shows one example: one of its edges, or one of many runs."""
_BY_EDGE = frozenset({"PF206", "PF207", "PF208"})
"""Problems of an edge whose message shows one example."""
_OF_EDGES = frozenset({"PF105", "PF106", "PF108", "PF112"})
_HIDDEN: Mapping[str, frozenset[str]] = {
    "PF101": frozenset({"PF101", *_OF_EDGES}),
    "PF102": frozenset({"PF101"}),
    "PF104": _OF_EDGES,
    "PF301": frozenset({"PF301", "PF302", "PF303", "PF322"}),
    "PF303": frozenset({"PF301", "PF302", "PF303"}),
}
"""Code → the codes that can only be found once a problem of that code is solved."""
_IN_TURN = frozenset({"PF301", "PF302", "PF303"})
"""Only the first problem of an expression is reported, so solving it may reveal the next.

What the fix itself has written must be free of them.
"""
_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)
_COMPARED = 2_000
"""Up to this length of an expression, what a fix has written in it is found word by word."""


def with_proven_fixes(
    reading: Reading, found: Sequence[Diagnostic], check: Check
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Drop the fixes that do not solve their problem.

    Beyond the budget, fixes of the checks are dropped and counted in `Diagnostic.untried`. Fixes of
    the reading are kept then, because they are local changes.

    Args:
        reading: The file as it was read.
        found: The diagnostics of the checks of its designs.
        check: Checks a design again; its diagnostics need no fixes.

    Returns:
        The diagnostics of the reading, and those of the checks.
    """
    trial = _Trial(reading, found, check)
    return (
        [trial.kept(one, unproven=True) for one in reading.diagnostics],
        [trial.kept(one, unproven=False) for one in found],
    )


class _Trial:
    def __init__(self, reading: Reading, found: Sequence[Diagnostic], check: Check) -> None:
        self._reading, self._check = reading, check
        before = [*reading.diagnostics, *found]
        self._all = before
        self._before = _errors(before)
        self._alike = Counter(_identity(one) for one in before)
        self._size = max(1, len(reading.source.text))
        self._left = BUDGET
        if BUDGET < self._size <= LARGEST:
            self._left = self._size

    def kept(self, one: Diagnostic, *, unproven: bool) -> Diagnostic:
        """Return a diagnostic with only those fixes that solve it.

        `unproven` says whether fixes that exceed the budget are kept.
        """
        if not one.fixes:
            return one
        fixes: list[Fix] = []
        untried = 0
        for drawn, fix in self._in_texts(one.fixes):
            if fix.alternative and not fixes and not untried:
                continue
            self._left -= self._size
            if self._left >= 0:
                works = self._solves(fix, drawn, one)
            else:
                works = unproven
                untried += not unproven
            if works:
                fixes.append(fix)
        return replace(one, fixes=tuple(fixes), untried=untried)

    def _in_texts(self, fixes: Iterable[Fix]) -> Iterable[tuple[Fix, Fix]]:
        """Yield each fix, and the same with edits of the file for edits in texts that hold JSON."""
        for fix in fixes:
            with suppress(PatchError):
                edits = in_texts(self._reading.source, fix.edits, self._reading.texts)
                yield fix, replace(fix, edits=edits)

    def _solves(self, fix: Fix, drawn: Fix, one: Diagnostic) -> bool:
        after = self._after(fix)
        if after is None or any(not hidden(new, one) for new in _errors(after) - self._before):
            return False
        if one.code in _IN_TURN:
            if self._miswritten(drawn, after):
                return False
        elif self._still(fix, one, after):
            return False
        same = _identity(one)
        return sum(_identity(other) == same for other in after) < self._alike[same]

    def _still(self, fix: Fix, one: Diagnostic, after: Sequence[Diagnostic]) -> bool:
        """True if what the fix writes has a problem with the same code."""
        written = [edit.pointer for edit in fix.edits if edit.op != "remove"]
        touched = {one.pointer, *written, *(edit.source for edit in fix.edits if edit.source)}

        def same_code(found: Iterable[Diagnostic], within: Iterable[str]) -> int:
            return sum(
                other.code == one.code
                and any(f"{other.pointer}/".startswith(f"{pointer}/") for pointer in within)
                for other in found
            )

        return same_code(after, written) > max(0, same_code(self._all, touched) - 1)

    def _miswritten(self, fix: Fix, after: Sequence[Diagnostic]) -> bool:
        """True if an expression has a new problem where the fix has changed it."""
        known = {_identity(one) for one in self._all}
        new = [one for one in after if one.code in _IN_TURN and _identity(one) not in known]
        for edit in fix.edits:
            here = [one for one in new if one.pointer == edit.pointer]
            if not here or edit.op != "replace":
                continue
            changes = _changes(self._reading.source.held(edit.pointer), str(edit.value))
            for start, end in (one.span or (0, len(str(edit.value))) for one in here):
                if any(start < to and at < max(end, start + 1) for at, to in changes):
                    return True
        return False

    def _after(self, fix: Fix) -> list[Diagnostic] | None:
        """Return the diagnostics of the fixed file; None if the fix cannot be applied.

        A design that could not be read before is only read, not checked: its checks would report
        problems that were there before and could not be found.
        """
        try:
            text = patched(self._reading.source.text, fix.edits)
        except PatchError:
            return None
        again = self._reading.again(text.encode("utf-8", "surrogatepass"))
        found = list(again.diagnostics)
        known = {design.pointer for design in self._reading.designs}
        for design in again.designs:
            if design.pointer in known:
                found += self._check(design)
        return found


def _changes(before: str, after: str) -> list[tuple[int, int]]:
    """Return the spans of a text that differ from an earlier one, as whole words and signs."""
    if max(len(before), len(after)) > _COMPARED:
        start = _alike(before, after)
        end = len(after) - _alike(before[start:][::-1], after[start:][::-1])
        return [(start, max(end, start + 1))]
    old, new = _WORD.findall(before), _WORD.findall(after)
    ends = list(accumulate(map(len, new), initial=0))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        (ends[low], ends[high])
        for tag, _, _, low, high in matcher.get_opcodes()
        if tag in ("replace", "insert")
    ]


def _alike(one: str, other: str) -> int:
    """Return the length of the common beginning of two texts."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _identity(one: Diagnostic) -> tuple[str, str | None, str | None, str]:
    """What identifies a problem independently of its pointer, which a fix may change."""
    by_example = one.code in _BY_NODE or one.code in _BY_EDGE
    return *_error(one), "" if by_example else one.message


def hidden(new: Error, solved: Diagnostic) -> bool:
    """Return True if an error may have existed before a problem was solved, hidden by it.

    For instance, edges are only checked if both their nodes can be read.

    Args:
        new: The error that appears after the fix.
        solved: The problem that the fix solves.
    """
    code, node, edge = new
    if solved.edge is not None:
        return edge == solved.edge and code in _HIDDEN.get(solved.code, ())
    if solved.code in ("PF101", "PF102") and code in _OF_EDGES:
        return True
    return node == solved.node is not None and code in _HIDDEN.get(solved.code, ())


def _errors(found: Iterable[Diagnostic]) -> Counter[Error]:
    return Counter(_error(one) for one in found if one.level is Level.ERROR)


def _error(one: Diagnostic) -> Error:
    return one.code, one.node, None if one.code in _BY_NODE else one.edge
