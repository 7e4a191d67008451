"""Drafts, versions, and what is published."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from proflow_runtime.context import clock
from proflow_runtime.store import designs, triggers
from proflow_runtime.store.database import connect
from proflow_runtime.store.models import Design, DesignVersion, Run, StoredDefinition, Trigger
from proflow_runtime.tenants import TenantZones
from store.drawn import defined

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]
DRAFT: dict[str, Any] = {"nodes": [{"id": "b"}, {"id": "a"}], "edges": []}


async def created(code: str = "leave", tenant_id: int = 1, name: str = "Leave") -> Design:
    return await designs.create(tenant_id, code, name=name, draft=DRAFT, by="ann")


async def published(code: str = "leave", tenant_id: int = 1, **settings: Any) -> DesignVersion:
    definition = defined(code, **settings)
    return await designs.publish(tenant_id, code, canvas=DRAFT, definition=definition, by="ann")


async def started(run: str, workflow: str = "leave", tenant_id: int = 1, status: str = "running"):
    return await Run.create(
        id=run,
        tenant_id=tenant_id,
        workflow=workflow,
        version=1,
        digest="sha256:0",
        event={},
        status=status,
        created_at=clock.now(),
    )


async def test_a_draft_is_kept_as_it_was_drawn() -> None:
    await created()
    design = await designs.get(1, "leave")
    assert (design.name, design.revision, design.updated_by) == ("Leave", 1, "ann")
    assert list(design.draft) == ["nodes", "edges"]
    assert design.draft == DRAFT


@pytest.mark.parametrize(
    "text",
    ["报销审批流程", "nul \x00 here", "a lone \ud800 surrogate", "🙂", "'; DROP TABLE x; --", ""],
)
async def test_any_text_can_be_saved_in_any_place(text: str) -> None:
    draft = {text: [text, {"label": text}]}
    design = await designs.create(1, f"x{text}", name=text, draft=draft, by=text)
    found = await designs.get(1, f"x{text}")
    assert found.id == design.id
    assert found.draft == draft
    assert found.name == text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert (await designs.listed(1, search=text)).total == 1


async def test_a_canvas_of_five_megabytes_is_kept() -> None:
    draft = {"nodes": [{"id": f"n{n}", "label": "流程" * 1000} for n in range(850)]}
    await designs.create(1, "big", name="big", draft=draft, by=None)
    await designs.publish(1, "big", canvas=draft, definition=defined("big"), by=None)
    assert (await designs.get(1, "big")).draft == draft
    assert (await designs.version(1, "big", 1)).canvas == draft


async def test_a_code_is_used_once_per_tenant() -> None:
    await created()
    with pytest.raises(designs.DesignExistsError):
        await created()
    await created(tenant_id=2)
    assert (await designs.get(1, "leave")).revision == 1


async def test_of_two_who_create_a_design_at_once_one_does() -> None:
    results = await asyncio.gather(*(created() for _ in range(8)), return_exceptions=True)
    failed = [one for one in results if isinstance(one, Exception)]
    assert len(failed) == 7
    assert {type(one) for one in failed} == {designs.DesignExistsError}
    assert await Design.all().count() == 1


async def test_saving_over_somebody_elses_draft_is_refused() -> None:
    await created()
    first = await designs.save(1, "leave", {"nodes": []}, by="ben", revision=1)
    assert first.revision == 2
    with pytest.raises(designs.EditedMeanwhileError) as refused:
        await designs.save(1, "leave", {"edges": []}, by="cem", revision=1)
    assert refused.value.revision == 2
    design = await designs.get(1, "leave")
    assert (design.draft, design.updated_by, design.name) == ({"nodes": []}, "ben", "Leave")
    assert (await designs.save(1, "leave", {}, by="cem", name="Holidays")).revision == 3
    assert (await designs.get(1, "leave")).name == "Holidays"


async def test_of_many_who_save_the_same_revision_at_once_one_does() -> None:
    await created()
    saves = (designs.save(1, "leave", {"n": n}, by=str(n), revision=1) for n in range(10))
    results = await asyncio.gather(*saves, return_exceptions=True)
    (saved,) = [one for one in results if isinstance(one, Design)]
    refused = [one for one in results if one is not saved]
    assert all(isinstance(one, designs.EditedMeanwhileError) for one in refused)
    assert (await designs.get(1, "leave")).draft == saved.draft


async def test_an_unknown_design_is_nowhere() -> None:
    for query in (
        designs.get(1, "leave"),
        designs.save(1, "leave", {}, by=None),
        designs.delete(1, "leave"),
        designs.unpublish(1, "leave"),
        designs.versions(1, "leave"),
        designs.version(1, "leave", 1),
        published(),
        designs.get(1, "x" * 1000),
    ):
        with pytest.raises(designs.UnknownDesignError):
            await query
    assert await designs.published(1, "leave") is None
    assert await designs.definition("sha256:0") is None


async def test_designs_are_listed_by_page_those_changed_last_first() -> None:
    for number in range(7):
        await created(f"d{number}", name=f"流程 {number} 100%")
    await designs.save(1, "d3", {}, by=None)
    page = await designs.listed(1, offset=0, limit=3)
    assert ([one.code for one in page.items], page.total) == (["d3", "d6", "d5"], 7)
    page = await designs.listed(1, offset=6, limit=3)
    assert ([one.code for one in page.items], page.total) == (["d0"], 7)
    for beyond in ({"offset": 7}, {"limit": 0}, {"offset": 10**30}):
        assert await designs.listed(1, **beyond) == designs.Page([], 7)
    assert len((await designs.listed(1, offset=-5, limit=10**30)).items) == 7


async def test_designs_are_searched_by_code_and_name() -> None:
    await created("leave-request", name="请假")
    await created("purchase", name="采购 100%_off")
    found = {
        search: [one.code for one in (await designs.listed(1, search=search)).items]
        for search in ("LEAVE", "请假", "%", "_off", "100\\%", "采购", "nothing")
    }
    assert found == {
        "LEAVE": ["leave-request"],
        "请假": ["leave-request"],
        "%": ["purchase"],
        "_off": ["purchase"],
        "100\\%": [],
        "采购": ["purchase"],
        "nothing": [],
    }


async def test_designs_are_told_by_whether_they_are_published() -> None:
    await created("a")
    await created("b")
    await published("b")
    assert [one.code for one in (await designs.listed(1, published=True)).items] == ["b"]
    assert [one.code for one in (await designs.listed(1, published=False)).items] == ["a"]


async def test_a_published_version_is_what_new_runs_take() -> None:
    await created()
    version = await published(description="first")
    assert (version.number, version.published_by) == (1, "ann")
    found = await designs.published(1, "leave")
    assert found == designs.Published("leave", 1, version.digest)
    definition = await designs.definition(version.digest)
    assert definition == defined(description="first")
    await published(description="second")
    found = await designs.published(1, "leave")
    assert found is not None
    assert (found.version, found.digest != version.digest) == (2, True)
    assert await designs.definition(version.digest) == definition
    page = await designs.versions(1, "leave")
    assert ([one.number for one in page.items], page.total) == ([2, 1], 2)
    assert (await designs.version(1, "leave", 1)).canvas == DRAFT
    assert (await designs.get(1, "leave")).published_version == 2


async def test_versions_that_compile_to_the_same_share_a_definition() -> None:
    for tenant in (1, 2):
        await created(tenant_id=tenant)
        await published(tenant_id=tenant)
        await published(tenant_id=tenant)
    assert await DesignVersion.all().count() == 4
    assert await StoredDefinition.all().count() == 1


async def test_triggers_are_those_of_the_version_published_last() -> None:
    await created()
    await published(
        triggers=[
            {"event": "hr/asked", "if": "event.data.days > 3"},
            {"cron": "0 9 * * *", "timezone": "Asia/Shanghai"},
            {"cron": "0 9 * * *"},
        ],
        settings={
            "idempotency": "event.data.number",
            "cancel_on": [{"event": "hr/left", "if": "async.data.x == 1", "timeout": 60}],
        },
    )
    rows = await triggers.of_workflow(1, "leave")
    assert [(one.kind, one.key, one.condition, one.timeout, one.idempotency) for one in rows] == [
        ("event", "hr/asked", "event.data.days > 3", None, "event.data.number"),
        ("cron", "TZ=Asia/Shanghai 0 9 * * *", None, None, "event.data.number"),
        ("cron", "0 9 * * *", None, None, "event.data.number"),
        ("cancel", "hr/left", "async.data.x == 1", 60, None),
    ]
    assert {(one.version, one.workflow, one.tenant_id) for one in rows} == {(1, "leave", 1)}
    version = await published()
    (row,) = await triggers.of_workflow(1, "leave")
    assert (row.kind, row.key) == ("event", "leave/start")
    assert (row.version, row.digest) == (2, version.digest)


async def test_publishing_at_once_numbers_each_version_once() -> None:
    await created()
    results = await asyncio.gather(*(published(description=str(n)) for n in range(12)))
    assert sorted(version.number for version in results) == list(range(1, 13))
    design = await designs.get(1, "leave")
    last = max(results, key=lambda version: version.number)
    assert design.published_version == 12
    (trigger,) = await triggers.of_workflow(1, "leave")
    assert (trigger.version, trigger.digest) == (12, last.digest)


async def test_publishing_from_several_connections_at_once_loses_nothing(
    database_url: str,
) -> None:
    await created()

    async def publish(number: int) -> int:
        async with connect(database_url):
            for turn in range(4):
                await published(description=f"{number} {turn}")
        return number

    await asyncio.gather(*(asyncio.create_task(publish(number)) for number in range(3)))
    versions = (await designs.versions(1, "leave")).items
    assert [one.number for one in versions] == list(range(12, 0, -1))
    assert await Trigger.all().count() == 1


async def test_only_the_draft_that_was_checked_is_published() -> None:
    await created()
    await designs.save(1, "leave", {}, by="ben")
    with pytest.raises(designs.EditedMeanwhileError):
        await designs.publish(1, "leave", canvas=DRAFT, definition=defined(), by="ann", revision=1)
    assert await DesignVersion.all().count() == 0
    assert await StoredDefinition.all().count() == 0


async def test_a_definition_of_something_else_is_not_published() -> None:
    await created()
    for wrong in (defined("other"), defined().model_copy(update={"digest": ""})):
        with pytest.raises(ValueError, match="no definition of `leave`"):
            await designs.publish(1, "leave", canvas=DRAFT, definition=wrong, by="ann")


async def test_what_is_no_longer_published_starts_no_runs_and_stays_readable() -> None:
    await created()
    version = await published()
    await designs.unpublish(1, "leave")
    assert await designs.published(1, "leave") is None
    assert await triggers.matching(1, "event", "leave/start") == []
    assert await designs.definition(version.digest) is not None
    assert (await designs.version(1, "leave", 1)).digest == version.digest
    assert (await published()).number == 2


async def test_a_design_with_open_runs_is_deleted_by_force_only() -> None:
    await created()
    version = await published()
    await started("r1")
    await started("r2", status="waiting")
    await started("r3", status="completed")
    await started("r4", tenant_id=2)
    await started("r5", workflow="other")
    with pytest.raises(designs.RunsOpenError) as refused:
        await designs.delete(1, "leave")
    assert refused.value.runs == 2
    await designs.delete(1, "leave", force=True)
    with pytest.raises(designs.UnknownDesignError):
        await designs.get(1, "leave")
    assert await designs.listed(1) == designs.Page([], 0)
    assert await designs.published(1, "leave") is None
    assert await triggers.keys(TenantZones().of_all) == set()
    # What the runs need is there.
    assert await designs.definition(version.digest) is not None
    assert (await designs.version(1, "leave", 1)).canvas == DRAFT


async def test_a_deleted_design_can_be_created_again_and_its_versions_are_counted_on() -> None:
    await created()
    await published()
    await designs.delete(1, "leave")
    design = await designs.create(1, "leave", name="Anew", draft={}, by="ben")
    assert (design.name, design.published_version, design.revision) == ("Anew", None, 2)
    assert await designs.published(1, "leave") is None
    with pytest.raises(designs.EditedMeanwhileError):
        await designs.save(1, "leave", DRAFT, by="ann", revision=1)
    assert (await published()).number == 2


async def test_times_are_those_of_the_clock() -> None:
    start = datetime(2026, 3, 1, 9, tzinfo=UTC)
    virtual = clock.VirtualClock(start)
    token = clock.activate(virtual)
    try:
        await created()
        virtual.advance_to(start + timedelta(hours=1))
        await designs.save(1, "leave", {}, by=None)
        await published()
    finally:
        clock.deactivate(token)
    design = await designs.get(1, "leave")
    assert (design.created_at, design.updated_at) == (start, start + timedelta(hours=1))
    (version,) = (await designs.versions(1, "leave")).items
    assert version.published_at == start + timedelta(hours=1)
