"""Checking expressions against the names, fields and types in scope."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_schemas.expressions import TypeScope, parse, problems

SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "count": {"type": "integer"},
        "level": {"type": "string", "enum": ["high", "low"]},
        "text": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "closed": {
            "type": "object",
            "properties": {"x": {"type": "string"}},
            "additionalProperties": False,
        },
        "lines": {"type": "array", "items": {"properties": {"price": {"type": "number"}}}},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "ok": {"type": "boolean"},
        "order": {"$ref": "#/$defs/order"},
    },
    "$defs": {"order": {"properties": {"total": {"type": "number"}}}},
}
SCOPE = TypeScope(
    event_data=SCHEMA,
    steps={
        "approve-1": {"outcome": {"enum": ["approved", "rejected"]}, "comment": "string"},
        "task": {"output": {"properties": {"n": {"type": "number"}}}, "error": None},
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "event.data.amount > 100",
        "event.data.amount == 100",
        "event.data.amount in [100, 200]",
        "event.data.count > 1.5 && event.data.amount <= event.data.count",
        "event.data.amount * 1.1 > 5.0",
        "event.data.text == null || event.data.maybe != null",
        "event.data.order.total * 2.0 > 1",
        "event.data.lines[0].price > 1",
        "event.data.tags.exists(t, t == 'a')",
        "event.data.unknown.field > 1",
        "event.data.ok",
        "!event.data.ok",
        'steps["approve-1"].outcome == "approved"',
        'has(steps["approve-1"]) && steps["approve-1"].outcome in ["approved"]',
        "steps.task.output.n * 1.1 > 1.0",
        "steps.task.error.name == 'x'",
        "[1].exists(event, event > 0)",
        "tenant_id == 1 && run.id != '' && initiator == 5",
        "1 == 1.0",
        "1000 + 1000.5 > event.data.count * 1.1",
        "(event.data.ok ? 1 : 1.5) > event.data.amount",
        "7 / 2 == 3.5 && event.data.count % 2 == 1 && int(event.data.text) % 2 == 0",
        "size(event.data.tags) / 2 > 1 && size(event.data.text) * 1.5 > event.data.text.size()",
        "event.data.lines[size(event.data.lines) - 1].price > 1 && event.data.tags[1] == 'a'",
        "[1, 2.5].map(x, x * 2).exists_one(x, x == 5)",
        "{1: 'a', 2.0: 'b'}[event.data.count] == 'a'",
        "round(event.data.amount, 2) == 1.01 && round(event.data.count) > 0x1F + 1u + .5",
        "timestamp(event.ts / 1000) + duration('1h') > timestamp('2026-01-01T00:00:00Z')",
        "timestamp(event.data.text).getHours('Asia/Shanghai') + 0.5 > duration('1h').getMinutes()",
        "type(event.data.unknown) == string || type(event.data.unknown) == double",
        "event.data.maybe == '5' && 5 == event.data.unknown",
    ],
)
def test_well_typed_conditions_have_no_problems(text):
    assert problems(text, SCOPE, expect="bool") == []


@pytest.mark.parametrize(
    ("text", "kind", "message", "where", "help"),
    [
        ("1 +", "syntax", "the expression ends too early", "", None),
        ("event.data.text", "not-a-condition", "the condition gives a string", None, "compare"),
        ("event.data.maybe", "not-a-condition", "the condition gives null or a string", None, None),
        ("  1 ", "not-a-condition", "the condition gives a number", "1", None),
        (
            "evnt.data.x",
            "unknown-reference",
            "there is nothing called `evnt`",
            "evnt.data.x",
            "did you mean `event`?",
        ),
        (
            "amount > 1",
            "unknown-reference",
            "there is nothing called `amount`",
            "amount",
            "did you mean `event.data.amount`?",
        ),
        (
            "task.output",
            "unknown-reference",
            "there is nothing called `task`",
            "task.output",
            "did you mean `steps.task.output`?",
        ),
        (
            "approve-1 == 1",
            "unknown-reference",
            "there is nothing called `approve`",
            "approve",
            'did you mean `steps["approve-1"]`?',
        ),
        (
            "evnt.data.amont > 1",
            "unknown-reference",
            "there is nothing called `evnt`",
            "evnt.data.amont",
            "did you mean `event.data.amount`?",
        ),
        (
            "task > 1",
            "unknown-reference",
            "there is nothing called `task`",
            "task",
            "`task` is a step: read its result, `steps.task.output`",
        ),
        ("item == 1", "unknown-reference", "`item` is only there inside a `foreach`", "item", None),
        (
            "steps.approve1.outcome",
            "unknown-reference",
            "there is no step `approve1`",
            "steps.approve1.outcome",
            'did you mean `steps["approve-1"]`?',
        ),
        (
            "steps.task.outptu.n == 1",
            "unknown-reference",
            "`steps.task` has no field `outptu`",
            "steps.task.outptu.n",
            "did you mean `output`?",
        ),
        ("has(steps.nope)", "unknown-reference", "there is no step `nope`", "steps.nope", None),
        ("size(steps) > 0", "unknown-reference", "`steps` is read without", "steps", "write"),
        (
            "event.amount > 1",
            "unknown-reference",
            "`event` has no field `amount`",
            "event.amount",
            "did you mean `event.data.amount`?",
        ),
        (
            "event.data.amont > 1",
            "unknown-reference",
            "`event.data` has no field `amont`",
            "event.data.amont",
            "did you mean `amount`?",
        ),
        (
            "event.data.closed.zzz == ''",
            "unknown-reference",
            "`event.data.closed` has no field",
            "event.data.closed.zzz",
            None,
        ),
        ("run.idd == ''", "unknown-reference", "`run` has no field `idd`", "run.idd", "did you"),
        (
            "event.data.text.x == 1",
            "type",
            "`event.data.text` is a string and has no field `x`",
            "event.data.text.x",
            None,
        ),
        (
            "event.data.lines.price > 1",
            "type",
            "`event.data.lines` is a list",
            "event.data.lines.price",
            "read one item",
        ),
        ("event.data.text > 5", "type", "`>` cannot compare a string and a number", ">", "write"),
        ("event.data.maybe == 5", "type", "`==` cannot compare a string and", "==", "write both"),
        ("7 != event.data.maybe", "type", "`!=` cannot compare a number and", "!=", "write both"),
        ("'7' == 7", "type", "`==` cannot compare a string and a number", "==", "write both"),
        ("type(1) == int", "unknown-reference", "no value is of the type `int`", "int", "every"),
        ("round(event.data.text) > 1", "type", "`round` does not take a string", "round", None),
        ("round(1, 2, 3) > 1", "type", "`round(…)` is not called", "round", None),
        ("event.data.text % 2 == 1", "type", "`%` cannot take a string", "%", "turn it into"),
        (
            "1 < 9007199254740992",
            "inexact",
            "the number 9007199254740992 is beyond",
            "9007199254740992",
            "write a smaller number",
        ),
        (
            "1 > -1e300",
            "inexact",
            "the number -1e300 is beyond",
            "-1e300",
            "write a smaller number",
        ),
        ("9007199254740993 in [1]", "inexact", "the number 90", "9007199254740993", "write it as"),
        ('steps["approve-1"].comment == 1', "type", "`==` cannot compare a string", "==", None),
        (
            'steps["approve-1"].outcome == "aproved"',
            "type",
            '`steps["approve-1"].outcome` is never',
            '"aproved"',
            'did you mean `"approved"`?',
        ),
        (
            "event.data.level in ['high', 'mid']",
            "type",
            "`event.data.level` is never",
            "'mid'",
            "it is one of",
        ),
        ("foo(1) == 1", "type", "there is no function `foo`", "foo", None),
        ("now() > 1", "type", "there is no function `now`", "now", "expressions have no clock"),
        (
            "event.data.text.startWith('a')",
            "type",
            "there is no function `startWith`",
            "startWith",
            "did you mean `startsWith`?",
        ),
        ("'a'.matches('(')", "type", "invalid regular expression", "'('", None),
        (
            "timestamp('x') > timestamp('2024-01-01T00:00:00Z')",
            "type",
            "a string is not an RFC",
            "'x'",
            None,
        ),
        ("event.data.tags.exists(t, t == 1)", "type", "`==` cannot compare a string", "==", None),
        ("'中' == event\n.data.amount && true", "type", "`==` cannot compare", "==", None),
    ],
)
def test_problems_are_named_and_located(text, kind, message, where, help):
    (problem,) = problems(text, SCOPE, expect="bool")
    assert problem.kind == kind
    assert problem.message.startswith(message)
    if where is not None:
        assert text[problem.start : problem.end] == where
    if help is not None:
        assert (problem.help or "").startswith(help)


def test_every_unknown_name_is_reported():
    found = problems("a + b > event.data.amont", SCOPE)
    assert [problem.start for problem in found] == [0, 4, 8]


def test_a_tolerated_comparison_hides_no_other_problem():
    found = problems("event.data.amount == 1 && event.data.text > 5", SCOPE, expect="bool")
    assert [problem.message for problem in found] == ["`>` cannot compare a string and a number"]


def test_names_are_in_scope_where_the_place_says_so():
    scope = TypeScope(names={"item": None, "index": "integer"}, initiator=False)
    assert problems("item.x == 1 && index > 0", scope, expect="bool") == []
    assert problems("index == ''", scope)[0].kind == "type"
    assert problems("initiator == 1", scope)[0].kind == "unknown-reference"


@pytest.mark.parametrize(
    ("expect", "good", "bad"),
    [
        ("string", "event.data.text + 'a'", "1"),
        ("number", "event.data.amount", "'a'"),
        ("list", "event.data.tags.map(t, 1)", "event.data.maybe"),
        ("object", "event.data.closed", "[1]"),
    ],
)
def test_other_results_can_be_expected(expect, good, bad):
    assert problems(good, SCOPE, expect=expect) == []
    assert [problem.kind for problem in problems(bad, SCOPE, expect=expect)] == ["type"]
    assert problems("event.data.unknown", SCOPE, expect=expect) == []


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        5,
        "string",
        [],
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}]},
        {"type": []},
        {"properties": 5},
        {"properties": {"x": 7}, "additionalProperties": False},
        {"allOf": [1]},
    ],
)
def test_odd_schemas_are_no_reason_to_fail(schema):
    scope = TypeScope(event_data=schema)
    for text in ("event.data.x.y > 1", "event.data == 1", "has(event.data.x)"):
        assert isinstance(problems(text, scope, expect="bool"), list)


@given(st.text(alphabet="event.data.amount steps[]()'\"\\=&|!?:,{}1.5\n中+*`"))
def test_checking_never_raises(text):
    for problem in problems(text, SCOPE, expect="bool"):
        assert 0 <= problem.start <= problem.end <= len(text)


SLIPS = [
    ("not event.data.amount > 1", "write `!`", "!(event.data.amount > 1)"),
    ("NOT has(event.data.text)", "write `!`", "!has(event.data.text)"),
    ("not event.data.amount > 1 and true", "write `!`", "!(event.data.amount > 1) && true"),
    ("(not true || false)", "write `!`", "(!true || false)"),
    ("not(event.data.amount > 1)", "write `!`", "!(event.data.amount > 1)"),
    ("not(event.data.amount) > 1", "write `!`, and parentheses", None),
    ("非 event.data.amount > 1", "write `!`", "!(event.data.amount > 1)"),
    ("true AND false OR true", "write `&&`", "true && false || true"),
    ("true 且 false 或 true", "write `&&`", "true && false || true"),
    ("event.data.amount <> 1", "write `!=`", "event.data.amount != 1"),
    ("event.data.amount === 1", "write `==`", "event.data.amount == 1"),
    ("event.data.amount !== 1", "write `!=`", "event.data.amount != 1"),
    ("event.data.amount => 1", "write `>=`", "event.data.amount >= 1"),
    ("event.data.amount ≥ 1", "write `>=`", "event.data.amount >= 1"),
    ("（event.data.amount ＝ 1）", "write `(`", "(event.data.amount == 1)"),
    ("event.data.amount ＞ 5，000", "write `>`", "event.data.amount > 5000"),
    ("event.data.amount > 1,234,567", "write `1234567`", "event.data.amount > 1234567"),
    ("event.data.amount > 1,23", None, None),
    ("event.data.amount > 5000元", "write the number without its unit: `5000`", None),
    ("event.data.amount > 5000 元", "write the number without its unit: `5000`", None),
    ("${event.data.amount} > 5", "write it without `${`", "event.data.amount > 5"),
    ("${1 > 2} && true", "write it without `${`", "(1 > 2) && true"),
    ("{{ event.data.amount }} > 5", "write `event.data.amount` with", "event.data.amount > 5"),
    ("'{{x}}' = event.data.text", "compare with `==`", "'{{x}}' == event.data.text"),
    ("event.data.text == “＞”", "quote strings", 'event.data.text == "＞"'),
    ('event.data.text == ‘a"b’', "quote strings", 'event.data.text == "a\\"b"'),
    ("event.data.金额 > 5", 'write `event.data["金额"]`', 'event.data["金额"] > 5'),
    ("金额.数 > 5", 'did you mean `event.data["金额"]["数"]`?', 'event.data["金额"]["数"] > 5'),
    ("steps.查询.output > 5", 'write `steps["查询"].output`', 'steps["查询"].output > 5'),
    ("查询.output > 5", 'did you mean `steps["查询"].output`?', 'steps["查询"].output > 5'),
    ("查询 > 5", 'read the result of the step: `steps["查询"].output`', None),
    ("event.data.text == 高", 'quote it if it is a text: `"高"`', 'event.data.text == "高"'),
    ("len(event.data.text) > 5", "did you mean `size`?", "size(event.data.text) > 5"),
    ("event.data.text.length > 5", "did you mean `size(event.", "size(event.data.text) > 5"),
    ("event.data.text.length() > 5", "did you mean `size`?", "event.data.text.size() > 5"),
]


@pytest.mark.parametrize(("text", "help", "meant"), SLIPS)
def test_slips_of_other_languages_are_corrected(
    text: str, help: str | None, meant: str | None
) -> None:
    scope = replace(SCOPE, steps={**SCOPE.steps, "查询": {"output": None}})
    (problem,) = problems(text, scope, expect="bool")
    assert (problem.help or "").startswith(help or "")
    assert help is not None or problem.help is None
    better = problem.correction
    if meant is None or better is None:
        assert better is None
        assert meant is None
        return
    written = text[: better.start] + better.text + text[better.end :]
    assert written == meant
    assert problems(written, scope, expect="bool") == []


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "not",
                "NOT",
                "and",
                "且",
                "非",
                "=",
                "<>",
                "(",
                ")",
                "“",
                "”",
                "{{",
                "}}",
                "${",
                "}",
                "event.data.amount",
                "event.data.金额",
                "金额",
                ">",
                "5",
                ",000",
                "元",
                "'a",
                "'",
                "[",
            ]
        ),
        max_size=8,
    )
)
def test_a_correction_of_a_slip_can_be_parsed(words: list[str]) -> None:
    text = " ".join(words)
    for one in problems(text, SCOPE):
        if one.kind == "syntax" and (better := one.correction) is not None:
            parse(text[: better.start] + better.text + text[better.end :])


@pytest.mark.parametrize("text", ["{{" + " " * 30_000, "not " + "(" * 30_000, "金" * 30_000])
def test_long_texts_are_corrected_in_short_time(text: str) -> None:
    assert problems(text, SCOPE)
