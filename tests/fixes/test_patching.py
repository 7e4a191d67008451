"""JSON Patch on texts: the value is the patch's, and everything that no edit touches stays."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.diagnostics import Edit
from proflow_compiler.diagnostics.json_text import JsonText
from proflow_compiler.diagnostics.patching import PatchError, patched, replaced, replacements
from proflow_compiler.diagnostics.source import escape

KEYS = st.sampled_from(["a", "b", "c/d", "e~f", "", "0", "标签", '"', "\u2028"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 99),
    st.sampled_from(["", "x", "审批\n", "\U0001f600", "[{"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)
BLANKS = st.sampled_from(["", " ", "\n", "\r\n  ", "\t", " \n\n    ", "\r"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """JSON, formatted at random."""
    ascii_only = draw(st.booleans())

    def written(value: Any) -> str:
        blank = draw(BLANKS)
        if isinstance(value, dict):
            found = [
                f"{draw(BLANKS)}{written(key)}{draw(BLANKS)}:{draw(BLANKS)}{written(one)}{draw(BLANKS)}"
                for key, one in value.items()
            ]
            return f"{{{','.join(found) or blank}}}"
        if isinstance(value, list):
            found = [f"{draw(BLANKS)}{written(one)}{draw(BLANKS)}" for one in value]
            return f"[{','.join(found) or blank}]"
        return json.dumps(value, ensure_ascii=ascii_only)

    return draw(BLANKS) + written(draw(VALUES)) + draw(BLANKS)


def pointers(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    yield at, value
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in pairs:
            yield from pointers(one, f"{at}/{escape(key)}")


@st.composite
def edits_of(draw: st.DrawFn, value: Any) -> list[Edit]:
    """Edits, each possible after those before it."""
    found: list[Edit] = []
    for _ in range(draw(st.integers(1, 3))):
        known = list(pointers(value))
        containers = [(at, one) for at, one in known if isinstance(one, dict | list)]
        at, _ = draw(st.sampled_from(known))
        op = draw(st.sampled_from(["add", "remove", "replace", "move"]))
        if op == "remove" and at:
            edit = Edit("remove", at)
        elif op in ("add", "move") and containers:
            holder, one = draw(st.sampled_from(containers))
            name = (
                draw(KEYS)
                if isinstance(one, dict)
                else draw(st.sampled_from([*map(str, range(len(one) + 1)), "-"]))
            )
            pointer = f"{holder}/{escape(name)}"
            edit = Edit("add", pointer, draw(VALUES))
            if op == "move" and at and not f"{pointer}/".startswith(f"{at}/"):
                edit = Edit("move", pointer, source=at)
        else:
            edit = Edit("replace", at, draw(VALUES))
        try:
            value = by_the_book(value, [edit])
        except jsonpatch.JsonPatchException:
            continue
        found.append(edit)
    return found


def by_the_book(value: Any, edits: list[Edit]) -> Any:
    """What the library makes of the value."""
    patch = []
    for one in edits:
        made = one.as_json()
        made["path"] = made.pop("pointer")
        patch.append(made)
    try:
        return jsonpatch.apply_patch(value, patch)
    except (IndexError, TypeError, KeyError, jsonpatch.JsonPointerException) as error:
        raise jsonpatch.JsonPatchException from error


def same(one: Any, other: Any) -> bool:
    """Equality that tells true from 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@settings(max_examples=400, deadline=None)
@given(st.data(), texts())
def test_the_value_of_a_patched_text_is_the_patched_value(data: st.DataObject, text: str) -> None:
    value = json.loads(text)
    edits = data.draw(edits_of(value))
    made = patched(text, edits)
    assert same(json.loads(made), by_the_book(value, edits))
    found = replacements(JsonText(text), edits)
    assert replaced(text, found) == made
    assert all(one.end <= other.start for one, other in pairwise(found))


@settings(max_examples=400, deadline=None)
@given(st.data(), texts())
def test_what_an_edit_does_not_touch_keeps_its_bytes(data: st.DataObject, text: str) -> None:
    edits = [one for one in data.draw(edits_of(json.loads(text)))[:1] if one.op != "move"]
    before = JsonText(text)
    for one in replacements(before, edits):
        gone = text[one.start : one.end]
        if edits[0].op == "add" and not gone.strip():
            continue  # white space of an empty container
        touched = before.extent(edits[0].pointer)
        assert touched is not None
        start = touched.key[0] if touched.key else touched.start
        inside = max(one.start, start), min(one.end, touched.end)
        around = text[one.start : inside[0]] + text[inside[1] : one.end]
        assert re.fullmatch(r"\s*,?\s*", around)


INDENTED = """{
  "nodes": [
    {
      "id": "a"
    }
  ],
  "edges": []
}
"""


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        (
            INDENTED,
            Edit("add", "/edges/-", {"source": "a"}),
            INDENTED.replace("[]", '[\n    {\n      "source": "a"\n    }\n  ]'),
        ),
        (
            INDENTED,
            Edit("add", "/nodes/0/data", {"k": [1]}),
            INDENTED.replace(
                '"a"\n',
                '"a",\n      "data": {\n        "k": [\n          1\n        ]\n      }\n',
            ),
        ),
        (
            '{\n\t"e": [\n\t\t{ "a": 1 },\n\t\t{ "a": 2 }\n\t]\n}',
            Edit("add", "/e/-", {"a": 3, "b": "标"}),
            '{\n\t"e": [\n\t\t{ "a": 1 },\n\t\t{ "a": 2 },\n\t\t{ "a": 3, "b": "标" }\n\t]\n}',
        ),
        ('{"e":[1],"d":{}}', Edit("add", "/d/k", "v"), '{"e":[1],"d":{"k":"v"}}'),
        ('{"e":[1]}', Edit("add", "/e/0", {"a": [1, 2]}), '{"e":[{"a":[1,2]},1]}'),
        ('{"e": "\\u6807"}', Edit("replace", "/e", "标"), '{"e": "\\u6807"}'),
        ('{"on": 1, "b": 2}', Edit("move", "/off", source="/on"), '{"off": 1, "b": 2}'),
        ("[\r\n  1,\r\n  2\r\n]\r\n", Edit("add", "/-", 3), "[\r\n  1,\r\n  2,\r\n  3\r\n]\r\n"),
        ("[\n  1,\n  2\n]", Edit("remove", "/0"), "[\n  2\n]"),
        ("[\n  1,\n  2\n]", Edit("remove", "/1"), "[\n  1\n]"),
        ("[\n  1\n]", Edit("remove", "/0"), "[]"),
    ],
)
def test_what_is_inserted_looks_like_what_stands_beside_it(
    text: str, edit: Edit, expected: str
) -> None:
    assert patched(text, [edit]) == expected


@pytest.mark.parametrize(
    "edit",
    [
        Edit("remove", ""),
        Edit("remove", "/b"),
        Edit("replace", "/a/9", 1),
        Edit("add", "/a/9", 1),
        Edit("add", "/a/01", 1),
        Edit("add", "/a/0/x", 1),
        Edit("move", "/a/0", source="/a"),
        Edit("move", "/x", source="/b"),
    ],
)
def test_an_edit_whose_pointer_leads_nowhere_is_refused(edit: Edit) -> None:
    with pytest.raises(PatchError):
        patched('{"a": [1]}', [edit])
