"""What waits in the outbox is sent: at once, again, and by as many processes as there are."""

import asyncio

import inngest
import pytest
from proflow_runtime.service.delivery import Delivery
from proflow_runtime.store import outbox
from proflow_runtime.store.database import transaction
from service.house import until

pytestmark = pytest.mark.anyio


async def put(*ids: str) -> None:
    async with transaction() as client:
        for one in ids:
            await outbox.put(client, one, 1, "hr/asked", {"tenant_id": 1, "id": one})


class Server:
    """Takes each id once, and refuses some; `down`: it cannot be reached."""

    def __init__(self, *refused: str) -> None:
        self.refused, self.down, self.requests = set(refused), False, 0
        self.taken: list[str] = []

    async def send(self, events: list[inngest.Event]) -> None:
        self.requests += 1
        await asyncio.sleep(0)
        if self.down or self.refused & {event.id for event in events}:
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
