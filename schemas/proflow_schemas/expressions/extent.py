"""Bounds the size of an expression's value and the cost of computing it, before it is computed.

The library limits nothing but the number of iterations: `a + a + …` of a few megabytes, or a list that
`map` makes of a large value, would use up all memory. So an expression that can make a value larger
than what it reads is first evaluated abstractly, with sizes in place of values.

The bound is exact for concatenated texts and lists. A choice counts as the larger of its two results. A
comprehension counts as its largest item times the number of items; if that exceeds the limit, it is
computed again item by item.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from proflow_schemas.json_schemas.patterns import program_size
from proflow_schemas.sizes import HOLDER, MAX_VALUE_BYTES, text_size, tree_measure, tree_size

from .errors import ExpressionError
from .syntax import children, constant_path
from .tree import Call, Comprehension, Const, Ident, Many, Node, Select

MAX_MEMORY = 256 * 2**20
"""The most memory that an evaluation may need, in bytes, as estimated beforehand."""
MAX_WORK = 10_000_000
"""The most comparisons that an evaluation may make."""
_MOST_LOOKED_AT = 50_000
"""The most nodes that the estimate itself visits; a comprehension visits its nodes once per item."""
_SEARCH = 64
_HARMLESS = 64 * 2**10
"""Data of fewer bytes than this, divided by the nodes of the tree, needs no estimate."""

# Measured memory of the library, in bytes: of one JSON value that is passed in, of one entry of a list
# that is built, and of one value that is returned.
_TAKEN = 64
_ENTRY = 32
_GIVEN = 32
_SCALAR = 30
"""The most bytes of a number, a time or a boolean as JSON."""

_UNKNOWN: Any = object()
_TESTS = frozenset({"_==_", "_!=_", "@in", "contains", "startsWith", "endsWith"})
_TESTS |= {"_<_", "_<=_", "_>_", "_>=_"}


Kind = Literal["text", "list", "other", "unknown"]


class Extent(NamedTuple):
    """An upper bound of how large a value is.

    Attributes:
        size: The most bytes that it has as JSON.
        values: The most values in it, itself included; a list or an object counts `HOLDER` times.
        kind: Its type, as far as `+` depends on it.
        exact: True if `size` is its exact size.
        known: The value itself, if it is read and not computed.
        items: Of a computed list: the number of its items, and the bytes and values of the largest
            one, all at most.
    """

    size: int
    values: int = 1
    kind: Kind = "unknown"
    exact: bool = False
    known: Any = _UNKNOWN
    items: tuple[int, int, int] | None = None


_NOTHING = Extent(_SCALAR, kind="other")


class _TooMuch(Exception):
    """Raised when the estimated cost of an evaluation exceeds a limit."""


def grows(tree: Node) -> bool:
    """True if an expression may make a value larger than what it reads, read the same data more
    than once, or search it for a pattern."""
    if isinstance(tree, Comprehension | Many):
        return True
    if isinstance(tree, Call) and tree.function in ("_+_", "string", "bytes", "matches"):
        return True
    return any(grows(child) for child in children(tree))


def nodes_of(tree: Node) -> int:
    """Return the number of nodes of a tree, squared for each comprehension that encloses them.

    A search for a pattern counts as `_SEARCH` nodes.
    """
    found = 1 + sum(nodes_of(child) for child in children(tree))
    if isinstance(tree, Call) and tree.function == "matches":
        found += _SEARCH
    return found * found if isinstance(tree, Comprehension) else found


def check_extent(tree: Node, data: Mapping[str, Any], nodes: int) -> None:
    """Refuse an expression whose value would be too large, or too expensive to compute.

    Args:
        tree: The expression; a tree for which `grows` is true.
        data: The data that it reads, by name.
        nodes: The result of `nodes_of(tree)`.

    Raises:
        ExpressionError: If the bound of its size or of its cost exceeds the limit.
    """
    if _is_harmless(data, _HARMLESS // nodes):
        return
    account = _Account(data)
    try:
        account.total(tree)
    except _TooMuch:
        try:
            _Account(data, closely=True).total(tree)
        except _TooMuch:
            raise ExpressionError(
                f"the expression goes through {account.longest:,} items, which would take "
                f"more than {MAX_MEMORY >> 20} MiB, or too long"
                if account.longest > 1
                else f"computing it would take more than {MAX_MEMORY >> 20} MiB, or too long",
                help="compute it in a task",
            ) from None


def check_size(value: Any) -> None:
    """Refuse a JSON value that has more than `MAX_VALUE_BYTES`.

    Raises:
        ExpressionError: If it has.
    """
    if isinstance(value, str):
        if 6 * len(value) + 2 <= MAX_VALUE_BYTES:
            return
    elif not isinstance(value, list | dict):
        return
    if (size := tree_size(value)) > MAX_VALUE_BYTES:
        raise too_large(size)


def too_large(size: int) -> ExpressionError:
    """Return the error for a value of `size` bytes."""
    return ExpressionError(
        f"the value has {size:,} bytes, more than the {MAX_VALUE_BYTES >> 20} MiB that a value may"
        " have",
        help="keep large data elsewhere, and its address in the run",
    )


def _is_harmless(value: Any, budget: int) -> bool:
    """True if data is so small that no value computed from it can be too large."""
    left = budget
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            left -= len(one)
        elif isinstance(one, Mapping):
            left -= 8 * len(one)
            if left >= 0:
                stack += one.values()
        elif isinstance(one, list | tuple):
            left -= 8 * len(one)
            if left >= 0:
                stack += one
        if left < 0:
            return False
    return True


@dataclass
class _Account:
    """Evaluates an expression abstractly, and adds up its memory and work."""

    data: Mapping[str, Any]
    closely: bool = False
    """Estimate comprehensions item by item, instead of by their largest item."""
    memory: int = 0
    work: int = 0
    looked_at: int = 0
    longest: int = 0
    """The number of items of the longest list that a comprehension iterates over."""
    seen: dict[int, Extent] = field(default_factory=dict)
    """The extents of values that were read, by `id`; the data does not change meanwhile."""

    def total(self, tree: Node) -> Extent:
        """Return the extent of the result.

        Raises:
            _TooMuch: If the estimated cost exceeds a limit.
            ExpressionError: If the result is certainly too large.
        """
        for value in self.data.values():
            found = self._extent(value)
            self._take(_TAKEN * found.values + found.size)
        found = self._of(tree, {})
        if found.exact and found.size > MAX_VALUE_BYTES:
            raise too_large(found.size)
        self._take(found.size + _GIVEN * found.values)
        return found

    def _take(self, memory: int, work: int = 0, times: int = 1) -> None:
        self.memory += memory * times
        self.work += work * times
        if self.memory > MAX_MEMORY or self.work > MAX_WORK:
            raise _TooMuch

    def _of(self, node: Node, names: dict[str, Extent]) -> Extent:
        self.looked_at += 1
        if self.looked_at > _MOST_LOOKED_AT:
            raise _TooMuch
        match node:
            case Const(value=value):
                if isinstance(value, str):
                    return Extent(text_size(value), 1, "text", exact=True, known=value)
                return Extent(2 * len(value) + 2) if isinstance(value, bytes) else _NOTHING
            case Ident(name=name):
                return names[name] if name in names else self._read(node)
            case Select():
                return _NOTHING if node.test_only else self._field(node, node.operand, names)
            case Many():
                return self._many(node, names)
            case Comprehension():
                return self._comprehension(node, names)
            case Call():
                return self._call(node, names)

    # --- reads

    def _read(self, node: Node) -> Extent:
        """Return the extent of what a name or a path reads."""
        path = constant_path(node)
        value: Any = self.data
        for part in path or ():
            if not isinstance(value, Mapping) or part not in value:
                return _NOTHING  # the evaluation will fail
            value = value[part]
        return self._extent(value)

    def _extent(self, value: Any) -> Extent:
        """Return the extent of a value of the data; each is measured once."""
        if not isinstance(value, str | Mapping | list | tuple):
            return _NOTHING
        found = self.seen.get(id(value))
        if found is None:
            found = self.seen[id(value)] = _measured(value)
        return found

    def _field(self, node: Node, operand: Node, names: dict[str, Extent]) -> Extent:
        """Return the extent of a field of the data, of an item, or of a computed value."""
        path = constant_path(node)
        if path is None or path[0] not in names:
            if path is not None:
                return self._read(node)
            found = self._of(operand, names)
            return Extent(found.size, found.values)
        found = names[path[0]]
        if found.known is _UNKNOWN:
            return Extent(found.size, found.values)
        value = found.known
        for part in path[1:]:
            if not isinstance(value, Mapping) or part not in value:
                return _NOTHING
            value = value[part]
        return self._extent(value)

    # --- what makes values

    def _many(self, node: Many, names: dict[str, Extent]) -> Extent:
        found = [self._of(one, names) for one in node.elements]
        self._take(_ENTRY * len(found))
        # In a map every other element is a key: together there are as many commas and colons as elements.
        size = 2 + max(0, len(found) - 1) + sum(one.size for one in found)
        values = HOLDER + sum(one.values for one in found)
        largest = max((one.size for one in found), default=0)
        items = (len(found), largest, max((one.values for one in found), default=0))
        exact = all(one.exact for one in found)
        return Extent(size, values, "list", exact, items=items)

    def _call(self, node: Call, names: dict[str, Extent]) -> Extent:
        if node.function == "_[_]" and constant_path(node) is not None:
            return self._field(node, node.arguments[0], names)
        given = [self._of(one, names) for one in children(node)]
        match node.function:
            case "_?_:_":
                yes, no = given[1:]
                kind = yes.kind if yes.kind == no.kind else "unknown"
                size, values = max(yes.size, no.size), max(yes.values, no.values)
                return Extent(size, values, kind, items=_joined(yes, no, max))
            case "_+_" if len(given) == 2:
                return self._plus(*given)
            case "string" | "bytes":
                size = 2 * given[0].size + _SCALAR
                self._take(size)
                return Extent(size, 1, "text")
            case "_[_]" | "dyn":
                return Extent(given[0].size, given[0].values)
            case "matches":
                self._take(0, _searched(*given[-2:]))
                return _NOTHING
            case test if test in _TESTS:
                self._take(0, _compared(test, given))
                return _NOTHING
            case "size":
                self._take(0, given[0].size // 16 if given[0].kind != "list" else 1)
                return _NOTHING
            case "_&&_" | "_||_" | "!_":
                return _NOTHING
            case _:
                size = sum(one.size for one in given)
                return Extent(size + _SCALAR, sum(one.values for one in given))

    def _plus(self, left: Extent, right: Extent) -> Extent:
        """Return the extent of a sum or a concatenation.

        A concatenation loses one pair of quotes or brackets; that of two lists that are not empty
        gains a comma.
        """
        if "other" in (left.kind, right.kind):
            return _NOTHING
        exact = left.exact and right.exact
        size = left.size + right.size - 2
        if "text" in (left.kind, right.kind):
            self._take(size)
            return Extent(size, 1, "text", exact)
        if exact:
            size += left.size > 2 and right.size > 2
        else:
            size += 1
        values = left.values + right.values
        self._take(_ENTRY * values + (size if left.kind == right.kind == "unknown" else 0))
        kind = left.kind if left.kind != "unknown" else right.kind
        return Extent(size, values, kind, exact, items=_joined(left, right, operator.add))

    def _comprehension(self, node: Comprehension, names: dict[str, Extent]) -> Extent:
        over = self._of(node.iter_range, names)
        items = _items(over)
        appended = _appended(node)
        counted = over.items or (over.values, over.size, over.values)
        turns = counted[0] if items is None else len(items)
        self.longest = max(self.longest, turns)
        # The library copies the whole list for each item that is appended.
        self._take(0 if appended is None else _ENTRY // 2 * turns * turns, turns)
        if items is None:
            # An unknown item may be as large as the whole list.
            shown, times = [Extent(counted[1], counted[2])], turns
        elif self.closely or len(items) < 2:
            shown, times = [self._extent(item) for item in items], 1
        else:
            shown, times = [self._largest(items)], turns
        size = values = largest = most = 0
        for item in shown:
            inner = {**names, **dict.fromkeys(node.variables, item), node.accumulator: _NOTHING}
            memory, work = self.memory, self.work
            self._of(node.condition, inner)
            grown = self._of(node.step if appended is None else appended, inner)
            self._take(self.memory - memory, self.work - work, times - 1)
            size += times * grown.size
            values += times * grown.values
            largest, most = max(largest, grown.size), max(most, grown.values)
        if appended is None:
            return self._of(node.result, {**names, node.accumulator: _NOTHING})
        return Extent(2 + size, HOLDER + values, "list", items=(turns, largest, most))

    def _largest(self, items: list[Any]) -> Extent:
        """Return an extent that bounds those of all items."""
        found = [self._extent(item) for item in items]
        kinds = {one.kind for one in found}
        kind = kinds.pop() if len(kinds) == 1 else "unknown"
        return Extent(max(one.size for one in found), max(one.values for one in found), kind)


def _joined(
    left: Extent, right: Extent, count: Callable[[int, int], int]
) -> tuple[int, int, int] | None:
    """Combine the `items` of two lists; `count` combines the numbers of items."""
    one, other = _counted(left), _counted(right)
    if one is None or other is None:
        return None
    return count(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2])


def _counted(one: Extent) -> tuple[int, int, int] | None:
    if one.known is not _UNKNOWN:
        return (len(one.known), one.size, one.values) if isinstance(one.known, list) else None
    return one.items


def _appended(node: Comprehension) -> Node | None:
    """Return the list that each iteration appends to the result; None if the result is not a list."""
    step = node.step
    if not isinstance(node.accu_init, Many):
        return None
    while isinstance(step, Call) and step.function == "_?_:_":
        step = step.arguments[1]
    if isinstance(step, Call) and step.function == "_+_" and len(step.arguments) == 2:
        return step.arguments[1]
    return step


def _compared(test: str, given: list[Extent]) -> int:
    """Return the most comparisons that a test makes."""
    if test == "@in":
        return given[-1].values
    if test in ("_==_", "_!=_"):
        return min(one.values for one in given) + min(one.size for one in given) // 64
    return 1 + max(one.size for one in given) // 64


def _searched(text: Extent, pattern: Extent) -> int:
    """Return the work of a search, which is at most one look at each instruction for each character."""
    known = pattern.known if isinstance(pattern.known, str) else None
    # No repetition makes more than 1,000 instructions, and `a{1000}` has 7 characters.
    program = 150 * pattern.size if known is None else program_size(known)
    return 1 + text.size * program // 50


def _items(over: Extent) -> list[Any] | None:
    """Return the items that a comprehension iterates over; None if they are not known."""
    if over.known is _UNKNOWN:
        return None
    return list(over.known) if isinstance(over.known, Mapping | list | tuple) else []


def _measured(value: Any) -> Extent:
    if isinstance(value, str):
        return Extent(text_size(value), 1, "text", True, value)
    size, values = tree_measure(value)
    return Extent(size, values, "other" if isinstance(value, Mapping) else "list", True, value)
