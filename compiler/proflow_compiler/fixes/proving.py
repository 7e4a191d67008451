"""Keeps those fixes only that mend: applied, the problem is gone and no other error has come.

A rule says what usually helps. Whether it does in this design is found out by checking the design
anew, so that a rule need not foresee what its change does to all other rules.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.diagnostics.patching import PatchError, in_texts, patched
from proflow_compiler.reader import Reading

Check = Callable[[Design], list[Diagnostic]]
Error = tuple[str, str | None, str | None]
"""Its code, its node, and its edge."""

BUDGET = 400_000
"""Characters of designs that are checked anew: some 1,500 nodes."""
LARGEST = 1_500_000
"""A file of up to so many characters is checked anew at least once, whatever the budget."""

_BY_NODE = frozenset({"PF210", "PF211", "PF218"})
"""What is wrong with a node, and told by an example: one of its edges, one of many runs."""
_BY_EDGE = frozenset({"PF206", "PF207", "PF208"})
"""What is wrong with an edge, and told by an example."""
_OF_EDGES = frozenset({"PF105", "PF106", "PF108", "PF112"})
_HIDDEN: Mapping[str, frozenset[str]] = {
    "PF101": frozenset({"PF101", *_OF_EDGES}),
    "PF102": frozenset({"PF101"}),
    "PF104": _OF_EDGES,
    "PF301": frozenset({"PF301", "PF302", "PF303"}),
    "PF303": frozenset({"PF301", "PF302", "PF303"}),
}
"""Code → what cannot be found in a node, an edge or an expression before that is mended."""
_IN_TURN = frozenset({"PF301", "PF302", "PF303"})
"""Of an expression, the first problem is told alone: mended, the next one is."""


def proven(
    reading: Reading, found: Sequence[Diagnostic], check: Check
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """The diagnostics of a reading, and those of its designs' checks, with the fixes that mend.

    Beyond the budget, checks keep no fixes and say how many they leave out; those of the reading,
    which are local, stay.
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
        """A diagnostic without the fixes that do not mend."""
        if not one.fixes:
            return one
        fixes: list[Fix] = []
        untried = 0
        for fix in self._in_texts(one.fixes):
            if fix.alternative and not fixes and not untried:
                continue
            self._left -= self._size
            if self._left >= 0:
                mends = self._mends(fix, one)
            else:
                mends = unproven
                untried += not unproven
            if mends:
                fixes.append(fix)
        return replace(one, fixes=tuple(fixes), untried=untried)

    def _in_texts(self, fixes: Iterable[Fix]) -> Iterable[Fix]:
        """The fixes as edits of the file, where they lead into texts that hold JSON."""
        if not self._reading.texts:
            return fixes
        found = []
        for fix in fixes:
            with suppress(PatchError):
                edits = in_texts(self._reading.source, fix.edits, self._reading.texts)
                found.append(replace(fix, edits=edits))
        return found

    def _mends(self, fix: Fix, one: Diagnostic) -> bool:
        after = self._after(fix)
        if after is None or any(not hidden(new, one) for new in _errors(after) - self._before):
            return False
        if one.code not in _IN_TURN and self._still(fix, one, after):
            return False
        same = _identity(one)
        return sum(_identity(other) == same for other in after) < self._alike[same]

    def _still(self, fix: Fix, one: Diagnostic, after: Sequence[Diagnostic]) -> bool:
        """Whether what the fix writes has a problem of the same kind."""
        written = [edit.pointer for edit in fix.edits if edit.op != "remove"]
        places = {one.pointer, *written, *(edit.source for edit in fix.edits if edit.source)}

        def alike(found: Iterable[Diagnostic], within: Iterable[str]) -> int:
            return sum(
                other.code == one.code
                and any(f"{other.pointer}/".startswith(f"{place}/") for place in within)
                for other in found
            )

        return alike(after, written) > max(0, alike(self._all, places) - 1)

    def _after(self, fix: Fix) -> list[Diagnostic] | None:
        """What is wrong with the file once it is fixed; None if it cannot be.

        Of a file that could not be read, what its designs' checks would say was not known before,
        and is not looked at.
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


def _identity(one: Diagnostic) -> tuple[str, str | None, str | None, str]:
    """What makes it the same problem when lines, and so pointers, have moved."""
    by_example = one.code in _BY_NODE or one.code in _BY_EDGE
    return *_error(one), "" if by_example else one.message


def hidden(new: Error, mended: Diagnostic) -> bool:
    """Whether an error was there before a problem was mended, but could not be found.

    Edges are only looked at if both their nodes can be read.
    """
    code, node, edge = new
    if mended.edge is not None:
        return edge == mended.edge and code in _HIDDEN.get(mended.code, ())
    if mended.code in ("PF101", "PF102") and code in _OF_EDGES:
        return True
    return node == mended.node is not None and code in _HIDDEN.get(mended.code, ())


def _errors(found: Iterable[Diagnostic]) -> Counter[Error]:
    return Counter(_error(one) for one in found if one.level is Level.ERROR)


def _error(one: Diagnostic) -> Error:
    return one.code, one.node, None if one.code in _BY_NODE else one.edge
