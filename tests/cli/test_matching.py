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
