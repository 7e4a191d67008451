"""Values of expressions have at most 4 MiB, and computing them takes no more memory than it may."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proflow_schemas.expressions import ExpressionError, compile, extent, template
from proflow_schemas.expressions.extent import MAX_MEMORY, _Account, _TooMuch, grows
from proflow_schemas.sizes import MAX_VALUE_BYTES, tree_size

LIMIT = MAX_VALUE_BYTES


def evaluated(text: str, **scope: Any) -> Any:
    return compile(text).evaluate(scope)


@pytest.mark.parametrize("text", ["a + b", "[a, b]", '{"x": a, "y": b}', "a"])
@pytest.mark.parametrize("character", ["a", "é", "中", "\n", '"'])
@pytest.mark.parametrize("over", [-1, 0, 1, 2])
def test_a_value_of_texts_may_have_the_limit_and_not_a_byte_more(
    text: str, over: int, character: str
) -> None:
    empty: Any = {"a + b": "", "[a, b]": ["", ""], "a": ""}.get(text, {"x": "", "y": ""})
    frame, wide = tree_size(empty), tree_size(character) - 2
    left = LIMIT + over - frame
    scope = {"a": character * (left // 2 // wide)}
    scope["b"] = "b" * (left - wide * len(scope["a"]))
    if text == "a":
        scope["a"] += scope["b"]
    if over <= 0:
        assert tree_size(evaluated(text, **scope)) == LIMIT + over
    else:
        with pytest.raises(ExpressionError, match=f"has {LIMIT + over:,} bytes, more than the 4"):
            evaluated(text, **scope)


@pytest.mark.parametrize("share", [0, 1, 100_000, 300_000])
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_list_that_is_put_together_may_have_the_limit(over: int, share: int) -> None:
    item = "x" * 17  # with quotes and comma 20 bytes
    count = LIMIT // 20 - 1
    first, second = [item] * min(share, count), [item] * (count - min(share, count))
    last = "y" * (LIMIT + over - tree_size(first + second) - 3)
    scope = {"a": first, "b": [*second, last]}
    if over <= 0:
        assert tree_size(evaluated("a + b", **scope)) == LIMIT + over
    else:
        with pytest.raises(ExpressionError, match=f"has {LIMIT + over:,} bytes"):
            evaluated("a + b", **scope)


BIG = "a" * (3 << 20)
NUMBERS = list(range(9_000))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (" + ".join(["big"] * 6), "the value has 18,874,370 bytes"),
        (f"size({' + '.join(['big'] * 25)})", "more than 256 MiB"),
        (f"size([{', '.join(['big'] * 500)}])", None),
        (f"size({' + '.join(['[big, big]'] * 25)})", None),
        (f"[{', '.join(['big'] * 500)}]", "the value has"),
        ("many.map(x, big)", "more than 256 MiB"),
        ("many.map(x, big + big)", "more than 256 MiB"),
        ("many.map(x, x)", "more than 256 MiB"),
        ("many.filter(x, x in many)", "more than 256 MiB"),
        ("few.map(x, few.map(y, big))", "more than 256 MiB"),
        ("few.map(x, string(x) + big)", "more than 256 MiB"),
        ("few.map(x, [big, big, big])", "more than 256 MiB"),
        ("many.exists(x, many == other)", "or too long"),
        ("few.all(x, !big.contains('b' + string(x)))", "or too long"),
        ("'x' + (few.size() > 0 ? big + big : 'y')", "the value has"),
        ("text.map(x, x.a + x.b)", None),
        ("few.map(x, x)", None),
    ],
)
def test_what_would_take_too_much_is_refused_before_it_takes_it(
    text: str, complaint: str | None
) -> None:
    program = (
        "import re, sys, json\n"
        "from proflow_schemas.expressions import compile, ExpressionError\n"
        "text = json.loads(sys.stdin.read())\n"
        "scope = {'big': 'a' * (3 << 20), 'many': list(range(9000)), 'other': list(range(9000)),"
        " 'few': list(range(400)), 'text': [{'a': 'x' * 900, 'b': 'y'}] * 900 + [{'a': 'z' * 10**6,"
        " 'b': 'y'}]}\n"
        "try: result = 'fine'; compile(text).evaluate(scope)\n"
        "except ExpressionError as error: result = error.message\n"
        # Not `ru_maxrss`, which a process takes over from the one that started it.
        "peak = re.search(r'VmHWM:\\s*([0-9]+)', open('/proc/self/status').read())\n"
        "print(json.dumps([result, int(peak[1])]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(text), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    result, kilobytes = json.loads(done.stdout)
    assert result == "fine" if complaint is None else complaint in result
    assert kilobytes < 300 * 1024


def test_texts_with_many_expressions_have_the_same_limit() -> None:
    with pytest.raises(ExpressionError, match="more than the 4 MiB"):
        template("${big}, ${big}").render({"big": BIG})
    assert len(template("${big}!").render({"big": BIG})) == len(BIG) + 1


# --- the bound itself

NAMES = {"t": "text", "u": "text", "l": "list", "m": "list", "n": "number", "o": "object"}
DATA = st.fixed_dictionaries(
    {
        "t": st.text(max_size=30),
        "u": st.text("ab\n", max_size=30),
        "l": st.lists(st.text(max_size=5), max_size=6),
        "m": st.lists(st.text(max_size=5), max_size=6),
        "n": st.integers(-(10**9), 10**9),
        "o": st.lists(
            st.fixed_dictionaries({"k": st.text(max_size=9), "v": st.lists(st.text(), max_size=3)}),
            max_size=4,
        ),
    }
)
TEXTS = st.recursive(
    st.sampled_from(["t", "u", "'abc'", "string(n)", "'' "]),
    lambda inner: (
        st.tuples(inner, inner).map("({0[0]} + {0[1]})".format)
        | st.tuples(inner, inner).map("(n > 0 ? {0[0]} : {0[1]})".format)
    ),
    max_leaves=6,
)
LISTS = st.recursive(
    st.sampled_from(["l", "m", "[]", "[t, u]", "o.map(x, x.k)", "o.filter(x, x.k != '')[0].v"])
    | TEXTS.map("[{}]".format),
    lambda inner: (
        st.tuples(inner, inner).map("({0[0]} + {0[1]})".format)
        | st.tuples(inner, TEXTS).map("{0[0]}.map(y, y + {0[1]})".format)
        | inner.map("{}.filter(y, size(y) > 1)".format)
        | st.tuples(inner, inner).map("{0[0]}.map(y, {0[1]})".format)
    ),
    max_leaves=5,
)


@given(
    text=TEXTS | LISTS | st.tuples(TEXTS, LISTS).map('{{"a": {0[0]}, "b": {0[1]}}}'.format),
    data=DATA,
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_value_is_larger_than_its_bound(text: str, data: dict[str, Any]) -> None:
    program = compile(text)
    try:
        value = program.evaluate(data)
    except ExpressionError:
        return
    size = tree_size(value)
    read = {name: data[name] for name in {one.path[0] for one in program.references}}
    for closely in (False, True):
        try:
            found = _Account(read, closely=closely).total(program.syntax.tree)
        except _TooMuch:
            continue  # lists of lists of lists, of which nothing is known
        assert size <= found.size
        assert not found.exact or size == found.size
    if not grows(program.syntax.tree):
        assert size <= max(30, *(tree_size(one) for one in read.values()), 0)


def test_the_bound_is_looked_for_only_where_a_value_can_grow() -> None:
    assert not grows(compile("event.data.amount > 100.0 && has(event.data.by)").syntax.tree)
    assert not grows(compile('steps["a-1"].output.x').syntax.tree)
    assert grows(compile("event.data.a + event.data.b").syntax.tree)


def test_the_memory_of_a_growing_list_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(evaluated("l.map(x, x)", l=["a"] * 1_000)) == 1_000
    monkeypatch.setattr(extent, "MAX_MEMORY", 1_000_000)
    with pytest.raises(
        ExpressionError, match="goes through 1,000 items, which would take more than"
    ):
        evaluated("l.map(x, x)", l=["a"] * 1_000)
    assert MAX_MEMORY == 256 * 2**20


def test_lists_that_are_made_one_of_the_other_are_no_larger_than_they_are() -> None:
    scope = {"o": [{"k": "x" * 20, "v": 1} for _ in range(800)]}
    chain = "o.map(x, x.k).map(y, y + '!').filter(z, z != '').map(w, [w, w]).map(q, q[0])"
    assert evaluated(chain, **scope) == ["x" * 20 + "!"] * 800


@pytest.mark.parametrize(
    ("expression", "scope"),
    [
        # Without a bound the first takes minutes, and the last seconds, on the event loop.
        ("t.matches(p)", {"t": "a" * 10_000, "p": "((a{100}){10}){1}" * 100}),
        ("t.matches(p + p)", {"t": "a" * 10_000, "p": "((a{100}){10}){1}" * 50}),
        ('t.matches("(a?){500}$")', {"t": "a" * 1_000_000}),
        ('l.all(x, !t.matches("(a?){100}b"))', {"t": "a" * 100_000, "l": [1] * 100}),
        ("l.all(x, size(t) > 1)", {"t": "a" * 1_000_000, "l": [1] * 2_000}),
    ],
)
def test_the_work_of_searches_is_bounded(expression: str, scope: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError, match="too long"):
        evaluated(expression, **scope)


def test_ordinary_searches_are_fine() -> None:
    assert evaluated('t.matches("^[a-z]+$")', t="a" * 1_000_000) is True
    assert evaluated('t.matches("^(a+)+$")', t="a" * 10_000 + "!") is False
    assert evaluated("t.matches(p)", t="abc", p="b") is True
    assert evaluated("l.all(x, size(x) == 3)", l=["abc"] * 5_000) is True
    with pytest.raises(ExpressionError, match="regular expression"):
        evaluated('t.matches("(")', t="a" * 100_000)
