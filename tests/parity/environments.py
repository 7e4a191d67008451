"""Random environments for grown designs: what is answered, what fails, what handlers give."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import product
from math import inf
from random import Random
from typing import Any

from parity.growing import CHILDREN, LONGEST, MANY_ITEMS, MANY_ROUNDS, Drawing, Json
from proflow_compiler.graph import Graph, build_graph
from proflow_compiler.reader import read
from proflow_schemas.step_ids import step_id
from reference import Answer, Outside

BEGAN = Outside({}).began


def random_outside(drawing: Drawing, random: Random) -> Outside:
    """An environment in which hardly two things happen at the same moment."""
    disorder = Random(len(drawing.nodes))
    data: Json = {"tenant_id": 1, "n": random.randint(0, 3), "key": "k-1"}
    data |= {name: random.choice(outcomes) for name, outcomes in drawing.choices.items()}
    for name in drawing.lists:
        data[name] = _items(random, disorder)
    answers: dict[str, Answer] = {}
    failures: dict[str, int] = {}
    outputs: dict[str, Any] = {}
    for node in drawing.nodes:
        name, kind = node["id"], node["type"]
        # In a foreach, an event would answer the waits of all items.
        for step in _steps(drawing, name, data):
            if kind == "approval" or (kind == "wait" and not drawing.places[name].foreach):
                outcome = random.choice(
                    ("approved", "approved", "approved", "rejected", "returned", "returned", "")
                    if kind == "approval"
                    else ("received", "received", "")
                )
                if outcome:
                    after = 0 if random.random() < 0.1 else disorder.randint(1, LONGEST)
                    if kind == "approval" or after < _patience(drawing, name):
                        answers[step] = Answer(outcome, after)
            elif kind == "task":
                outputs[step] = {"n": random.randint(0, 3), "yes": random.random() < 0.4}
                if name in drawing.retried and random.random() < 0.4:
                    failures[step] = random.randint(1, drawing.retried[name])
        if kind == "task":
            outputs.setdefault(name, {"n": 0, "yes": False})
    return Outside(data, answers, (), failures, outputs, children())


def _patience(drawing: Drawing, wait: str) -> float:
    """The seconds that a wait takes at most: a later event would answer its next execution."""
    timeout = drawing.config(wait).get("timeout")
    return inf if timeout is None else float(timeout.removesuffix("s"))


def _items(random: Random, disorder: Random) -> Any:
    """What a foreach goes through; hardly ever not a list."""
    if random.random() < 0.05:
        return "no list"
    return [
        {
            "n": random.randint(0, 3),
            "at": (BEGAN + timedelta(seconds=disorder.randint(1, LONGEST))).isoformat(),
        }
        for _ in range(random.choice((0, 1, 2, MANY_ITEMS)))
    ]


def _steps(drawing: Drawing, name: str, data: Mapping[str, Any]) -> Iterator[str]:
    place = drawing.places[name]
    lists = [data[field] for field in place.foreach]
    ranges = [range(len(found)) if isinstance(found, list) else () for found in lists]
    for items in product(*ranges):
        for execution in range(1, MANY_ROUNDS + 1 if place.repeated else 2):
            yield step_id(name, items=items, execution=execution)


@cache
def children() -> dict[str, Graph]:
    """Workflows that grown designs call, but for those that are missing."""
    found = {}
    for name, child in CHILDREN.items():
        if child is None:
            continue
        end = {"status": "done", "output": "${event.data.n}", "fail": child.get("fail", False)}
        nodes = [
            {"id": "begin", "type": "start"},
            {"id": "pause", "type": "delay", "data": {"duration": child["after"]}},
            {"id": "end", "type": "end", "data": end},
        ]
        edges = [{"source": "begin", "target": "pause"}, {"source": "pause", "target": "end"}]
        found[name] = graph_of({"id": name, "nodes": nodes, "edges": edges})
    return found


def graph_of(drawn: Json) -> Graph:
    """The graph of a drawing that can be read without error."""
    reading = read(json.dumps(drawn).encode(), "design.json")
    assert reading.designs, reading.diagnostics
    return build_graph(reading.designs[0])
