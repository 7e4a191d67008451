"""`proflow run` of designs whose nodes run several times, fail with a way on, or run others."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Done, Proflow

ORDER: dict[str, Any] = {
    "id": "order",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "draft", "type": "task", "data": {"handler": "draft"}},
        {"id": "boss", "type": "approval"},
        {"id": "each", "type": "foreach", "data": {"items": "event.data.lines", "as": "line"}},
        {
            "id": "pick",
            "type": "task",
            "parentId": "each",
            "data": {
                "handler": "pick",
                "input": "${line.sku}",
                "retry": {"maxAttempts": 2, "initialInterval": "1m"},
            },
        },
        {"id": "check", "type": "approval", "parentId": "each"},
        {"id": "pay", "type": "subprocess", "data": {"workflow": "pay", "input": {"n": 1}}},
        {"id": "hand", "type": "task", "data": {"handler": "hand"}},
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"source": "start", "target": "draft"},
        {"source": "draft", "target": "boss"},
        {
            "source": "boss",
            "target": "draft",
            "sourceHandle": "returned",
            "data": {"loop": {"max": 3}},
        },
        {"source": "boss", "target": "each", "sourceHandle": "approved"},
        {"source": "pick", "target": "check"},
        {"source": "each", "target": "pay"},
        {"source": "each", "target": "hand", "sourceHandle": "error"},
        {"source": "pay", "target": "end"},
        {"source": "pay", "target": "hand", "sourceHandle": "error"},
        {"source": "hand", "target": "end"},
    ],
}
PAY: dict[str, Any] = {
    "id": "pay",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "bank", "type": "task", "data": {"handler": "bank", "input": "${event.data.n}"}},
        {"id": "end", "type": "end", "data": {"output": "${steps.bank.output.ref}"}},
    ],
    "edges": [{"source": "start", "target": "bank"}, {"source": "bank", "target": "end"}],
}
DATA = json.dumps({"tenant_id": 1, "lines": [{"sku": "a"}, {"sku": "b"}]})


@pytest.fixture
def order(tmp_path: Path) -> Path:
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    (tmp_path / "some-child.json").write_text(json.dumps(PAY))
    return tmp_path / "order.json"


def ran(proflow: Proflow, order: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = proflow("run", order, "--data", DATA, "--format", "json", *arguments)
    assert done.code == code, done.err
    found: dict[str, Any] = done.json
    return found


def steps(run: dict[str, Any], node: str) -> list[tuple[str, str]]:
    return [(one["id"], one["status"]) for one in run["steps"] if one["node"] == node]


@pytest.mark.parametrize("target", ["interpreter", "generated"])
def test_several_answers_are_for_the_executions_in_turn(
    inside: Proflow, order: Path, target: str
) -> None:
    run = ran(
        *(inside, order, "--target", target, "--answer", "check=approved"),
        *("--answer", "boss=returned", "--answer", "boss=returned@+1h"),
        *("--answer", "boss=approved@+2h"),
    )
    assert [one for one, _ in steps(run, "draft")] == ["draft", "draft#2", "draft#3"]
    waits = [one for one, _ in steps(run, "boss") if one.endswith("/wait")]
    assert waits == ["boss/wait", "boss#2/wait", "boss#3/wait"]
    assert run["nodes"]["boss"]["outcome"] == "approved"
    assert run["nodes"]["check"]["status"] == "completed"
    assert run["result"] == "completed"


def test_one_answer_is_for_all_executions(inside: Proflow, order: Path) -> None:
    run = ran(inside, order, "--answer", "boss=returned", code=1)
    assert run["error"]["message"] == "back edge `boss → draft` was taken more than 3 times"
    assert [one for one, _ in steps(run, "draft")][-1] == "draft#4"
    assert run["nodes"]["each"]["status"] == run["nodes"]["check"]["status"] == "skipped"


def test_after_the_last_of_several_answers_a_node_waits(inside: Proflow, order: Path) -> None:
    run = ran(inside, order, "--answer", "boss=returned", "--answer", "boss=returned", code=3)
    assert run["nodes"]["boss"]["status"] == "waiting"
    assert run["nodes"]["check"]["status"] == "pending"
    assert steps(run, "boss")[-1] == ("boss#3/wait", "waiting")


def test_a_step_id_names_one_execution(inside: Proflow, order: Path) -> None:
    run = ran(
        *(inside, order, "--answer", "boss=approved", "--answer", "boss#1=returned"),
        *("--answer", "check=approved", "--answer", "check[1]=rejected"),
        *("--output", 'draft={"v": 1}', "--output", 'draft#2={"v": 2}'),
    )
    assert [one["output"] for one in run["steps"] if one["node"] == "draft"] == [
        {"v": 1},
        {"v": 2},
    ]
    assert ("check[1]/wait", "completed") in steps(run, "check")
    assert run["nodes"]["check"]["outcome"] is None  # the items differ
    assert run["result"] == "completed"  # the rejection has ended its item


def test_the_items_of_a_container_fail_each_for_itself(inside: Proflow, order: Path) -> None:
    common = ("--answer", "boss=approved", "--answer", "check=approved")
    one = ran(inside, order, *common, "--fail", "pick[1]=broken*1")
    assert steps(one, "pick") == [
        ("pick[0]", "completed"),
        ("pick[1]", "failed"),
        ("pick[1]", "completed"),
    ]
    both = ran(inside, order, *common, "--fail", "pick=broken*1")
    assert [status for _, status in steps(both, "pick")].count("failed") == 2
    assert both["nodes"]["each"]["outcome"] == "default"
    assert both["nodes"]["pick"]["attempts"] == 2


def test_an_error_takes_the_way_drawn_for_it(inside: Proflow, order: Path) -> None:
    common = ("--answer", "boss=approved", "--answer", "check=approved")
    run = ran(inside, order, *common, "--fail", "pick[0]=no stock")
    shown = {name: (node["status"], node["outcome"]) for name, node in run["nodes"].items()}
    assert shown["each"] == ("completed", "error")
    assert shown["pick"][0] == "failed"
    assert shown["pay"][0] == "skipped"
    assert shown["hand"][0] == shown["end"][0] == "completed"
    assert "no stock" in run["nodes"]["each"]["error"]["message"]
    text = inside("run", order, "--data", DATA, *common, "--fail", "pick[0]=no stock").out
    assert "each/error" in text
    assert "pick[0]" in text


@pytest.mark.parametrize("target", ["interpreter", "generated"])
def test_a_subprocess_beside_the_design_is_run(inside: Proflow, order: Path, target: str) -> None:
    common = ("--answer", "boss=approved", "--answer", "check=approved", "--target", target)
    run = ran(inside, order, *common)
    (pay,) = [one for one in run["steps"] if one["node"] == "pay"]
    assert (pay["op"], pay["output"]["output"]) == ("InvokeFunction", "bank.ref")
    assert run["nodes"]["hand"]["status"] == "skipped"


def test_a_subprocess_is_looked_for_where_it_is_told(
    inside: Proflow, order: Path, tmp_path: Path
) -> None:
    common = ("--answer", "boss=approved", "--answer", "check=approved")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "some-child.json").rename(tmp_path / "elsewhere" / "pay.json")
    missing = inside("run", order, "--data", DATA, "--format", "json", *common)
    assert missing.code == 0
    assert "there is no design of the workflow `pay` here" in missing.err
    assert missing.json["nodes"]["pay"]["outcome"] == "error"
    run = ran(inside, order, *common, "--with", "elsewhere")
    assert run["nodes"]["pay"]["outcome"] == "default"
    assert inside("run", order, "--with", "nowhere").code == 2


SIGN: dict[str, Any] = {
    "id": "sign",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "each", "type": "foreach", "data": {"items": "event.data.lines"}},
        {
            "id": "ask",
            "type": "subprocess",
            "parentId": "each",
            "data": {"workflow": "asking", "input": {"who": "${item}"}},
        },
        {"id": "boss", "type": "approval", "data": {"match": "data.boss_id"}},
        {"id": "end", "type": "end", "data": {"output": "${steps.each.output}"}},
    ],
    "edges": [
        {"source": "start", "target": "each"},
        {"source": "each", "target": "boss"},
        {"source": "boss", "target": "end"},
    ],
}
ASKING: dict[str, Any] = {
    "id": "asking",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "boss", "type": "approval"},
        {"id": "book", "type": "task", "data": {"handler": "book"}},
        {"id": "end", "type": "end", "data": {"output": "${steps.book.output}"}},
    ],
    "edges": [
        {"source": "start", "target": "boss"},
        {"source": "boss", "target": "book"},
        {"source": "book", "target": "end"},
    ],
}


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    (tmp_path / "sign.json").write_text(json.dumps(SIGN))
    (tmp_path / "asking.json").write_text(json.dumps(ASKING))
    return tmp_path / "sign.json"


@pytest.mark.parametrize("target", ["interpreter", "generated"])
def test_the_nodes_of_a_subprocess_are_named_behind_its_id(
    inside: Proflow, sign: Path, target: str
) -> None:
    data = '{"tenant_id": 1, "boss_id": 7, "lines": ["a", "b"]}'
    done = inside(
        *("run", sign, "--data", data, "--target", target, "--format", "json"),
        *("--answer", "asking/boss=approved@+1h", "--answer", "asking/boss=rejected"),
        *("--answer", "boss=approved", "--output", 'asking/book={"v": 1}'),
        *("--fail", "asking/book#1=out of ink*2"),
    )
    assert done.code == 0, done.err
    assert "not needed" not in done.err
    assert done.json["output"] == [
        {"result": "completed", "output": {"v": 1}},
        {"result": "rejected", "output": None},
    ]
    assert done.json["nodes"]["boss"]["outcome"] == "approved"


def test_what_was_said_of_a_subprocess_in_vain_is_told(inside: Proflow, sign: Path) -> None:
    done = inside(
        *("run", sign, "--data", '{"tenant_id": 1, "boss_id": 7, "lines": ["a"]}'),
        *("--answer", "asking/boss=rejected", "--answer", "boss=approved"),
        *("--fail", "asking/book=x", "--output", "asking/book#2=1"),
    )
    assert done.code == 0
    assert "`asking/book` did not run, and so did not fail" in done.out
    assert "the output of `asking/book#2` was not needed" in done.out
    meant = inside("run", sign, "--answer", "asking/bos=approved")
    assert meant.code == 2
    assert "there is no node `asking/bos`; did you mean `asking/boss`?" in meant.err


def test_a_handler_that_gives_no_json_fails_in_the_report(
    inside: Proflow, order: Path, tmp_path: Path
) -> None:
    (tmp_path / "giving.py").write_text(
        "from proflow_runtime import handler\n"
        "@handler\nasync def draft(task):\n    return {'task': task, 'lines': [object()]}\n"
    )
    done = inside("run", order, "--data", DATA, "--handlers", "giving")
    assert done.code == 1
    assert "the output.lines[0] is a `object`, which is not JSON" in done.out


def test_the_report_shows_models_as_the_json_that_is_kept(
    inside: Proflow, order: Path, tmp_path: Path
) -> None:
    (tmp_path / "showing.py").write_text(
        "__all__ = ['draft']\nasync def draft(task):\n    return {'task': task}\n"
    )
    run = ran(inside, order, "--handlers", "showing", "--answer", "boss=rejected")
    (draft,) = [one for one in run["steps"] if one["node"] == "draft"]
    assert draft["output"]["task"]["node_id"] == "draft"


def test_a_subprocess_with_errors_is_refused(inside: Proflow, order: Path, tmp_path: Path) -> None:
    broken = {**PAY, "edges": PAY["edges"][:1]}
    (tmp_path / "some-child.json").write_text(json.dumps(broken))
    done = inside("run", order, "--data", DATA)
    assert done.code == 1
    assert "some-child.json" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--answer", "check=approved", "--answer", "check[0][1]=approved"], "named `check[0]`"),
        (["--answer", "check#2=approved"], "named `check[0]`, `check[0]#2`"),
        (["--answer", "boss/wait=approved"], "is no execution of `boss`"),
        (
            ["--answer", "pay/book=approved"],
            "named `pay`, `pay#2`; nodes of subprocesses are named `<workflow>/<node>`",
        ),
        (["--fail", "pick[0]#1#2=x"], "there is no node `pick[0]#1#2`"),
        (["--output", "pay={}"], "has no output to give"),
        (["--fail", "each=x"], "has no work that can fail"),
    ],
)
def test_executions_that_cannot_be_are_refused(
    inside: Proflow, order: Path, arguments: list[str], message: str
) -> None:
    done = inside("run", order, "--data", DATA, *arguments)
    assert done.code == 2
    assert message in done.err


def test_what_was_said_of_executions_that_never_came_is_told(inside: Proflow, order: Path) -> None:
    done = inside(
        *("run", order, "--data", DATA, "--answer", "boss=rejected", "--answer", "boss#2=approved"),
        *("--fail", "pick[1]=x", "--output", "draft#2=1"),
    )
    assert done.code == 0
    assert "the answer `approved` to `boss#2` was not needed" in done.out
    assert "`pick[1]` did not run, and so did not fail" in done.out
    assert "the output of `draft#2` was not needed" in done.out


def explored(inside: Proflow, *arguments: str | Path) -> tuple[Done, set[tuple[Any, ...]]]:
    done = inside("run", *arguments, "--all-outcomes", "--format", "json")
    return done, {tuple(run["decisions"].items()) for run in done.json["runs"]}


def test_all_outcomes_are_errors_items_and_one_return(inside: Proflow, order: Path) -> None:
    done, decisions = explored(inside, order)
    assert done.code == 0
    found = done.json
    assert found["complete"] is True
    assert found["uncovered_nodes"] == found["uncovered_edges"] == []
    assert (("boss", "approved"), ("each", "error")) in decisions
    items = (("check[0]", "approved"), ("check[1]", "approved"))
    way = (("boss", "approved"), ("each", "default"), *items, ("pay", "error"))
    assert way in decisions
    assert (("boss", "returned"), ("boss#2", "rejected")) in decisions
    assert not any(step == "boss#3" for run in decisions for step, _ in run)
    told = inside("run", order, "--all-outcomes").out
    assert "boss=returned, boss#2=rejected" in told


def test_all_outcomes_of_an_inclusive_are_each_and_all(inside: Proflow, tmp_path: Path) -> None:
    names = "abc"
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "tell", "type": "inclusive"},
        *({"id": name, "type": "set", "data": {"values": {"x": "1"}}} for name in names),
        {"id": "end", "type": "end"},
    ]
    edges = [
        {"source": "start", "target": "tell"},
        *(
            {"source": "tell", "target": name, "data": {"when": f"event.data.{name}"}}
            for name in names
        ),
        *({"source": name, "target": "end"} for name in names),
    ]
    (tmp_path / "tell.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    done, decisions = explored(inside, "tell.json")
    assert {(("tell", one),) for one in ("a", "b", "c", "a, b, c")} <= decisions
    assert done.json["uncovered_edges"] == []


def test_what_ran_in_a_round_that_is_past_counts_as_reached(
    inside: Proflow, tmp_path: Path
) -> None:
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "meet", "type": "join"},
        {"id": "ok", "type": "condition"},
        {"id": "fix", "type": "set", "data": {"values": {"x": "1"}}},
        {"id": "end", "type": "end"},
    ]
    edges = [
        {"source": "start", "target": "meet"},
        {"source": "meet", "target": "ok"},
        {"source": "ok", "target": "fix", "data": {"when": "event.data.bad"}},
        {"source": "fix", "target": "meet", "data": {"loop": {"max": 2}}},
        {"source": "ok", "target": "end", "data": {"default": True}},
    ]
    (tmp_path / "fix.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    done, _ = explored(inside, "fix.json")
    assert done.json["uncovered_nodes"] == []
    assert done.json["uncovered_edges"] == []
