"""`proflow run` and the time zones of crons and delays."""

import json
from pathlib import Path

import pytest
from cli.conftest import Proflow

EVENING = {
    "id": "evening",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "wait", "type": "delay", "data": {"until": "2026-01-05T18:00"}},
        {"id": "end", "type": "end"},
    ],
    "edges": [{"source": "start", "target": "wait"}, {"source": "wait", "target": "end"}],
}
DATA = ("--data", '{"tenant_id": 1}', "--format", "json")


def written(folder: Path, **settings: str) -> Path:
    path = folder / "evening.json"
    path.write_text(json.dumps({**EVENING, **settings}))
    return path


@pytest.mark.parametrize("target", ["interpreter", "generated"])
@pytest.mark.parametrize(
    ("settings", "options", "ended"),
    [
        ({"timezone": "Asia/Shanghai"}, (), "2026-01-05T10:00:00.000Z"),
        ({"timezone": "Asia/Shanghai"}, ("--timezone", "UTC"), "2026-01-05T10:00:00.000Z"),
        ({}, ("--timezone", "America/New_York"), "2026-01-05T23:00:00.000Z"),
        ({}, (), "2026-01-05T18:00:00.000Z"),
    ],
)
def test_a_local_time_is_that_of_the_design_or_of_the_option(
    inside: Proflow,
    tmp_path: Path,
    target: str,
    settings: dict[str, str],
    options: tuple[str, ...],
    ended: str,
) -> None:
    path = written(tmp_path, **settings)
    at = ("--at", "2026-01-05T00:00Z")
    done = inside("run", path, "--target", target, *at, *options, *DATA)
    assert done.code == 0
    assert done.json["ended_at"] == ended


def test_the_environment_names_the_default(proflow: Proflow, tmp_path: Path) -> None:
    path = written(tmp_path)
    at = ("--at", "2026-01-05T00:00Z")
    done = proflow("run", path, *at, *DATA, PROFLOW_TIMEZONE="Asia/Shanghai")
    assert done.json["ended_at"] == "2026-01-05T10:00:00.000Z"


def test_a_start_without_an_offset_is_local_time_of_the_run(
    inside: Proflow, tmp_path: Path
) -> None:
    path = written(tmp_path, timezone="Asia/Shanghai")
    done = inside("run", path, "--at", "2026-01-05T09:00", *DATA)
    assert done.json["started_at"] == "2026-01-05T01:00:00.000Z"
    path = written(tmp_path)
    options = ("--at", "2026-01-05T09:00", "--timezone", "America/New_York")
    done = inside("run", path, *options, *DATA)
    assert done.json["started_at"] == "2026-01-05T14:00:00.000Z"


@pytest.mark.parametrize("command", [("run", "evening.json"), ("serve", "--local")])
def test_a_time_zone_that_does_not_exist_is_refused(
    inside: Proflow, tmp_path: Path, command: tuple[str, ...]
) -> None:
    written(tmp_path)
    done = inside(*command, "--timezone", "Asia/Beijing")
    assert (done.code, done.out) == (2, "")
    assert "there is no time zone `Asia/Beijing`; did you mean `Asia/Shanghai`?" in done.err


def test_a_design_without_a_zone_is_warned_of_and_the_fix_gives_it_one(
    inside: Proflow, tmp_path: Path
) -> None:
    path = written(tmp_path)
    done = inside("check", path, "--format", "json")
    assert done.code == 0
    (found,) = done.json["files"][0]["diagnostics"]
    assert (found["code"], found["level"]) == ("PF323", "warning")
    assert [one["safe"] for one in found["fixes"]] == [False, False]
    assert inside("check", path, "--fix", "--unsafe-fixes").code == 0
    assert json.loads(path.read_text())["timezone"] == "Asia/Shanghai"
    assert inside("check", path, "--format", "json").json["files"][0]["diagnostics"] == []


@pytest.mark.parametrize("command", [("check", "--strict"), ("compile",)])
def test_checks_know_the_zone_that_designs_run_in(
    proflow: Proflow, tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = written(tmp_path)
    unknown = proflow(*command, path)
    assert "PF323" in unknown.out + unknown.err
    named = proflow(*command, path, "--timezone", "Asia/Shanghai")
    from_environment = proflow(*command, path, PROFLOW_TIMEZONE="Asia/Shanghai")
    for done in (named, from_environment):
        assert done.code == 0
        assert "PF323" not in done.out + done.err
    wrong = proflow(*command, path, "--timezone", "Asia/Shanghia")
    assert wrong.code == 2
    assert "did you mean `Asia/Shanghai`?" in wrong.err


def test_what_is_compiled_does_not_hold_the_default_zone(proflow: Proflow, tmp_path: Path) -> None:
    path = written(tmp_path)
    texts = {proflow("compile", path, *zone).out for zone in ((), ("--timezone", "Asia/Shanghai"))}
    assert len(texts) == 1
