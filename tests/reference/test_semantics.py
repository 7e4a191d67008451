"""The rules of the language, one by one, on designs small enough to be played by hand."""

import json
from typing import Any

from proflow_compiler.graph import Graph, build_graph
from proflow_compiler.reader import read

from reference import Answer, Outside, Run, play

Json = dict[str, Any]
Drawn = str | tuple[str, Json]
"""`a > b`, `a:rejected > b`, with the edge's data."""


def graph(nodes: dict[str, Json], *edges: Drawn) -> Graph:
    """A graph; a node without a type is of the type that its id says."""
    found = []
    for name, config in nodes.items():
        kind = config.get("type", name.rstrip("0123456789"))
        given = {key: value for key, value in config.items() if key not in ("type", "in")}
        node = {"id": name, "type": kind, "data": {"config": given}}
        found.append(node | ({"parentId": config["in"]} if "in" in config else {}))
    drawn = []
    for edge in edges:
        text, data = (edge, {}) if isinstance(edge, str) else edge
        source, target = text.split(" > ")
        node_id, _, handle = source.partition(":")
        way: Json = {"source": node_id, "target": target, "data": data}
        drawn.append(way | ({"sourceHandle": handle} if handle else {}))
    reading = read(json.dumps({"id": "d", "nodes": found, "edges": drawn}).encode(), "d.json")
    assert not reading.diagnostics
    return build_graph(reading.designs[0])


def ran(drawn: Graph, **outside: Any) -> Run:
    data = {"tenant_id": 1} | outside.pop("data", {})
    return play(drawn, Outside(data, **outside))


def starts(run: Run) -> dict[str, float]:
    return {one.step: one.started for one in run.executions}


def statuses(run: Run, *names: str) -> list[str]:
    return [run.nodes[name].status for name in names]


def sleeping(seconds: int, **more: Any) -> Json:
    return {"type": "delay", "duration": seconds} | more


def working(**more: Any) -> Json:
    return {"type": "task", "handler": "work"} | more


def when(rule: str) -> Json:
    return {"when": rule}


def test_a_node_waits_for_those_that_lead_to_it_and_for_no_others() -> None:
    nodes = {"start": {}, "a": sleeping(5), "b": sleeping(3), "c": working(), "d": working()}
    edges = ("start > a", "start > b", "a > c", "a > d", "b > d", "c > end", "d > end")
    for seconds, d in ((3, 5), (8, 8)):
        run = ran(graph({**nodes, "b": sleeping(seconds), "end": {}}, *edges))
        assert starts(run) == {"a": 0, "b": 0, "c": 5, "d": d}
        assert run.ended == d


def test_skipping_travels_on_and_a_node_with_one_taken_edge_runs_once() -> None:
    nodes = {"start": {}, "condition": {}, "a": working(), "b": working(), "c": sleeping(4)}
    run = ran(
        graph(
            {**nodes, "meet": working(), "end": {}},
            "start > condition",
            ("condition > a", when("event.data.n > 1")),
            ("condition > b", when("event.data.n > 0")),
            "condition > c",
            "a > meet",
            "b > meet",
            "c > meet",
            "meet > end",
        ),
        data={"n": 1},
    )
    assert list(starts(run)) == ["b", "meet"]
    assert statuses(run, "a", "c", "end") == ["skipped", "skipped", "completed"]
    assert run.outcomes == {"condition": "b"}


def test_early_joins_go_on_at_once_and_never_hang() -> None:
    for mode, third, start in (("any", "yes", 1), (2, "yes", 2), (3, "yes", 4), (3, "no", 2)):
        run = ran(
            graph(
                {
                    "start": {},
                    "a": sleeping(1),
                    "b": sleeping(2),
                    "condition": {},
                    "c": sleeping(4),
                    "other": {"type": "end"},
                    "join": {"mode": mode},
                    "after": working(),
                    "end": {},
                },
                "start > a",
                "start > b",
                "start > condition",
                ("condition > c", when('event.data.c == "yes"')),
                "condition > other",
                "a > join",
                "b > join",
                "c > join",
                "join > after",
                "after > end",
            ),
            data={"c": third},
        )
        assert starts(run)["after"] == start
        assert run.ended == (4 if third == "yes" else 2)


def test_an_inclusive_takes_every_rule_that_holds_else_its_default() -> None:
    drawn = graph(
        {
            "start": {},
            "inclusive": {},
            "a": sleeping(1),
            "b": sleeping(2),
            "c": sleeping(3),
            "meet": working(),
            "end": {},
        },
        "start > inclusive",
        ("inclusive:first > a", when("event.data.n > 1")),
        ("inclusive:second > b", when("event.data.n > 0")),
        "inclusive:rest > c",
        "a > meet",
        "b > meet",
        "c > meet",
        "meet > end",
    )
    found = {n: ran(drawn, data={"n": n}) for n in (0, 1, 2)}
    assert [run.outcomes["inclusive"] for run in found.values()] == [
        ["rest"],
        ["second"],
        ["first", "second"],
    ]
    assert [starts(run)["meet"] for run in found.values()] == [3, 2, 2]


def test_a_terminating_end_stops_what_is_open() -> None:
    drawn = graph(
        {
            "start": {},
            "a": sleeping(3),
            "stop": {"type": "end", "status": "enough", "terminate": True, "output": "${1 + 1}"},
            "b": sleeping(9),
            "after": working(),
            "end": {},
        },
        *("start > a", "a > stop", "start > b", "b > after", "after > end"),
    )
    run = ran(drawn)
    assert (run.status, run.result, run.output, run.ended) == ("completed", "enough", 2, 3)
    assert statuses(run, "b", "after", "end") == ["cancelled", "skipped", "skipped"]


def test_an_undrawn_outcome_ends_the_run_with_its_name() -> None:
    drawn = graph(
        {"start": {}, "approval": {"timeout": 10}, "b": sleeping(99), "end": {}},
        *("start > approval", "approval > end", "start > b", "b > end"),
    )
    for answer, result, ended in (
        ({"approval": Answer("rejected", 4)}, "rejected", 4),
        ({"approval": Answer("approved", 11)}, "timeout", 10),
        ({"approval": Answer("approved", 4)}, "completed", 99),
    ):
        run = ran(drawn, answers=answer)
        assert (run.status, run.result, run.ended) == ("completed", result, ended)


def test_the_result_is_the_status_that_is_not_completed_ties_by_id() -> None:
    ends: dict[str, Json] = {
        "end1": {"status": "completed", "output": "${1}"},
        "end2": {"status": "shelved", "output": "${2}"},
        "end3": {"status": "refused", "output": "${3}"},
    }
    run = ran(graph({"start": {}, **ends}, *(f"start > {name}" for name in ends)))
    assert (run.result, run.output) == ("shelved", 2)


def test_attempts_are_as_far_apart_as_the_policy_says_then_the_error_is_taken_or_the_run_fails() -> (
    None
):
    policy = {"maxAttempts": 3, "initialInterval": 10, "multiplier": 3}
    nodes: dict[str, Json] = {
        "start": {},
        "task": working(retry=policy),
        "mend": working(),
        "end": {},
    }
    edges = ("start > task", "task > end", "mend > end")
    caught = graph(nodes, *edges, "task:error > mend")
    lost = graph({key: nodes[key] for key in ("start", "task", "end")}, *edges[:2])
    run = ran(lost, failures={"task": 2})
    assert (run.status, run.nodes["task"].attempts, run.ended) == ("completed", 3, 40)
    run = ran(lost, failures={"task": 3})
    assert (run.status, run.nodes["task"].status, run.ended) == ("failed", "failed", 40)
    run = ran(caught, failures={"task": 3})
    assert starts(run) == {"task": 0, "mend": 40}
    assert (run.nodes["task"].outcome, run.outcomes["task"]) == ("error", "error")


def test_a_rule_that_cannot_be_evaluated_and_one_without_a_default_fail_the_run() -> None:
    for rule in ("event.data.missing > 1", "event.data.n > 1"):
        drawn = graph(
            {"start": {}, "condition": {}, "end": {}},
            "start > condition",
            ("condition > end", when(rule)),
        )
        run = ran(drawn, data={"n": 1})
        assert (run.status, run.nodes["condition"].status) == ("failed", "failed")


def test_what_triggers_an_answer_begins_once_the_wait_is_armed() -> None:
    drawn = graph(
        {"start": {}, "emit": {"event": "asked"}, "wait": {"event": "told"}, "end": {}},
        *("start > emit", "emit > wait", "wait > end"),
    )
    run = ran(drawn, answers={"wait": Answer("received", 0)})
    assert [one.step for one in run.executions] == ["wait", "emit"]
    assert run.status == "completed"
    assert ran(drawn).status == "waiting"


LOOP = (
    "start > task",
    "task > approval",
    ("approval:returned > task", {"loop": {"max": 2}}),
    "approval > end",
)


def test_a_way_back_repeats_the_loop_until_its_bound_is_used_up() -> None:
    drawn = graph({"start": {}, "task": working(), "approval": {}, "end": {}}, *LOOP)
    back = Answer("returned", 5)
    answers = {"approval": back, "approval#2": back, "approval#3": Answer("approved", 5)}
    run = ran(drawn, answers=answers)
    assert starts(run) == {
        "task": 0,
        "task#2": 5,
        "task#3": 10,
        "approval": 0,
        "approval#2": 5,
        "approval#3": 10,
    }
    assert (run.status, run.nodes["task"].started, run.ended) == ("completed", 10, 15)
    run = ran(drawn, answers={**answers, "approval#3": back})
    assert run.error == "back edge `approval → task` was taken more than 2 times"
    assert (run.status, run.nodes["approval"].status) == ("failed", "failed")


def test_what_leaves_a_loop_starts_when_its_last_round_is_over() -> None:
    drawn = graph(
        {
            "start": {},
            "task": working(),
            "aside": sleeping(7),
            "note": working(),
            "check": working(),
            "condition": {},
            "end": {},
        },
        *("start > task", "task > aside", "task > check", "aside > condition"),
        *("check > condition", "task:error > note", "note > end"),
        ("condition:again > task", {**when("steps.check.output == 1"), "loop": {"max": 3}}),
        "condition > end",
    )
    run = ran(drawn, outputs={"check": 1, "check#2": 2})
    assert starts(run)["check#2"] == 7
    assert run.nodes["note"].status == "skipped"
    assert run.nodes["end"].started == 14


def test_bounds_of_an_inner_loop_count_anew_in_each_round_of_the_outer_one() -> None:
    drawn = graph(
        {"start": {}, "task1": working(), "task2": working(), "approval": {}, "last": {}}
        | {"last": {"type": "approval"}, "end": {}},
        *("start > task1", "task1 > task2", "task2 > approval", "approval > last", "last > end"),
        ("approval:returned > task2", {"loop": {"max": 1}}),
        ("last:returned > task1", {"loop": {"max": 1}}),
    )
    back, on = Answer("returned", 1), Answer("approved", 1)
    answers = {"approval": back, "approval#2": on, "approval#3": back, "approval#4": on}
    run = ran(drawn, answers=answers | {"last": back, "last#2": on})
    assert (run.status, run.ended) == ("completed", 6)
    assert starts(run)["task2#4"] == 4


def each(**more: Any) -> dict[str, Json]:
    return {"start": {}, "foreach": {"items": "event.data.list", **more}, "end": {}}


EACH = ("start > foreach", "foreach > end")


def test_a_foreach_runs_so_many_items_at_once_and_lists_their_results_in_order() -> None:
    for most, begun in ((1, [0, 3, 6]), (2, [0, 0, 3]), (None, [0, 0, 0])):
        more = {} if most is None else {"maxConcurrency": most}
        inside: dict[str, Json] = {
            "delay": {"duration": 3, "in": "foreach"},
            "set": {"values": {"n": "item * 10 + index"}, "in": "foreach"},
        }
        nodes = each(**more) | inside | {"end": {"output": "${steps.foreach.output}"}}
        run = ran(graph(nodes, *EACH, "delay > set"), data={"list": [7, 8, 9]})
        assert list(starts(run).values()) == begun
        assert list(starts(run)) == ["delay[0]", "delay[1]", "delay[2]"]
        assert run.output == [{"n": 70}, {"n": 81}, {"n": 92}]


def test_an_item_that_fails_gives_up_the_others_and_takes_the_containers_error() -> None:
    inside: dict[str, Json] = {
        "condition": {"in": "foreach"},
        "bad": {"type": "end", "fail": True, "in": "foreach"},
        "wait": {"event": "never", "in": "foreach"},
    }
    nodes = each(maxConcurrency=2) | inside | {"mend": working()}
    edges = (*EACH, "condition > wait", ("condition > bad", when("item == 2")))
    caught = graph(nodes, *edges, "foreach:error > mend", "mend > end")
    run = ran(caught, data={"list": [1, 2, 3]})
    assert (run.status, run.nodes["foreach"].outcome) == ("completed", "error")
    assert list(starts(run)) == ["wait[0]", "mend"]
    assert statuses(run, "wait", "bad") == ["cancelled", "failed"]
    lost = graph({name: node for name, node in nodes.items() if name != "mend"}, *edges)
    assert ran(lost, data={"list": [1, 2, 3]}).status == "failed"
    run = ran(lost, data={"list": "none"})
    assert (run.status, run.nodes["wait"].status) == ("failed", "skipped")


def test_an_end_inside_ends_the_item_and_a_terminating_one_the_run() -> None:
    inside: dict[str, Json] = {
        "first": {"type": "end", "output": "${item}", "in": "foreach"},
        "set": {"values": {"n": "item"}, "in": "foreach"},
        "condition": {"in": "foreach"},
    }
    edges = (*EACH, ("condition > first", when("item > 1")), "condition > set")
    nodes = each() | inside | {"end": {"output": "${steps.foreach.output}"}}
    assert ran(graph(nodes, *edges), data={"list": [1, 2]}).output == [{"n": 1}, 2]
    nodes["first"] = {**inside["first"], "terminate": True, "status": "found"}
    run = ran(graph(nodes, *edges), data={"list": [1, 2]})
    assert (run.result, run.output, run.nodes["foreach"].status) == ("found", 2, "cancelled")


def test_a_loop_container_runs_while_its_rule_holds_within_its_bound() -> None:
    def around(**config: Any) -> Run:
        nodes: dict[str, Json] = {"start": {}, "loop": config, "task": working(**{"in": "loop"})}
        nodes["end"] = {"output": "${steps.loop.output}"}
        return ran(graph(nodes, "start > loop", "loop > end"), outputs={"task#2": "second"})

    assert list(starts(around(maxIterations=2))) == ["task", "task#2"]
    assert around(maxIterations=2).output == "second"
    assert list(starts(around(**{"while": "iteration < 1"}))) == ["task"]
    run = around(**{"while": "false"})
    assert (run.output, starts(run)) == (None, {})
    run = around(**{"while": "true", "maxIterations": 1})
    assert (run.status, run.error) == ("failed", "loop `loop` continues after 1 iteration")


def test_a_subprocess_is_another_design_that_begins_now() -> None:
    child = graph(
        {"start": {}, "delay": {"duration": 5}, "end": {"status": "done"}},
        *("start > delay", "delay > end"),
    )
    bad = graph({"start": {}, "end": {"fail": True}}, "start > end")
    for workflow, timeout, outcome, ended in (
        ("child", 9, "default", 6),
        ("child", 4, "error", 5),
        ("bad", 9, "error", 1),
        ("none", 9, "error", 1),
    ):
        drawn = graph(
            {
                "start": {},
                "delay": {"duration": 1},
                "subprocess": {"workflow": workflow, "timeout": timeout},
                "end": {"output": "${steps.subprocess.output}"},
            },
            *("start > delay", "delay > subprocess", "subprocess > end"),
            "subprocess:error > end",
        )
        run = ran(drawn, children={"child": child, "bad": bad})
        assert (run.nodes["subprocess"].outcome, run.ended) == (outcome, ended)
        done = {"result": "done", "output": None}
        assert run.output == (done if outcome == "default" else None)
