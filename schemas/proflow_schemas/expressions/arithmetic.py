"""Makes all numbers of an expression floats, as JSON's are.

The syntax tree is changed, the text stays as it was written. Integer literals become floats, what
gives an integer (`size(…)`, `….getHours()`) is made a float, and where CEL's own functions tell
integers from floats, ours take their place. What `+`, `-` and `*` give is held against the limit of
exact numbers before anything else reads it: a float beyond it may have been rounded, and neither the
result nor a comparison would show it. A comparison that may be of a number with a text takes a note
of it, if it is.
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
"""Functions of CEL that give integers."""
_NUMERIC = frozenset({"_*_", "_/_", "_%_", "int", "uint", "double", "round", *INTEGERS})
_TEXTUAL = frozenset({"string"})
_NEITHER = frozenset(
    {"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"}
    | {"bool", "bytes", "timestamp", "duration", "type"}
    | {"contains", "startsWith", "endsWith", "matches"}
)
_RESULT = "@number"
"""The name of what an operator gave, while it is held against the limit."""
_SHALLOW = 8
"""How deeply what is compared may be nested for a note to be taken."""
_Kind = Literal["number", "text", "neither"]

_environment = cel.NewEnv(extensions=[cel.CelExtension("proflow", functions())])


def program(tree: Node) -> cel.Expression:
    """What evaluates a tree, given floats for all numbers of its data.

    Raises:
        ExpressionError: If it is nested too deeply.
    """
    for folds in (False, True):
        try:
            return _environment.deserialize(write_tree(rewritten(tree, folds=folds)))
        except RuntimeError:  # protocol buffers are nested 100 levels deep at most
            continue
    raise ExpressionError(TOO_NESTED, offset=0, help=TOO_NESTED_HELP)


def rewritten(node: Node, *, folds: bool = False) -> Node:
    """The tree with floats for all numbers.

    Args:
        node: The tree.
        folds: Whether long sums are to be written flat: it takes longer to evaluate them.
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
            # Where it is no such comparison the note is undefined, which `|| true` passes over.
            both = (*map(self.of, compared), Const(node.offset, float(node.offset)))
            note = Call(node.offset, MIXED, None, both)
            noted = Call(node.offset, "_||_", None, (note, Const(node.offset, True)))
            return Call(node.offset, "_&&_", None, (noted, call))
        return call

    def _sum(self, node: Call) -> Node:
        """What `+`, `-` or `*` gives, if it is no number beyond the limit."""
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
        """A sum of many terms as one comprehension over them, however many there are."""
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
        """The key of a map: keys may be texts, booleans and whole numbers, not floats."""
        if isinstance(node, Const):
            return node
        return Call(node.offset, KEY, None, (self.of(node),))


def _within_limit(call: Call) -> Node:
    """What a call gives, if it is no number beyond the limit; else the evaluation fails.

    As a comprehension over nothing, which names a value as `cel.bind` does: what is computed is
    computed once. What is no number cannot be compared with one, which `||` passes over.
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
    """What a call compares, where one side may be a number and the other a text.

    The items of a list that is written out are compared with by one of them, if all are alike.
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
    """How deeply a node is nested; without end if it holds what takes long, or a comparison.

    To take a note, what is compared is computed twice.
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
    """True if one may be a number and the other a text."""
    return "neither" not in (left, right) and (left is None or left != right)


def _kind(node: Node) -> _Kind | None:
    """What a node gives, as far as that can be seen; None if it cannot."""
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
            return "neither"  # what a macro counts with
        case _:
            return None
