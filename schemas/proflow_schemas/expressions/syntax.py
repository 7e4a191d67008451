"""Expressions as text: their syntax, and what they read."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from cel_expr_python import cel

from .errors import ExpressionError
from .tokens import tokens
from .tree import Call, Comprehension, Const, Ident, Many, Node, Select, read_tree
from .wording import compile_error

# In code points. The library stops at 100,000, but needs a third of a second by then.
MAX_LENGTH = 32_768


@dataclass(frozen=True, slots=True)
class Reference:
    """One read of a name in scope, with the constant fields that follow it.

    `steps["a-1"].outcome` has the path `("steps", "a-1", "outcome")`; an index that is not a
    constant string ends the path. `start` and `end` are the span in the text. `presence`: it is
    the argument of `has(…)`. `guarded`: reading it cannot miss: what it reads is the argument of
    `has(…)` itself, or is read only where a `has(…)` holds. For a step that is a matter of the
    step (`has(steps.x)` guards `steps.x.output`), for anything else of the whole path.
    """

    path: tuple[str, ...]
    start: int
    end: int
    guarded: bool
    presence: bool = False


@dataclass(frozen=True, slots=True)
class Syntax:
    """A parsed expression: what it reads, in order of appearance, and its tree."""

    text: str
    references: tuple[Reference, ...]
    tree: Node = field(repr=False)
    compiled: cel.Expression = field(repr=False)

    @property
    def is_reference(self) -> bool:
        """Whether the expression is one read and nothing else."""
        return len(self.references) == 1 and _path(self.tree) == self.references[0].path


# Without declarations and without checking, one environment does for all names.
_environment = cel.NewEnv()
_compiling = threading.Lock()


@lru_cache(maxsize=4096)
def parse(text: str) -> Syntax:
    """Parse `text`; anything but well-formed CEL is an `ExpressionError` with its place."""
    _check_text(text)
    try:
        with _compiling:
            compiled = _environment.compile(text, disable_check=True)
    except RuntimeError as error:
        raise compile_error(text, str(error)) from None
    tree = read_tree(compiled.serialize())
    references = _References(text, tree).found
    return Syntax(text=text, references=tuple(references), tree=tree, compiled=compiled)


def _check_text(text: str) -> None:
    if not text.strip():
        raise ExpressionError("the expression is empty", offset=0)
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text):,} characters, more than {MAX_LENGTH:,}",
            offset=MAX_LENGTH,
            help="compute it in a task, or in several `set` nodes",
        )
    for offset, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise ExpressionError("half of a surrogate pair is no character", offset=offset)


def _path(node: Node) -> tuple[str, ...] | None:
    """The path a node reads, or `None` if it is no chain of constant fields from a name."""
    parts: list[str] = []
    while True:
        if isinstance(node, Ident):
            parts.append(node.name.removeprefix("."))
            return tuple(reversed(parts))
        if isinstance(node, Select) and not node.test_only:
            parts.append(node.field)
            node = node.operand
        elif (index := _constant_index(node)) is not None:
            operand, key = index
            parts.append(key)
            node = operand
        else:
            return None


def _constant_index(node: Node) -> tuple[Node, str] | None:
    if isinstance(node, Call) and node.function == "_[_]" and len(node.arguments) == 2:
        operand, key = node.arguments
        if isinstance(key, Const) and isinstance(key.value, str):
            return operand, key.value
    return None


class _References:
    """Walks a tree once to know which `has(…)` imply what, once more to collect the reads.

    Facts are sets of guarded paths, kept as bits: `true_of[n]` are the paths without which `n`
    is false, `false_of[n]` those without which it is true. CEL's `&&` and `||` give their
    result from either side, even if the other side fails, so order does not matter.
    """

    def __init__(self, text: str, tree: Node) -> None:
        self.tokens = tokens(text)
        self.starts = [token.start for token in self.tokens]
        self.bits: dict[tuple[str, ...], int] = {}
        self.facts: dict[int, tuple[int, int]] = {}
        self.found: list[Reference] = []
        self._collect_bits(tree)
        self.everything = (1 << len(self.bits)) - 1
        self._collect_facts(tree)
        self._visit(tree, 0, frozenset())
        self.found.sort(key=lambda reference: (reference.start, reference.end))

    def _collect_bits(self, node: Node) -> None:
        if isinstance(node, Select) and node.test_only:
            operand = _path(node.operand)
            if operand is not None:
                self.bits.setdefault((*operand, node.field), 1 << len(self.bits))
        for child in _children(node):
            self._collect_bits(child)

    def _collect_facts(self, node: Node) -> tuple[int, int]:
        facts = [self._collect_facts(child) for child in _children(node)]
        result = (0, 0)
        if isinstance(node, Const) and isinstance(node.value, bool):
            result = (0, self.everything) if node.value else (self.everything, 0)
        elif isinstance(node, Select) and node.test_only:
            operand = _path(node.operand)
            result = (self.bits[(*operand, node.field)] if operand else 0, 0)
        elif isinstance(node, Call):
            if node.function == "!_":
                result = (facts[0][1], facts[0][0])
            elif node.function == "_&&_":
                result = (facts[0][0] | facts[1][0], facts[0][1] & facts[1][1])
            elif node.function == "_||_":
                result = (facts[0][0] & facts[1][0], facts[0][1] | facts[1][1])
            elif node.function == "_?_:_":
                condition, yes, no = facts
                result = (
                    (condition[0] & no[0]) | (condition[1] & yes[0]),
                    (condition[0] & no[1]) | (condition[1] & yes[1]),
                )
        self.facts[id(node)] = result
        return result

    def _visit(self, node: Node, known: int, bound: frozenset[str]) -> None:
        path = _path(node)
        if path is not None:
            self._add(node, path, known, bound)
            return
        if isinstance(node, Select) and node.test_only:
            operand = _path(node.operand)
            if operand is not None:
                self._add(node, (*operand, node.field), known, bound)
                return
        if isinstance(node, Comprehension):
            self._visit(node.iter_range, known, bound)
            self._visit(node.accu_init, known, bound)
            inside = bound | node.variables | {node.accumulator}
            self._visit(node.condition, known, inside)
            self._visit(node.step, known, inside)
            self._visit(node.result, known, inside)
            return
        if isinstance(node, Call) and node.function in ("_&&_", "_||_"):
            side = 0 if node.function == "_&&_" else 1
            left, right = node.arguments
            self._visit(left, known | self.facts[id(right)][side], bound)
            self._visit(right, known | self.facts[id(left)][side], bound)
            return
        if isinstance(node, Call) and node.function == "_?_:_":
            condition, yes, no = node.arguments
            true_of, false_of = self.facts[id(condition)]
            self._visit(condition, known, bound)
            self._visit(yes, known | true_of, bound)
            self._visit(no, known | false_of, bound)
            return
        for child in _children(node):
            self._visit(child, known, bound)

    def _add(self, node: Node, path: tuple[str, ...], known: int, bound: frozenset[str]) -> None:
        links: list[str] = []
        root = node
        while not isinstance(root, Ident):
            if isinstance(root, Select):
                links.append(".")
                root = root.operand
            else:
                index = _constant_index(root)
                assert index is not None
                links.append("[")
                root = index[0]
        if root.name in bound:
            return
        presence = isinstance(node, Select) and node.test_only
        start, end = self._span(root, reversed(links))
        guarded = self._is_guarded(path, presence, known)
        self.found.append(Reference(path, start, end, guarded, presence))

    def _is_guarded(self, path: tuple[str, ...], presence: bool, known: int) -> bool:
        needed = path[:2] if path[0] == "steps" else path[:-1] if presence else path
        if presence and len(path) <= 2:
            return True
        return any(
            known & bit and guard[: len(needed)] == needed for guard, bit in self.bits.items()
        )

    def _span(self, root: Ident, links: Iterable[str]) -> tuple[int, int]:
        """The span from the name to its last field; parentheses on the way are passed over."""
        at = bisect_left(self.starts, root.offset)
        if root.name.startswith(".") and self._text(at) == ".":
            at += 1
        for link in links:
            at += 1
            while self._text(at) == ")":
                at += 1
            if link == ".":
                at += 1
                continue
            while self._text(at) != "]" and at < len(self.tokens) - 1:
                at += 1
        last = self.tokens[min(at, len(self.tokens) - 1)]
        return root.offset, last.end

    def _text(self, at: int) -> str:
        return self.tokens[at].text if at < len(self.tokens) else ""


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Select):
        return (node.operand,)
    if isinstance(node, Call):
        return node.arguments if node.target is None else (node.target, *node.arguments)
    if isinstance(node, Many):
        return node.elements
    if isinstance(node, Comprehension):
        return (node.iter_range, node.accu_init, node.condition, node.step, node.result)
    return ()


