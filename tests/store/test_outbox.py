"""Events on their way out."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from proflow_runtime.context import clock
from proflow_runtime.store import outbox
from proflow_runtime.store.database import connect, transaction
from proflow_runtime.store.models import OutboxEvent

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


async def put(event_id: str, data: Any = None) -> None:
    async with transaction() as open_transaction:
        await outbox.put(open_transaction, event_id, 1, "approval/response", data or {"n": 1})


async def mark_sent(*ids: str) -> None:
    await outbox.mark_sent(await OutboxEvent.filter(id__in=ids))


async def undone(event_id: str) -> None:
    async with transaction() as open_transaction:
        await outbox.put(open_transaction, event_id, 1, "approval/response", {})
        raise ZeroDivisionError


async def test_an_event_is_there_if_its_transaction_commits() -> None:
    await put("a", {"comment": "同意 \x00 \ud800"})
    with pytest.raises(ZeroDivisionError):
        await undone("b")
    (event,) = await outbox.claim_due()
    assert (event.id, event.tenant_id, event.name) == ("a", 1, "approval/response")
    assert event.data == {"comment": "同意 \x00 \ud800"}


async def test_an_event_is_sent_once_as_it_was_put_first() -> None:
    await put("a", {"n": 1})
    await put("a", {"n": 2})
    assert [event.data for event in await outbox.claim_due()] == [{"n": 1}]
    await mark_sent("a")
    await put("a", {"n": 3})
    assert await outbox.claim_due() == []
    assert await outbox.unsent() == 0


async def test_an_event_that_is_being_sent_is_given_to_nobody_else_until_its_lease_is_over() -> (
    None
):
    virtual = clock.VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    token = clock.activate(virtual)
    try:
        await put("a")
        assert [event.id for event in await outbox.claim_due()] == ["a"]
        assert await outbox.claim_due() == []
        virtual.advance_to(virtual.now() + outbox.LEASE)
        assert [event.id for event in await outbox.claim_due()] == ["a"]
        await outbox.release(["a"])
        assert [event.id for event in await outbox.claim_due()] == ["a"]
        await mark_sent("a")
        virtual.advance_to(virtual.now() + outbox.LEASE)
        assert await outbox.claim_due() == []
    finally:
        clock.deactivate(token)


async def test_the_oldest_events_come_first_and_young_ones_can_be_left() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    virtual = clock.VirtualClock(start)
    token = clock.activate(virtual)
    try:
        for second in range(5):
            virtual.advance_to(start + timedelta(seconds=second))
            await put(f"{9 - second}")
        older = await outbox.claim_due(2, older_than=timedelta(seconds=2))
        assert [event.id for event in older] == ["9", "8"]
        older = await outbox.claim_due(older_than=timedelta(seconds=2))
        assert [event.id for event in older] == ["7"]
        assert await outbox.unsent() == 5
        await mark_sent("9", "8")
        virtual.advance_to(start + timedelta(days=9))
        await mark_sent("7", "9")
        assert await outbox.forget_done(start + timedelta(days=8)) == 2
        assert {event.id for event in await OutboxEvent.all()} == {"7", "6", "5"}
    finally:
        clock.deactivate(token)


async def test_what_has_failed_is_neither_waiting_nor_claimed_again() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    virtual = clock.VirtualClock(start)
    token = clock.activate(virtual)
    try:
        await put("a")
        await put("b")
        await mark_sent("b")
        await outbox.mark_failed("a", "too large")
        await outbox.mark_failed("b", "too late to say so")
        virtual.advance_to(start + 2 * outbox.LEASE)
        assert (await outbox.unsent(), await outbox.claim_due()) == (0, [])
        rows = {row.id: row.failure for row in await OutboxEvent.all()}
        assert rows == {"a": "too large", "b": None}
        assert await outbox.forget_failed(start) == 0
        assert await outbox.forget_failed(virtual.now()) == 1
        assert {event.id for event in await OutboxEvent.all()} == {"b"}
    finally:
        clock.deactivate(token)


async def test_processes_that_claim_at_once_get_different_events(database_url: str) -> None:
    for number in range(60):
        await put(str(number))

    async def claim() -> list[str]:
        async with connect(database_url):
            found: list[str] = []
            while events := await outbox.claim_due(7):
                found += [event.id for event in events]
                await asyncio.sleep(0)
            return found

    claimed = await asyncio.gather(*(asyncio.create_task(claim()) for _ in range(4)))
    everything = [event for some in claimed for event in some]
    assert sorted(everything) == sorted(map(str, range(60)))


async def test_who_claims_does_not_wait_for_who_is_claiming(database_url: str) -> None:
    """On PostgreSQL, rows that somebody else has locked are skipped."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time")
    await put("a")
    await put("b")
    async with transaction():
        await OutboxEvent.select_for_update().get(id="a")

        async def claim() -> list[str]:
            async with connect(database_url):
                return [event.id for event in await outbox.claim_due()]

        assert await asyncio.wait_for(asyncio.create_task(claim()), 10) == ["b"]
