"""Evaluating expressions: values, errors, and what is handed to the library."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import cel_expr_python.cel as cel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_schemas.expressions import ExpressionError, compile, quote

SCOPE: dict[str, Any] = {
    "event": {
        "name": "a/b",
        "data": {
            "amount": 100,
            "price": 1.5,
            "nothing": None,
            "list": [1, {"x": 2}],
            "text": "中",
            "big": 2**70,
            "half": "\ud800",
        },
    },
    "steps": {"a-1": {"outcome": "approved", "output": {"b": [1], "a": {"d": 1, "c": 2}}}},
    "tenant_id": 7,
    "run": {"id": "r"},
}


def json_values(exclude: str = "") -> st.SearchStrategy[Any]:
    integers = st.integers(-(2**53) + 1, 2**53 - 1)
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=exclude))
    scalars = st.none() | st.booleans() | integers | st.floats(-(2.0**53) + 1, 2.0**53 - 1) | text
    return st.recursive(
        scalars,
        lambda below: st.lists(below, max_size=4) | st.dictionaries(text, below, max_size=4),
        max_leaves=12,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("event.data.amount", 100),
        ("event.data.amount + 1", 101),
        ("event.data.amount > 99.5", True),
        ("event.data.price * 2.0", 3),
        ("event.data.nothing", None),
        ("has(event.data.nothing)", True),
        ("has(event.data.nope)", False),
        ('has(steps["a-1"])', True),
        ('has(steps["b-1"])', False),
        ('has(steps["b-1"]) && steps["b-1"].outcome == "x"', False),
        ('"a-1" in steps', True),
        ('"中" == event.data.text', True),
        ("event.data.list.filter(x, x == 1)", [1]),
        ("event.data.list[1].x", 2),
        ("2 in [1, 2.0]", True),
        ("1u", 1),
        ('timestamp("2024-05-01T08:00:00+08:00")', "2024-05-01T00:00:00Z"),
        ('timestamp("2024-05-01T00:00:00.5Z")', "2024-05-01T00:00:00.5Z"),
        ('duration("1h30.5s")', "3630.5s"),
        ('duration("-1ms")', "-0.001s"),
        ('b"ab"', "YWI="),
        ("run.id + string(tenant_id)", "r7"),
    ],
)
def test_values(text, value):
    result = compile(text).evaluate(SCOPE)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("text", ['steps["a-1"].output', '{"z": 1, "a": {"y": 1, "b": 2}}'])
def test_objects_have_sorted_keys(text):
    def check(value: Any) -> None:
        if isinstance(value, dict):
            assert list(value) == sorted(value)
            for below in value.values():
                check(below)

    check(compile(text).evaluate(SCOPE))


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("event.data.nope", "`event.data` has no field `nope`", 0),
        ("1 + event.data.nope", "`event.data` has no field `nope`", 4),
        ("has(event.data.nope.x)", "`event.data` has no field `nope`", 4),
        ("event.data.nothing.x > 1", "`event.data.nothing` is null and has no field `x`", 0),
        ("event.data.text.x", "`event.data.text` is a string and has no field `x`", 0),
        ('steps["b-1"].outcome', "the step `b-1` has not run", 0),
        ("item + 1", "there is nothing called `item` here", 0),
        ("event.data.amount > 'a'", "`>` cannot compare a number and a string", 18),
        ("event.data.big", "the number is beyond ±(2^53 − 1)", None),
        ("event.data.big > 1", "a number in the data is beyond ±(2^53 − 1)", None),
        ("event.data.half", "a text in the data is not valid Unicode", None),
        ("event.data.half + 'x'", "a text in the data is not valid Unicode", None),
        ("event.data.list[5]", "index 5 is outside a list of 2", None),
        ("event.data.list.map(x, x.y)", "a field is read of a value that has none", None),
        ("1 / 0", "division by zero", None),
        ("9007199254740991 + 1", "`+` gives a number beyond ±(2^53 − 1)", None),
        ("1.0 / 0.0", "division by zero", None),
        ("{1: 2}", "an object's keys must be strings", None),
        ("type(1)", "the result is not a JSON value", None),
        ("foo(1)", "there is no function `foo`", 3),
        ("'a'.matches('(')", "invalid regular expression: missing ): (", None),
        ("'a'.matches('(((a{1000}){1000}){1000})')", "invalid regular expression", None),
        ("{'a': 1, 'a': 2}", "an object has the same key twice", None),
        ("event.data.amount ? 1 : 2", "`? :` needs true or false", None),
        ("[0,1,2,3,4,5,6,7,8,9].map(a," * 7 + "1" + ")" * 7, "the expression goes through", None),
    ],
)
def test_failures_name_what_is_wrong(text, message, offset):
    with pytest.raises(ExpressionError) as caught:
        compile(text).evaluate(SCOPE)
    assert caught.value.message.startswith(message)
    assert caught.value.offset == offset


def test_the_missing_field_blamed_is_the_one_that_was_read():
    text = "has(event.data.x) && event.data.x.y || event.data.z"
    with pytest.raises(ExpressionError, match=r"`event\.data` has no field `z`"):
        compile(text).evaluate(SCOPE)


@pytest.mark.parametrize("text", ["1", "event.data.nothing", "'true'", "event.data.list"])
def test_a_condition_must_be_true_or_false(text):
    with pytest.raises(ExpressionError, match="the condition gives"):
        compile(text).test(SCOPE)


def test_a_failed_condition_never_holds():
    with pytest.raises(ExpressionError):
        compile("event.data.nope").test(SCOPE)
    with pytest.raises(ExpressionError):
        compile("event.data.nope > 1").test(SCOPE)


def test_only_what_is_read_is_touched():
    class Steps(Mapping[str, Any]):
        def __init__(self) -> None:
            self.read: list[str] = []

        def __getitem__(self, key: str) -> Any:
            self.read.append(key)
            return {"outcome": "approved", "output": object()}

        def __iter__(self) -> Iterator[str]:
            raise AssertionError("iterated")

        def __len__(self) -> int:
            return 500

    steps = Steps()
    scope = {"steps": steps, "event": object()}
    assert compile('steps.s7.outcome == "approved"').test(scope)
    assert compile('steps["s8"].outcome').evaluate(scope) == "approved"
    assert set(steps.read) == {"s7", "s8"}


@pytest.mark.parametrize("text", ["event.data", "event.data == 1", "size([event.data])"])
def test_deeply_nested_data_is_refused(text):
    data: Any = 1
    for _ in range(100_000):
        data = [data]
    with pytest.raises(ExpressionError, match="nested more than 200 levels"):
        compile(text).evaluate({"event": {"data": data}})
    while isinstance(data, list):
        data = data.pop()


@pytest.mark.parametrize("value", ["admin\0x", ["\0"], {"a": {"\0": 1}}, {"a": [["\0"]]}])
def test_a_text_with_nul_is_never_cut_off(value):
    scope = {"event": {"data": {"v": value}}}
    assert compile("event.data.v").evaluate(scope) == value
    for text in ('event.data.v == "admin"', "[event.data.v]", "size([event]) == 1"):
        with pytest.raises(ExpressionError, match=r"U\+0000"):
            compile(text).evaluate(scope)
    with pytest.raises(ExpressionError, match=r"U\+0000"):
        compile('has(event.data["a\\u0000"])')


def test_programs_can_be_shared_by_threads():
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(200):
                program = compile(f"event.data.n + {turn}")
                assert program.evaluate({"event": {"data": {"n": number}}}) == number + turn
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@given(json_values())
def test_a_quoted_value_evaluates_to_itself(value):
    assert compile(quote(value)).evaluate({}) == value


@given(json_values(exclude="\0"))
def test_a_value_passes_through_unchanged(value):
    scope = {"event": {"data": {"v": value}}}
    assert compile("event.data.v").evaluate(scope) == value
    assert compile("[event.data.v][0]").evaluate(scope) == value
    assert compile("event.data.v == " + quote(value)).test(scope)


def refusal(text: str) -> ExpressionError | None:
    try:
        compile(text).evaluate(SCOPE)
    except ExpressionError as error:
        return error
    return None


def is_well_worded(error: ExpressionError | None, text: str) -> bool:
    return error is None or (
        error.message != ""
        and "\n" not in error.message
        and (error.offset is None or 0 <= error.offset <= len(text))
    )


@given(st.text())
def test_any_text_evaluates_or_is_refused(text):
    assert is_well_worded(refusal(text), text)


TOKENS = [
    *("event", "data", "steps", "a", "x", "has", "in", "null", "true", "item", "map", "exists"),
    *("(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "&&", "||", "==", ">", "+", "-"),
    *("1", "1.5", "'a'", '"b"', "//c", "\n", "r'\\", "`a-b`", "中", '["b"]', 'has(x["y"])'),
]


@given(st.lists(st.sampled_from(TOKENS), max_size=14))
def test_any_sequence_of_tokens_evaluates_or_is_refused(parts):
    text = " ".join(parts)
    error = refusal(text)
    assert is_well_worded(error, text)
    if error is None:
        for one in compile(text).references:
            assert text[one.start : one.end].lstrip(".( ").startswith(one.path[0])


READS = [
    *("event.data.o", "event.data.o.x", "event.data.l", "event.data.nope", "event.data.s.x"),
    *('steps["a-1"].outcome', "steps.b.outcome", "has(event.data.o.x)", "has(event.data.o.y)"),
    *("has(steps.b)", '"a-1" in steps', "event.data", "event.data.o.x.y", "has(event.data.nope.z)"),
]
WHOLE: dict[str, Any] = {
    "event": {"data": {"o": {"x": 1, "z": {"w": 2}}, "l": [1], "s": "t"}},
    "steps": {"a-1": {"outcome": "approved", "output": 1}},
}


@given(
    st.lists(st.sampled_from(READS), min_size=1, max_size=4), st.sampled_from(["==", "&&", "||"])
)
def test_handing_over_only_what_is_read_changes_no_result(reads, operator):
    text = f" {operator} ".join(f"({read})" for read in reads)
    text = f"[{text}][0]" if operator != "==" else " || ".join(f"{read} == 1" for read in reads)
    value = cel.NewEnv().compile(text, disable_check=True).eval(data=WHOLE)
    try:
        result = compile(text).evaluate(WHOLE)
    except ExpressionError:
        assert value.type() == cel.Type.ERROR
    else:
        assert value.type() != cel.Type.ERROR
        assert result == value.plain_value()
