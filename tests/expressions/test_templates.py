"""`${…}` in the strings of a config."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_schemas.expressions import (
    ExpressionError,
    render_value,
    template,
    value_references,
)

SCOPE: dict[str, Any] = {
    "event": {
        "data": {
            "n": 5,
            "d": 100.0,
            "half": 0.5,
            "none": None,
            "s": "中",
            "o": {"b": [1.0], "a": 2},
        }
    },
    "steps": {"a-1": {"output": True}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("plain", "plain"),
        ("${event.data.n}", 5),
        ("${event.data.d}", 100),
        ("${ event.data.o }", {"a": 2, "b": [1]}),
        ("${event.data.none}", None),
        (" ${event.data.n}", " 5"),
        ("${event.data.n}${event.data.n}", "55"),
        ("${event.data.d} ${event.data.half}", "100 0.5"),
        ("-${event.data.none}${steps['a-1'].output}-", "-nulltrue-"),
        ("=${event.data.o}", '={"a":2,"b":[1]}'),
        ("${event.data.s}!", "中!"),
        ('${ {"a": "}"}.a }', "}"),
        ("${'''}'''}", "}"),
        ("${r'\\d'}", "\\d"),
        ("${ // }\n 1 }", 1),
        ("$${event.data.n}", "${event.data.n}"),
        ("$$${event.data.n}", "$${event.data.n}"),
        ("$ {x} }$", "$ {x} }$"),
        ("cost: $5, {a}", "cost: $5, {a}"),
        ('${"$"}${event.data.n}', "$5"),
        ("{{ ${event.data.n} }}", "{{ 5 }}"),
    ],
)
def test_rendering(text, value):
    rendered = template(text).render(SCOPE)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("a ${", 2, "`${` is not closed"),
        ("a ${b", 2, "`${` is not closed"),
        ('a ${"}', 4, "the string that begins here is not closed"),
        ("a ${}", 4, "the expression is empty"),
        ("a ${1 +} b", 7, "the expression ends too early"),
        ("${1} ${ 2 3 }", 10, "unexpected `3`"),
    ],
)
def test_syntax_errors_are_located_in_the_whole_text(text, offset, message):
    with pytest.raises(ExpressionError) as caught:
        template(text)
    assert caught.value.message == message
    assert caught.value.offset == offset


def test_evaluation_errors_are_located_in_the_whole_text():
    with pytest.raises(ExpressionError, match=r"has no field `q`") as caught:
        template("${event.data.n} and ${event.data.q}").render(SCOPE)
    assert caught.value.offset == 22


def test_references_have_spans_in_the_whole_text():
    text = '中 ${event.data.n} $${steps.x} ${ has(steps["a-1"]) }'
    parsed = template(text)
    assert [text[one.start : one.end] for one in parsed.references] == [
        "event.data.n",
        'steps["a-1"]',
    ]
    for source, start in parsed.expressions:
        assert text[start : start + len(source)] == source


def test_config_values_are_rendered_deeply():
    value = {"${event.data.n}": ["${event.data.n}", {"x": "n=${event.data.n}"}, 7, None, True]}
    assert render_value(value, SCOPE) == {"${event.data.n}": [5, {"x": "n=5"}, 7, None, True]}
    assert [one.path for one in value_references(value)] == [("event", "data", "n")] * 2


def test_deep_values_are_refused():
    value: Any = "${event.data.n}"
    for _ in range(50_000):
        value = [value]
    assert [one.path for one in value_references(value)] == [("event", "data", "n")]
    with pytest.raises(ExpressionError, match="nested more than"):
        render_value(value, SCOPE)
    while isinstance(value, list):
        value = value.pop()


def test_a_value_is_not_interpolated_again():
    scope = {"event": {"data": {"s": "${event.data.secret}", "secret": 1}}}
    assert render_value(["${event.data.s}", "a ${event.data.s}"], scope) == [
        "${event.data.secret}",
        "a ${event.data.secret}",
    ]


@given(st.text())
def test_literal_text_is_preserved(text):
    assert template(text.replace("${", "$${")).render({}) == text or "$${" in text


@given(st.text(), st.text(), st.text(st.characters(exclude_categories=["Cs"])))
def test_text_around_an_expression_is_preserved(before, after, value):
    if "${" in before or "${" in after or before.endswith("$"):
        return
    scope = {"event": {"data": {"v": value}}}
    rendered = template(f"{before}${{event.data.v}}{after}").render(scope)
    assert rendered == before + value + after


@given(st.text(alphabet="${}'\"a1 .\\/"))
def test_any_template_renders_or_is_refused(text):
    try:
        rendered = template(text).render({"a": 1})
    except ExpressionError as error:
        rendered = error.message
    assert json.dumps(rendered)
