"""Every fix that is offered mends: the problem is gone, no other error has come, the rest stays."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.commands.applying_fixes import FixedText, fix_text
from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Edit, Fix, Level
from proflow_compiler.diagnostics.json_text import JsonText
from proflow_compiler.diagnostics.patching import patched, replacements
from proflow_compiler.diagnostics.rendering import render
from proflow_compiler.explain import RULES
from proflow_compiler.fixes.proving import hidden, with_proven_fixes
from proflow_compiler.pipeline import Compilation, compile_reading
from proflow_compiler.reader import read

FIXTURES = Path(__file__).parents[2] / "fixtures"
CASES = sorted(
    str(path.relative_to(FIXTURES))
    for pattern in ("rules/*/incorrect*.json", "invalid/*/design.json", "imports/*/design.json")
    for path in FIXTURES.glob(pattern)
)
IN_TURN = ("PF301", "PF302", "PF303")
"""Of an expression, the first problem is told alone."""
HANDLERS = dict.fromkeys(("work", "send_email", "send_alert"))


def compiled(text: str, case: str) -> Compilation:
    reading = read(text.encode("utf-8", "surrogatepass"), case)
    stored = "unsupported-when-stored" in case
    return compile_reading(reading, handlers=HANDLERS, stored=stored)


def found_in(compilation: Compilation) -> list[Diagnostic]:
    return [*compilation.reading.diagnostics, *compilation.diagnostics]


def offered(case: str) -> Iterator[tuple[str, list[Diagnostic], Diagnostic, Fix]]:
    data = (FIXTURES / case).read_bytes()
    found = found_in(compiled_bytes(data, case))
    for one in found:
        for fix in one.fixes:
            yield data.decode("utf-8-sig"), found, one, fix


def compiled_bytes(data: bytes, case: str) -> Compilation:
    stored = "unsupported-when-stored" in case
    return compile_reading(read(data, case), handlers=HANDLERS, stored=stored)


def check_mended(text: str, case: str, found: list[Diagnostic], one: Diagnostic, fix: Fix) -> None:
    after = found_in(compiled(patched(text, fix.edits), case))

    def alike(among: list[Diagnostic]) -> int:
        same = (one.code, one.node, one.edge, one.message)
        return sum((it.code, it.node, it.edge, it.message) == same for it in among)

    assert alike(after) < alike(found), fix.title
    if one.code not in IN_TURN:
        written = [edit.pointer for edit in fix.edits if edit.op != "remove"]
        before = {(it.code, it.message) for it in found}
        left = [
            it
            for it in after
            if it.code == one.code and any(it.pointer == place for place in written)
        ]
        assert all((it.code, it.message) in before for it in left), fix.title
    unread = any(it.code < "PF2" and it.level is Level.ERROR for it in found)
    new = errors(after, unread) - errors(found, unread)
    assert not [error for error in new if not hidden(error, one)], fix.title


def errors(found: list[Diagnostic], unread: bool) -> Counter[tuple[str, str | None, str | None]]:
    """The errors; of a file that could not be read those of the reading, as no others were known."""
    return Counter(
        (one.code, one.node, one.edge)
        for one in found
        if one.level is Level.ERROR and not (unread and one.code >= "PF2")
    )


@pytest.mark.parametrize("case", CASES)
def test_a_fix_mends_and_brings_no_other_error(case: str) -> None:
    for text, found, one, fix in offered(case):
        check_mended(text, case, found, one, fix)


def pointers(value: Any, at: str = "") -> Iterator[str]:
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from pointers(inner, f"{at}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from pointers(inner, f"{at}/{index}")


@pytest.mark.parametrize("case", CASES)
def test_a_fix_leaves_the_rest_of_the_file_as_it_is(case: str) -> None:
    for text, _, _, fix in offered(case):
        document = JsonText(text)
        touched = [document.extent(edit.source or edit.pointer) for edit in fix.edits]
        for part in replacements(document, fix.edits):
            gone = text[part.start : part.end]
            for extent in filter(None, touched):
                start = extent.key[0] if extent.key else extent.start
                if start <= part.end and part.start <= extent.end:
                    gone = gone.replace(
                        text[max(start, part.start) : min(extent.end, part.end)], ""
                    )
            assert not gone.strip().strip(",").strip(), (fix.title, gone)


@pytest.mark.parametrize("case", CASES)
def test_titles_of_fixes_follow_the_wording(case: str) -> None:
    for _, _, _, fix in offered(case):
        assert re.match(r"[a-z`]", fix.title)
        assert not fix.title.endswith(".")
        assert fix.title.count("`") % 2 == 0
        assert "\n" not in fix.title


def test_a_rule_says_whether_it_offers_fixes() -> None:
    offering = {one.code for case in CASES for _, _, one, _ in offered(case)}
    assert offering == {code for code, rule in RULES.items() if rule.fixable}


@pytest.mark.parametrize(
    "case", [case for case in CASES if "shadowed" in case or "dangling" in case]
)
def test_fixes_are_told_to_machines(case: str) -> None:
    compilation = compiled_bytes((FIXTURES / case).read_bytes(), case)
    (told,) = json.loads(render(found_in(compilation), compilation.reading.source, "json"))["files"]
    log = json.loads(render(found_in(compilation), compilation.reading.source, "sarif"))
    lines = compilation.reading.source.text.split("\n")
    for one, result in zip(told["diagnostics"], log["runs"][0]["results"], strict=True):
        assert len(one["fixes"]) == len(result.get("fixes", []))
        for fix, shown in zip(one["fixes"], result.get("fixes", []), strict=True):
            assert list(fix) == ["title", "safe", "edits"]
            assert shown["description"]["text"] == fix["title"]
            (change,) = shown["artifactChanges"]
            expected = applied(lines, change["replacements"])
            edits = [
                edit
                for found in compilation.reading.diagnostics + compilation.diagnostics
                for other in found.fixes
                if other.title == fix["title"] and other.as_json() == fix
                for edit in other.edits
            ][: len(fix["edits"])]
            assert patched(compilation.reading.source.text, edits) == expected


def applied(lines: list[str], changes: list[dict[str, Any]]) -> str:
    """What a viewer makes of SARIF's replacements."""
    text = "\n".join(lines)

    def offset(line: int, column: int) -> int:
        return sum(len(one) + 1 for one in lines[: line - 1]) + column - 1

    for change in reversed(changes):
        region = change["deletedRegion"]
        start = offset(region["startLine"], region["startColumn"])
        end = offset(region["endLine"], region["endColumn"])
        text = text[:start] + change["insertedContent"]["text"] + text[end:]
    return text


SHAPES = ["list", "map", "flow editor", "react flow 9", "wrapped", "riveredge"]


def shaped(shape: str, nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> Any:
    by_id = {"nodes": {one["id"]: one for one in nodes}, "edges": dict(enumerate(edges))}
    match shape:
        case "map":
            return by_id
        case "flow editor":
            return {"flattenNodes": by_id["nodes"], "flattenEdges": by_id["edges"]}
        case "react flow 9":
            return {"elements": [*nodes, *edges]}
        case "wrapped":
            return {"data": {"graph": {"nodes": nodes, "edges": edges}}}
        case "riveredge":
            graph = {"nodes": nodes, "edges": edges}
            return [{"code": "a", "tenant_id": 1, "nodes": graph, "config": {}}]
        case _:
            return {"nodes": nodes, "edges": edges}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_fixes_point_into_every_shape(shape: str, indent: int | None) -> None:
    nodes = [
        {"id": "开始", "type": "start"},
        {"id": "t/1", "type": "task", "data": {"handler": "work"}},
        {"id": "lost", "type": "task", "data": {"handler": "work"}},
        {"id": "end", "type": "end"},
    ]
    edges = [
        {"source": "开始", "target": "t/1"},
        {"source": "开始", "target": "end"},
        {"source": "lost", "target": "end"},
    ]
    if shape == "riveredge":  # where a node without an edge out is an end
        nodes, edges = nodes[:3], edges[:1]
    text = json.dumps(shaped(shape, nodes, edges), indent=indent, ensure_ascii=False)
    found = found_in(compiled(text, "a.json"))
    codes = {one.code for one in found if one.fixes}
    assert codes == ({"PF204"} if shape == "riveredge" else {"PF204", "PF205"})
    for one in found:
        for fix in one.fixes:
            check_mended(text, "a.json", found, one, fix)


@st.composite
def drawings(draw: st.DrawFn) -> dict[str, Any]:
    """Small drawings with slips in them."""
    types = ["task", "approval", "condition", "parallel", "join", "end", "inclusive", "tsak"]
    ids = [f"n{number}" for number in range(draw(st.integers(1, 5)))]
    nodes: list[dict[str, Any]] = [{"id": "begin", "type": "start"}]
    for one in ids:
        kind = draw(st.sampled_from(types))
        data = {"handler": "work"} if kind in ("task", "tsak") else {}
        nodes.append({"id": one, "type": kind, "data": data})
    ends = st.sampled_from([*ids, "begin", "n11"])
    edges = []
    for source, target in draw(st.lists(st.tuples(ends, ends), max_size=8)):
        edge: dict[str, Any] = {"source": source, "target": target}
        rule = draw(st.sampled_from([None, None, "true", "event.data.n > 1", "event.data.n = 1"]))
        if rule is not None and source != "begin":
            edge["data"] = {"when": rule}
        handle = draw(st.sampled_from([None, None, None, "aproved", "rejected"]))
        if handle is not None:
            edge["sourceHandle"] = handle
        edges.append(edge)
    return {"nodes": nodes, "edges": edges}


@settings(max_examples=150, deadline=None)
@given(drawings())
def test_fixes_of_random_drawings_mend(drawing: dict[str, Any]) -> None:
    text = json.dumps(drawing, indent=2)
    found = found_in(compiled(text, "a.json"))
    for one in found:
        for fix in one.fixes:
            check_mended(text, "a.json", found, one, fix)


@settings(max_examples=60, deadline=None)
@given(drawings(), st.booleans())
def test_fixing_a_text_ends_with_no_more_errors_and_nothing_left_to_do(
    drawing: dict[str, Any], unsafe: bool
) -> None:
    text = json.dumps(drawing, indent=1)

    def compile(text: str) -> Compilation:
        return compiled(text, "a.json")

    fixing = fix_text(text, compile, unsafe=unsafe)
    assert fixing.errors <= FixedText(text, compile(text)).errors
    assert json.loads(fixing.text)
    assert fix_text(fixing.text, compile, unsafe=unsafe).text == fixing.text
    assert unsafe or all(one.fix.safe for one in fixing.applied)


def test_fixes_that_help_one_another_are_applied_in_turn() -> None:
    condition = {"when": "event.data.x = 1 and steps.bos.outcome = 'aproved'"}
    drawing = {
        "nodes": [
            {"id": "a", "type": "start"},
            {"id": "boss", "type": "approval"},
            {"id": "c", "type": "condition"},
            {"id": "b", "type": "end"},
        ],
        "edges": [
            {"source": "a", "target": "boss"},
            {"source": "boss", "target": "c"},
            {"source": "c", "target": "b", "data": condition},
            {"source": "c", "target": "b", "sourceHandle": "x"},
        ],
    }
    fixing = fix_text(json.dumps(drawing), lambda text: compiled(text, "a.json"), unsafe=True)
    rule = json.loads(fixing.text)["edges"][2]["data"]["when"]
    assert rule == 'event.data.x == 1 && steps.boss.outcome == "approved"'
    assert [one.diagnostic.code for one in fixing.applied] == ["PF301", "PF303", "PF301"]


def test_copies_of_one_edge_are_all_removed() -> None:
    nodes = [{"id": "a", "type": "start"}, {"id": "b", "type": "end"}]
    text = json.dumps({"nodes": nodes, "edges": [{"source": "a", "target": "b"}] * 4}, indent=2)
    fixing = fix_text(text, lambda text: compiled(text, "a.json"))
    assert len(json.loads(fixing.text)["edges"]) == 1
    assert len(fixing.applied) == 3


NAMES = [
    "amount",
    "amoun",
    "a",
    "am",
    "to",
    "total",
    "l",
    "level",
    "kind",
    "steps2",
    "stage",
    "event1",
]
RULES_OF_NUMBERS = [
    "{} > 5000",
    "5 <= {} && true",
    "{}+1 == 2.0",
    "!({} < 1)",
    "{} > 5 ? true : false",
]


def ruled(rule: str, node: str, fields: list[str], below: list[str]) -> str:
    """A design with one rule, one step, and declared numbers in the data and in an object of it."""
    properties: dict[str, Any] = {one: {"type": "number"} for one in fields}
    if below:
        inner = {one: {"type": "number"} for one in below}
        properties["order"] = {"type": "object", "properties": inner}
    declared = {"input": {"type": "object", "properties": properties}} if properties else {}
    return json.dumps(
        {
            "nodes": [
                {"id": "begin", "type": "start", "data": declared},
                {"id": node, "type": "task", "data": {"handler": "work"}},
                {"id": "choice", "type": "condition"},
                {"id": "x", "type": "end"},
                {"id": "y", "type": "end"},
            ],
            "edges": [
                {"source": "begin", "target": node},
                {"source": node, "target": "choice"},
                {"source": "choice", "target": "x", "data": {"when": rule}},
                {"source": "choice", "target": "y", "data": {"default": True}},
            ],
        }
    )


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.sampled_from(RULES_OF_NUMBERS),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
    st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
)
def test_the_fix_of_a_bare_name_replaces_it_whole_and_leaves_no_error(
    name: str, rule: str, node: str, fields: list[str], below: list[str]
) -> None:
    text = ruled(rule.format(name), node, fields, below)
    (one,) = [it for it in found_in(compiled(text, "a.json")) if it.code == "PF303"]
    for fix in one.fixes:
        fixed = patched(text, fix.edits)
        codes = {it.code for it in found_in(compiled(fixed, "a.json"))}
        assert not codes & set(IN_TURN)
        written = json.loads(fixed)["edges"][2]["data"]["when"]
        before, after = rule.split("{}")
        assert written.startswith(before)
        assert written.endswith(after)
        path = written[len(before) : len(written) - len(after)]
        assert path.startswith("event.data.")
        assert name not in fields or path == f"event.data.{name}"
    assert one.fixes or node == name


def test_a_fix_that_writes_another_error_in_its_place_is_not_offered() -> None:
    def proven(wrong: str, instead: str) -> tuple[Fix, ...]:
        text = ruled(wrong, "a", [], [])
        reading = read(text.encode(), "a.json")
        (found,) = [it for it in compile_reading(reading).diagnostics if it.code in IN_TURN]
        fix = Fix("write it", True, (Edit("replace", "/edges/2/data/when", instead),))

        def check(design: Design) -> list[Diagnostic]:
            again = read(patched(text, fix.edits).encode(), "a.json")
            return compile_reading(again, handlers=HANDLERS).diagnostics

        return with_proven_fixes(reading, [replace(found, fixes=(fix,))], check)[1][0].fixes

    assert proven("amount > 5", "event.data.amount > 5")
    assert not proven("amount > 5", "steps.amount > 5")
    assert proven("amount > 5 && event.data.x", "event.data.amount > 5 && event.data.x")
    assert proven("amount > 5 && 1 > 'a'", "event.data.amount > 5 && 1 > 'a'")
    assert not proven("not event.data.n > 1", "!event.data.n > 1 && !'a'")


@pytest.mark.parametrize(
    ("condition", "code", "at", "title", "meant"),
    [
        (
            {"field": "amuont", "operator": ">", "value": 5},
            "PF303",
            "/field",
            "write `amount`",
            {"field": "amount", "operator": ">", "value": 5},
        ),
        (
            {"not": {"field": "order.totl", "operator": ">", "value": 5}},
            "PF303",
            "/not/field",
            "write `order.total`",
            {"not": {"field": "order.total", "operator": ">", "value": 5}},
        ),
        (
            {"field": "level", "operator": "==", "value": 7},
            "PF301",
            "/value",
            'write `"7"`',
            {"field": "level", "operator": "==", "value": "7"},
        ),
        (
            [{"field": "level", "operator": "in", "value": ["a", 7]}],
            "PF301",
            "/0/value/1",
            'write `"7"`',
            [{"field": "level", "operator": "in", "value": ["a", "7"]}],
        ),
        ({"field": "level", "operator": "between", "value": [7, "8"]}, "PF301", "/value", "", None),
        (
            {"any": [{"field": "amount", "op": "=>", "value": 1}]},
            "PF101",
            "/any/0/op",
            "write `>=`",
            {"any": [{"field": "amount", "op": ">=", "value": 1}]},
        ),
        ({"field": "level", "operator": "like", "value": "a%"}, "PF101", "/operator", "", None),
        (
            {"field": "amount", "operator": ">", "value": "${amuont + 1}"},
            "PF303",
            "/value",
            "",
            None,
        ),
    ],
)
def test_structured_conditions_are_mended_at_the_key_that_is_wrong(
    condition: Any, code: str, at: str, title: str, meant: Any
) -> None:
    drawing = json.loads(ruled("true", "a", ["amount"], ["total"]))
    drawing["nodes"][0]["data"]["input"]["properties"]["level"] = {"type": "string"}
    drawing["edges"][2]["data"] = {"condition": condition}
    text = json.dumps(drawing, indent=2)
    found = found_in(compiled(text, "a.json"))
    (one,) = [it for it in found if it.level is Level.ERROR]
    assert (one.code, one.pointer) == (code, f"/edges/2/data/condition{at}")
    assert [fix.title for fix in one.fixes] == [title] * (meant is not None)
    for fix in one.fixes:
        check_mended(text, "a.json", found, one, fix)
        assert json.loads(patched(text, fix.edits))["edges"][2]["data"]["condition"] == meant


@pytest.mark.parametrize(
    ("rule", "span"),
    [("event.data.n > 9007199254740993", (15, 31)), ("event.data.n = 9007199254740993", None)],
)
def test_a_long_number_in_an_expression_is_told_at_its_place(
    rule: str, span: tuple[int, int] | None
) -> None:
    text = ruled(rule, "a", [], [])
    if span is None:
        text = fix_text(text, lambda text: compiled(text, "a.json")).text
        span = (16, 32)
    (one,) = [it for it in found_in(compiled(text, "a.json")) if it.level is Level.ERROR]
    assert (one.code, one.span, one.fixes) == ("PF322", span, ())
