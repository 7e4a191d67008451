"""Numbers are JSON's: nothing depends on whether a value happens to be whole."""

import json
import math
import operator
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from proflow_runtime.protocol.gojson import as_floats
from proflow_runtime.protocol.matching import compile_expression
from proflow_schemas.expressions import (
    ExpressionError,
    TypeScope,
    compile,
    for_inngest,
    foreign_problems,
    parse,
    problems,
    template,
)
from proflow_schemas.expressions.arithmetic import rewritten
from proflow_schemas.expressions.tree import write_tree
from proflow_schemas.numbers import MAX_EXACT, from_decimal, inexact

NUMBERS = st.one_of(
    st.integers(-MAX_EXACT, MAX_EXACT),
    st.integers(-100, 100),
    st.integers(-100, 100).map(float),
    st.floats(-MAX_EXACT, MAX_EXACT),
    st.decimals(-10_000, 10_000, places=2).map(float),
    st.sampled_from([0, -0.0, 0.1, 0.2, 1e-7, 5e-324, 1e15, float(MAX_EXACT)]),
)
"""Any number that JSON carries safely, whole ones as integers and as floats."""
SMALL = st.one_of(st.integers(-50, 50), st.decimals(-50, 50, places=2).map(float))
SCHEMA = {"properties": {name: {"type": "number"} for name in "abc"}}
UNTYPED = TypeScope()
TYPED = TypeScope(event_data=SCHEMA)


def evaluated(text: str, **data: Any) -> Any:
    return compile(text).evaluate({"event": {"data": data}, "steps": {}})


def same(found: Any, expected: Any) -> bool:
    """The same JSON, whole numbers without a fraction."""
    if isinstance(expected, float) and expected.is_integer():
        expected = int(expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    return type(found) is type(expected) and found == expected


def outcome(compute: Callable[[], float]) -> Any:
    """What Python's floats give; None where there is no number that JSON carries safely."""
    try:
        found = compute()
    except (ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) <= MAX_EXACT else None


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@given(NUMBERS, st.sampled_from([*ARITHMETIC]), NUMBERS)
@example(1000, "+", 1000.5)
@example(7, "/", 2)
@example(1, "/", 0)
@example(0.1, "+", 0.2)
@example(MAX_EXACT, "+", 1)
@example(MAX_EXACT, "*", 2.0**1000)
def test_arithmetic_is_that_of_floats(left, symbol, right):
    assume(inexact([left, right]) is None)
    expected = outcome(lambda: ARITHMETIC[symbol](float(left), float(right)))
    text = f"event.data.a {symbol} event.data.b"
    if expected is None:
        with pytest.raises(ExpressionError, match=r"division by zero|beyond|not a finite"):
            evaluated(text, a=left, b=right)
    else:
        assert same(evaluated(text, a=left, b=right), expected)


@given(NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS)
@example(1, "==", 1.0)
@example(-0.0, "==", 0)
def test_comparisons_are_by_value(left, symbol, right):
    operators = {"==": operator.eq, "!=": operator.ne, "<": operator.lt}
    operators |= {"<=": operator.le, ">": operator.gt, ">=": operator.ge}
    expected = operators[symbol](left, right)
    assert evaluated(f"event.data.a {symbol} event.data.b", a=left, b=right) is expected
    assert (
        evaluated(f"[event.data.a] {symbol} [event.data.b]", a=left, b=right) is expected
        if (symbol in ("==", "!="))
        else True
    )
    assert evaluated("event.data.a in [event.data.b]", a=left, b=right) is (left == right)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Callable[[dict[str, float]], float]]:
    """An expression of a, b and c, and the same computed by Python's floats."""
    kind = draw(st.sampled_from(["name", "literal", "binary", "choice", "min", "negated", "sum"]))
    if depth == 0 or kind == "name":
        name = draw(st.sampled_from("abc"))
        return f"event.data.{name}", lambda data: float(data[name])
    if kind == "literal":
        number = abs(draw(SMALL))
        return json.dumps(number), lambda data: float(number)
    below = expressions(depth=depth - 1)
    left, of_left = draw(below)
    right, of_right = draw(below)
    if kind == "negated":
        return f"-({left})", lambda data: -of_left(data)
    if kind == "sum":
        return (
            f"[{left}, {right}].map(x, x + 1)[size([1]) - 1]",
            lambda data: (of_left(data), of_right(data))[0] + 1,
        )
    if kind == "min":
        return (
            f"(({left}) < ({right}) ? ({left}) : ({right}))",
            lambda data: of_left(data) if of_left(data) < of_right(data) else of_right(data),
        )
    if kind == "choice":
        return (
            f"(({left}) > 1 ? ({right}) : 1.5)",
            lambda data: of_right(data) if of_left(data) > 1 else 1.5,
        )
    symbol = draw(st.sampled_from([*ARITHMETIC]))
    return (
        f"(({left}) {symbol} ({right}))",
        lambda data: ARITHMETIC[symbol](of_left(data), of_right(data)),
    )


@given(expressions(), st.fixed_dictionaries(dict.fromkeys("abc", SMALL)))
def test_what_an_expression_gives_is_what_floats_give(made, data):
    text, compute = made
    assert problems(text, UNTYPED) == []
    assert problems(text, TYPED, expect="number") == []
    expected = outcome(lambda: compute(data))
    if expected is None:
        with pytest.raises(ExpressionError, match=r"division by zero|beyond|not a finite"):
            evaluated(text, **data)
    else:
        assert same(evaluated(text, **data), expected)


@given(expressions(), st.fixed_dictionaries(dict.fromkeys("abc", st.integers(-50, 50))))
def test_how_a_whole_number_is_written_changes_nothing(made, data):
    text, _ = made

    def tried(**data: float) -> Any:
        try:
            return evaluated(text, **data)
        except ExpressionError as error:
            return error.message

    floats = {name: float(number) for name, number in data.items()}
    assert repr(tried(**data)) == repr(tried(**floats))


class Passed(Exception):
    """A whole number that is computed on the way passes the limit."""


@st.composite
def whole_expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Callable[[list[int]], int]]:
    """An expression of whole numbers, and the same computed by Python's integers, which are exact."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, 2))
        return f"event.data.n[{at}]", lambda data: data[at]
    left, of_left = draw(whole_expressions(depth=depth - 1))
    right, of_right = draw(whole_expressions(depth=depth - 1))
    symbol = draw(st.sampled_from("+-*"))

    def compute(data: list[int]) -> int:
        found: int = ARITHMETIC[symbol](of_left(data), of_right(data))
        if abs(found) > MAX_EXACT:
            raise Passed
        return found

    return f"({left} {symbol} {right})", compute


NEAR_THE_LIMIT = st.one_of(
    st.integers(-3, 3),
    st.integers(0, 4).map(lambda less: MAX_EXACT - less),
    st.integers(0, 4).map(lambda less: (MAX_EXACT >> 1) - less),
    st.integers(0, 4).map(lambda less: less - MAX_EXACT),
    st.integers(94906260, 94906270),  # the square root of the limit
)


@given(whole_expressions(), st.lists(NEAR_THE_LIMIT, min_size=3, max_size=3))
@example(("event.data.n[0] + 2 - event.data.n[0]", lambda _: _passed()), [MAX_EXACT, 0, 0])
@example(("event.data.n[0] * 2 - event.data.n[0]", lambda _: _passed()), [MAX_EXACT, 0, 0])
def test_whole_numbers_are_computed_exactly_or_not_at_all(made, data):
    text, compute = made
    readers = {
        text: lambda found: found,
        f"string({text})": str,
        f"{text} > 0": lambda found: found > 0,
        f"[{text}].map(x, x == {text})[0]": lambda _: True,
        f"int({text}) % 7 == 0": lambda found: found % 7 == 0,
    }
    for read, then in readers.items():
        try:
            expected = then(compute(data))
        except Passed:
            with pytest.raises(ExpressionError, match=r"gives a number beyond"):
                evaluated(read, n=data)
        else:
            assert evaluated(read, n=data) == expected


def _passed() -> int:
    raise Passed


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("event.data.big + 2 > 1", "+"),
        ("-event.data.big - 1 < 0", "-"),
        ("string(event.data.big * 2)", "*"),
        ("1 / 1e-300 > 1", "/"),
        ("[event.data.big].map(x, x + 1 - x)", "+"),
        ("{9007199254740991: 1}.map(k, k + k)", "+"),
        ("{'a': event.data.big + 1}.a > 1", "+"),
        ("(event.data.big + 1) in [1]", "+"),
        ("event.data.big + 0.5 > 1", "+"),
    ],
)
def test_a_number_on_the_way_that_passes_the_limit_fails(text, symbol):
    with pytest.raises(ExpressionError, match=rf"`\{symbol}` gives a number beyond"):
        evaluated(text, big=MAX_EXACT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("event.data.l + event.data.l", [1, 1]),
        ("event.data.t + event.data.t", "xx"),
        ("event.data.l + [2] + event.data.l", [1, 2, 1]),
        ("timestamp('2024-01-31T00:00:00Z') - timestamp('2024-01-30T00:00:00Z')", "86400s"),
        ("timestamp('2024-01-31T00:00:00Z') + duration('1h')", "2024-01-31T01:00:00Z"),
        ("b'a' + b'b'", "YWI="),
        ("event.data.big * 0.5", MAX_EXACT / 2),
        ("[1, 2, 1].exists_one(x, x == 2)", True),
    ],
)
def test_what_is_added_besides_numbers_is_as_it_was(text, value):
    assert evaluated(text, l=[1], t="x", big=MAX_EXACT) == value


@given(st.lists(NUMBERS, min_size=1, max_size=5), NUMBERS)
def test_lists_and_macros_take_any_number(values, number):
    assert same(evaluated("event.data.v", v=values), [float(one) for one in values])
    assert evaluated("event.data.v.exists(x, x == event.data.n)", v=values, n=number) is (
        number in values
    )
    assert same(
        evaluated("event.data.v.filter(x, x > event.data.n)", v=values, n=number),
        [float(one) for one in values if one > number],
    )
    assert evaluated("size(event.data.v) / 2", v=values) == len(values) / 2
    assert same(evaluated("event.data.v[size(event.data.v) - 1]", v=values), float(values[-1]))


@given(st.integers(-MAX_EXACT, MAX_EXACT), st.integers(-MAX_EXACT, MAX_EXACT))
def test_remainders_are_exact(left, right):
    text = "event.data.a % event.data.b"
    for a, b in ((left, right), (float(left), float(right)), (left, float(right))):
        if right == 0:
            with pytest.raises(ExpressionError, match="division by zero"):
                evaluated(text, a=a, b=b)
        else:
            expected = abs(left) % abs(right) * (1 if left >= 0 else -1)
            assert evaluated(text, a=a, b=b) == expected


@given(NUMBERS, st.integers(-5, 15))
@example(1.005, 2)
@example(2.5, 0)
@example(-2.5, 0)
@example(0.285, 2)
@example(-1.005, 2)
@example(0.49999999999999994, 0)
def test_rounding_is_half_up_on_the_shortest_decimal(number, digits):
    quantum = Decimal((0, (1,), -digits))
    context = Context(prec=400, rounding=ROUND_HALF_UP)
    expected = float(Decimal(str(number)).quantize(quantum, context=context))
    if abs(expected) > MAX_EXACT:
        with pytest.raises(ExpressionError, match="beyond"):
            evaluated("round(event.data.n, event.data.d)", n=number, d=digits)
        return
    assert same(evaluated("round(event.data.n, event.data.d)", n=number, d=digits), expected)
    assert same(evaluated(f"round(event.data.n, {digits}.0)", n=number), expected)
    if digits == 0:
        assert same(evaluated("round(event.data.n)", n=number), expected)


@given(NUMBERS)
def test_a_number_is_shown_as_json_shows_it(number):
    text = evaluated("string(event.data.n)", n=number)
    assert template("<${event.data.n}>").render({"event": {"data": {"n": number}}}) == f"<{text}>"
    assert float(text) == number
    assert ("." in text or "e" in text) is not float(number).is_integer()
    assert same(evaluated("double(event.data.t)", t=text), float(number))


@given(NUMBERS)
def test_int_cuts_off_the_fraction(number):
    assert same(evaluated("int(event.data.n)", n=number), math.trunc(number))
    assert evaluated("int(event.data.n) % 2 in [-1, 0, 1]", n=number) is True


BEYOND = st.one_of(
    st.integers(MAX_EXACT + 1, 10**320),
    st.integers(-(10**320), -MAX_EXACT - 1),
    st.floats(min_value=MAX_EXACT + 1, allow_infinity=False),
    st.sampled_from([2**53, 2**53 + 1, 1e16, 1e300, -1e16, 1834567890123456789]),
)


@given(BEYOND)
def test_a_number_beyond_is_refused_wherever_it_stands(number):
    for value in (number, [number], {"a": [{"b": number}]}):
        for text in ("event.data.v", "[event.data.v]", "event.data.v == 1"):
            with pytest.raises(ExpressionError, match="beyond"):
                evaluated(text, v=value)
    found = inexact({"x": [1, {"a/b~": number}], "y": number})
    assert found is not None
    assert (found.path, found.number) == (("x", 1, "a/b~"), number)
    assert found.pointer == "/x/1/a~1b~0"
    assert str(found).endswith(" is beyond ±(2^53 − 1)")
    if isinstance(number, int):
        for text in (f"int('{number}')", f"double('{number}')"):
            with pytest.raises(ExpressionError, match="beyond"):
                evaluated(text)
        if abs(number) < 2**63:
            (problem,) = problems(f"1 + {number}", UNTYPED)
            beyond = f"the number {number} is beyond ±(2^53 − 1)"
            assert (problem.kind, problem.message, problem.start) == ("inexact", beyond, 4)


@pytest.mark.parametrize("text", ["1e308 * 10", "9007199254740992", "1e16", "-9007199254740992.0"])
def test_a_literal_beyond_is_no_expression(text):
    (problem,) = problems(text, UNTYPED)
    assert problem.kind == "inexact"
    number = text[problem.start : problem.end]
    assert problem.message == f"the number {number} is beyond ±(2^53 − 1)"
    assert float(number)
    with pytest.raises(ExpressionError):
        compile(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("event.data.l[0.5]", "a list takes a whole number in brackets"),
        ("event.data.l[3]", "index 3 is outside a list of 3"),
        ("event.data.l[event.data.half]", "a list takes a whole number in brackets"),
        ("5 % event.data.half", "`%` takes whole numbers, not 1.5"),
        ("event.data.half % 2", "`%` takes whole numbers, not 1.5"),
        ("round(1, 0.5)", "`round` takes a whole number of digits, 15 at most, not 0.5"),
        ("round(1, 16)", "`round` takes a whole number of digits, 15 at most, not 16"),
        ("round('1')", "`round` does not take a string"),
        ("int('1.5')", "a string does not read as `int`"),
        ("double('nan')", "a string does not read as `double`"),
        ("double('1_0')", "a string does not read as `double`"),
        ("string(null)", "`string` does not take null"),
        ("1 / 'a'", "`/` cannot take a number and a string"),
        ("timestamp(1e15)", "1000000000000000 is not a time in seconds"),
        ("uint(-1)", "`uint` takes no negative number"),
        ("{1.5: 2}", "an object's keys must be strings"),
    ],
)
def test_failures_are_worded(text, message):
    with pytest.raises(ExpressionError) as caught:
        evaluated(text, l=[1, 2, 3], half=1.5)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('timestamp("2026-01-31T08:00:00Z") + duration("1h30m")', "2026-01-31T09:30:00Z"),
        ('timestamp("2026-01-02T00:00:00Z") - timestamp("2026-01-01T00:00:00Z")', "86400s"),
        ('timestamp("2026-01-31T08:00:00Z").getDate() / 2', 15.5),
        ('duration("90s").getMinutes() + 0.5', 1.5),
        ("timestamp(1.5)", "1970-01-01T00:00:01.5Z"),
        ('int(timestamp("1970-01-01T00:01:00Z"))', 60),
        ("{1: 'a', 2: 'b'}[event.data.two]", "b"),
        ("{event.data.two: 'b'}[2]", "b"),
        ("2 in {2: 1}", True),
        ("{1: 'a'}.map(k, k + 0.5)", [1.5]),
        ("{1: 'a'}.map(k, string(k) + string(round(k / 2, 1)))", ["10.5"]),
        ("string(3.0) + string(1e15) + string(-0.0) + string(2.50)", "3100000000000000002.5"),
        ("string(timestamp(0)) + string(duration('1.5s'))", "1970-01-01T00:00:00Z1.5s"),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("-0.0", 0),
        ("9007199254740991", MAX_EXACT),
        ("7u + 0x10", 23),
        ("[1, 2, 3].map(i, i % 2 == 0 ? 'even' : i)", [1, "even", 3]),
        ("event.data.two > 1 ? 1 : 1.5", 1),
        ("type(event.data.two) == double && type(1.5) == type(1)", True),
    ],
)
def test_what_cel_does_besides_still_works(text, value):
    found = evaluated(text, two=2)
    assert found == value
    assert type(found) is type(value)


@given(NUMBERS | st.text("7a", max_size=2), NUMBERS | st.text("7a", max_size=2))
def test_a_number_never_equals_a_text_and_that_is_told(left, right):
    is_mixed = isinstance(left, str) != isinstance(right, str)
    for symbol in ("==", "!="):
        text = f"event.data.a {symbol} event.data.b"
        told: list[str] = []
        data = {"event": {"data": {"a": left, "b": right}}}
        assert compile(text).test(data, told) is ((left == right) == (symbol == "=="))
        said = "`event.data.a` and `event.data.b`: a number never equals a text"
        assert told == ([said] if is_mixed else [])


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("event.data.code in [7, 8]", True),
        ("event.data.code in ['7', '8']", False),
        ("event.data.n in ['7']", True),
        ("event.data.n in [7]", False),
        ("event.data.code in [7, 'x']", False),
        ("event.data.code in []", False),
        ("event.data.code in event.data.m", False),
        ("event.data.none in [7]", False),
    ],
)
def test_what_a_list_is_searched_for_is_told_of_too(rule, told):
    found: list[str] = []
    data = {"code": "7", "n": 7, "m": {"7": 1}, "none": None}
    compile(rule).test({"event": {"data": data}}, found)
    assert len(found) == told


def test_only_comparisons_that_are_made_are_told():
    told: list[str] = []
    rule = 'event.data.a == "x" || (event.data.b != 7 && event.data.l.exists(x, x == 7))'
    data = {"a": "x", "b": "7", "l": ["7", "8"]}
    assert compile(rule).test({"event": {"data": data}}, told)
    assert told == []
    assert not compile(rule).test({"event": {"data": {**data, "a": "y"}}}, told)
    assert told == [
        "`event.data.b`: a number never equals a text",
        "`x`: a number never equals a text",
    ]


@given(st.decimals(-MAX_EXACT, MAX_EXACT, allow_nan=False, allow_infinity=False))
def test_a_decimal_becomes_the_number_it_is_or_none(value):
    digits = len(str(value.normalize().as_tuple().digits).replace(", ", "").strip("(),"))
    if digits > 15:
        with pytest.raises(ValueError, match="more than 15 significant digits"):
            from_decimal(value)
        return
    found = from_decimal(value)
    assert Decimal(str(found)) == value
    assert type(found) is (int if value == value.to_integral_value() else float)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "1e16",
        "9007199254740993",
        "0.1234567890123456",
        "1E-400",
        "-1E-400",
        "1.23456789E-320",
    ],
)
def test_other_decimals_are_refused(text):
    with pytest.raises(ValueError, match=r"not JSON|beyond|15 significant|too small"):
        from_decimal(Decimal(text))


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("event.data.amount * 2 > 1000", "event.data.amount * 2.0 > 1000.0"),
        ("event.data.amount > 1000 || 2 > 1", "event.data.amount > 1000 || 2 > 1"),
        ("double(event.data.amount) in [600]", "double(event.data.amount) in [600.0]"),
        ("6 in [1.5, 6] || [6][0] == 6", "6.0 in [1.5, 6.0] || [6][0] == 6"),
        ("(event.data.ok ? 1 : 1.5) < 2", "(event.data.ok ? 1.0 : 1.5) < 2.0"),
        ("event.data.amount > -5", "event.data.amount > -5"),
        ("event.data.amount + -5 > 0x10 * 2u", "event.data.amount + -5.0 > 16.0 * 2.0"),
        ("7 / 2 == 3.5", "7.0 / 2.0 == 3.5"),
        ("size(event.data.l) + 1 > 2", "size(event.data.l) + 1 > 2"),
        ("int(event.data.n) % 2 == 1", "int(event.data.n) % 2 == 1"),
        ("event.data.l[1] == 'a - 1'", "event.data.l[1] == 'a - 1'"),
        ("(event.data.ok ? 1 : 2) + 1", "(event.data.ok ? 1.0 : 2.0) + 1.0"),
    ],
)
def test_what_inngest_computes_calculates_with_floats(text, sent):
    assert for_inngest(text) == sent
    assert list(foreign_problems(text)) == []
    data = {"amount": 600, "l": [1.0, 2.0], "n": 7, "ok": True}
    trigger = {"event": as_floats({"data": data})}
    assert compile_expression(sent).evaluate(trigger) == compile(text).evaluate(
        {"event": {"data": data}}
    )


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("round(event.data.n, 1) > 2", "`round` is not known here: Inngest", "round"),
        ("event.data.n % 2 == 1", "`%` takes only integers here: Inngest", "%"),
        ("size(event.data.l) / 2 > 1", "`/` cuts off the fraction", "/"),
        ("size(event.data.l) * 1.5 > 1", "`*` cannot mix an integer and a double", "*"),
        ("size(event.data.l) > 1.5", "`>` cannot compare an integer and a double", ">"),
        ("event.data.n + size(event.data.l) > 1", "`+` cannot mix an integer and a double", "+"),
    ],
)
def test_what_inngest_cannot_compute_is_a_problem(text, message, where):
    (problem,) = foreign_problems(text)
    assert problem.message.startswith(message)
    assert text[problem.start : problem.end] == where


def test_notes_do_not_multiply_what_is_computed():
    text = "event.data.x"
    for number in range(14):
        text = f"dyn({text} == {number})"
    tree = parse(text).tree
    assert len(write_tree(rewritten(tree))) < 4 * len(write_tree(tree))
