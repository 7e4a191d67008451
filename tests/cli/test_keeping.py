"""Why a run failed, in `proflow run`; `proflow db purge`, `export` and `erase`."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from cli.conftest import Proflow
from proflow_runtime.context import clock
from proflow_runtime.store import people, runs
from proflow_runtime.store.database import connect, migrate
from proflow_runtime.store.models import Run

DESIGN = {
    "id": "clause",
    "retries": 1,
    "nodes": [
        {"id": "start", "type": "start"},
        {
            "id": "read",
            "type": "task",
            "data": {"handler": "read", "input": {"c": "${event.data.c}", "token": "s3cret"}},
        },
        {"id": "end", "type": "end"},
    ],
    "edges": [{"source": "start", "target": "read"}, {"source": "read", "target": "end"}],
}
HANDLERS = """
from proflow_runtime import Task, handler


def look(clause):
    return clause["deep"]


@handler
async def read(task: Task) -> str:
    task.logger.info("reading %s", task.input["c"])
    return look(task.input["c"])
"""
DATA = '{"tenant_id": 1, "c": {}}'


def test_a_failed_handler_is_shown_with_file_and_line(proflow: Proflow, tmp_path: Path) -> None:
    (tmp_path / "clause.json").write_text(json.dumps(DESIGN))
    (tmp_path / "clauses.py").write_text(HANDLERS)
    given = ("run", "clause.json", "--data", DATA, "--handlers", "clauses")
    for target in ("interpreter", "generated"):
        text = proflow(*given, "--target", target).out
        assert "read, attempt 2:" in text
        assert "  info: reading {}" in text
        assert '/clauses.py", line 6, in look' in text
        assert "  KeyError: 'deep'\n" in text
        assert "proflow_runtime" not in text
        found = proflow(*given, "--target", target, "--format", "json").json
        assert [one["number"] for one in found["attempts"]] == [1, 2]
        last = found["attempts"][-1]
        assert last["error"]["name"] == "KeyError"
        assert last["error"]["traceback"].endswith("\nKeyError: 'deep'")
        assert last["input"] == {"c": {}, "token": "•••"}
        assert [one["message"] for one in last["logs"]] == ["reading {}"]


async def _filled(url: str) -> None:
    async with connect(url, current=False):
        await migrate()
        await people.add(7, "wang", "王伟")
        for tenant, name in ((7, "old"), (7, "new"), (8, "other")):
            new = runs.NewRun(name, tenant, "leave", 1, "d", {"data": {"by": "wang"}}, "f")
            await runs.create(new)
            await runs.finish(tenant, name, "failed", error={"name": "E", "message": "m"})
        long_ago = clock.now() - timedelta(days=300)
        for name in ("old", "other"):
            await Run.filter(id=name).update(ended_at=long_ago)


def test_what_is_old_is_counted_and_deleted(proflow: Proflow, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/kept.db"
    asyncio.run(_filled(url))
    purge = ("db", "purge", "--older-than", "180d", "--kind", "runs", "--database", url)
    assert proflow(*purge, "--tenant", "7", "--dry-run").out == (
        "tenant 7: 1 would be deleted (runs)\n"
    )
    assert proflow(*purge, "--tenant", "7").out == "tenant 7: 1 deleted (runs)\n"
    assert proflow(*purge).out == "tenant 8: 1 deleted (runs)\n"
    assert proflow(*purge).out == ""
    for wrong in (("--older-than", "soon"), ("--older-than", "1h")):
        assert proflow("db", "purge", *wrong, "--database", url).code == 2
    wrong_kind = ("db", "purge", "--older-than", "9d", "--kind", "all", "--database", url)
    assert proflow(*wrong_kind).code == 2


def test_a_person_and_a_tenant_are_exported_and_erased(proflow: Proflow, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/kept.db"
    asyncio.run(_filled(url))
    of_wang = ("--tenant", "7", "--person", "wang", "--database", url)
    lines = proflow("db", "export", *of_wang).out.splitlines()
    assert sorted(json.loads(line)["table"] for line in lines) == [
        *("proflow_people", "proflow_runs", "proflow_runs")
    ]
    assert "say --yes" in proflow("db", "erase", *of_wang).out
    assert "3 rows were changed or deleted" in proflow("db", "erase", *of_wang, "--yes").out
    assert proflow("db", "export", *of_wang).out == ""
    refused = proflow("db", "export", *of_wang, "-o", tmp_path / "no" / "file")
    assert (refused.code, "cannot write" in refused.err) == (1, True)
    whole = ("--tenant", "7", "--database", url)
    assert proflow("db", "erase", *whole, "--yes").code == 0
    assert proflow("db", "export", *whole).out == ""
    assert proflow("db", "export", "--tenant", "8", "--database", url).out != ""
