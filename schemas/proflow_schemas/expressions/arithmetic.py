"""Makes all numbers of an expression floats, as JSON's are.

The syntax tree is changed, the text stays as it was written. Integer literals become floats, what
gives an integer (`size(…)`, `….getHours()`) is made a float, and where CEL's own functions tell
integers from floats, ours take their place. A comparison that may be of a number with a text takes
a note of it, if it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cel_expr_python.cel as cel

from .functions import KEY, MIXED, REPLACED, functions
from .tree import Call, Comprehension, Const, Ident, Many, Node, Select, write_tree

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
_SHALLOW = 8
"""How deeply what is compared may be nested for a note to be taken."""
_Kind = Literal["number", "text", "neither"]

_environment = cel.NewEnv(extensions=[cel.CelExtension("proflow", functions())])


def program(tree: Node) -> cel.Expression:
    """What evaluates a tree, given floats for all numbers of its data."""
    return _environment.deserialize(write_tree(rewritten(tree)))


def rewritten(node: Node) -> Node:
    """The tree with floats for all numbers."""
    match node:
        case Const(value=bool()):
            return node
        case Const(value=int(value)):
            return replace(node, value=float(value))
        case Const() | Ident():
            return node
        case Select():
            return replace(node, operand=rewritten(node.operand))
        case Many(is_map=True):
            elements = [
                _key(one) if at % 2 == 0 else rewritten(one) for at, one in enumerate(node.elements)
            ]
            return replace(node, elements=tuple(elements))
        case Many():
            return replace(node, elements=tuple(map(rewritten, node.elements)))
        case Comprehension():
            return replace(
                node,
                iter_range=rewritten(node.iter_range),
                accu_init=rewritten(node.accu_init),
                condition=rewritten(node.condition),
                step=rewritten(node.step),
                result=rewritten(node.result),
            )
        case Call():
            return _call(node)


def _call(node: Call) -> Node:
    arguments = tuple(map(rewritten, node.arguments))
    target = None if node.target is None else rewritten(node.target)
    function = REPLACED.get(node.function, node.function) if target is None else node.function
    call = Call(node.offset, function, target, arguments)
    if node.function in INTEGERS:
        return Call(node.offset, "double", None, (call,))
    if compared := _compared(node):
        # Where it is no such comparison the note is undefined, which `|| true` passes over.
        both = (*map(rewritten, compared), Const(node.offset, float(node.offset)))
        note = Call(node.offset, MIXED, None, both)
        noted = Call(node.offset, "_||_", None, (note, Const(node.offset, True)))
        return Call(node.offset, "_&&_", None, (noted, call))
    return call


def _key(node: Node) -> Node:
    """The key of a map: keys may be texts, booleans and whole numbers, not floats."""
    if isinstance(node, Const):
        return node
    return Call(node.offset, KEY, None, (rewritten(node),))


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
