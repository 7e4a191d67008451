"""Parsing, references, guards, positions, and hostile text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_schemas.expressions import ExpressionError, compile, parse
from proflow_schemas.expressions.syntax import MAX_LENGTH


def reads(text: str) -> list[tuple[tuple[str, ...], str, bool]]:
    return [(one.path, text[one.start : one.end], one.guarded) for one in parse(text).references]


@pytest.mark.parametrize(
    ("text", "path", "written"),
    [
        ("event.data.amount > 1", ("event", "data", "amount"), "event.data.amount"),
        ('1 == steps["a-1"].outcome', ("steps", "a-1", "outcome"), 'steps["a-1"].outcome'),
        ("'中' + steps[\"审批\"].comment", ("steps", "审批", "comment"), 'steps["审批"].comment'),
        ("steps[r'x'].y", ("steps", "x", "y"), "steps[r'x'].y"),
        ("steps.`a-b`.y", ("steps", "a-b", "y"), "steps.`a-b`.y"),
        ("steps // why\n . a .b", ("steps", "a", "b"), "steps // why\n . a .b"),
        ("event.data.lines[0].price", ("event", "data", "lines"), "event.data.lines"),
        ("event.data.list[item].x", ("event", "data", "list"), "event.data.list"),
        ("size(event.data.x.y) > 0", ("event", "data", "x", "y"), "event.data.x.y"),
        (".event.data.x", ("event", "data", "x"), None),
        ("[event.data.x][0]", ("event", "data", "x"), "event.data.x"),
        ('{"k": event.data.x}.k', ("event", "data", "x"), "event.data.x"),
        ("event.data.x.startsWith('a')", ("event", "data", "x"), "event.data.x"),
    ],
)
def test_a_reference_has_its_path_and_its_span(text, path, written):
    first = parse(text).references[0]
    assert first.path == path
    if written is not None:
        assert text[first.start : first.end] == written


def test_macro_variables_are_no_references():
    assert reads("event.data.l.filter(x, x.ok).map(event, event + item)") == [
        (("event", "data", "l"), "event.data.l", False),
        (("item",), "item", False),
    ]


def test_a_macro_variable_hides_a_name_only_inside():
    assert [path for path, _, _ in reads("[1].map(item, item) == [item]")] == [("item",)]


@pytest.mark.parametrize(
    "text",
    [
        "has(steps.x) && steps.x.outcome == 'a'",
        "steps.x.outcome == 'a' && has(steps.x)",
        "true && (has(steps.x) && (event.id == '' || steps.x.outcome == 'a'))",
        "has(steps.x) ? steps.x.outcome == 'a' : false",
        "!has(steps.x) ? false : steps.x.outcome == 'a'",
        "!has(steps.x) || steps.x.outcome == 'a'",
        "!(has(steps.x) && true) || steps.x.outcome == 'a'",
        "(has(steps.x) ? true : false) && steps.x.outcome == 'a'",
        "!(!has(steps.x) || event.id == '') && steps.x.outcome == 'a'",
        "has(steps.x) && [1].exists(i, steps.x.outcome == 'a')",
        "[1].exists(i, has(steps.x) && steps.x.outcome == 'a')",
        "has(steps[\"x\"]) && steps.x.outcome == 'a'",
        "'x' in steps && steps.x.outcome == 'a'",
        "has(steps.x) && has(steps.x.outcome) && steps.x.outcome == 'a'",
    ],
)
def test_reads_under_has_are_guarded(text):
    assert all(guarded for path, _, guarded in reads(text) if path[0] == "steps")


@pytest.mark.parametrize(
    "text",
    [
        "steps.x.outcome == 'a'",
        "has(steps.x) || steps.x.outcome == 'a'",
        "!has(steps.x) && steps.x.outcome == 'a'",
        "has(steps.x) ? false : steps.x.outcome == 'a'",
        "(has(steps.x) || event.id == '') && steps.x.outcome == 'a'",
        "has(steps.y) && steps.x.outcome == 'a'",
        "has(steps.x.outcome)",
        "[has(steps.x), steps.x.outcome == 'a'][1]",
        "[1].exists(steps, has(steps.x)) && steps.x.outcome == 'a'",
        "[1].exists(i, has(steps.x)) && steps.x.outcome == 'a'",
    ],
)
def test_other_reads_are_not_guarded(text):
    assert not all(guarded for path, _, guarded in reads(text) if path[0] == "steps")


def test_has_takes_a_field_in_brackets():
    text = 'has( steps["a-1"] ) && has(steps["a-1"].output["x y"])'
    assert reads(text) == [
        (("steps", "a-1"), 'steps["a-1"]', True),
        (("steps", "a-1", "output", "x y"), 'steps["a-1"].output["x y"]', True),
    ]


def test_looking_for_a_string_in_a_list_is_no_presence():
    (reference,) = parse('"vip" in event.data.tags').references
    assert reference.path == ("event", "data", "tags")
    assert not reference.presence


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "the expression is empty"),
        (" \n", 0, "the expression is empty"),
        ("1 +", 3, "the expression ends too early"),
        ("(1", 2, "the expression ends too early"),
        ("a = 1", 2, "unexpected `=`"),
        ("a & b", 2, "unexpected `&`"),
        ("a and b", 2, "unexpected `and`"),
        ("'中' +\n * 2", 7, "unexpected `*`"),
        ('x == "abc', 5, "the string that begins here is not closed"),
        ('"""abc', 2, "the string that begins here is not closed"),
        ("审批", 0, "unexpected `审`"),
        ("\u202ea", 0, "unexpected character U+202E"),
        ("a\0", 1, "unexpected character U+0000"),
        ("'\ud800'", 1, "half of a surrogate pair is not a character"),
        ("9223372036854775808", 0, "the number is beyond ±(2^53 − 1)"),
        ("r'\\'", 0, "a raw string cannot end in a backslash"),
        ("let", 0, "`let` is a reserved word"),
        ("1 + a.b{c: 1}", 4, "there is no message type `a.b`"),
        ("has(a)", 4, "`has(…)` takes a field"),
        ('has(a + b["x"])', 6, "`has(…)` takes a field"),
        ("[1].map(a.b, 1)", 9, "the first argument of `map(…)` must be a plain name"),
        ("a.?b", 0, "optional fields are not supported"),
        pytest.param(
            "1" * MAX_LENGTH + "0", MAX_LENGTH, "the expression has 32,769 characters", id="long"
        ),
    ],
)
def test_syntax_errors_are_worded_and_located(text, offset, message):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 5_000 + "1" + ")" * 5_000,
        "[" * 10_000 + "]" * 10_000,
        "{" * 10_000 + "}" * 10_000,
        "!" * 30_000 + "true",
        "-" * 30_001 + "1",
        "a" + ".a" * 10_000,
        "a" + "[0]" * 10_000,
        "1" + "+1" * 10_000,
        "true?1:" * 4_000 + "1",
        "has(" * 8_000 + "a.b" + ")" * 8_000,
        'has(a["b"]) && ' * 2_000 + "true",
        "has(steps.a) && steps.a.b && " * 1_000 + "true",
        "[1].map(x," * 60 + "1" + ")" * 60,
        "x.y" * 10_000,
        "/" * 30_000,
        '"\n' * 10_000,
        "@" * 30_000,
        "'" + "x" * 30_000 + "'",
        "0x" + "f" * 30_000,
        "1.5e" + "9" * 30_000,
        "\ufeff" * 100,
        "`" * 10_000,
        "//" * 10_000,
        '"""' * 10_000,
        'r"\\',
        'r"\\"',
    ],
)
def test_hostile_text_is_parsed_or_refused(text):
    try:
        parse(text)
    except ExpressionError as error:
        message = error.message
    else:
        message = "parsed"
    assert message
    assert "INVALID" not in message
    assert "\n" not in message


ATOMS = ["has(steps.x)", "steps.x.ok", "true", "false", "event.data.ok", "'x' in steps"]
CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda below: st.one_of(
        st.builds("({} && {})".format, below, below),
        st.builds("({} || {})".format, below, below),
        st.builds("!({})".format, below),
        st.builds("({} ? {} : {})".format, below, below, below),
        st.builds("[1, 2].exists(i, {})".format, below),
    ),
    max_leaves=7,
)


@given(CONDITIONS, st.booleans())
def test_what_is_guarded_never_misses(text, ok):
    if all(guarded for path, _, guarded in reads(text) if path[0] == "steps"):
        for steps in ({}, {"x": {"ok": True}}, {"x": {"ok": False}}):
            compile(text).test({"event": {"data": {"ok": ok}}, "steps": steps})


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("steps.x.error.message", False),
        ("has(steps.x) ? steps.x.error.message : ''", False),
        ("has(steps.x.error) ? steps.x.error.message : ''", True),
        ("steps.x.outcome == 'error' ? steps.x.error.message : ''", True),
        ("'error' == steps.x.outcome && steps.x.error.name == ''", True),
        ("steps.x.outcome != 'default' ? '' : steps.x.error.message", False),
        ("steps.x.outcome == 'default' ? '' : steps.x.error.message", True),
        ("steps.y.outcome == 'error' ? steps.x.error.message : ''", False),
        ("steps.x.output.y", False),
        ("has(steps.x.output) && steps.x.output.y", False),
        ("has(steps.x.error) || steps.x.output.y", True),
        ("steps.x.outcome != 'error' && steps.x.output.y", True),
        ("steps.x.outcome == 'timeout' || steps.x.output.y", True),
        ("steps.x.outcome == 'received' && steps.x.output.y", True),
        ("steps.x.output != null && steps.x.output.y", True),
        ("steps.x.output == null && steps.x.output.y", False),
    ],
)
def test_a_field_is_chosen_where_the_outcome_says_that_it_holds_something(
    text: str, chosen: bool
) -> None:
    (found,) = [one for one in parse(text).references if len(one.path) > 3]
    assert found.chosen is chosen
