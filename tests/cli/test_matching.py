"""Events that name a run's order by a number or by a text, in waits and in cancellations."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Proflow

NODES: dict[str, Any] = {
    "wait": {"event": "pay/done", "match": "data.order_id", "timeout": "7d"},
    "approval": {"approverIds": ["1"]},
}


def written(folder: Path, kind: str) -> Path:
    design = {
        "id": "order",
        "cancelOn": [{"event": "order/cancelled", "match": "data.order_id"}],
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "open", "type": kind, "data": NODES[kind]},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "open"}, {"source": "open", "target": "end"}],
    }
    path = folder / "order.json"
    path.write_text(json.dumps(design))
    return path


PAIRS = [(7, "7"), ("7", 7), ("8", 7), (None, 7)]


def ending(proflow: Proflow, path: Path, target: str, known: Any, event: str) -> str:
    data = {"tenant_id": 1} | ({} if known is None else {"order_id": known})
    arguments = ["--target", target, "--data", json.dumps(data), "--send", event]
    return proflow("run", path, *arguments).out.splitlines()[-1]


@pytest.mark.parametrize("target", ["interpreter", "generated"])
@pytest.mark.parametrize(("known", "arriving"), PAIRS)
def test_an_event_cancels_the_run_of_its_order(
    proflow: Proflow, tmp_path: Path, target: str, known: Any, arriving: Any
) -> None:
    sent = f"order/cancelled@+1h={json.dumps({'tenant_id': 1, 'order_id': arriving})}"
    found = ending(proflow, written(tmp_path, "approval"), target, known, sent)
    same = str(known) == str(arriving)
    assert found == ("cancelled after 1h" if same else "still waiting for `open`")


@pytest.mark.parametrize(("known", "arriving"), PAIRS)
def test_an_event_ends_the_wait_for_its_order(
    proflow: Proflow, tmp_path: Path, known: Any, arriving: Any
) -> None:
    sent = f"pay/done@+1h={json.dumps({'tenant_id': 1, 'order_id': arriving})}"
    found = ending(proflow, written(tmp_path, "wait"), "generated", known, sent)
    if known is None:
        assert "the trigger has no `data.order_id` to match on" in found
    else:
        same = str(known) == str(arriving)
        over = "1h, result: completed" if same else "7d, result: timeout"
        assert found == f"completed after {over}"


LOST = [
    ("a\\b", "a backslash"),
    ('a"b', "a double quote"),
    ("a\nb", "U+000A"),
    ("a\u3000b", "U+3000"),
    ("\u200bab", "U+200B"),
]


@pytest.mark.parametrize("target", ["interpreter", "generated"])
@pytest.mark.parametrize(("known", "what"), LOST)
def test_a_run_that_no_event_could_cancel_fails_and_says_why(
    inside: Proflow, tmp_path: Path, target: str, known: str, what: str
) -> None:
    data = json.dumps({"tenant_id": 1, "order_id": known})
    path = written(tmp_path, "approval")
    done = inside("run", path, "--target", target, "--data", data, "--format", "json")
    assert done.code == 1
    assert done.json["error"]["message"] == (
        f"no event could cancel this run: `event.data.order_id` contains {what}; "
        "send an id without backslashes, double quotes and invisible characters"
    )
    assert done.json["nodes"]["open"]["status"] == "skipped"


@pytest.mark.parametrize("known", [[1], [], {"a": 1}])
def test_a_list_or_an_object_is_no_id(inside: Proflow, tmp_path: Path, known: Any) -> None:
    data = json.dumps({"tenant_id": 1, "order_id": known})
    done = inside("run", written(tmp_path, "approval"), "--data", data)
    assert done.code == 2
    told = f"/order_id: `{json.dumps(known)}` is no id, and no event could cancel this run by it"
    assert told in done.err


@pytest.mark.parametrize("known", [True, "", "x" * 5_000, "a'b", "订单-7", "a b", "a/b%20"])
def test_other_ids_cancel_a_run(proflow: Proflow, tmp_path: Path, known: Any) -> None:
    sent = f"order/cancelled@+1h={json.dumps({'tenant_id': 1, 'order_id': known})}"
    path = written(tmp_path, "approval")
    assert ending(proflow, path, "generated", known, sent) == "cancelled after 1h"


@pytest.mark.parametrize("target", ["interpreter", "generated"])
def test_an_if_reads_the_trigger_as_a_match_does(
    inside: Proflow, tmp_path: Path, target: str
) -> None:
    path = written(tmp_path, "approval")
    design = json.loads(path.read_text())
    condition = 'async.data.ref == event.data.lines["a.b"] && async.data.kind in event.data.kinds'
    design["cancelOn"] = {"event": "order/cancelled", "if": condition}
    path.write_text(json.dumps(design))
    for data, told in (
        ({"lines": {"a.b": 'x"'}}, '`event.data.lines["a.b"]` contains a double quote'),
        ({"kinds": ["fine", "a\\b"]}, "`event.data.kinds` contains a backslash"),
    ):
        event = json.dumps({"tenant_id": 1, **data})
        done = inside("run", path, "--target", target, "--data", event, "--format", "json")
        assert told in done.json["error"]["message"]
