"""What is said of unknown keys and operators: no suggestion that would not be valid."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.diagnostics.patching import patched
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import foreign_settings, read
from proflow_schemas.node_types import NODE_TYPES
from proflow_schemas.settings import Settings

REQUIRED: dict[str, dict[str, Any]] = {
    "task": {"handler": "work"},
    "notify": {"to": "42"},
    "cc": {"to": "42"},
    "ai": {"prompt": "Why?"},
    "http": {"url": "https://example.com"},
    "set": {"values": {"n": "1"}},
    "wait": {"event": "order/paid"},
    "emit": {"event": "order/sent"},
    "subprocess": {"workflow": "other"},
    "foreach": {"items": "event.data.list"},
    "delay": {"duration": "1h"},
}


def drawn(kind: str, data: dict[str, Any], *, below: str = "data") -> dict[str, Any]:
    nodes: list[dict[str, Any]] = [{"id": "s", "type": "start"}]
    nodes.append({"id": "x", "type": kind, below: data})
    nodes.append({"id": "e", "type": "end"})
    return {
        "nodes": nodes,
        "edges": [{"source": "s", "target": "x"}, {"source": "x", "target": "e"}],
    }


def found_in(design: Any) -> list[Diagnostic]:
    return found_in_text(json.dumps(design))


def found_in_text(text: str) -> list[Diagnostic]:
    found = compile_reading(read(text.encode(), "a.json"))
    return [*found.reading.diagnostics, *found.diagnostics]


def of_key(design: Any, key: str) -> Diagnostic:
    (one,) = [one for one in found_in(design) if one.pointer.endswith(f"/{key}")]
    return one


def fixed(design: Any, one: Diagnostic) -> Any:
    """The design with the first fix; all that belongs to the diagnostic must be gone."""
    text = patched(json.dumps(design), one.fixes[0].edits)
    assert one.code not in [other.code for other in found_in_text(text)]
    return json.loads(text)


@pytest.mark.parametrize("below", ["data", "config"])
@pytest.mark.parametrize(
    ("kind", "key", "value", "written"),
    [
        ("approval", "reminder", "1h", {"reminders": {"after": "1h"}}),
        ("approval", "reminder", {"after": "1h"}, {"reminders": {"after": "1h"}}),
        ("approval", "remindHours", 4, {"reminders": {"after": "4h"}}),
        ("approval", "sla_hours", 48, {"timeout": "48h"}),
        ("task", "timeoutSeconds", 3, {"timeout": "3s"}),
        ("task", "timeoutMs", 3000, {"timeout": "3s"}),
        ("task", "timeoutMs", 250, {"timeout": "250ms"}),
        ("task", "timeout_minutes", "15", {"timeout": "15m"}),
        ("task", "maxAttempts", 3, {"retry": {"maxAttempts": 3}}),
        ("task", "maxRetries", 3, {"retries": 3}),
        ("delay", "minutes", 5, {"duration": "5m"}),
        ("notify", "text", "hello", {"content": "hello"}),
        ("wait", "if", "async.data.id == event.data.id", {"match": "data.id"}),
        ("ai", "temp", 0.5, {"temperature": 0.5}),
        ("task", "inputs", {"a": 1}, {"input": {"a": 1}}),
        ("subprocess", "inputs", {"a": 1}, {"input": {"a": 1}}),
        ("wait", "timeouts", 30, {"timeout": "30s"}),
        ("end", "statuss", "x", {"status": "x"}),
        ("wait", "timeouts", "3d", {"timeout": "3d"}),
        ("task", "retry", 3, {"retries": 3}),
    ],
)
def test_a_word_of_another_product_is_written_as_ours(
    kind: str, key: str, value: Any, written: dict[str, Any], below: str
) -> None:
    data = {name: one for name, one in REQUIRED.get(kind, {}).items() if name not in written}
    if "duration" in written:
        data = {}
    design = drawn(kind, {**data, key: value}, below=below)
    one = of_key(design, key)
    assert fixed(design, one)["nodes"][1][below] == {**data, **written}


@pytest.mark.parametrize(
    ("kind", "key", "value", "help"),
    [
        ("task", "maxRetries", "three", "`retries`? it takes a whole number, not a text"),
        ("task", "timeoutSeconds", "soon", "`timeout`, such as `30s`?"),
        ("approval", "passRate", "most", "`passRatio`? it takes a number, not a text"),
        ("approval", "dueDate", "2027-01-01", "`timeout`, such as `24h`?"),
        ("approval", "mode", "banana", "`approvalMode`? it takes one of `any`, `all`, "),
        ("set", "expression", "1 + 1", '`values`, such as `"values": {'),
        ("wait", "if", "async.data.n > 3", "`match`, the path of a field that both events have"),
        ("task", "when", "event.data.n > 3", "the edge that leads to the node"),
        ("notify", "template", "refused", "`content`, which holds the text itself"),
        ("http", "query", {"page": 2}, "a part of `url`"),
    ],
)
def test_what_cannot_be_carried_over_is_only_said(
    kind: str, key: str, value: Any, help: str
) -> None:
    one = of_key(drawn(kind, {**REQUIRED.get(kind, {}), key: value}), key)
    assert one.help is not None
    assert one.help.startswith("did you mean ")
    assert help in one.help
    assert one.fixes == ()


@pytest.mark.parametrize(
    ("kind", "key", "value", "meant"),
    [
        ("http", "method", "FETCH", None),
        ("http", "method", "PSOT", "POST"),
        ("approval", "approvalMode", "banana", None),
        ("approval", "approvalMode", "sequental", "sequential"),
        ("approval", "approverType", "supervisor", "manager"),
        ("approval", "timeoutAction", "hold", None),
    ],
)
def test_a_word_of_a_list_is_suggested_only_if_it_is_alike(
    kind: str, key: str, value: str, meant: str | None
) -> None:
    one = of_key(drawn(kind, {**REQUIRED.get(kind, {}), key: value}), key)
    assert one.help is not None
    if meant is None:
        assert one.help.startswith("one of ")
        assert one.fixes == ()
    else:
        assert one.help == f"did you mean `{meant}`?"


def test_a_number_for_retry_is_meant_as_retries() -> None:
    design = {**drawn("task", {"handler": "work"}), "retry": 3}
    one = of_key(design, "retry")
    assert one.help == "did you mean `retries: 3`?"
    assert fixed(design, one)["retries"] == 3
    (other,) = [one for one in found_in({**design, "retries": 2}) if one.pointer == "/retry"]
    assert (other.help, other.fixes) == (None, ())


def test_a_missing_key_is_told_where_its_foreign_word_stands() -> None:
    one = of_key(drawn("set", {"expression": "event.data.n + 1"}), "expression")
    assert one.message == "`values` is missing"
    assert one.help is not None
    assert "such as" in one.help


@pytest.mark.parametrize(
    ("operator", "value", "help"),
    [
        ("like", "%steel%", "`contains`"),
        ("like", "A-%", '`startsWith` with the value `"A-"`'),
        ("LIKE", "%.pdf", '`endsWith` with the value `".pdf"`'),
        ("not like", "%a%", "`notContains`"),
        ("regex", "^A", 'event.data.code.matches("^A[0-9]+$")'),
        ("=<", 5, "`<=`"),
        ("isNull", None, "`isEmpty`"),
        ("containsAny", ["a"], '{"any": ['),
        ("contain", "a", "`contains`"),
        ("betwen", [1, 2], "`between`"),
    ],
)
def test_what_there_is_in_place_of_an_operator(operator: str, value: Any, help: str) -> None:
    design = drawn("condition", {})
    condition = {"field": "code", "operator": operator, "value": value}
    design["edges"][1]["data"] = {"condition": condition}
    (one,) = [one for one in found_in(design) if one.code == "PF101"]
    assert one.help is not None
    assert help in one.help


def test_what_the_help_writes_for_a_pattern_is_a_rule() -> None:
    design = drawn("condition", {})
    design["edges"][1]["data"] = {"when": 'event.data.code.matches("^A[0-9]+$")'}
    assert [one.code for one in found_in(design)] == ["PF212"]


@pytest.mark.parametrize("operator", ["mod", "any", "xor", "le gal", "hash", "foo"])
def test_no_operator_is_suggested_that_is_another_word(operator: str) -> None:
    design = drawn("condition", {})
    design["edges"][1]["data"] = {"condition": {"field": "n", "operator": operator, "value": 1}}
    (one,) = [one for one in found_in(design) if one.code == "PF101"]
    assert one.help is not None
    assert not one.help.startswith("did you mean `<")


def cron_at(start: dict[str, Any], **top: Any) -> dict[str, Any]:
    nodes = [{"id": "s", "type": "start", "data": start}, {"id": "e", "type": "end"}]
    return {"nodes": nodes, "edges": [{"source": "s", "target": "e"}], **top}


CRON = {"cron": "0 9 * * *"}
LOCAL = {"until": "2027-01-01T09:00:00"}


@pytest.mark.parametrize(
    ("design", "moved"),
    [
        (cron_at({"trigger": CRON, "timezone": "Asia/Tokyo"}), ("nodes", 0, "data", "trigger")),
        (cron_at({"trigger": CRON, "tz": "asia/tokyo"}), ("nodes", 0, "data", "trigger")),
        (cron_at({"timezone": "Asia/Tokyo"}, trigger=CRON), ()),
        (cron_at({}, trigger=CRON, tz="Asia/Tokyo"), ()),
        (cron_at({}, trigger=CRON, zoneId="Asia/Toky"), ()),
        (cron_at({}, trigger=CRON, settings={"timezone": "Asia/Tokyo"}), ()),
        (cron_at({}, trigger={**CRON, "tz": "Asia/Tokyo"}), ("trigger",)),
        (drawn("delay", {**LOCAL, "timezone": "Asia/Tokyo"}), ()),
        (drawn("delay", {**LOCAL, "zone": "Asia/Tokyo"}, below="config"), ()),
    ],
)
def test_a_zone_under_another_key_is_moved_and_not_overridden(
    design: Any, moved: tuple[str | int, ...]
) -> None:
    (one,) = found_in(design)
    assert one.code in ("PF101", "PF320")
    text = patched(json.dumps(design), one.fixes[0].edits)
    assert found_in_text(text) == []
    place = json.loads(text)
    for step in moved:
        place = place[step]
    assert place["timezone"] == "Asia/Tokyo"


def test_a_zone_of_a_delay_does_not_override_the_designs() -> None:
    design = {**drawn("delay", {**LOCAL, "timezone": "Asia/Tokyo"}), "timezone": "UTC"}
    (one,) = found_in(design)
    assert one.code == "PF320"
    assert one.fixes == ()


def test_a_number_that_is_no_time_is_told_once() -> None:
    for until in (12345678901234567890, 20270131, -5, 1999):
        assert [one.code for one in found_in(drawn("delay", {"until": until}))] == ["PF402"]


FOREIGN = sorted(
    {word for kind in NODE_TYPES.values() for word in kind.meanings}
    | set(foreign_settings._OF_DESIGN)
    | set(foreign_settings._OF_EDGE)
    | {"timeoutms", "timeoutdays", "delayms", "reminderdays", "slaminutes"}
)
KEYS = st.sampled_from(FOREIGN) | st.sampled_from(
    sorted({name for kind in NODE_TYPES.values() for name in kind.config.model_fields})
).flatmap(lambda name: st.sampled_from([name[:-1], name + "s", name.upper(), "x" + name, name]))
VALUES = st.sampled_from(
    [
        *(1, 0, -1, 2.5, 30000, True, False, "1h", "yes", "5", "0 9 * * *", "order/created"),
        *("event.data.n > 1", "any", "role", ["a", "b"], [1], {"after": "1h"}, {"max": 3}, [{}]),
        *({"cron": "0 9 * * *"}, {"a": "1"}, "Asia/Tokyo", "2027-01-01", {"maxAttempts": 2}),
    ]
)
KINDS = sorted(set(NODE_TYPES) - {"start", "end"})


def check_suggestions(design: Any, key: str) -> None:
    """Each fix leaves nothing wrong with what it writes; what is suggested takes the value."""
    text = json.dumps(design)
    for one in found_in_text(text):
        if not one.pointer.endswith(f"/{key}") or one.code not in ("PF101", "PF320"):
            continue
        for fix in one.fixes:
            written = {edit.pointer for edit in fix.edits if edit.op != "remove"}
            after = found_in_text(patched(text, fix.edits))
            wrong = [
                other
                for other in after
                if other.code in ("PF101", "PF320", "PF402", "PF403")
                and any(f"{other.pointer}/".startswith(f"{place}/") for place in written)
            ]
            assert not wrong, (fix.title, wrong)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), KEYS, VALUES, st.sampled_from(["data", "config"]))
def test_no_fix_of_a_nodes_key_writes_what_is_not_valid(
    kind: str, key: str, value: Any, below: str
) -> None:
    check_suggestions(drawn(kind, {**REQUIRED.get(kind, {}), key: value}, below=below), key)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*sorted(foreign_settings._OF_DESIGN), *Settings.model_fields, "retrys"]),
    VALUES,
)
def test_no_fix_of_a_designs_key_writes_what_is_not_valid(key: str, value: Any) -> None:
    if key not in ("nodes", "edges"):
        check_suggestions({**drawn("delay", {"duration": "1h"}), key: value}, key)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*sorted(foreign_settings._OF_EDGE), "whens", "prio", "loops"]), VALUES)
def test_no_fix_of_an_edges_key_writes_what_is_not_valid(key: str, value: Any) -> None:
    design = drawn("condition", {})
    design["edges"][1]["data"] = {key: value}
    check_suggestions(design, key)
