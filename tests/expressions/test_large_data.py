"""Large data is made ready at once and evaluated once, and gives what small data gives."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_schemas.expressions import ExpressionError, compile, large_data
from proflow_schemas.expressions import program as programs
from proflow_schemas.expressions.large_data import as_json, with_floats

TEXTS = st.text() | st.sampled_from(["\0", "\\u0000", "1e400", '["', "\ud800", "9" * 20])
NUMBERS = st.one_of(
    st.integers(-(2**54), 2**54),
    st.floats(),
    st.sampled_from([2**53 - 1, 2**53, 1e16, 1e300, -1e-300, 10**15]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
    max_leaves=10,
)


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(TEXTS, VALUES, max_size=3),
    st.sampled_from([0, 0, 0, 0, 98, 101, 197, 200, 203]),
)
def test_what_is_read_from_json_is_what_a_closer_look_gives(value: Any, depth: int) -> None:
    for _ in range(depth):
        value = {"a": [value]} if depth % 2 else {"a": value}
    text = as_json(value)
    assert text is not None
    found = with_floats(text, programs.MAX_DATA_DEPTH)
    try:
        expected = programs._prepared(value, 0)
    except ExpressionError:
        assert found is None
        return
    if found is not None:
        assert repr(found) == repr(expected)


ROWS = [
    {"id": index, "name": "x" * 20, "qty": index / 2, "tags": ["a", None]} for index in range(600)
]


@pytest.mark.parametrize(
    "text",
    [
        "size(event.data.rows) > 3",
        "event.data.rows.exists(r, r.qty == 2)",
        "event.data.rows[3].name == event.data.n",
        "event.data.rows.filter(r, r.id == event.data.n)",
        "event.data.rows == event.data.rows",
        'event.data.n == event.data.rows[0].name || event.data.rows[0].id == "0"',
        "event.data.rows[0].id / 0",
        "event.data.rows[600].id",
    ],
)
def test_a_result_that_is_kept_is_the_one_that_was_computed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcome() -> Any:
        unlike: list[str] = []
        results: list[Any] = []
        for n in (2, 3, "x", 2):
            data = {"rows": [*ROWS], "n": n}
            try:
                results.append(compile(text).evaluate({"event": {"data": data}, "steps": {}}))
                results.append(compile(text).test({"event": {"data": data}}, unlike))
            except ExpressionError as error:
                results.append(error.message)
        return results, unlike

    monkeypatch.setattr(programs, "is_large", lambda data: False)
    expected = outcome()
    monkeypatch.setattr(programs, "is_large", large_data.is_large)
    monkeypatch.setattr(programs, "_results", large_data.Results())
    assert outcome() == outcome() == expected


def test_large_data_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    program = compile("event.data.rows.exists(r, r.qty == 7)")
    counted: list[int] = []
    whole = programs.Program._value

    def counting(*given: Any) -> Any:
        counted.append(1)
        return whole(*given)

    monkeypatch.setattr(programs.Program, "_value", counting)
    monkeypatch.setattr(programs, "_results", large_data.Results())
    for _ in range(3):
        found = program.evaluate({"event": {"data": {"rows": [dict(row) for row in ROWS]}}})
        assert found is True
    assert len(counted) == 1
    changed = [{**row, "qty": 0} for row in ROWS]
    assert program.evaluate({"event": {"data": {"rows": changed}}}) is False


def test_what_is_given_out_is_not_what_is_kept() -> None:
    program = compile("event.data.rows.filter(r, r.id == 1)")
    scope = {"event": {"data": {"rows": ROWS}}}
    program.evaluate(scope).clear()
    assert [row["id"] for row in program.evaluate(scope)] == [1]
