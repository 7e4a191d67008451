"""`proflow check --stored` without a path: what is published, by the present rules."""

import json
from pathlib import Path
from typing import Any

import pytest
from proflow_runtime.store import formats
from proflow_runtime.store.database import connect
from proflow_runtime.store.models import Design, DesignVersion
from store.older import made_older
from store.test_upgrading import proflow
from stored.office import line, publish

pytestmark = pytest.mark.anyio
LEAVE = line("leave", ("book", "task", {"handler": "book"}))


async def filled(url: str) -> None:
    """Three tenants: one is fine, one has an older format, one is refused as well."""
    async with connect(url):
        await publish(1, LEAVE)
        await made_older(await publish(2, LEAVE))
        version = await publish(3, LEAVE)
        await made_older(version)
        canvas = {**LEAVE, "edges": LEAVE["edges"][:-1]}
        await DesignVersion.filter(id=version.id).update(canvas=canvas)
        await Design.filter(tenant_id=3).update(name="请假")


async def rows(url: str) -> Any:
    async with connect(url):
        return [await model.all().order_by("id").values() for model in (Design, DesignVersion)]


async def test_refused_and_outdated_designs_are_named(database_url: str, tmp_path: Path) -> None:
    await filled(database_url)
    before = await rows(database_url)
    done = proflow("check", "--stored", "--database", database_url, folder=tmp_path)
    assert done.returncode == 1
    first, second, *rest = done.stdout.split("\n", 2)
    assert first == "tenant 2, `leave`, version 1: ok, format `proflow/definition@1`"
    assert second == ("tenant 3, `leave` (请假), version 1: refused, format `proflow/definition@1`")
    assert "error[PF205]: nothing follows `book`" in rest[0]
    assert done.stderr == "3 published designs checked, 1 refused, 2 of an older format\n"
    assert await rows(database_url) == before


async def test_the_report_as_json(database_url: str, tmp_path: Path) -> None:
    await filled(database_url)
    named = ("--stored", "--format", "json", "--database", database_url)
    done = proflow("check", *named, folder=tmp_path)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert {key: report[key] for key in ("checked", "refused", "outdated", "ok")} == {
        "checked": 3,
        "refused": 1,
        "outdated": 2,
        "ok": False,
    }
    fine, refused = report["designs"]
    assert (fine["tenant_id"], fine["ok"], fine["diagnostics"]) == (2, True, [])
    assert [one["code"] for one in refused.pop("diagnostics")] == ["PF205", "PF204"]
    assert refused == {
        "tenant_id": 3,
        "code": "leave",
        "name": "请假",
        "version": 1,
        "format": "proflow/definition@1",
        "outdated": True,
        "ok": False,
    }


async def test_a_database_without_designs_is_fine(database_url: str, tmp_path: Path) -> None:
    named = ("--stored", "--format", "json", "--database", database_url)
    done = proflow("check", *named, folder=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "designs": [],
        "checked": 0,
        "refused": 0,
        "outdated": 0,
        "ok": True,
    }


async def test_handlers_and_warnings_count_as_for_files(database_url: str, tmp_path: Path) -> None:
    async with connect(database_url):
        await publish(1, LEAVE)
    (tmp_path / "mine.py").write_text("__all__ = ['other']\nasync def other(task): ...\n")
    named = ("check", "--stored", "--database", database_url)
    assert proflow(*named, folder=tmp_path).returncode == 0
    done = proflow(*named, "--handlers", "mine", folder=tmp_path)
    assert done.returncode == 1
    assert "PF305" in done.stdout


def test_no_database_is_made(tmp_path: Path) -> None:
    done = proflow("check", "--stored", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: there is no database `sqlite://proflow.db`\n"
    assert list(tmp_path.iterdir()) == []


def test_tables_that_are_missing_are_not_made(empty_url: str, tmp_path: Path) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite://")).touch()
    done = proflow("check", "--stored", "--database", empty_url, folder=tmp_path)
    assert done.returncode == 1
    assert "run `proflow db upgrade`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "name files or folders, or check what is published with --stored"),
        (["check", "--stored", "--format", "sarif"], "reported as text or json, not as sarif"),
        (["check", "x.json", "--database", "sqlite://x.db"], "--database is for `check --stored`"),
    ],
)
def test_what_does_not_go_together(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = proflow(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


async def test_pages_of_published_versions_follow_each_other(
    database_url: str, anyio_backend: str
) -> None:
    async with connect(database_url):
        for tenant in range(1, 6):
            await publish(tenant, LEAVE)
        await publish(2, LEAVE)
        found: list[formats.PublishedVersion] = []
        while page := await formats.published(after=found[-1].id if found else 0, limit=2):
            found += page
        assert [(one.tenant_id, one.number) for one in found] == [
            *((1, 1), (3, 1), (4, 1), (5, 1), (2, 2))
        ]
