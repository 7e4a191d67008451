"""Parses expressions, and finds what they read and which of these reads are guarded by `has(…)`."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import cel_expr_python.cel as cel

from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import is_exact

from .arithmetic import program
from .errors import INEXACT, ExpressionError
from .presence import Rewriting, rewrite_presence
from .tokens import tokens
from .tree import Call, Comprehension, Const, Ident, Many, Node, Select, read_tree
from .wording import compile_findings

TEXTS = Texts(
    "syntax",
    {
        "as-text": Text("write it as a text", "写成文本"),
        "no-message": Text(
            "there is no message type `{message:raw}`",
            "消息类型 `{message:raw}` 不存在",
        ),
        "write-object": Text(
            'write an object as `{{"name": value}}`',
            '对象写成 `{{"name": value}}`',
        ),
        "empty": Text("the expression is empty", "表达式为空"),
        "too-long": Text(
            "the expression has {count} characters, more than {most}",
            "表达式有 {count:raw} 个字符，超过 {most:raw}",
        ),
        "in-task": Text(
            "compute it in a task, or in several `set` nodes",
            "在任务中计算，或拆分到多个 `set` 节点",
        ),
        "half-pair": Text("half of a surrogate pair is not a character", "半个代理对不是字符"),
        "nul": Text("the name of a field contains U+0000", "字段名包含 U+0000"),
    },
)

# In code points. The library's own limit is 100,000, for which it takes a third of a second.
MAX_LENGTH = 32_768

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reference:
    """One read of a name in scope, with the constant fields that follow it.

    Attributes:
        path: The name and the fields: `("steps", "a-1", "outcome")` for `steps["a-1"].outcome`. An index
            that is not a constant string ends the path.
        start: Where it begins in the text.
        end: Where it ends in the text.
        guarded: True if the read cannot fail, since a `has(…)` has tested what it reads. For a step it is
            enough that the step was tested: `has(steps.x)` guards `steps.x.output`.
        presence: True if it is the argument of `has(…)` itself.
        chosen: For a field of a step: True if it is read only where the step's outcome, or a `has(…)` of
            the field, implies that the field has a value.
        absent: The steps that do not exist where this is read, as implied by a negated `has(…)`.
    """

    path: tuple[str, ...]
    start: int
    end: int
    guarded: bool
    presence: bool = False
    chosen: bool = False
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Syntax:
    """A parsed expression.

    Attributes:
        text: The expression as the user wrote it.
        references: What it reads, in the order of the text.
        tree: Its syntax tree.
        compiled: What evaluates it; all numbers of its data must be floats.
    """

    text: str
    references: tuple[Reference, ...]
    tree: Node = field(repr=False)
    compiled: cel.Expression = field(repr=False)
    calls: tuple[Call, ...] = field(repr=False)
    """Every call in the tree, outer ones first."""
    paths: frozenset[tuple[str, ...]] = field(repr=False)
    """The paths of its references."""

    @property
    def is_reference(self) -> bool:
        """True if the expression is a single read and nothing else."""
        return len(self.references) == 1 and constant_path(self.tree) == self.references[0].path


_ALWAYS_THERE = frozenset({("steps",), ("event",), ("event", "data"), ("run",), ("workflow",)})

# Without type-checking no names need to be declared, so one environment serves all expressions.
_environment = cel.NewEnv()
_compiling = threading.Lock()


@lru_cache(maxsize=4096)
def parse(text: str) -> Syntax:
    """Parse an expression; the latest 4,096 are cached.

    Raises:
        ExpressionError: If the text is not well-formed CEL; with its offset.
    """
    _check_text(text)
    rewriting = rewrite_presence(text)
    try:
        with _compiling:
            parsed = _environment.compile(rewriting.text, disable_check=True).serialize()
    except RuntimeError as error:
        first = compile_findings(rewriting.text, str(error))[0]
        offset = rewriting.original(first.offset)
        raise ExpressionError(first.message, offset=offset, help=first.help) from None
    tree = read_tree(parsed)
    _check_constants(tree, rewriting)
    references = _References(tree, rewriting).found
    with _compiling:
        compiled = program(tree)
    return Syntax(
        text=text,
        references=tuple(references),
        tree=tree,
        compiled=compiled,
        calls=tuple(_calls(tree)),
        paths=frozenset(one.path for one in references),
    )


def _calls(tree: Node) -> Iterator[Call]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Call):
            yield node
        stack += reversed(children(node))


def beyond_exact(offset: int) -> ExpressionError:
    """Return the error for a number in an expression that would be rounded."""
    return ExpressionError(INEXACT, offset=offset, help=TEXTS("as-text"))


def _check_constants(node: Node, rewriting: Rewriting) -> None:
    if isinstance(node, Const) and isinstance(node.value, int | float) and not is_exact(node.value):
        raise beyond_exact(rewriting.original(node.offset))
    if isinstance(node, Many) and node.message:
        raise ExpressionError(
            TEXTS("no-message", message=node.message),
            offset=rewriting.original(node.offset),
            help=TEXTS("write-object"),
        )
    for child in children(node):
        _check_constants(child, rewriting)


def _check_text(text: str) -> None:
    if not text.strip():
        raise ExpressionError(TEXTS("empty"), offset=0)
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            TEXTS("too-long", count=f"{len(text):,}", most=f"{MAX_LENGTH:,}"),
            offset=MAX_LENGTH,
            help=TEXTS("in-task"),
        )
    if surrogate := SURROGATE.search(text):
        raise ExpressionError(TEXTS("half-pair"), offset=surrogate.start())


def constant_path(node: Node) -> tuple[str, ...] | None:
    """Return the path that a node reads; None if it is not a name followed by constant fields."""
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
    """Collects the references of a tree, with the facts that hold where each is read.

    A first walk computes for each node which paths certainly exist if it is true, and which if it is
    false (`facts`, as sets of bits). A second walk collects the reads with what is known there. CEL's
    `&&` and `||` may get their result from either side, even if the other side fails, so the order of
    the two sides does not matter.
    """

    def __init__(self, tree: Node, rewriting: Rewriting) -> None:
        self.rewriting = rewriting
        self.tokens = tokens(rewriting.text)
        self.starts = [token.start for token in self.tokens]
        self.bits: dict[tuple[str, ...], int] = {}
        self.facts: dict[int, tuple[int, int]] = {}
        self.found: list[Reference] = []
        self.guards: dict[tuple[str, ...], int] = {}  # path → the facts that imply it
        self._collect_bits(tree)
        for path, bit in self.bits.items():
            for length in range(1, len(path) + 1):
                self.guards[path[:length]] = self.guards.get(path[:length], 0) | bit
        self.everything = (1 << len(self.bits)) - 1
        self._collect_facts(tree)
        self._visit(tree, 0, frozenset())
        self.found.sort(key=lambda reference: (reference.start, reference.end))

    def _collect_bits(self, node: Node) -> None:
        if (presence := self._presence(node)) is not None:
            self.bits.setdefault(presence, 1 << len(self.bits))
            if (absence := _absence(presence)) is not None:
                self.bits.setdefault(absence, 1 << len(self.bits))
        for path in _implied(node, presence):
            if path is not None:
                self.bits.setdefault(path, 1 << len(self.bits))
        for child in children(node):
            self._collect_bits(child)

    def _collect_facts(self, node: Node) -> tuple[int, int]:
        facts = [self._collect_facts(child) for child in children(node)]
        result = (0, 0)
        if isinstance(node, Const) and isinstance(node.value, bool):
            result = (0, self.everything) if node.value else (self.everything, 0)
        elif (presence := self._presence(node)) is not None:
            _, otherwise = _implied(node, presence)
            lacking = (one for one in (otherwise, _absence(presence)) if one is not None)
            result = (self.bits[presence], sum(self.bits[one] for one in lacking))
        elif any(implied := _implied(node, None)):
            result = (
                0 if implied[0] is None else self.bits[implied[0]],
                0 if implied[1] is None else self.bits[implied[1]],
            )
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
        path = constant_path(node)
        if path is not None:
            self._add(node, path, known, bound)
            return
        if (presence := self._presence(node)) is not None:
            self._add(node, presence, known, bound)
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
        for child in children(node):
            self._visit(child, known, bound)

    def _presence(self, node: Node) -> tuple[str, ...] | None:
        """Return the path whose existence a node tests (`has(a.b)`, `"b" in steps`); else None."""
        if isinstance(node, Select) and node.test_only:
            operand = constant_path(node.operand)
            return None if operand is None else (*operand, node.field)
        if isinstance(node, Call) and node.function == "@in":
            key, container = node.arguments
            operand = constant_path(container)
            if operand is None or not isinstance(key, Const) or not isinstance(key.value, str):
                return None
            if operand == ("steps",) or self.rewriting.presence(node.offset) is not None:
                return (*operand, key.value)
        return None

    def _add(self, node: Node, path: tuple[str, ...], known: int, bound: frozenset[str]) -> None:
        links: list[str] = []
        root = node.arguments[1] if isinstance(node, Call) and node.function == "@in" else node
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
        presence = self._presence(node) is not None
        start, end = self._span(root, reversed(links))
        if presence and (span := self.rewriting.presence(node.offset)) is not None:
            start, end = span
        else:
            start, end = self.rewriting.original(start), self.rewriting.original(end - 1) + 1
        if any("\0" in part for part in path):
            raise ExpressionError(TEXTS("nul"), offset=start)
        guarded = self._is_guarded(path, presence, known)
        chosen = known & self.guards.get(_holding(path), 0) != 0
        absent = tuple(
            one[1] for one, bit in self.bits.items() if one[0] == _ABSENT and known & bit
        )
        self.found.append(Reference(path, start, end, guarded, presence, chosen, absent))

    def _is_guarded(self, path: tuple[str, ...], presence: bool, known: int) -> bool:
        needed = path[:-1] if presence else path
        if path[0] == "steps":
            needed = needed[:2]
        if presence and needed in _ALWAYS_THERE:
            return True
        return known & self.guards.get(needed, 0) != 0

    def _span(self, root: Ident, links: Iterable[str]) -> tuple[int, int]:
        """Return the span from a name to its last field; parentheses in between are skipped."""
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


_SOMETHING = "\0"
"""A pseudo field: the output of a step has a value. No real field has this name."""


_ABSENT = "\1"
"""A pseudo name: a step does not exist. No real name is this."""


def _absence(presence: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the fact that holds if a test for a step is false; None if it does not test a step."""
    is_step = len(presence) == 2 and presence[0] == "steps"
    return (_ABSENT, presence[1]) if is_step else None


def _holding(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fact that implies that a field of a step has a value."""
    if path[0] != "steps" or len(path) < 3:
        return ()
    return path[:3] if path[2] == "error" else (*path[:3], _SOMETHING)


def _implied(
    node: Node, presence: tuple[str, ...] | None
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Return which field of a step has a value if `node` is true, and which if it is false.

    A step with an `error` has no output. Outcomes other than `error` and `timeout` come with an output.

    Args:
        node: A test of a step's field.
        presence: The path whose existence `node` tests, if it does.
    """
    if presence is not None:
        is_error = presence[0] == "steps" and len(presence) == 3 and presence[2] == "error"
        return None, _holding((*presence[:2], "output")) if is_error else None
    if not isinstance(node, Call) or node.function not in ("_==_", "_!=_"):
        return None, None
    left, right = node.arguments
    if isinstance(left, Const):
        left, right = right, left
    path = constant_path(left)
    if path is None or path[0] != "steps" or len(path) != 3 or not isinstance(right, Const):
        return None, None
    equal: tuple[str, ...] | None = None
    unequal: tuple[str, ...] | None = None
    output, error = _holding((*path[:2], "output")), (*path[:2], "error")
    match path[2], right.value:
        case "outcome", "error":
            equal, unequal = error, output
        case "outcome", "timeout":
            unequal = output
        case "outcome", "default":
            equal, unequal = output, error
        case "outcome", str():
            equal = output
        case "output", None:
            unequal = output
        case _:
            pass
    return (equal, unequal) if node.function == "_==_" else (unequal, equal)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node."""
    if isinstance(node, Select):
        return (node.operand,)
    if isinstance(node, Call):
        return node.arguments if node.target is None else (node.target, *node.arguments)
    if isinstance(node, Many):
        return node.elements
    if isinstance(node, Comprehension):
        return (node.iter_range, node.accu_init, node.condition, node.step, node.result)
    return ()
