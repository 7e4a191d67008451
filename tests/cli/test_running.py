"""`proflow run`: a design on this machine, in virtual time."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import DESIGNS, Proflow

REPORT = [
    *("run_id", "workflow", "status", "result", "output", "error", "started_at", "ended_at"),
    *("nodes", "steps", "events", "attempts"),
]
NODE = ["status", "outcome", "attempts", "started_at", "ended_at", "error"]
STEP = ["id", "op", "node", "attempt", "at", "status", "output"]
SAMPLE_DATA = '{"tenant_id": 1, "approval_id": 7}'
ORDER = {"tenant_id": 1, "amount": 800.5, "order_id": "PO-1", "applicant": "li.na"}


@pytest.mark.parametrize("target", ["interpreter", "generated"])
def test_the_sample_approved_and_then_rejected(proflow: Proflow, sample: Path, target: str) -> None:
    done = proflow(
        *("run", sample, "--target", target, "--data", SAMPLE_DATA, "--format", "json"),
        *("--answer", "approve1=approved@+2h", "--answer", "approve2=rejected@+5h"),
    )
    assert done.code == 0
    run = done.json
    assert list(run) == REPORT
    assert (run["status"], run["result"], run["error"]) == ("completed", "rejected", None)
    nodes = {name: (node["status"], node["outcome"]) for name, node in run["nodes"].items()}
    assert nodes == {
        "start": ("completed", None),
        "approve1": ("completed", "approved"),
        "approve2": ("completed", "rejected"),
        "end": ("skipped", None),
    }
    assert all(list(node) == NODE for node in run["nodes"].values())
    assert all(list(step) == STEP for step in run["steps"])
    begun = datetime.fromisoformat(run["started_at"])
    answered = [
        datetime.fromisoformat(step["at"]) - begun
        for step in run["steps"]
        if step["op"] == "WaitForEvent"
    ]
    assert answered == [timedelta(hours=2), timedelta(hours=7)]
    assert [event["name"] for event in run["events"]].count("approval/response") == 2
    assert run["started_at"].endswith("Z")


def test_the_sample_without_answers_waits(proflow: Proflow, sample: Path) -> None:
    done = proflow("run", sample, "--data", SAMPLE_DATA, "--format", "json")
    assert done.code == 3
    assert done.json["status"] == "waiting"
    assert done.json["nodes"]["approve1"]["status"] == "waiting"
    assert done.json["nodes"]["approve2"]["status"] == "pending"
    assert done.json["steps"][-1]["status"] == "waiting"


def test_a_run_without_a_tenant_fails_at_once(proflow: Proflow, sample: Path) -> None:
    done = proflow("run", sample, "--data", "{}", "--format", "json")
    assert done.code == 1
    assert done.json["error"]["message"] == "tenant_id is required"
    assert 'give `"tenant_id": 1` in --data' in done.err
    assert done.json["started_at"] == done.json["ended_at"]


def test_a_configured_timeout_passes_in_virtual_time(proflow: Proflow, purchase: Path) -> None:
    done = proflow("run", purchase, "--data", json.dumps(ORDER), "--at", "2026-03-02T09:00:00Z")
    assert done.code == 0
    assert "nobody answered" in done.out
    assert "+1d" in done.out
    assert "completed after 1d, result: rejected" in done.out


def test_attempts_fail_as_often_as_they_are_told_to(proflow: Proflow, purchase: Path) -> None:
    run = proflow(
        *("run", purchase, "--data", json.dumps(ORDER), "--format", "json"),
        *("--answer", "manager=approved", "--fail", "pay=bank refused*2"),
    ).json
    attempts = [step["status"] for step in run["steps"] if step["node"] == "pay"]
    assert attempts == ["failed", "failed", "completed"]
    assert run["nodes"]["pay"]["attempts"] == 3
    for_ever = proflow(
        *("run", purchase, "--data", json.dumps(ORDER), "--format", "json"),
        *("--answer", "manager=approved", "--fail", "pay=bank refused"),
    )
    assert for_ever.code == 1
    assert "bank refused" in for_ever.json["error"]["message"]
    assert for_ever.json["steps"][-1]["status"] == "failed"


def test_handlers_that_are_missing_are_simulated_and_marked(
    proflow: Proflow, purchase: Path, tmp_path: Path
) -> None:
    (tmp_path / "erp.py").write_text(
        "from proflow_runtime import Task, handler\n"
        "@handler\nasync def archive(task: Task) -> object:\n"
        "    return {'archived': task.input}\n"
    )
    common = ("run", purchase, "--data", json.dumps(ORDER), "--answer", "manager=approved")
    text = proflow(*common, "--handlers", "erp", "--output", 'pay={"paid": 1}')
    assert text.code == 0, text.err
    marked = {line.split()[2] for line in text.out.splitlines() if line.endswith("simulated")}
    assert marked == {"pay", "tell-approved"}
    found = proflow(*common, "--handlers", "erp", "--format", "json", "--output", 'pay={"paid": 1}')
    outputs = {step["node"]: step["output"] for step in found.json["steps"]}
    assert outputs["archive"]["archived"]["order"] == "PO-1"
    assert outputs["pay"] == {"paid": 1}
    assert "the work of `pay`, `tell-approved` was simulated" in found.err


def test_an_event_sent_from_outside_resumes_a_wait(proflow: Proflow) -> None:
    case = json.loads((DESIGNS / "wait-for-payment" / "runs.json").read_text())
    run = next(one for one in case if one.get("sends"))
    arguments = [text for send in run["sends"] for text in ("--send", send)]
    arguments += [text for answer in run.get("answers", []) for text in ("--answer", answer)]
    design = DESIGNS / "wait-for-payment" / "design.json"
    found = proflow(
        "run", design, "--data", json.dumps(run["data"]), "--format", "json", *arguments
    )
    assert found.json["status"] == run["expect"]["status"]
    assert len(found.json["events"]) > 1


def test_a_tenants_cron_runs_for_the_tenant_that_is_given(proflow: Proflow) -> None:
    design = DESIGNS / "scheduled-email" / "design.json"
    run = proflow("run", design, "--data", '{"tenant_id": 9}', "--format", "json").json
    scheduled = [event for event in run["events"] if event["name"].endswith("/scheduled")]
    assert [event["data"]["tenant_id"] for event in scheduled] == [9]
    assert proflow("run", design, "--format", "json").json["events"][0]["data"]["tenant_id"] == 1


def test_data_can_come_from_a_file(proflow: Proflow, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(SAMPLE_DATA)
    assert proflow("run", sample, "--data", "@data.json").code == 3


def test_a_trace_holds_every_request(proflow: Proflow, sample: Path, tmp_path: Path) -> None:
    proflow("run", sample, "--data", SAMPLE_DATA, "--trace", "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert trace[0]["response"]
    assert len(trace) >= 2


def test_the_same_run_twice_is_told_in_the_same_words(proflow: Proflow, purchase: Path) -> None:
    common = ("run", purchase, "--data", json.dumps(ORDER), "--at", "2026-03-02T09:00:00Z")
    command = (*common, "--answer", "manager=approved@+2h", "--format", "json")
    assert proflow(*command).out == proflow(*command).out


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"tenant_id": 1}, "`amount` is missing"),
        ({"tenant_id": 1, "amount": None}, "/amount: `null` is not of type `number`"),
        ({"tenant_id": 1, "amount": True}, "/amount: `true` is not of type `number`"),
        ({"tenant_id": 1, "amount": {"a": 1}}, '/amount: `{"a": 1}` is not of type `number`'),
        (
            {"tenant_id": 1, "amount": "x", "a/b": [1]},
            '/amount: `"x"` is not of type `number`; /a~1b/0: `1` is not of type `string`',
        ),
        ({"tenant_id": 1, "amount": 3}, None),
    ],
)
def test_data_that_the_input_does_not_allow_is_refused(
    proflow: Proflow, tmp_path: Path, data: dict[str, Any], message: str | None
) -> None:
    schema = {
        "type": "object",
        "required": ["amount"],
        "properties": {
            "amount": {"type": "number"},
            "a/b": {"type": "array", "items": {"type": "string"}},
        },
    }
    design = {
        "nodes": [
            {"id": "start", "type": "start", "data": {"input": schema}},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "end"}],
    }
    path = tmp_path / "fits.json"
    path.write_text(json.dumps(design), encoding="utf-8")
    done = proflow("run", path, "--data", json.dumps(data))
    assert done.code == (0 if message is None else 2)
    if message is not None:
        assert f"--data is not what the workflow takes: {message}" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "{bad"], "not JSON"),
        (["--data", "[1]"], "is a JSON object"),
        (["--data", '{"x": [{"a/b": 9007199254740992}]}'], "the number at /x/0/a~1b: 900719925474"),
        (
            ["--data", '{"order_id": 1834567890123456789}'],
            "is beyond ±(2^53 − 1); send it as a text",
        ),
        (["--data", '{"x": 1e300}'], "the number at /x: 1e+300 is beyond"),
        (
            ["--data", '{"x": 1e999}'],
            "the number at /x: a number of more than 308 digits is beyond",
        ),
        (["--data", f'{{"x": {"9" * 100}}}'], "/x: an integer of many digits is beyond"),
        (
            ["--data", f'{{"x": {"9" * 9_000}}}'],
            "the number at /x: a number of more than 308 digits is beyond",
        ),
        (
            ["--send", 'paid={"n": -9007199254740992.0}'],
            "--send: the number at /n: -900719925474099",
        ),
        (["--data", '{"x": NaN}'], "`NaN` is not JSON"),
        (["--data", "[" * 5000], "nested too deep"),
        (["--data", "@missing.json"], "cannot read `missing.json`"),
        (["--answer", "aprove1=approved"], "did you mean `approve1`?"),
        (["--answer", "approve1=aproved"], "did you mean `approved`?"),
        (["--answer", "start=approved"], "waits for no answer"),
        (["--answer", "approve1"], "is not NODE=OUTCOME"),
        (["--answer", "approve1=approved@+2x"], "no duration"),
        (["--fail", "approve1=boom"], "is of type approval, which has no work that can fail"),
        (["--output", "approve1={}"], "has no output to give"),
        (["--send", "payment/received"], "is not EVENT"),
        (["--send", "inngest/x={}"], "reserved"),
        (["--at", "noon"], "not an ISO 8601 time"),
        (["--handlers", "no.such.module"], "there is no module"),
        (["--all-outcomes", "--answer", "approve1=approved"], "--all-outcomes"),
    ],
)
def test_arguments_that_say_nothing_are_refused(
    inside: Proflow, sample: Path, arguments: list[str], message: str
) -> None:
    done = inside("run", sample, *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_handlers_module_that_breaks_is_told(
    proflow: Proflow, sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    done = proflow("run", sample, "--data", SAMPLE_DATA, "--handlers", "broken")
    assert done.code == 1
    assert "`broken` cannot be imported: ZeroDivisionError" in done.err


def test_a_design_with_errors_does_not_run(proflow: Proflow, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"nodes": [{"id": "a", "type": "start"}], "edges": []}')
    done = proflow("run", "bad.json", "--data", SAMPLE_DATA)
    assert done.code == 1
    assert "error[PF203]" in done.err
    assert done.out == ""


def test_all_outcomes_are_walked(proflow: Proflow, purchase: Path) -> None:
    done = proflow(
        "run", purchase, "--data", json.dumps(ORDER), "--all-outcomes", "--format", "json"
    )
    assert done.code == 0, done.out
    found = done.json
    decisions = {tuple(sorted(run["decisions"].items())) for run in found["runs"]}
    assert len(decisions) == len(found["runs"]) == 8
    large = {"manager": "approved", "amount": "large"}
    assert tuple(sorted({**large, "directors": "timeout"}.items())) in decisions
    assert found["complete"] is True
    assert found["uncovered_nodes"] == []
    assert found["uncovered_edges"] == []
    told = proflow("run", purchase, "--data", json.dumps(ORDER), "--all-outcomes")
    assert "nodes no run reached: none" in told.out


def test_where_there_are_too_many_combinations_few_runs_cover_much(
    inside: Proflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes: list[dict[str, object]] = [
        {"id": "start", "type": "start"},
        {"id": "end", "type": "end"},
    ]
    edges: list[dict[str, str]] = []
    before = "start"
    for index in range(5):
        boss, told = f"boss{index}", f"told{index}"
        nodes += [
            {"id": boss, "type": "approval"},
            {"id": told, "type": "notify", "data": {"to": "you", "content": "no"}},
            {"id": f"join{index}", "type": "join"},
        ]
        edges += [
            {"source": before, "target": boss},
            {"source": boss, "target": f"join{index}"},
            {"source": boss, "sourceHandle": "rejected", "target": told},
            {"source": told, "target": f"join{index}"},
        ]
        before = f"join{index}"
    edges.append({"source": before, "target": "end"})
    (tmp_path / "many.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    for module in ("simulation.exploring", "commands.timeline"):
        monkeypatch.setattr(f"proflow_runtime.{module}.MAX_RUNS", 11)
    done = inside("run", "many.json", "--data", '{"tenant_id": 1}', "--all-outcomes")
    assert done.code == 0, done.err
    assert "there are more combinations than 11: the others were not run" in done.out
    assert "nodes no run reached: none" in done.out
    assert "edges no run took: none" in done.out


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"text": "x" * 3_200_000}, "the data of an event has at most 3 MiB, not 3,200,0"),
        ({"deep": json.loads("[" * 250 + "]" * 250)}, "it is nested more than 200 levels deep"),
    ],
)
def test_data_that_no_event_can_hold_is_refused(
    proflow: Proflow, sample: Path, tmp_path: Path, data: Any, complaint: str
) -> None:
    (tmp_path / "data.json").write_text(json.dumps(data))
    done = proflow("run", sample, "--data", f"@{tmp_path / 'data.json'}")
    assert (done.code, complaint in done.err) == (2, True), done.err
