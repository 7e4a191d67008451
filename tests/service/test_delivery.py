"""What waits in the outbox is sent: at once, again, and by as many processes as there are."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime.context import clock
from proflow_runtime.service.delivery import PATIENCE, TRIED, Delivery, RefusedError
from proflow_runtime.service.inngest_api import event_sender
from proflow_runtime.store import outbox, tasks
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models import OutboxEvent, Run
from service.house import house, until
from stored.office import line, publish

pytestmark = pytest.mark.anyio


async def put(*ids: str) -> None:
    async with transaction() as client:
        for one in ids:
            await outbox.put(client, one, 1, "hr/asked", {"tenant_id": 1, "id": one})


class Server:
    """Takes each id once, and does not take some; `down`: it cannot be reached.

    With a `status` it says no, and is not just away.
    """

    def __init__(self, *refused: str) -> None:
        self.refused, self.down, self.requests = set(refused), False, 0
        self.taken: list[str] = []
        self.status: int | None = None

    async def send(self, events: list[inngest.Event]) -> None:
        self.requests += 1
        await asyncio.sleep(0)
        if self.down or self.refused & {event.id for event in events}:
            if self.status is not None:
                raise RefusedError(self.status, "no")
            raise ConnectionError("refused")
        self.taken += [event.id for event in events if event.id not in self.taken]


async def test_events_are_sent_once_and_in_order(database: str) -> None:
    server = Server()
    delivery = Delivery(server.send)
    await put("a", "b")
    assert (await delivery.deliver(), server.taken) == (2, ["a", "b"])
    assert (await delivery.deliver(), server.requests) == (0, 1)


async def test_what_could_not_be_sent_is_sent_later(database: str) -> None:
    server = Server()
    server.down = True
    delivery = Delivery(server.send)
    await put("a", "b")
    with pytest.raises(ConnectionError):
        await delivery.deliver()
    assert await outbox.unsent() == 2
    server.down = False
    assert (await delivery.deliver(), server.taken) == (2, ["a", "b"])


async def test_an_event_that_is_refused_holds_up_no_other(database: str) -> None:
    server = Server("a")
    await put("a", "b", "c")
    assert (await Delivery(server.send).deliver(), server.taken) == (2, ["b", "c"])
    assert await outbox.unsent() == 1


async def sent() -> bool:
    return await outbox.unsent() == 0


async def test_a_nudge_sends_at_once_and_the_rest_by_itself(database: str) -> None:
    server = Server()
    delivery = Delivery(server.send, sweep=0.1)
    async with delivery.running():
        await put("a")
        delivery.nudge()
        await until(sent)
        await put("b")  # by a process that died before it could say so
        await until(sent)
    assert server.taken == ["a", "b"]


async def test_two_processes_share_the_work(database: str) -> None:
    server = Server()
    ids = [f"e{number:03}" for number in range(250)]
    await put(*ids)
    counts = await asyncio.gather(*(Delivery(server.send).deliver() for _ in range(3)))
    assert (sum(counts), sorted(server.taken)) == (250, ids)


async def failures() -> dict[str, str | None]:
    return {row.id: row.failure for row in await OutboxEvent.filter(failed_at__isnull=False)}


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_malformed_is_refused_once(database: str, status: int) -> None:
    server = Server("a", "c")
    server.status = status
    told: list[str] = []

    async def failed(event: OutboxEvent, reason: str) -> None:
        told.append(event.id)

    delivery = Delivery(server.send, failed=failed)
    await put("a", "b", "c")
    assert (await delivery.deliver(), server.taken, told) == (1, ["b"], ["a", "c"])
    reason = f"no (status {status})"
    assert (await failures(), await outbox.unsent()) == ({"a": reason, "c": reason}, 0)
    asked = server.requests
    assert (await delivery.deliver(), server.requests) == (0, asked)


async def test_many_malformed_events_hold_up_no_other(database: str) -> None:
    refused = [f"bad{number}" for number in range(3 * TRIED)]
    server = Server(*refused)
    server.status = 400
    await put(*refused, "good")
    assert (await Delivery(server.send).deliver(), server.taken) == (1, ["good"])
    assert set(await failures()) == set(refused)


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_a_wrong_key_may_be_the_fault_of_is_tried_for_a_day(
    database: str, status: int
) -> None:
    server = Server("a")
    server.status = status
    delivery = Delivery(server.send)
    await put("a")
    with pytest.raises(RefusedError):
        await delivery.deliver()
    assert (await failures(), await outbox.unsent()) == ({}, 1)
    token = clock.activate(clock.VirtualClock(clock.now() + PATIENCE + timedelta(seconds=1)))
    try:
        assert await delivery.deliver() == 0
    finally:
        clock.deactivate(token)
    assert (list(await failures()), await outbox.unsent()) == (["a"], 0)


@pytest.mark.parametrize("status", [None, 408, 429])
async def test_who_is_away_or_busy_is_asked_for_as_long_as_it_takes(
    database: str, status: int | None
) -> None:
    server = Server("a")
    server.status = status
    await put("a")
    token = clock.activate(clock.VirtualClock(clock.now() + 30 * PATIENCE))
    try:
        with pytest.raises((RefusedError, ConnectionError)):
            await Delivery(server.send).deliver()
    finally:
        clock.deactivate(token)
    assert (await failures(), await outbox.unsent()) == ({}, 1)


@asynccontextmanager
async def answering(status: int, body: str) -> AsyncIterator[inngest.Inngest]:
    """A client of an HTTP server that says one thing."""

    async def answer(reader: Any, writer: Any) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        text = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(text.encode() + body.encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield inngest.Inngest(
            app_id="test", event_api_base_url=origin, event_key="key", is_production=True
        )


ASKED = [inngest.Event(name="hr/asked", id="a", data={})]


@pytest.mark.parametrize("body", ['{"error": "bad name", "status": 400}', "{}", "<html>no</html>"])
async def test_a_refusal_is_told_by_its_status(body: str) -> None:
    async with answering(400, body) as client:
        with pytest.raises(RefusedError) as refused:
            await event_sender(client)(ASKED)
    assert refused.value.status == 400


async def test_an_answer_that_is_no_refusal_is_none() -> None:
    async with answering(200, json.dumps({"ids": ["a"], "status": 200})) as client:
        await event_sender(client)(ASKED)
    async with answering(502, "<html>bad gateway</html>") as client:
        with pytest.raises(json.JSONDecodeError):
            await event_sender(client)(ASKED)


async def test_a_run_that_inngest_refuses_fails_and_says_why(database: str) -> None:
    await publish(1, line("long", ("pause", "delay", {"duration": "1h"})))
    async with house() as at:
        # More than an event may have, but not more than a database takes.
        run_id = await at.proflow.start(tenant_id=1, workflow="long", data={"x": "y" * 2**22})

        await until(failures)
        run = await Run.get(id=run_id)
        assert run.status == "failed"
        assert run.error["name"] == "HandOverError"
        assert "3 MiB" in run.error["message"]
        task = await tasks.get_task_status(run_id, 1)
        assert (task["status"], await outbox.unsent()) == ("failed", 0)
        numbers = (await at.proflow.metrics.text()).decode()
        assert 'proflow_jobs_failed_total{job="delivery"} 1.0' in numbers
        assert "proflow_outbox_failed 1.0" in numbers
        # What it is told to send in the moment that it ends keeps it from ending no longer.
        await at.proflow.retry(1, run_id, by="ann")
