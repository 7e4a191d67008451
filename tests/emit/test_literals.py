"""Text that wants to be code stays text."""

import ast
import io
import tokenize
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_compiler.emit.literals import (
    MAX_COMMENT,
    comment,
    computed,
    described,
    docstring,
    literal,
    mention,
)
from proflow_compiler.emit.names import Names, identifier

ANY_TEXT = st.text(st.characters(), max_size=40) | st.sampled_from(
    ['"""', "\\", "\u202e\u2066", "'\"", "\n\r\x00\x85\u2028", "\ud800", "{{ x }}{% y %}", "${a}"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_literal_evaluates_to_its_value(value: object) -> None:
    source = literal(value)
    assert source.isprintable()
    if "float(" in source:
        return
    assert ast.literal_eval(source) == value


@given(ANY_TEXT, ANY_TEXT)
def test_a_comment_is_one_comment(node: str, label: str) -> None:
    line = f"# {described(node, label)}"
    assert line.isprintable()
    tokens = list(tokenize.generate_tokens(io.StringIO(line + "\n").readline))
    assert [one.type for one in tokens[:2]] == [tokenize.COMMENT, tokenize.NL]
    assert tokens[0].string.rstrip() == line.rstrip()
    assert len(comment(label)) <= 6 * MAX_COMMENT


@given(ANY_TEXT)
def test_a_docstring_stays_closed(text: str) -> None:
    source = docstring(f"{text}.", "Edited nowhere.")
    module = ast.parse(source)
    assert len(module.body) == 1
    assert ast.get_docstring(module) is not None
    assert source.startswith("r") == ("\\" in source)


@pytest.mark.parametrize(
    "text",
    [
        "noqa",
        "noqa: E501",
        "type: ignore",
        "fmt: off",
        "ruff: noqa",
        "mypy: ignore-errors",
        "nosec",
        "todo",
        "FIXME",
        "hack",
        "xxx-1",
    ],
)
def test_no_tool_takes_a_comment_for_an_instruction(text: str) -> None:
    assert mention(text).startswith("“")
    assert "# " not in comment(f"x # {text}")


@pytest.mark.parametrize(
    ("node", "label", "told"),
    [
        ("pay", "付款", "pay · 付款"),
        ("pay", "pay", "pay"),
        ("write-minutes", "Write minutes", "write-minutes"),
        ("pay", "", "pay"),
        ("a b", "a c", "“a b” · a c"),
        ("a", "C:\\", r"a · C:\x5c"),
    ],
)
def test_a_label_is_told_that_says_more_than_the_id(node: str, label: str, told: str) -> None:
    assert described(node, label) == told


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("${steps.a.output}", 'flow.get("steps.a.output")'),
        ("${a} and ${b}", 'flow.text("${a} and ${b}")'),
        ("$${a}", 'flow.text("$${a}")'),
        ({"k": ["${a}", 1]}, '{"k": [flow.get("a"), 1]}'),
        ('${m["}"]}', "flow.get('m[\"}\"]')"),
    ],
)
def test_what_is_computed_is_lazy(value: object, source: str) -> None:
    assert computed(value) == source


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (timedelta(hours=24), "timedelta(days=1)"),
        (timedelta(hours=36), "timedelta(hours=36)"),
        (timedelta(days=3), "timedelta(days=3)"),
        (timedelta(minutes=90), "timedelta(minutes=90)"),
        (timedelta(seconds=1.5), "timedelta(seconds=1.5)"),
    ],
)
def test_durations_are_written_in_their_largest_unit(value: timedelta, source: str) -> None:
    assert literal(value) == source


@given(st.lists(ANY_TEXT, max_size=12))
def test_names_are_identifiers_and_unique(nodes: list[str]) -> None:
    names = Names()
    found = [names.of(node) for node in dict.fromkeys(nodes)]
    assert len(set(found)) == len(found)
    for name in found:
        module = ast.parse(f"{name} = 1")
        assert isinstance(module.body[0], ast.Assign)
        target = module.body[0].targets[0]
        assert isinstance(target, ast.Name)
        assert target.id == name


@pytest.mark.parametrize(
    "node", ["flow", "class", "print", "handlers", "match", "__import__", "l", "ended"]
)
def test_no_name_hides_another(node: str) -> None:
    assert Names().of(node) in (f"{identifier(node)}_", f"step_{identifier(node)}")


def test_names_resemble_what_they_are_for() -> None:
    names = Names()
    assert [names.of(one) for one in ("tell-refused", "tellRefused", "1st", "审批 1")] == [
        "tell_refused",
        "tell_refused_2",
        "step_1st",
        "审批_1",
    ]
