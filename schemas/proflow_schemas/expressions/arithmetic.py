"""Rewrites the syntax tree of an expression so that all its numbers are floats, like those of JSON.

Only the tree changes, never the text that the user wrote:

- Integer literals become floats, and the results of functions that return integers (`size(…)`,
  `….getHours()`) are converted to floats.
- CEL functions that distinguish integers from floats are replaced by those of `functions.py`.
- The result of `+`, `-` and `*` is checked against the limit of exact numbers before anything else
  reads it. A float beyond the limit may have been rounded, which neither the result nor a comparison
  would show.
- A comparison that might compare a number with a text records its offset when it does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cel_expr_python.cel as cel

from proflow_schemas.numbers import MAX_EXACT

from .errors import ExpressionError
from .functions import BEYOND_LIMIT, KEY, MIXED, REPLACED, SUMS, functions
from .tree import Call, Comprehension, Const, Ident, Many, Node, Select, write_tree
from .wording import TOO_NESTED, TOO_NESTED_HELP

INTEGERS = frozenset(
    {
        "size",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getMonth",
        "getSeconds",
    }
)
"""CEL functions that return integers."""
_NUMERIC = frozenset({"_*_", "_/_", "_%_", "int", "uint", "double", "round", *INTEGERS})
_TEXTUAL = frozenset({"string"})
_NEITHER = frozenset(
    {"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"}
    | {"bool", "bytes", "timestamp", "duration", "type"}
    | {"contains", "startsWith", "endsWith", "matches"}
)
_RESULT = "@number"
"""The variable that holds the result of an operator while it is checked against the limit."""
_SHALLOW = 8
"""The nesting depth from which on mixed comparisons are not recorded."""
_Kind = Literal["number", "text", "neither"]

_environment = cel.NewEnv(extensions=[cel.CelExtension("proflow", functions())])


def program(tree: Node) -> cel.Expression:
    """Compile a syntax tree.

    Args:
        tree: The tree as it was parsed, with integers.

    Returns:
        A compiled expression, whose data must have floats for all numbers.

    Raises:
        ExpressionError: If the tree is nested too deeply.
    """
    for folds in (False, True):
        try:
            return _environment.deserialize(write_tree(rewritten(tree, folds=folds)))
        except RuntimeError:  # protocol buffers are nested 100 levels deep at most
            continue
    raise ExpressionError(TOO_NESTED, offset=0, help=TOO_NESTED_HELP)


def rewritten(node: Node, *, folds: bool = False) -> Node:
    """Return the tree with floats for all numbers.

    Args:
        node: The tree as it was parsed.
        folds: Write a sum of many terms as one comprehension. It is nested less deeply that way, but
            takes longer to evaluate.
    """
    return _Rewriting(folds).of(node)


class _Rewriting:
    def __init__(self, folds: bool) -> None:
        self._folds = folds

    def of(self, node: Node) -> Node:
        match node:
            case Const(value=bool()):
                return node
            case Const(value=int(value)):
                return replace(node, value=float(value))
            case Const() | Ident():
                return node
            case Select():
                return replace(node, operand=self.of(node.operand))
            case Many(is_map=True):
                elements = [
                    self._key(one) if at % 2 == 0 else self.of(one)
                    for at, one in enumerate(node.elements)
                ]
                return replace(node, elements=tuple(elements))
            case Many():
                return replace(node, elements=tuple(map(self.of, node.elements)))
            case Comprehension():
                return replace(
                    node,
                    iter_range=self.of(node.iter_range),
                    accu_init=self.of(node.accu_init),
                    condition=self.of(node.condition),
                    step=self.of(node.step),
                    result=self.of(node.result),
                )
            case Call():
                return self._call(node)

    def _call(self, node: Call) -> Node:
        if node.function in SUMS:
            return self._sum(node)
        arguments = tuple(map(self.of, node.arguments))
        target = None if node.target is None else self.of(node.target)
        function = REPLACED.get(node.function, node.function) if target is None else node.function
        call = Call(node.offset, function, target, arguments)
        if node.function in INTEGERS:
            return Call(node.offset, "double", None, (call,))
        if compared := _compared(node):
            # For other operands the note has no overload; `|| true` ignores that failure.
            both = (*map(self.of, compared), Const(node.offset, float(node.offset)))
            note = Call(node.offset, MIXED, None, both)
            noted = Call(node.offset, "_||_", None, (note, Const(node.offset, True)))
            return Call(node.offset, "_&&_", None, (noted, call))
        return call

    def _sum(self, node: Call) -> Node:
        """Rewrite a call of `+`, `-` or `*` so that it fails if its result is a number beyond the limit."""
        kinds = {_kind(one) for one in node.arguments}
        if kinds & {"text", "neither"}:
            return replace(node, arguments=tuple(map(self.of, node.arguments)))
        if node.function == "_*_" or "number" in kinds:
            arguments = tuple(map(self.of, node.arguments))
            return Call(node.offset, SUMS[node.function], None, arguments)
        if self._folds:
            return self._folded(node)
        left, right = map(self.of, node.arguments)
        return _within_limit(Call(node.offset, node.function, None, (left, right)))

    def _folded(self, node: Call) -> Node:
        """Rewrite a sum of many terms as one comprehension over them, whose depth is constant."""
        terms: list[Node] = []
        first: Node = node
        while isinstance(first, Call) and first.function == node.function and not first.target:
            first, term = first.arguments
            terms.append(self.of(term))
        item, total = (Ident(node.offset, name) for name in ("@term", "@total"))
        return Comprehension(
            offset=node.offset,
            iter_range=Many(node.offset, tuple(reversed(terms))),
            accu_init=self.of(first),
            names=(item.name, ""),
            accumulator=total.name,
            condition=Const(node.offset, True),
            step=_within_limit(Call(node.offset, node.function, None, (total, item))),
            result=total,
        )

    def _key(self, node: Node) -> Node:
        """Rewrite a key of a map: CEL allows texts, booleans and integers as keys, but no floats."""
        if isinstance(node, Const):
            return node
        return Call(node.offset, KEY, None, (self.of(node),))


def _within_limit(call: Call) -> Node:
    """Return a node with the value of `call` that fails if it is a number beyond the limit.

    The node is a comprehension over an empty list. It binds the value to a name, as `cel.bind` does,
    so that it is computed only once. If the value is not a number, comparing it with the limit fails,
    and `||` ignores that failure.
    """
    found = Ident(call.offset, _RESULT)

    def of(function: str, *arguments: Node) -> Call:
        return Call(call.offset, function, None, arguments)

    def constant(value: float | str | bool) -> Const:
        return Const(call.offset, value)

    limit = float(MAX_EXACT)
    kind = of("type", found)
    is_number = of(
        "_||_",
        of("_==_", kind, Ident(call.offset, "double")),
        of("_==_", kind, Ident(call.offset, "int")),
    )
    is_within = of("_&&_", of("_<=_", found, constant(limit)), of("_>=_", found, constant(-limit)))
    return Comprehension(
        offset=call.offset,
        iter_range=Many(call.offset, ()),
        accu_init=call,
        names=("#unused", ""),
        accumulator=_RESULT,
        condition=constant(False),
        step=found,
        result=of(
            "_?_:_",
            of("_||_", is_within, of("!_", is_number)),
            found,
            of(BEYOND_LIMIT, constant(call.function.strip("_"))),
        ),
    )


def _compared(node: Call) -> tuple[Node, Node] | None:
    """Return both sides of a comparison if one may be a number and the other a text; else None.

    If the right side of `in` is a list literal whose elements are of one kind, its first element
    stands for all of them.
    """
    if node.function not in ("_==_", "_!=_", "@in") or len(node.arguments) != 2:
        return None
    left, right = node.arguments
    if node.function == "@in":
        if not isinstance(right, Many) or right.is_map or len(set(map(_kind, right.elements))) != 1:
            return None
        right = right.elements[0]
    shallow = _depth(left) < _SHALLOW and _depth(right) < _SHALLOW
    return (left, right) if shallow and _may_mix(_kind(left), _kind(right)) else None


def _depth(node: Node) -> int:
    """Return how deeply a node is nested; `_SHALLOW` if it contains a comprehension or a comparison.

    Both sides of a recorded comparison are computed twice, so they must be cheap.
    """
    match node:
        case Const() | Ident():
            return 0
        case Select():
            return 1 + _depth(node.operand)
        case Call(function=function) if function not in _NEITHER:
            parts = node.arguments if node.target is None else (node.target, *node.arguments)
            return 1 + max(map(_depth, parts), default=0)
        case _:
            return _SHALLOW


def _may_mix(left: _Kind | None, right: _Kind | None) -> bool:
    """True if one side may be a number and the other a text."""
    return "neither" not in (left, right) and (left is None or left != right)


def _kind(node: Node) -> _Kind | None:
    """Return what kind of value a node has; None if that cannot be told without data."""
    match node:
        case Const(value=None | bool() | bytes()) | Many():
            return "neither"
        case Const(value=str()):
            return "text"
        case Const():
            return "number"
        case Call(function=function) if function in _NUMERIC:
            return "number"
        case Call(function=function) if function in _TEXTUAL:
            return "text"
        case Call(function=function) if function in _NEITHER:
            return "neither"
        case Select(test_only=True):
            return "neither"
        case Select(
            operand=Select(operand=Ident(name="steps"))
            | Call(function="_[_]", arguments=(Ident(name="steps"), Const())),
            field="outcome",
        ):
            return "text"
        case Ident(name=name) if name.startswith("@"):
            return "neither"  # a variable that a macro made
        case _:
            return None
