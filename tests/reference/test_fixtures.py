"""The reference semantics plays the fixtures as their authors expect."""

import json
from collections import Counter
from typing import Any

import pytest
from fixtures.cases import Case, cases
from proflow_compiler.design import Design
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import read_file
from proflow_runtime.local import inngest_backoff
from proflow_schemas.durations import parse_duration
from proflow_schemas.step_ids import parse, step_id

from reference import Answer, Outside, Run, Sent, play


def seconds(text: str) -> float:
    return parse_duration(text).total_seconds()


def outside(case: Case) -> Outside:
    """What happens outside in a case, which says it as on the command line."""
    answers: dict[str, Answer] = {}
    given: Counter[str] = Counter()
    for answer in case.outside.get("answers", []):
        node, _, decided = answer.partition("=")
        outcome, _, after = decided.partition("@+")
        given[node] += 1
        name, items = (found.node, found.items) if (found := parse(node)) else (node, ())
        step = step_id(name, items=items, execution=given[node])
        answers[step] = Answer(outcome, seconds(after) if after else 0)
    sent = []
    for send in case.outside.get("sends", []):
        named, _, data = send.partition("=")
        event, _, after = named.partition("@+")
        sent.append(Sent(event, json.loads(data), seconds(after)))
    failures: dict[str, int] = {}
    for fail in case.outside.get("fails", []):
        node, _, message = fail.partition("=")
        steps = [node, *(step_id(node, items=[index]) for index in range(9))]
        failures |= dict.fromkeys(steps, int(message.rpartition("*")[2]))
    outputs = dict(output.split("=", 1) for output in case.outside.get("outputs", []))
    return Outside(
        data=case.outside.get("data", {"tenant_id": 1}),
        answers=answers,
        sent=tuple(sent),
        failures=failures,
        outputs={node: json.loads(output) for node, output in outputs.items()},
        children={one.id: build_graph(one) for one in map(only_design, case.children)},
        pause=lambda failed: inngest_backoff(failed - 1).total_seconds(),
    )


def only_design(location: str) -> Design:
    reading = read_file(location)
    assert len(reading.designs) == 1, reading.diagnostics
    return reading.designs[0]


def told(outcome: Any) -> Any:
    return "+".join(outcome) if isinstance(outcome, list) else outcome


def excused(run: Run, node: str, expected: str) -> bool:
    """Whether a node begins as the run is stopped, or does not: what is first is not said."""
    happened = run.nodes[node]
    missed = happened.status == "skipped" and expected in ("completed", "cancelled")
    return run.ended in run.stops and (happened.started == run.ended or missed)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_reference_plays_a_fixture_as_expected(case: Case) -> None:
    graph = build_graph(only_design(case.location))
    run = play(graph, outside(case))
    expect = case.expect
    assert (run.status, run.result) == (expect["status"], expect.get("result"))
    nodes = {
        name: happened.status
        + (f"/{told(happened.outcome)}" if "/" in expect["nodes"].get(name, "") else "")
        for name, happened in run.nodes.items()
    }
    assert nodes.keys() == expect["nodes"].keys()
    differ = {name for name, state in expect["nodes"].items() if nodes[name] != state}
    assert {name for name in differ if not excused(run, name, expect["nodes"][name])} == set()
    started = {name: run.nodes[name].started for name in expect.get("started", {})}
    assert started == {name: seconds(text) for name, text in expect.get("started", {}).items()}
    attempts = {name: run.nodes[name].attempts for name in expect.get("attempts", {})}
    assert attempts == expect.get("attempts", {})
