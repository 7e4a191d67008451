"""Finds out if rules cover all cases, and which rules are shadowed by earlier ones.

Rules are split into atoms: comparisons of a value with constants (`x > 5`, `x in ["a"]`), or other
parts that are true or false. For each value, sample points are chosen between, at and around its
constants, so that every possible value behaves like one of them. The rules are then evaluated for
every combination of points. The result holds for all data. If there are too many combinations, only
equal rules, constant rules and repeated cases of one value are found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from proflow_schemas.expressions.syntax import children
from proflow_schemas.expressions.tree import Call, Comprehension, Const, Ident, Many, Node, Select

_MOST_CASES = 4_096
_MOST_WORK = 60_000
_OTHER = object()
"""A sample point of a type that none of the constants has."""

_Key = tuple[Any, ...]
_Case = Sequence[Any]
_Test = Callable[[_Case], bool]
Domain = Callable[[tuple[str, ...]], Sequence[Any] | None]
"""Returns the values that a path such as `("steps", "x", "outcome")` can have; None if unknown."""
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "_==_": lambda a, b: bool(a == b),
    "_!=_": lambda a, b: bool(a != b),
    "_<_": lambda a, b: bool(a < b),
    "_<=_": lambda a, b: bool(a <= b),
    "_>_": lambda a, b: bool(a > b),
    "_>=_": lambda a, b: bool(a >= b),
}
_MIRRORED = {"_==_": "_==_", "_!=_": "_!=_", "_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_"} | {
    "_>=_": "_<=_"
}


@dataclass(frozen=True)
class Coverage:
    """What the rules of a node cover.

    Attributes:
        exhaustive: True if one of the rules always holds.
        shadowed: The indices of rules that are never selected. Each maps to the indices of the
            earlier rules of which one holds whenever it does; empty if it can never hold.
    """

    exhaustive: bool
    shadowed: Mapping[int, tuple[int, ...]]


def coverage(rules: Sequence[Node], domain: Domain = lambda path: None) -> Coverage:
    """Find out what rules cover.

    Args:
        rules: The syntax trees of the rules, in the order in which they are evaluated.
        domain: Returns the values that a path can have, if they are known.
    """
    keys = [_key(rule) for rule in rules]
    shadowed: dict[int, tuple[int, ...]] = {}
    first: dict[_Key, int] = {}
    always: int | None = None
    for index, key in enumerate(keys):
        if always is not None:
            shadowed[index] = (always,)
        elif key in first:
            shadowed[index] = (first[key],)
        first.setdefault(key, index)
        if always is None and key == _TRUE:
            always = index
    if always is not None:
        return Coverage(True, shadowed)
    values: dict[_Key, list[Any]] = {}
    for rule in rules:
        _collect(rule, values)
    cases = [_points(key, found, domain) for key, found in values.items()]
    count = 1
    for points in cases:
        count *= len(points)
        if count > _MOST_CASES or count * len(rules) > _MOST_WORK:
            return _switch(rules, shadowed)
    before: list[set[int]] = [set() for _ in rules]
    exhaustive = True
    slots = {key: index for index, key in enumerate(values)}
    tests = [_test(rule, slots) for rule in rules]
    for case in product(*cases):
        holding = [index for index, test in enumerate(tests) if test(case)]
        if not holding:
            exhaustive = False
        for index in holding:
            before[index].add(holding[0])
    for index, earlier in enumerate(before):
        if index not in earlier:
            shadowed.setdefault(index, tuple(sorted(earlier)))
    return Coverage(exhaustive, shadowed)


def _switch(rules: Sequence[Node], shadowed: dict[int, tuple[int, ...]]) -> Coverage:
    """Handle many cases of one value: a case whose constants all occurred before is shadowed."""
    tried: dict[_Key, dict[Any, int]] = {}
    for index, rule in enumerate(rules):
        atom = _atom(rule)
        if atom is None or atom[1] not in ("_==_", "@in"):
            continue
        constants = {_constant_key(one) for one in atom[2]}
        seen = tried.setdefault(atom[0], {})
        if constants and constants <= seen.keys():
            shadowed.setdefault(index, tuple(sorted({seen[one] for one in constants})))
        for one in constants:
            seen.setdefault(one, index)
    return Coverage(False, shadowed)


def _points(key: _Key, constants: list[Any], domain: Domain) -> Sequence[Any]:
    """Return sample points, so that every value compares with the constants as one of them does."""
    path = _path(key)
    if path is not None and (known := domain(path)) is not None:
        return known
    kinds: dict[str, set[Any]] = {}
    for one in constants:
        kinds.setdefault(_kind(one), set()).add(one)
    if not kinds or list(kinds) == ["bool"]:
        return [False, True]
    points: list[Any] = []
    for kind, found in kinds.items():
        if kind == "number":
            numbers = sorted(found)
            inner = [(a + b) / 2 for a, b in pairwise(numbers)]
            least = [numbers[0] - 1]
            if key[:2] == ("call", "size"):
                inner = [one for one in inner if isinstance(one, int) or one.is_integer()]
                least = [one for one in least if one >= 0]
            points += [*numbers, *inner, *least, numbers[-1] + 1]
        elif kind == "str":
            texts = sorted(found)
            after = {text + "\0" for text in texts} - found
            points += [*texts, *after, *([""] if texts[0] else [])]
        else:
            points += found
    return [*points, _OTHER] if len(kinds) > 1 or not kinds.keys() & {"number", "str"} else points


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _collect(node: Node, values: dict[_Key, list[Any]]) -> None:
    for atom in _atoms(node):
        split = _atom(atom)
        if split is None:
            values.setdefault(_key(atom), [])
        else:
            values.setdefault(split[0], []).extend(split[2])


def _atoms(node: Node) -> Iterator[Node]:
    """Yield the parts of a rule that `&&`, `||`, `!` and `? :` combine."""
    if isinstance(node, Call) and node.function in ("_&&_", "_||_", "!_", "_?_:_"):
        for child in children(node):
            yield from _atoms(child)
    elif not (isinstance(node, Const) and isinstance(node.value, bool)):
        yield node


def _atom(node: Node) -> tuple[_Key, str, list[Any]] | None:
    """Split a comparison into its value, operator and constants; None if it is no comparison."""
    if not isinstance(node, Call) or len(node.arguments) != 2:
        return None
    left, right = node.arguments
    if node.function == "@in":
        if isinstance(right, Many) and all(isinstance(one, Const) for one in right.elements):
            listed = [one.value for one in right.elements if isinstance(one, Const)]
            return (_key(left), "@in", listed) if listed else None
        return None
    if node.function not in _COMPARE:
        return None
    if isinstance(right, Const) and not isinstance(left, Const):
        return _key(left), node.function, [right.value]
    if isinstance(left, Const) and not isinstance(right, Const):
        return _key(right), _MIRRORED[node.function], [left.value]
    # Two values compared with each other: treated as their difference compared with zero.
    a, b, function = _key(left), _key(right), node.function
    if repr(b) < repr(a):
        a, b, function = b, a, _MIRRORED[function]
    return ("compared", a, b), function, [0]


def _test(node: Node, slots: Mapping[_Key, int]) -> _Test:
    """Compile a rule to a function that says if it holds in a case.

    Args:
        node: The rule.
        slots: For each value of the rules, its index in a case.
    """
    if isinstance(node, Const) and isinstance(node.value, bool):
        constant = node.value
        return lambda case: constant
    if isinstance(node, Call) and node.function in ("_&&_", "_||_", "!_", "_?_:_"):
        tests = [_test(child, slots) for child in node.arguments]
        match node.function:
            case "_&&_":
                return lambda case: all(test(case) for test in tests)
            case "_||_":
                return lambda case: any(test(case) for test in tests)
            case "!_":
                return lambda case: not tests[0](case)
            case _:
                condition, yes, no = tests
                return lambda case: yes(case) if condition(case) else no(case)
    atom = _atom(node)
    if atom is None:
        slot = slots[_key(node)]
        return lambda case: bool(case[slot])
    return _comparison(slots[atom[0]], atom[1], atom[2])


def _comparison(slot: int, function: str, constants: Sequence[Any]) -> _Test:
    """Compile a comparison of a value with constants."""
    keys = [_constant_key(one) for one in constants]
    if function == "@in":
        return lambda case: any(_constant_key(case[slot]) == key for key in keys)
    if function in ("_==_", "_!=_"):
        key, equal = keys[0], function == "_==_"
        return lambda case: bool(_constant_key(case[slot]) == key) is equal
    compare, constant = _COMPARE[function], constants[0]

    def test(case: _Case) -> bool:
        try:
            return compare(case[slot], constant)
        except TypeError:
            return False

    return test


def _constant_key(value: Any) -> Any:
    return (isinstance(value, bool), value)


def _key(node: Node) -> _Key:
    """Return a key that is equal for equal parts of expressions, regardless of their position."""
    match node:
        case Const(value=value):
            return ("const", type(value).__name__, value)
        case Ident(name=name):
            return ("ident", name.removeprefix("."))
        case Select(operand=operand, field=field, test_only=test_only):
            return ("has" if test_only else "select", _key(operand), field)
        case Call(function="_[_]", arguments=(operand, Const(value=str(field)))):
            return ("select", _key(operand), field)
        case Call(function="dyn", target=None, arguments=(operand,)):
            return _key(operand)
        case Call(function=function, target=target, arguments=arguments):
            own = () if target is None else (_key(target),)
            return ("call", function, own, *(_key(one) for one in arguments))
        case Many(elements=elements, message=message):
            return ("many", message, *(_key(one) for one in elements))
        case Comprehension(accumulator=accumulator, variables=variables):
            inner = (_key(child) for child in children(node))
            return ("comprehension", tuple(sorted(variables)), accumulator, *inner)


def _path(key: _Key) -> tuple[str, ...] | None:
    parts: list[str] = []
    while key[0] == "select":
        parts.append(key[2])
        key = key[1]
    return (key[1], *reversed(parts)) if key[0] == "ident" else None


_TRUE = ("const", "bool", True)
